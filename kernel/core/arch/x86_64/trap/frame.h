// SPDX-License-Identifier: MPL-2.0
// What a trap from kernel mode leaves on the stack, and the vectors.
#pragma once

#include <core/types.h>

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error_code;
	u64 rip, cs, rflags, rsp, ss;
};

enum vector {
	VECTOR_DEBUG = 1,
	VECTOR_NMI = 2,
	VECTOR_BREAKPOINT = 3,
	VECTOR_INVALID = 6,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_PROTECTION = 13,
	VECTOR_PAGE_FAULT = 14,
	VECTOR_FLOAT = 16,
	VECTOR_MACHINE_CHECK = 18,
	VECTOR_FLOAT_VECTOR = 19,
	VECTOR_EXCEPTION_END = 32,
	// The old controller's spurious interrupts, should it ever speak.
	VECTOR_LEGACY_FIRST = 32,
	VECTOR_DEVICE_FIRST = 48,
	VECTOR_DEVICE_END = 240,
	VECTOR_TIMER = 240,
	VECTOR_RESCHEDULE = 241,
	VECTOR_CALL = 242,
	VECTOR_FLUSH = 243,
	VECTOR_APIC_ERROR = 254,
	VECTOR_SPURIOUS = 255,
	VECTOR_COUNT = 256,
};

// Bits of a page fault's error code.
enum {
	FAULT_PRESENT = 1 << 0,
	FAULT_WRITE = 1 << 1,
	FAULT_USER = 1 << 2,
	FAULT_RESERVED = 1 << 3,
	FAULT_FETCH = 1 << 4,
};
