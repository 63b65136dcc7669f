// SPDX-License-Identifier: MPL-2.0
// Interrupts between processors (core/arch/interrupts.h).
#include "core/arch/x86_64/smp/ipi.h"
#include "core/arch/x86_64/apic/local.h"
#include "core/arch/x86_64/smp/flush.h"
#include "core/arch/x86_64/trap/frame.h"
#include <core/arch/cpu.h>
#include <core/arch/interrupts.h>

struct call_request {
	u64 pending;                    // atomic
	void (*function)(void *);       // the rest: the owner's while `pending` is 0
	void *argument;
} __ATTR(aligned(64));

static struct call_request calls[ARCH_CPU_MAX];
static u64 online_mask = 1;             // atomic
static u32 stopping;                    // atomic

u64 ipi_online_mask(void)
{
	return __atomic_load_n(&online_mask, __ATOMIC_ACQUIRE);
}

void ipi_set_online(u32 cpu)
{
	__atomic_fetch_or(&online_mask, 1UL << cpu, __ATOMIC_ACQ_REL);
}

void ipi_send_mask(u64 mask, u32 vector)
{
	for (u32 i = 0; i < arch_cpu_count(); i++)
		if ((mask >> i & 1) && i != arch_cpu_index())
			apic_send((u32)arch_cpu_local(i)->apic_id, vector);
}

void arch_reschedule_cpu(u32 cpu)
{
	u64 flags = arch_interrupts_save();
	u32 before = __atomic_exchange_n(&arch_cpu_local(cpu)->reschedule_needed, 1, __ATOMIC_SEQ_CST);
	if (!before && cpu != arch_cpu_index())
		apic_send((u32)arch_cpu_local(cpu)->apic_id, VECTOR_RESCHEDULE);
	arch_interrupts_restore(flags);
}

void ipi_call_handle(void)
{
	u64 bit = 1UL << arch_cpu_index();
	for (u32 i = 0; i < arch_cpu_count(); i++) {
		struct call_request *r = &calls[i];
		if (!(__atomic_load_n(&r->pending, __ATOMIC_ACQUIRE) & bit))
			continue;
		r->function(r->argument);
		__atomic_fetch_and(&r->pending, ~bit, __ATOMIC_RELEASE);
	}
}

void arch_call_cpus(u64 mask, void (*function)(void *), void *argument)
{
	u64 flags = arch_interrupts_save();
	u64 self = 1UL << arch_cpu_index(), others = mask & ipi_online_mask() & ~self;
	struct call_request *r = &calls[arch_cpu_index()];
	r->function = function;
	r->argument = argument;
	__atomic_store_n(&r->pending, others, __ATOMIC_RELEASE);
	ipi_send_mask(others, VECTOR_CALL);
	if (mask & self)
		function(argument);
	while (__atomic_load_n(&r->pending, __ATOMIC_ACQUIRE)) {
		ipi_call_handle();
		flush_handle();
		arch_cpu_relax();
	}
	arch_interrupts_restore(flags);
}

bool ipi_stop_requested(void)
{
	return __atomic_load_n(&stopping, __ATOMIC_ACQUIRE) != 0;
}

void arch_stop_other_cpus(void)
{
	if (__atomic_exchange_n(&stopping, 1, __ATOMIC_ACQ_REL))
		return;
	for (u32 i = 0; i < arch_cpu_count(); i++)
		if ((ipi_online_mask() >> i & 1) && i != arch_cpu_index())
			apic_send_nmi((u32)arch_cpu_local(i)->apic_id);
}
