// SPDX-License-Identifier: MPL-2.0
// execve(2): replaces the program of the current process. ELF64 (static, position independent, with
// interpreter) and scripts ("#!"). Nothing of the old program is lost unless the new one is sure to
// start; after that point a failure kills with SIGSEGV.
#pragma once
#include <services/process/thread.h>
#include <services/vfs/file.h>
#include <services/exec/exec_strings.h>

struct stack_only exec_request {
	struct file *file;	// opened for execution; borrowed
	bytes_t path;		// AT_EXECFN, and what a script's interpreter gets
	struct exec_strings *strings;	// argv and envp; borrowed
};
// On success the thread's user context is the new program's. => may sleep
err_t exec_program(const struct exec_request *request borrowed);
// Opens a program for execution with permission checks (-EACCES for no regular file or no x bit). Nobody may write it
// as
// long as the file is open (-ETXTBSY: somebody does).
err_t exec_open(const struct lookup_context *c borrowed, bytes_t path, struct file **out borrowed);
// The page(s) of the vDSO and its entry; registered by linux_abi. NULL table: no vDSO.
struct vdso_ops {
	// Maps it at a place of its choice; *base is AT_SYSINFO_EHDR, 0 for none.
	err_t (*map)(struct vm_space *s, u64 *base borrowed);
};
void exec_set_vdso(const struct vdso_ops *ops);
