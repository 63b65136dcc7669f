// SPDX-License-Identifier: MPL-2.0
// Deferred work: one list, served in order by kernel threads. Work may sleep, even on other work: a worker
// that takes an item first sees to it that another one stands ready, so a sleeping item holds up nobody.
#include <core/arch/cpu.h>
#include <core/print.h>
#include <core/wait.h>
#include <core/work.h>
#include "sched.h"

enum { WORKERS_MAX = 64 };
enum work_state { WORK_IDLE = 0, WORK_WAITING = 1, WORK_RUNNING = 2 }; // both bits: again after this run

DEFINE_BASE(work)
DEFINE_LIST(work_list, work, __link)

static struct spinlock work_lock = SPINLOCK_INIT(RANK_WORK);
static struct work_list waiting;			// guarded by work_lock, as the following
static u32 worker_count, idle_workers;
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

// Stores whether the caller was the last idle worker.
static struct work *work_take(bool *was_last)
{
	irq_guard(&work_lock);
	struct work *w = work_list_pop(&waiting);

	if (w) {
		w->__state = WORK_RUNNING;
		*was_last = --idle_workers == 0 && worker_count < WORKERS_MAX;
	}
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
	idle_workers++;
	spin_unlock_irq(&work_lock, saved);
	wait_queue_wake_all(&finished, 0);
	if (!again)
		work_put(w);
}

static void worker_start(void);

static void worker(struct task *self)
{
	for (;;) {
		bool was_last = false;
		struct work *w = work_take(&was_last);

		if (w) {
			if (was_last)
				worker_start();
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

static void worker_count_add(u32 n)
{
	irq_guard(&work_lock);
	worker_count += n;
	idle_workers += n;
}

// Without memory the workers there are have to do; the next item tries again.
static void worker_start(void)
{
	worker_count_add(1);
	if (kernel_thread_start(STR("kworker"), worker) != OK)
		worker_count_add((u32)-1);
}

void work_init(void)
{
	worker_start();
	if (!worker_count)
		panic("no memory for a worker thread");
}
