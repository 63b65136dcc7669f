// SPDX-License-Identifier: MPL-2.0
// The boot order on one screen.
#include <core/boot.h>
#include <core/cpu.h>
#include <core/ktest.h>
#include <core/main.h>
#include <core/print.h>
#include <services/cgroup/cgroup.h>
#include <services/cred/cred.h>
#include <services/pagecache/page_ktest.h>
#include <services/pagecache/page_mapping.h>
#include <services/sched/sched.h>
#include <services/vm/vm_ktest.h>
#include <services/vm/vm_space.h>

// Identities, groups and memory: what everything else charges and maps.
static void memory_services_init(void)
{
	if (user_namespace_init() || cred_init())
		panic("no memory for the first credentials");
	cgroup_init();
	pagecache_init();
	vm_init();
}

void kernel_main(void)
{
	bytes_t value;

	sched_service_init();
	core_start_processors();
	log_info("%u processors", cpu_count());
	memory_services_init();
	if (boot_option(STR("ktest"), &value)) {
		ktest_run_core();
		page_ktest_run();
		vm_ktest_run();
		ktest_finish();
	}
}
