// SPDX-License-Identifier: MPL-2.0
// The vector state in signal frames, in Linux's layout. What comes back from user memory is checked
// until the processor's restore cannot fault: components, reserved bits, MXCSR.
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/fpu/area.h"
#include "core/arch/x86_64/fpu/fpu.h"
#include <core/user.h>

enum {
	STATE_LEGACY = 3,               // x87 and SSE
	SOFTWARE_BYTES = 48,
};

usize user_fpu_size(void)
{
	return cpu_features.xsave ? cpu_features.xsave_size + FPU_MAGIC_2_SIZE : FPU_LEGACY_SIZE;
}

err_t user_fpu_save(user_addr_t to)
{
	struct task *task = arch_current_task();
	err_t e = fpu_prepare(task);
	if (e)
		return e;
	struct fpu_state *state = task->__fpu;
	fpu_area_update(state);
	struct fpu_legacy *legacy = (struct fpu_legacy *)state->area;
	__builtin_memset(&legacy->magic_1, 0, SOFTWARE_BYTES);
	if (cpu_features.xsave) {
		legacy->magic_1 = FPU_MAGIC_1;
		legacy->extended_size = cpu_features.xsave_size + FPU_MAGIC_2_SIZE;
		legacy->features = cpu_features.xsave_mask;
		legacy->state_size = cpu_features.xsave_size;
	}
	e = user_copy_out(to, (bytes_t){ state->area, cpu_features.xsave_size });
	if (e || !cpu_features.xsave)
		return e;
	return user_write_u32(user_offset(to, cpu_features.xsave_size), FPU_MAGIC_2);
}

// How many bytes of state the frame really has beyond the legacy part: 0 for a legacy frame.
static u32 extended_size(const struct fpu_legacy *legacy, user_addr_t from)
{
	u32 magic = 0;
	if (!cpu_features.xsave || legacy->magic_1 != FPU_MAGIC_1 || legacy->state_size > cpu_features.xsave_size ||
	    legacy->state_size < FPU_LEGACY_SIZE + FPU_HEADER_SIZE || legacy->state_size > legacy->extended_size)
		return 0;
	if (user_read_u32(user_offset(from, legacy->state_size), &magic) != OK || magic != FPU_MAGIC_2)
		return 0;
	return legacy->state_size - FPU_LEGACY_SIZE;
}

static bool header_is_sane(struct fpu_header *header, u64 features)
{
	u64 reserved = header->compact;
	for (u32 i = 0; i < array_len(header->reserved); i++)
		reserved |= header->reserved[i];
	if (reserved || (header->present & ~cpu_features.xsave_mask))
		return false;
	header->present &= features;
	return true;
}

static err_t area_read(u8 *area, user_addr_t from)
{
	struct fpu_legacy *legacy = (struct fpu_legacy *)area;
	struct fpu_header *header = (struct fpu_header *)(area + FPU_LEGACY_SIZE);
	err_t e = user_copy_in((span_t){ area, FPU_LEGACY_SIZE }, from);
	if (e)
		return e;
	u32 size = extended_size(legacy, from);
	if (size) {
		e = user_copy_in((span_t){ (u8 *)header, size }, user_offset(from, FPU_LEGACY_SIZE));
		if (e)
			return e;
		if (!header_is_sane(header, legacy->features))
			return -EINVAL;
	} else if (cpu_features.xsave) {
		__builtin_memset(header, 0, FPU_HEADER_SIZE);
		header->present = STATE_LEGACY;
	}
	return legacy->mxcsr & ~fpu_mxcsr_mask() ? -EINVAL : OK;
}

err_t user_fpu_restore(user_addr_t from)
{
	struct task *task = arch_current_task();
	err_t e = fpu_prepare(task);
	if (e)
		return e;
	struct fpu_state *state = task->__fpu;
	fpu_area_take(state);
	// What a short frame leaves unwritten is the task's own older state.
	e = user_is_null(from) ? OK : area_read(state->area, from);
	if (e || user_is_null(from))
		fpu_area_reset(state->area);
	return e;
}
