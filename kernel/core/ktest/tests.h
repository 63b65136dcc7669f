// SPDX-License-Identifier: MPL-2.0
// The groups of the core's own tests, and what they share.
#pragma once

#include <core/ktest.h>
#include <core/task.h>

extern const struct ktest memory_ktests[], sync_ktests[], sched_ktests[], time_ktests[];
extern const struct ktest page_table_ktests[], user_ktests[];
extern const u32 memory_ktest_count, sync_ktest_count, sched_ktest_count, time_ktest_count;
extern const u32 page_table_ktest_count, user_ktest_count;

// Starts `count` threads that run `body` and waits until all have ended; false without memory.
bool threads_run(u32 count, void (*body)(void));
