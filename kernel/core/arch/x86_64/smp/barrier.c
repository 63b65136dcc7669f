// SPDX-License-Identifier: MPL-2.0
// Memory barriers on other processors: an interrupt is one, and returning from it (IRET) serialises. A processor
// that is not asked loads the table later, which orders and serialises as well (CR3).
#include "core/arch/x86_64/paging/table.h"
#include "core/arch/x86_64/smp/ipi.h"
#include <core/arch/interrupts.h>
#include <core/page_table.h>

static void barrier_here(void *unused)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void page_table_barrier(struct page_table *t)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	arch_call_cpus(t ? __atomic_load_n(&t->cpus, __ATOMIC_SEQ_CST) : ipi_online_mask(), barrier_here, NULL);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
