// SPDX-License-Identifier: MPL-2.0
// Signal-driven I/O: who is told by a signal when something can be done with an open file, and the telling. Files say
// in their operations which changes they tell (enum file_async_event). source: fcntl(2), "Managing signals"
#pragma once
#include <services/process/pid.h>
#include <services/vfs/file.h>

enum file_owner_kind { FILE_OWNER_THREAD, FILE_OWNER_PROCESS, FILE_OWNER_GROUP };
struct file_owner {
	enum file_owner_kind kind;
	u32 uid, euid;		// of who named the owner: must be allowed to signal it
	u32 signal;		// 0: SIGIO without particulars
};
// `pid` NULL: nobody. FILE_OWNER_UNLESS_SET keeps one that is there. -ENOMEM. => may sleep
enum file_owner_choice { FILE_OWNER_REPLACE, FILE_OWNER_UNLESS_SET };
err_t file_owner_set(struct file *f, struct pid *pid, enum file_owner_kind kind, enum file_owner_choice choice);
// Its pid: a reference; NULL when there is none or nobody of that kind has the number any more.
struct pid *file_owner_read(struct file *f, struct file_owner *out borrowed) owned;
// The signal instead of SIGIO; 0: SIGIO. -EINVAL, -ENOMEM.
err_t file_owner_set_signal(struct file *f, u64 signal);
// Begins (OPEN_ASYNC is set then) or ends; `fd` is what the owner is told. -ENOTTY: not for this kind of file.
// -ENOMEM. => may sleep
err_t file_async_begin(struct file *f, u32 fd);
err_t file_async_end(struct file *f);
// On the way back to user mode: what the current thread's call has caused is told before the call returns.
void file_async_settle(void);
err_t file_async_init(void);	// once, before the first file
