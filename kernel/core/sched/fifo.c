// SPDX-License-Identifier: MPL-2.0
// The policy until services/sched registers its own, and in host tests: first in, first out.
#include <core/arch/clock.h>
#include "sched.h"

DEFINE_LIST(fifo_list, task, sched.list)

static struct fifo_list orders[ARCH_CPU_MAX]; // guarded by the run queue's lock

static void fifo_enqueue(u32 cpu, struct task *t, u32 reason, u64 now_ns)
{
	fifo_list_append(&orders[cpu], t);
}

static void fifo_dequeue(u32 cpu, struct task *t)
{
	fifo_list_remove(&orders[cpu], t);
}

static struct task *fifo_pick_next(u32 cpu, u64 now_ns)
{
	return fifo_list_pop(&orders[cpu]);
}

static void fifo_put_previous(u32 cpu, struct task *t)
{
	fifo_list_append(&orders[cpu], t);
}

static void fifo_leave(u32 cpu, struct task *t, u32 reason)
{
}

static bool fifo_account(u32 cpu, struct task *t, u64 ran_ns, u32 mode)
{
	t->sched.runtime_ns += ran_ns;
	return !fifo_list_is_empty(&orders[cpu]) && arch_clock_ns() - t->sched.run_started_ns >= 10 * NS_PER_MS;
}

static bool fifo_should_preempt(u32 cpu, struct task *running, struct task *woken)
{
	return false;
}

static u64 fifo_tick_ns(u32 cpu, struct task *running)
{
	return 10 * NS_PER_MS;
}

static struct task *fifo_steal(u32 cpu, u32 thief)
{
	list_for_each(fifo_list, t, &orders[cpu]) {
		if (t->__affinity.bits[0] >> thief & 1) {
			fifo_list_remove(&orders[cpu], t);
			return t;
		}
	}
	return NULL;
}

static bool fifo_should_pull(u32 cpu)
{
	return false;
}

static u32 fifo_queued(u32 cpu)
{
	return (u32)fifo_list_count(&orders[cpu]);
}

const struct sched_policy sched_fifo_policy = {
	.enqueue = fifo_enqueue,
	.dequeue = fifo_dequeue,
	.pick_next = fifo_pick_next,
	.put_previous = fifo_put_previous,
	.leave = fifo_leave,
	.account = fifo_account,
	.should_preempt = fifo_should_preempt,
	.tick_ns = fifo_tick_ns,
	.steal = fifo_steal,
	.should_pull = fifo_should_pull,
	.queued = fifo_queued,
};
