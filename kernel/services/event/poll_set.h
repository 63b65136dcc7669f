// SPDX-License-Identifier: MPL-2.0
// One question to many files: who of them is ready? The asker of poll(2) and select(2).
#pragma once
#include <services/vfs/file.h>

struct poll_set;
DECLARE_OBJECT(poll_set)
// NULL without memory.
struct poll_set *poll_set_create(void) owned;
// The file's present state; from now on its changes end poll_set_sleep(). Keeps the file until the set goes.
// -ENOMEM in *err when a change could be missed.
u32 poll_set_ask(struct poll_set *s, struct file *f, err_t *err borrowed);
// Until a file that was asked announces a change, once: OK, -ETIMEDOUT, -ERESTARTSYS. => may sleep
err_t poll_set_sleep(struct poll_set *s, u64 deadline_ns);
