// SPDX-License-Identifier: MPL-2.0
// eventfd(2): a counter as a file.
#pragma once
#include <services/vfs/file.h>

enum eventfd_mode { EVENTFD_COUNTER, EVENTFD_SEMAPHORE };
// flags: OPEN_NONBLOCK or 0.
err_t eventfd_create(u32 initial, enum eventfd_mode mode, u32 flags, struct cred *cred, struct file **out borrowed);
bool file_is_event_counter(struct file *f);
// Adds to the counter from within the kernel; it stops at its maximum. => any context
void eventfd_signal(struct file *f, u64 count);
