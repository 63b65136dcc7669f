// SPDX-License-Identifier: MPL-2.0
// The memory format of the vector state: FXSAVE's 512 bytes, then XSAVE's header and extended parts
// (Intel SDM volume 1, chapters 10 and 13), with Linux's marks for signal frames in the bytes that the
// processor leaves to software.
#pragma once

#include <core/types.h>

struct fpu_state;

enum {
	FPU_MAGIC_1 = 0x46505853,
	FPU_MAGIC_2 = 0x46505845,
	FPU_MAGIC_2_SIZE = 4,
	FPU_LEGACY_SIZE = 512,
	FPU_HEADER_SIZE = 64,
};

struct fpu_legacy {
	u16 control, status, tag, opcode;
	u64 instruction, data;
	u32 mxcsr, mxcsr_mask;
	u8 registers[8 * 16 + 16 * 16];
	u8 reserved[48];
	// For software; in signal frames:
	u32 magic_1;
	u32 extended_size;
	u64 features;
	u32 state_size;
	u32 padding[7];
};
_Static_assert(sizeof(struct fpu_legacy) == FPU_LEGACY_SIZE);

struct fpu_header {
	u64 present;                    // XSTATE_BV
	u64 compact;                    // XCOMP_BV
	u64 reserved[6];
};

// The MXCSR bits that the processor takes.
u32 fpu_mxcsr_mask(void);
// Initial state.
void fpu_area_reset(u8 *area);
// Brings the current task's area up to date, whole.
void fpu_area_update(struct fpu_state *state);
// From now on the area counts, not the registers.
void fpu_area_take(struct fpu_state *state);
