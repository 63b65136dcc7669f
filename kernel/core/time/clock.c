// SPDX-License-Identifier: MPL-2.0
// Clocks over the architecture's monotonic one, and the page by which user space reads them.
#include <core/arch/clock.h>
#include <core/arch/vdso_data.h>
#include <core/lock.h>
#include <core/page.h>
#include <core/print.h>
#include <core/time.h>
#include "core/sched/sched.h"
#include "timer_queue.h"

static struct spinlock clock_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);
static u64 realtime_offset_ns;		// atomic: realtime minus monotonic
static struct page *vdso_page;		// immutable after clock_init
static bool is_set;			// guarded by clock_lock

u64 clock_monotonic_ns(void)
{
	return arch_clock_ns();
}

// The sequence is odd while the values change.
static void vdso_publish(struct vdso_data *d)
{
	struct arch_clock_user c = { 0 };

	arch_clock_user(&c);
	__atomic_store_n(&d->sequence, d->sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	d->base_tsc = c.base_tsc;
	d->base_ns = c.base_ns;
	d->multiplier = c.multiplier;
	d->usable = c.usable;
	d->realtime_offset_ns = realtime_offset_ns;
	__atomic_store_n(&d->sequence, d->sequence + 1, __ATOMIC_RELEASE);
}

static struct vdso_data *vdso_data(void)
{
	return (struct vdso_data *)(void *)page_span(vdso_page).__p;
}

static void set_offset(u64 now_ns)
{
	irq_guard(&clock_lock);
	__atomic_store_n(&realtime_offset_ns, now_ns - arch_clock_ns(), __ATOMIC_RELAXED);
	__atomic_store_n(&is_set, true, __ATOMIC_RELEASE);
	if (vdso_page)
		vdso_publish(vdso_data());
}

static u64 realtime_offset(void)
{
	if (__unlikely(!__atomic_load_n(&is_set, __ATOMIC_ACQUIRE)))
		set_offset(arch_wall_clock_seconds() * NS_PER_SECOND);
	return __atomic_load_n(&realtime_offset_ns, __ATOMIC_RELAXED);
}

u64 clock_realtime_offset_ns(void)
{
	return realtime_offset();
}

u64 clock_realtime_ns(void)
{
	return realtime_offset() + arch_clock_ns();
}

void clock_set_realtime_ns(u64 now_ns)
{
	set_offset(now_ns);
	sleep_timers_clock_set();
}

struct page *clock_vdso_page(void)
{
	struct page *p = __atomic_load_n(&vdso_page, __ATOMIC_ACQUIRE);

	if (p)
		return p;
	(void)realtime_offset();
	p = page_alloc(PAGE_ALLOC_ZERO);
	if (!p)
		panic("no memory for the clock page");
	irq_guard(&clock_lock);
	if (vdso_page) {
		page_put(p);
		return vdso_page;
	}
	__atomic_store_n(&vdso_page, p, __ATOMIC_RELEASE);
	vdso_publish(vdso_data());
	return p;
}

// Its share of the present turn included.
u64 clock_thread_cpu_ns(void)
{
	u64 saved = arch_interrupts_save();
	struct run_queue *q = this_run_queue();
	u64 ns = arch_current_task()->sched.runtime_ns + (arch_clock_ns() - q->stamp_ns);

	arch_interrupts_restore(saved);
	return ns;
}
