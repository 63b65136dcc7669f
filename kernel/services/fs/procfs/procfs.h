// SPDX-License-Identifier: MPL-2.0
// procfs: processes and the state of the system as text. Each mount shows one pid namespace, that of the
// mounter. Content follows proc(5); a file that we cannot fill truthfully does not exist.
#pragma once
#include <core/error.h>

struct file;
struct pid;

void procfs_init(void);
// The process whose folder /proc/PID an open file is, for pidfd_send_signal(2); NULL for any other file.
struct pid *procfs_pid_of(struct file *f) owned;
