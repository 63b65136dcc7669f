// SPDX-License-Identifier: MPL-2.0
// The shape of what kernel/tools/generate_syscalls.py makes from syscalls.tbl.
#pragma once

#include <core/types.h>

// One more than the highest system call number of the table.
#define SYSCALL_COUNT 451

// The registers of a system call: rdi rsi rdx r10 r8 r9.
struct syscall_args {
	u64 arg[6];
};

typedef s64 (*syscall_handler_t)(const struct syscall_args *args borrowed);

// Indexed by number. Each entry exists; calls with status none, and holes, answer -ENOSYS.
extern const syscall_handler_t syscall_handlers[SYSCALL_COUNT];

enum syscall_argument_kind {
	SYSCALL_ARGUMENT_S32,
	SYSCALL_ARGUMENT_U32,
	SYSCALL_ARGUMENT_S64,
	SYSCALL_ARGUMENT_U64,
	SYSCALL_ARGUMENT_USER, // address in user memory
};

// A run of bytes in syscall_text: not terminated.
struct syscall_text_range {
	u16 offset;
	u8 length;
};

// What the tracer prints of a call. An unknown number has name.length 0.
struct syscall_description {
	struct syscall_text_range name;
	u8 argument_count;
	u8 argument_kind[6]; // enum syscall_argument_kind
	struct syscall_text_range argument_name[6];
};

extern const struct syscall_description syscall_descriptions[SYSCALL_COUNT];

#define SYSCALL_TEXT_SIZE_MAX 8192
extern const u8 syscall_text[SYSCALL_TEXT_SIZE_MAX];
