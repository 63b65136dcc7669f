// SPDX-License-Identifier: MPL-2.0
// A crowd of threads for tests; one crowd at a time.
#include <core/wait.h>
#include "core/ktest/tests.h"

static void (*crowd_body)(void);	// immutable while the crowd runs
static struct atomic_u32 running;
static struct wait_queue ended = WAIT_QUEUE_INIT;

static void member(struct task *self)
{
	crowd_body();
	atomic_u32_sub(&running, 1);
	wait_queue_wake_all(&ended, 0);
}

bool threads_run(u32 count, void (*body)(void))
{
	bool all = true;

	crowd_body = body;
	for (u32 i = 0; i < count; i++) {
		atomic_u32_add(&running, 1);
		if (kernel_thread_start(STR("crowd"), member) != OK) {
			atomic_u32_sub(&running, 1);
			all = false;
		}
	}
	while (wait_event(&ended, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, !atomic_u32_load(&running)) != OK)
		;
	return all;
}
