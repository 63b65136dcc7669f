// SPDX-License-Identifier: MPL-2.0
// Wait queues.
//
// Theory: no wake-up is lost. A waiter first looks at its condition without being on the queue; when it
// does not hold, the waiter joins the queue, looks again, and only then sleeps. A waker changes the
// condition, then takes waiters off the queue: it sets `__woken` and makes the task runnable. The
// sleeper announces its sleep (task state), then looks at `__woken`; the waker sets `__woken`, then looks
// at the task state; so one of the two sees the other. The condition runs in an ordinary running task
// and may itself sleep: what it sleeps on has a waiter of its own.
#include <core/arch/cpu.h>
#include <core/cpu.h>
#include <core/wait.h>
#include "core/sched/sched.h"
#include "rank.h"
#include "waiter_list.h"

DEFINE_BASE(wait_entry)

void wait_queue_init(struct wait_queue *q borrowed)
{
	*q = (struct wait_queue)WAIT_QUEUE_INIT;
}

void waiter_wake(struct waiter *w)
{
	struct task *t = w->__task;

	__atomic_store_n(&w->__woken, WAITER_WOKEN, __ATOMIC_SEQ_CST);
	task_wake(t, TASK_SLEEPING_ANY);
}

#define EVENTS_FOR_ALL 0x2018u	// POLL_ERROR, POLL_HANGUP, POLL_READ_HANGUP; "anything" has them too

static bool queue_is_idle(const struct wait_queue *q)
{
	return !__atomic_load_n(&q->__first, __ATOMIC_RELAXED) &&
	       !__atomic_load_n(&q->__entries.__first, __ATOMIC_RELAXED);
}

u32 wait_queue_wake(struct wait_queue *q borrowed, u32 count, u32 events) __GUARD_TSA
{
	u32 woken = 0;

	memory_barrier(); // the condition, before the look at the queue
	if (__likely(queue_is_idle(q)))
		return 0;
	u64 saved = arch_interrupts_save();

	// A subscriber may pass the news on by waking a queue of its own (epoll in epoll): queues nest.
	spin_lock_nested_irq_off(&q->__lock, rank_next_order(RANK_WAIT_QUEUE));
	for (struct waiter *w = q->__first; w && woken < count; w = q->__first, woken++) {
		waiter_unlink(&q->__first, &q->__last, w);
		waiter_wake(w);
	}
	bool is_taken = false;
	list_for_each_safe(wait_entry_list, e, &q->__entries) {
		if (!e->notify_one)
			e->notify(e, events);
		else if (!is_taken)
			is_taken = e->notify_one(e, events) && !(events & EVENTS_FOR_ALL);
	}
	spin_unlock_irq(&q->__lock, saved);
	return woken;
}

void wait_queue_wake_all(struct wait_queue *q borrowed, u32 events)
{
	wait_queue_wake(q, U32_MAX, events);
}

bool wait_queue_is_empty(const struct wait_queue *q borrowed)
{
	memory_barrier();
	return queue_is_idle(q);
}

void wait_entry_subscribe(struct wait_queue *q borrowed, struct wait_entry *e)
{
	struct wait_entry *kept = wait_entry_get(e);

	irq_guard(&q->__lock);
	if (__unlikely(kept->__queue))
		core_trap();
	kept->__queue = q;
	wait_entry_list_append(&q->__entries, kept);
}

void wait_entry_cancel(struct wait_entry *e)
{
	struct wait_queue *q = __atomic_load_n(&e->__queue, __ATOMIC_ACQUIRE);
	bool was_linked = false;

	if (!q)
		return;
	u64 saved = spin_lock_irq(&q->__lock);

	if (e->__queue == q) {
		wait_entry_list_remove(&q->__entries, e);
		e->__queue = NULL;
		was_linked = true;
	}
	spin_unlock_irq(&q->__lock, saved);
	if (was_linked)
		wait_entry_put(e);
}

// --- the loop of wait_event ---------------------------------------------------------------------

void __waiter_begin(struct waiter *w borrowed, struct wait_queue *q borrowed, enum wait_mode mode)
{
	w->__queue = q;
	w->__task = arch_current_task();
	w->__woken = WAITER_NEW;
	w->__mode = mode;
}

static void waiter_link(struct waiter *w)
{
	struct wait_queue *q = w->__queue;

	irq_guard(&q->__lock);
	w->__woken = WAITER_LINKED;
	waiter_append(&q->__first, &q->__last, w);
}

void __waiter_prepare(struct waiter *w borrowed)
{
	if (__atomic_load_n(&w->__woken, __ATOMIC_ACQUIRE) == WAITER_WOKEN)
		waiter_link(w);
}

err_t __waiter_sleep(struct waiter *w borrowed, u64 deadline_ns)
{
	if (w->__woken == WAITER_NEW) {
		waiter_link(w);
		return OK; // the condition once more, now that a change is noticed
	}
	return task_sleep_on_word(&w->__woken, w->__mode, deadline_ns);
}

void __waiter_end(struct waiter *w borrowed)
{
	struct wait_queue *q = w->__queue;

	if (__atomic_load_n(&w->__woken, __ATOMIC_ACQUIRE) != WAITER_LINKED)
		return;
	irq_guard(&q->__lock);
	if (w->__woken == WAITER_LINKED)
		waiter_unlink(&q->__first, &q->__last, w);
}

void __wait_mutex_in(struct mutex *m borrowed) __GUARD_TSA
{
	mutex_lock(m);
}

void __wait_mutex_out(struct mutex *m borrowed) __GUARD_TSA
{
	mutex_unlock(m);
}

void __wait_spin_in(struct spinlock *l borrowed) __GUARD_TSA
{
	spin_lock(l);
}

void __wait_spin_out(struct spinlock *l borrowed) __GUARD_TSA
{
	spin_unlock(l);
}

// A task that may sleep had interrupts on before it took the lock.
void __wait_irq_in(struct spinlock *l borrowed) __GUARD_TSA
{
	(void)spin_lock_irq(l);
}

void __wait_irq_out(struct spinlock *l borrowed) __GUARD_TSA
{
	spin_unlock_irq(l, ARCH_FLAGS_INTERRUPT);
}
