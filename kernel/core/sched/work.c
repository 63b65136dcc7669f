// SPDX-License-Identifier: MPL-2.0
// Deferred work: one list, served by a few kernel threads in order.
#include <core/arch/cpu.h>
#include <core/print.h>
#include <core/wait.h>
#include <core/work.h>
#include "sched.h"

enum { WORKERS_MIN = 3 };
enum work_state { WORK_IDLE = 0, WORK_WAITING = 1, WORK_RUNNING = 2 }; // both bits: again after this run

DEFINE_BASE(work)
DEFINE_LIST(work_list, work, __link)

static struct spinlock work_lock = SPINLOCK_INIT(RANK_EVENT_SOURCE);
static struct work_list waiting;			// guarded by work_lock
static struct wait_queue workers = WAIT_QUEUE_INIT;
static struct wait_queue finished = WAIT_QUEUE_INIT;

void work_schedule(struct work *w)
{
	u64 saved = spin_lock_irq(&work_lock);
	bool is_new = !(w->__state & WORK_WAITING);

	if (is_new) {
		w->__state |= WORK_WAITING;
		// While it runs it is not listed; the worker lists it again.
		if (!(w->__state & WORK_RUNNING))
			work_list_append(&waiting, work_get(w));
	}
	spin_unlock_irq(&work_lock, saved);
	if (is_new)
		wait_queue_wake(&workers, 1, 0);
}

static struct work *work_take(void)
{
	irq_guard(&work_lock);
	struct work *w = work_list_pop(&waiting);

	if (w)
		w->__state = WORK_RUNNING;
	return w;
}

static bool work_is_waiting(void)
{
	irq_guard(&work_lock);
	return !work_list_is_empty(&waiting);
}

static void work_finish(struct work *w)
{
	u64 saved = spin_lock_irq(&work_lock);
	bool again = w->__state & WORK_WAITING;

	w->__state &= ~(u32)WORK_RUNNING;
	if (again)
		work_list_append(&waiting, w);
	spin_unlock_irq(&work_lock, saved);
	wait_queue_wake_all(&finished, 0);
	if (!again)
		work_put(w);
}

static void worker(struct task *self)
{
	for (;;) {
		struct work *w = work_take();

		if (w) {
			w->run(w);
			work_finish(w);
		} else if (wait_event(&workers, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, work_is_waiting()) != OK) {
			continue;
		}
	}
}

static bool work_is_idle(struct work *w)
{
	irq_guard(&work_lock);
	return w->__state == WORK_IDLE;
}

void work_flush(struct work *w)
{
	while (wait_event(&finished, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, work_is_idle(w)) != OK)
		;
}

void work_init(void)
{
	for (u32 i = 0; i < WORKERS_MIN; i++)
		if (kernel_thread_start(STR("kworker"), worker) != OK)
			panic("no memory for worker threads");
}
