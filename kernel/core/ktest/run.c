// SPDX-License-Identifier: MPL-2.0
// Runs tests, counts, and ends the machine.
#include <core/boot.h>
#include <core/ktest.h>
#include <core/print.h>
#include "core/ktest/tests.h"

static u32 passed, failed; // one thread only

void ktest_run(const struct ktest *tests, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		bool ok = tests[i].run();

		if (ok)
			passed++;
		else
			failed++;
		log_print(LOG_NOTICE, "%s %s", ok ? "ok" : "not ok", tests[i].name);
	}
}

void ktest_run_core(void)
{
	ktest_run(memory_ktests, memory_ktest_count);
	ktest_run(sync_ktests, sync_ktest_count);
	ktest_run(sched_ktests, sched_ktest_count);
	ktest_run(time_ktests, time_ktest_count);
	ktest_run(page_table_ktests, page_table_ktest_count);
	ktest_run(user_ktests, user_ktest_count);
}

void ktest_finish(void)
{
	log_print(LOG_NOTICE, "%u passed, %u failed", passed, failed);
	machine_test_exit(failed ? 1 : 0);
}
