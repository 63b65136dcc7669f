// SPDX-License-Identifier: MPL-2.0
// The boot order on one screen.
#include <core/boot.h>
#include <core/cpu.h>
#include <core/ktest.h>
#include <core/main.h>
#include <core/print.h>
#include <services/sched/sched.h>

void kernel_main(void)
{
	bytes_t value;

	sched_service_init();
	core_start_processors();
	log_info("%u processors", cpu_count());
	if (boot_option(STR("ktest"), &value)) {
		ktest_run_core();
		ktest_finish();
	}
}
