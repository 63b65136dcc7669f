// SPDX-License-Identifier: MPL-2.0
// Mutexes.
//
// Theory: __state is 0 free, 1 held, 2 held and somebody may be waiting. Taking a free one and giving
// up one that nobody waits for is one atomic instruction each. A contender spins for a short time while
// the owner runs on another CPU, then queues and sleeps. Unlocking frees the mutex and wakes the first in
// the queue, which tries again but may find a running task to have been faster; that keeps the mutex busy
// instead of idle while a task wakes up. After a few failures in a row the first in the queue is handed
// the mutex, so nobody starves.
#include <core/arch/cpu.h>
#include <core/cpu.h>
#include <core/lock.h>
#include <core/wait.h>
#include "core/sched/sched.h"
#include "rank.h"
#include "waiter_list.h"

enum { MUTEX_FREE, MUTEX_HELD, MUTEX_CONTENDED, SPIN_ROUNDS = 400, FAILURES_MAX = 4 };

void mutex_init(struct mutex *l borrowed, enum lock_rank rank)
{
	*l = (struct mutex)MUTEX_INIT((u16)rank);
}

static bool try_take(struct mutex *l)
{
	u32 expected = MUTEX_FREE;

	if (__unlikely(!__atomic_compare_exchange_n(&l->__state, &expected, MUTEX_HELD, 0, __ATOMIC_ACQUIRE,
						    __ATOMIC_RELAXED)))
		return false;
	__atomic_store_n(&l->__owner, arch_current_task(), __ATOMIC_RELAXED);
	return true;
}

// While the owner runs, it will probably be done soon. Tasks are type-stable: reading one that has
// ended meanwhile is harmless.
static bool spin_take(struct mutex *l)
{
	for (u32 i = 0; i < SPIN_ROUNDS && !arch_reschedule_needed(); i++) {
		const struct task *owner = __atomic_load_n(&l->__owner, __ATOMIC_RELAXED);

		if (owner && __atomic_load_n(&owner->__on_cpu, __ATOMIC_RELAXED) != TASK_ON_CPU)
			return false;
		if (__atomic_load_n(&l->__state, __ATOMIC_RELAXED) == MUTEX_FREE && try_take(l))
			return true;
		arch_cpu_relax();
	}
	return false;
}

// The wait lock is held. True when the mutex is the caller's now; it is marked contended in any case.
static bool take_or_mark(struct mutex *l, struct task *me)
{
	if (__atomic_exchange_n(&l->__state, MUTEX_CONTENDED, __ATOMIC_ACQUIRE) != MUTEX_FREE)
		return false;
	__atomic_store_n(&l->__owner, me, __ATOMIC_RELAXED);
	return true;
}

// Woken: either the mutex was handed over, or it was free a moment ago. True when it is the caller's.
static bool retry(struct mutex *l, struct waiter *w)
{
	irq_guard(&l->__wait_lock);
	if (w->__queue) // handed over, and taken off the list
		return true;
	if (!take_or_mark(l, w->__task)) {
		w->__mode++;
		w->__woken = WAITER_LINKED;
		return false;
	}
	waiter_unlink(&l->__first, &l->__last, w);
	return true;
}

static no_inline void lock_slow(struct mutex *l)
{
	struct waiter w = { .__task = arch_current_task() };

	if (arch_cpu_online_count() > 1 && spin_take(l))
		return;
	u64 saved = spin_lock_irq(&l->__wait_lock);
	bool is_mine = take_or_mark(l, w.__task);

	if (!is_mine)
		waiter_append(&l->__first, &l->__last, &w);
	spin_unlock_irq(&l->__wait_lock, saved);
	while (!is_mine) {
		while (__atomic_load_n(&w.__woken, __ATOMIC_ACQUIRE) != WAITER_WOKEN)
			task_sleep_until_word(&w.__woken, WAIT_UNINTERRUPTIBLE);
		is_mine = retry(l, &w);
	}
}

void mutex_lock_nested(struct mutex *l borrowed, u32 order) __GUARD_TSA
{
	rank_check_sleeping(l, l->__rank, order);
	if (__unlikely(!try_take(l)))
		lock_slow(l);
	rank_note_sleeping(l, l->__rank);
}

void mutex_lock(struct mutex *l borrowed) __GUARD_TSA
{
	rank_check_sleeping(l, l->__rank, 0);
	if (__unlikely(!try_take(l)))
		lock_slow(l);
	rank_note_sleeping(l, l->__rank);
}

bool mutex_try_lock(struct mutex *l borrowed) __GUARD_TSA
{
	if (!try_take(l))
		return false;
	rank_note_sleeping(l, l->__rank);
	return true;
}

// __queue marks a waiter that was handed the mutex; the value is not used otherwise here.
static void hand_over(struct mutex *l, struct waiter *w)
{
	waiter_unlink(&l->__first, &l->__last, w);
	w->__queue = (struct wait_queue *)(void *)l;
	__atomic_store_n(&l->__owner, w->__task, __ATOMIC_RELAXED);
	if (!l->__first)
		__atomic_store_n(&l->__state, MUTEX_HELD, __ATOMIC_RELEASE);
	waiter_wake(w);
}

static no_inline void unlock_slow(struct mutex *l)
{
	irq_guard(&l->__wait_lock);
	struct waiter *w = l->__first;

	if (w && w->__mode >= FAILURES_MAX) {
		hand_over(l, w);
		return;
	}
	__atomic_store_n(&l->__state, MUTEX_FREE, __ATOMIC_RELEASE);
	if (w)
		waiter_wake(w);
}

void mutex_unlock(struct mutex *l borrowed) __GUARD_TSA
{
	u32 expected = MUTEX_HELD;

	rank_drop_sleeping(l);
	__atomic_store_n(&l->__owner, NULL, __ATOMIC_RELAXED);
	if (__unlikely(!__atomic_compare_exchange_n(&l->__state, &expected, MUTEX_FREE, 0, __ATOMIC_RELEASE,
						    __ATOMIC_RELAXED)))
		unlock_slow(l);
}

bool mutex_is_mine(const struct mutex *l borrowed)
{
	return __atomic_load_n(&l->__owner, __ATOMIC_RELAXED) == arch_current_task();
}
