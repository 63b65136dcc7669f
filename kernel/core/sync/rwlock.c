// SPDX-License-Identifier: MPL-2.0
// Locks for many readers or one writer.
//
// Theory: __readers counts the readers in its low bits; WRITER says that a writer holds the lock, WAITING
// that the queue is not empty, CLOSED that newcomers must queue. Who finds the lock open takes it by one
// atomic instruction. The last to leave wakes the first in the queue, which tries again but may find a
// running task to have been faster: so the lock is not idle while a task wakes up. The lock is closed
// when a writer waits for readers to leave (else a stream of readers would keep it out), and when the
// first in the queue has failed a few times; a closed lock is handed to the first in the queue, with
// the readers behind it if it is a reader itself.
#include <core/arch/cpu.h>
#include <core/lock.h>
#include <core/wait.h>
#include "core/sched/sched.h"
#include "rank.h"
#include "waiter_list.h"

#define WRITER 0x80000000u
#define WAITING 0x40000000u
#define CLOSED 0x20000000u
#define READERS 0x1fffffffu
enum { WANTS_READ, WANTS_WRITE, WANTS_MASK = 1, FAILURE = 2, FAILURES_MAX = 4 * FAILURE, SPIN_ROUNDS = 400 };

void rwlock_init(struct rwlock *l borrowed, enum lock_rank rank)
{
	*l = (struct rwlock)RWLOCK_INIT((u16)rank);
}

// `barrier` are the bits that keep the caller out besides WRITER and READERS.
static bool try_read(struct rwlock *l, u32 barrier)
{
	u32 old = __atomic_load_n(&l->__readers, __ATOMIC_RELAXED);

	while (!(old & (WRITER | barrier)))
		if (__atomic_compare_exchange_n(&l->__readers, &old, old + 1, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

static bool try_write(struct rwlock *l, u32 barrier, struct task *me)
{
	u32 old = __atomic_load_n(&l->__readers, __ATOMIC_RELAXED);

	do {
		if (old & (WRITER | READERS | barrier))
			return false;
	} while (
		!__atomic_compare_exchange_n(&l->__readers, &old, old | WRITER, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	__atomic_store_n(&l->__writer, me, __ATOMIC_RELAXED);
	return true;
}

static bool try_take(struct rwlock *l, u32 mode, u32 barrier, struct task *me)
{
	return (mode & WANTS_MASK) == WANTS_WRITE ? try_write(l, barrier, me) : try_read(l, barrier);
}

// --- the queue; its lock is held ----------------------------------------------------------------

static bool must_close(struct rwlock *l)
{
	const struct waiter *w = l->__first;
	bool readers = __atomic_load_n(&l->__readers, __ATOMIC_RELAXED) & READERS;

	return w && (w->__mode >= FAILURES_MAX || ((w->__mode & WANTS_MASK) == WANTS_WRITE && readers));
}

static void leave_queue(struct rwlock *l, struct waiter *w)
{
	waiter_unlink(&l->__first, &l->__last, w);
	if (!l->__first)
		__atomic_fetch_and(&l->__readers, ~(WAITING | CLOSED), __ATOMIC_RELEASE);
	else if (!must_close(l))
		__atomic_fetch_and(&l->__readers, ~CLOSED, __ATOMIC_RELEASE);
}

// The lock may be free now: hands a closed lock over, wakes the first of an open one's queue.
static void pass_on(struct rwlock *l)
{
	struct waiter *w = l->__first;

	while (w && __atomic_load_n(&l->__readers, __ATOMIC_RELAXED) & CLOSED) {
		if (!try_take(l, w->__mode, 0, w->__task))
			return;
		leave_queue(l, w);
		w->__queue = (struct wait_queue *)(void *)l; // marks it as having the lock
		waiter_wake(w);
		w = l->__first;
	}
	if (w)
		waiter_wake(w);
}

static no_inline void pass_on_unlocked(struct rwlock *l)
{
	irq_guard(&l->__wait_lock);
	pass_on(l);
}

// Woken, or not asleep yet: true when the lock is the caller's.
static bool retry(struct rwlock *l, struct waiter *w)
{
	irq_guard(&l->__wait_lock);
	if (w->__queue)
		return true;
	if (try_take(l, w->__mode, w == l->__first ? 0 : CLOSED, w->__task)) {
		bool read = (w->__mode & WANTS_MASK) == WANTS_READ;

		leave_queue(l, w);
		if (read && l->__first && (l->__first->__mode & WANTS_MASK) == WANTS_READ)
			waiter_wake(l->__first);
		return true;
	}
	w->__mode += w->__mode < FAILURES_MAX ? FAILURE : 0;
	w->__woken = WAITER_LINKED;
	if (must_close(l))
		__atomic_fetch_or(&l->__readers, CLOSED, __ATOMIC_ACQ_REL);
	return false;
}

static bool spin_take(struct rwlock *l, u32 wants, struct task *me)
{
	for (u32 i = 0; i < SPIN_ROUNDS && !arch_reschedule_needed(); i++) {
		const struct task *writer = __atomic_load_n(&l->__writer, __ATOMIC_RELAXED);

		if (writer && __atomic_load_n(&writer->__on_cpu, __ATOMIC_RELAXED) != TASK_ON_CPU)
			return false;
		if (try_take(l, wants, CLOSED, me))
			return true;
		arch_cpu_relax();
	}
	return false;
}

static no_inline void wait_for(struct rwlock *l, u32 wants)
{
	struct waiter w = { .__task = arch_current_task(), .__mode = wants };

	if (arch_cpu_online_count() > 1 && spin_take(l, wants, w.__task))
		return;
	u64 saved = spin_lock_irq(&l->__wait_lock);

	waiter_append(&l->__first, &l->__last, &w);
	__atomic_fetch_or(&l->__readers, WAITING | (must_close(l) ? CLOSED : 0), __ATOMIC_ACQ_REL);
	spin_unlock_irq(&l->__wait_lock, saved);
	// Whoever left before WAITING was set woke nobody.
	while (!retry(l, &w))
		while (__atomic_load_n(&w.__woken, __ATOMIC_ACQUIRE) != WAITER_WOKEN)
			task_sleep_until_word(&w.__woken, WAIT_UNINTERRUPTIBLE);
}

void rwlock_read(struct rwlock *l borrowed) __GUARD_TSA
{
	rank_check_sleeping(l, l->__rank, 0);
	if (__unlikely(!try_read(l, CLOSED)))
		wait_for(l, WANTS_READ);
	rank_note_sleeping(l, l->__rank);
}

void rwlock_read_unlock(struct rwlock *l borrowed) __GUARD_TSA
{
	rank_drop_sleeping(l);
	u32 before = __atomic_fetch_sub(&l->__readers, 1, __ATOMIC_RELEASE);

	if (__unlikely((before & (WAITING | READERS)) == (WAITING | 1)))
		pass_on_unlocked(l);
}

void rwlock_write(struct rwlock *l borrowed) __GUARD_TSA
{
	rwlock_write_nested(l, 0);
}

void rwlock_write_nested(struct rwlock *l borrowed, u32 order) __GUARD_TSA
{
	rank_check_sleeping(l, l->__rank, order);
	if (__unlikely(!try_write(l, CLOSED, arch_current_task())))
		wait_for(l, WANTS_WRITE);
	rank_note_sleeping(l, l->__rank);
}

void rwlock_write_unlock(struct rwlock *l borrowed) __GUARD_TSA
{
	rank_drop_sleeping(l);
	__atomic_store_n(&l->__writer, NULL, __ATOMIC_RELAXED);
	if (__unlikely(__atomic_fetch_and(&l->__readers, ~WRITER, __ATOMIC_RELEASE) & WAITING))
		pass_on_unlocked(l);
}
