// SPDX-License-Identifier: MPL-2.0
#pragma once
#include <services/exec/elf.h>
#include <services/exec/exec.h>

#define EXEC_HEAD_SIZE 256u

struct script_line {
	u32 name_offset, name_length, argument_offset, argument_length;	// within the head
};
// `head` begins with "#!". -ENOEXEC without an interpreter's name.
err_t script_parse(bytes_t head, struct script_line *out borrowed);

// The program in all its parts while execve prepares it.
struct exec_plan {
	struct object object;
	struct elf_image *image;	// reference
	struct elf_image *interpreter;	// reference or NULL
	struct vm_space *space;		// reference: the new one
	struct cred *cred;		// reference: the new one
	struct exec_strings *strings;	// reference
	struct buf *path;		// AT_EXECFN; owned
	u64 stack_top, stack_pointer;
	u64 vdso;
	u32 is_secure, is_random;
	u32 gains;		// more than who starts it has
	u32 is_guarded;		// nobody looks into it: it gains, or may not be read
	struct vm_layout layout;
};
DECLARE_OBJECT(exec_plan)
// Maps the stack; its top is chosen. (exec_stack.c)
err_t exec_stack_map(struct exec_plan *plan);
// Writes strings, pointers and the auxiliary vector; the new space is active.
err_t exec_stack_write(struct exec_plan *plan);
// New credentials for the file (exec_identity.c). -EPERM
err_t exec_identity_make(struct exec_plan *plan, struct file *f);
// Without other threads, before the new program is told who it is: less, where it must not gain. From here until the
// credentials are the thread's nobody begins to trace it.
void exec_identity_settle(struct exec_plan *plan);
