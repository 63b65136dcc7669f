// SPDX-License-Identifier: MPL-2.0
// Bringing up the other processors, one after the other: INIT, then start-up messages that name the
// trampoline's page. The new one reports by counting itself online; who stays silent for a second is
// given up on, and can do no harm later because nobody else uses its area and stack.
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/apic/local.h"
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/cpu/local.h"
#include "core/arch/x86_64/paging/start.h"
#include "core/arch/x86_64/smp/ipi.h"
#include "core/arch/x86_64/smp/trampoline.h"
#include "core/arch/x86_64/time/time.h"
#include "core/arch/x86_64/trap/setup.h"
#include <core/arch/boot_info.h>
#include <core/arch/clock.h>
#include <core/arch/cpu.h>
#include <core/arch/paging.h>
#include <core/boot.h>
#include <core/print.h>
#include <core/time.h>

extern const u8 smp_trampoline_start[], smp_trampoline_end[];
extern u64 boot_root[];

// Read by trampoline.S; written for one processor at a time.
extern u64 smp_start_root, smp_start_stack;
extern struct cpu_local *smp_start_local;
u64 smp_start_root, smp_start_stack;
struct cpu_local *smp_start_local;

// Called by trampoline.S alone.
no_return void smp_processor_enter(void);

static u32 arrived;                     // atomic: the index of the last processor that did

void smp_processor_enter(void)
{
	u32 index = arch_cpu_index();
	cpu_features_enable();
	trap_setup_cpu(index);
	apic_setup_cpu();
	__atomic_store_n(&arrived, index, __ATOMIC_RELEASE);
	time_check_secondary();
	time_setup_cpu();
	ipi_set_online(index);
	cpu_local_online();
	core_start_secondary();
}

static bool trampoline_place(void)
{
	struct memory_range r;
	bool usable = false;
	for (u32 i = 0; boot_memory_range(i, &r); i++)
		usable |= r.kind == BOOT_RANGE_USABLE && r.start <= TRAMPOLINE_ADDRESS &&
			  r.end >= TRAMPOLINE_ADDRESS + LAYOUT_PAGE_SIZE;
	if (usable)
		__builtin_memcpy(physical_to_virtual(TRAMPOLINE_ADDRESS), smp_trampoline_start,
				 (usize)(smp_trampoline_end - smp_trampoline_start));
	return usable;
}

// The trampoline's tables lead to the new processor's stack, too.
static void trampoline_map(void)
{
	const u64 *root = physical_to_virtual(paging_kernel_root());
	for (u32 i = 256; i < 511; i++)
		boot_root[i] = root[i];
}

static bool wait_for(u32 index, u64 timeout_ns)
{
	u64 end = arch_clock_ns() + timeout_ns;
	while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) != index) {
		if (arch_clock_ns() > end)
			return false;
		arch_cpu_relax();
	}
	return true;
}

static bool processor_start(u32 index, u32 target)
{
	u32 online = arch_cpu_online_count();
	u64 stack = core_secondary_stack(index);
	if (!stack || !trap_prepare_cpu(index))
		return false;
	smp_start_root = paging_kernel_root();
	smp_start_stack = stack;
	smp_start_local = arch_cpu_local(index);
	apic_send_init(target);
	arch_delay_ns(cpu_features.hypervisor ? 10 * NS_PER_US : 10 * NS_PER_MS);
	apic_send_startup(target, TRAMPOLINE_ADDRESS >> LAYOUT_PAGE_SHIFT);
	if (!wait_for(index, 10 * NS_PER_MS)) {
		apic_send_startup(target, TRAMPOLINE_ADDRESS >> LAYOUT_PAGE_SHIFT);
		if (!wait_for(index, NS_PER_SECOND))
			return false;
	}
	time_check_primary();
	while (arch_cpu_online_count() == online)
		arch_cpu_relax();
	return true;
}

void arch_smp_start(void)
{
	bytes_t value;
	u64 limit = ARCH_CPU_MAX;
	if (boot_option(STR("maxcpus"), &value))
		(void)bytes_parse_u64(value, 10, &limit);
	if (boot_option(STR("nosmp"), &value))
		limit = 1;
	if (!apic_is_present() || acpi_info.processor_count < 2 || limit < 2 || !trampoline_place())
		return;
	trampoline_map();
	u32 next = 1;
	for (u32 i = 0; i < acpi_info.processor_count && next < limit && next < ARCH_CPU_MAX; i++) {
		u32 target = acpi_info.processor_ids[i];
		if (target == apic_id())
			continue;
		cpu_local_setup(next, target);
		if (processor_start(next, target)) {
			next++;
			continue;
		}
		log_error("smp: processor with APIC id %u does not start", target);
		break;                          // its area is lost to it: the next one must not share it
	}
	cpu_local_limit(next);
	boot_root[0] = 0;                       // low addresses are needed no more
}
