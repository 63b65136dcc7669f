// SPDX-License-Identifier: MPL-2.0
// TLB shoot-down.
//
// Each processor owns one request. It fills it, names the receivers in `pending`, interrupts them, and
// waits until all have cleared their bit. Receivers look through all requests for their own bit. A
// waiting processor serves requests too, so two that flush at once with interrupts off cannot wait for
// each other; one that spins with interrupts off for anything else would, hence the rule in flush.h.
#include "core/arch/x86_64/smp/flush.h"
#include "core/arch/x86_64/apic/local.h"
#include "core/arch/x86_64/cpu/registers.h"
#include "core/arch/x86_64/paging/table.h"
#include "core/arch/x86_64/smp/ipi.h"
#include "core/arch/x86_64/trap/frame.h"
#include <core/arch/cpu.h>

enum { SINGLE_PAGES_MAX = 32 };         // above, forgetting everything is cheaper

enum flush_kind {
	FLUSH_TABLE,
	FLUSH_KERNEL,
	FLUSH_UNLOAD,
};

struct flush_request {
	u64 pending;                    // atomic: one bit for each processor that has not done it yet
	enum flush_kind kind;           // the rest: written by the owner while `pending` is 0
	struct page_table *table;
	u64 start, end;
} __ATTR(aligned(64));

static struct flush_request requests[ARCH_CPU_MAX];

static bool range_is_long(u64 start, u64 end)
{
	return end - start > SINGLE_PAGES_MAX * LAYOUT_PAGE_SIZE;
}

static void flush_here(const struct flush_request *r)
{
	if (r->kind == FLUSH_UNLOAD) {
		page_table_unload(r->table);
		return;
	}
	if (r->kind == FLUSH_TABLE && cpu_word(struct page_table *, CPU_LOCAL_PAGE_TABLE) != r->table)
		return;
	if (!range_is_long(r->start, r->end)) {
		for (u64 at = r->start; at < r->end; at += LAYOUT_PAGE_SIZE)
			page_invalidate(at);
	} else if (r->kind == FLUSH_TABLE) {
		cr3_write(cr3_read());
	} else {
		u64 cr4 = cr4_read();   // toggling global pages forgets global entries too
		cr4_write(cr4 & ~CR4_PGE);
		cr4_write(cr4);
	}
}

void flush_handle(void)
{
	u64 bit = 1UL << arch_cpu_index();
	for (u32 i = 0; i < arch_cpu_count(); i++) {
		struct flush_request *r = &requests[i];
		if (!(__atomic_load_n(&r->pending, __ATOMIC_ACQUIRE) & bit))
			continue;
		flush_here(r);
		__atomic_fetch_and(&r->pending, ~bit, __ATOMIC_RELEASE);
	}
}

static void flush(enum flush_kind kind, struct page_table *table, u64 start, u64 end, const u64 *cpus)
{
	// Interrupts off while the request is ours: neither preemption nor an interrupt can start another.
	u64 flags = arch_interrupts_save();
	u64 self = 1UL << arch_cpu_index();
	struct flush_request *r = &requests[arch_cpu_index()];
	r->kind = kind;
	r->table = table;
	r->start = start;
	r->end = end;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);        // page-table stores before the look at who runs it
	u64 mask = __atomic_load_n(cpus, __ATOMIC_SEQ_CST);
	if (mask & ~self) {
		__atomic_store_n(&r->pending, mask & ~self, __ATOMIC_RELEASE);
		ipi_send_mask(mask & ~self, VECTOR_FLUSH);
	}
	if (mask & self)
		flush_here(r);
	while (__atomic_load_n(&r->pending, __ATOMIC_ACQUIRE)) {
		flush_handle();
		arch_cpu_relax();
	}
	arch_interrupts_restore(flags);
}

void flush_table(struct page_table *t, u64 start, u64 end)
{
	flush(FLUSH_TABLE, t, start, end, &t->cpus);
}

void flush_kernel(u64 start, u64 end)
{
	u64 all = ipi_online_mask();
	flush(FLUSH_KERNEL, NULL, start, end, &all);
}

void flush_unload(struct page_table *t)
{
	if (__atomic_load_n(&t->cpus, __ATOMIC_SEQ_CST))
		flush(FLUSH_UNLOAD, t, 0, 0, &t->cpus);
}
