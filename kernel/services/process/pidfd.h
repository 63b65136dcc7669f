// SPDX-License-Identifier: MPL-2.0
// A pidfd: an open file that names a process. Readable once the process has exited. source: pidfd_open(2)
#pragma once
#include <services/process/pid.h>
#include <services/vfs/file.h>

err_t pidfd_create(struct pid *pid, u32 flags, struct cred *cred, struct file **out borrowed);
// The pid it names, or NULL when f is no pidfd (-EBADF).
struct pid *pidfd_pid(struct file *f) owned;
