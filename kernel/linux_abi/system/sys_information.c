// SPDX-License-Identifier: MPL-2.0
// source: sysinfo(2)
#include <generated/syscall_prototypes.h>
#include <core/memory.h>
#include <core/time.h>
#include <services/namespace/time_namespace.h>
#include <services/process/thread.h>
#include <services/sched/load.h>

struct sysinfo_layout {
	u64 uptime_seconds, loads[3], total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
	u16 processes, pad;
	u32 pad2;
	u64 total_high, free_high;
	u32 unit_bytes, pad3;
};
_Static_assert(sizeof(struct sysinfo_layout) == 112, "struct sysinfo");

static u64 boot_clock_ns(void)
{
	struct time_namespace *n = time_namespace_from(thread_namespace(NAMESPACE_TIME));

	return clock_monotonic_ns() + (u64)atomic_s64_load(&n->boot_offset_ns);
}

s64 sys_sysinfo(user_addr_t info)
{
	struct memory_totals m = memory_read_totals();
	struct load_average l = load_read();
	u32 processes = pid_namespace_count(pid_namespace_initial());
	struct sysinfo_layout raw = {
		.uptime_seconds = (boot_clock_ns() + NS_PER_SECOND - 1) / NS_PER_SECOND,
		.loads = { l.value[0], l.value[1], l.value[2] },
		.total_ram = m.total_pages * PAGE_SIZE,
		.free_ram = m.free_pages * PAGE_SIZE,
		.processes = (u16)min(processes, 0xffffu),
		.unit_bytes = 1,
	};

	return user_copy_out_object(info, &raw);
}

// source: getcpu(2); there is one memory node
s64 sys_getcpu(user_addr_t cpu, user_addr_t node, user_addr_t cache)
{
	err_t err = OK;

	if (!user_is_null(cpu))
		err = user_write_u32(cpu, task_cpu(task_current()));
	if (!err && !user_is_null(node))
		err = user_write_u32(node, 0);
	return err;
}
