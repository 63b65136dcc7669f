// SPDX-License-Identifier: MPL-2.0
// Locks for many readers or one writer.
//
// Theory: __readers counts the readers in its low bits; WRITER says that a writer holds the lock and
// WAITING that the queue is not empty. Without WAITING, readers and writers come and go by one atomic
// instruction. Once somebody waits, newcomers queue too: first come, first served, with neighbouring
// readers let in together; so a writer is never overtaken for long.
#include <core/arch/cpu.h>
#include <core/lock.h>
#include <core/wait.h>
#include "core/sched/sched.h"
#include "rank.h"
#include "waiter_list.h"

#define WRITER 0x80000000u
#define WAITING 0x40000000u
#define READERS 0x3fffffffu
enum { WANTS_READ, WANTS_WRITE };

void rwlock_init(struct rwlock *l borrowed, enum lock_rank rank)
{
	*l = (struct rwlock)RWLOCK_INIT((u16)rank);
}

static bool try_read(struct rwlock *l)
{
	u32 old = __atomic_load_n(&l->__readers, __ATOMIC_RELAXED);

	while (!(old & (WRITER | WAITING)))
		if (__atomic_compare_exchange_n(&l->__readers, &old, old + 1, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

static bool try_write(struct rwlock *l)
{
	u32 expected = 0;

	if (!__atomic_compare_exchange_n(&l->__readers, &expected, WRITER, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&l->__writer, arch_current_task(), __ATOMIC_RELAXED);
	return true;
}

// Lets in the first in the queue if the lock allows. The queue's lock is held, WAITING is set, so
// nobody else enters; leaving is possible at any time, and calls here again.
static bool admit_first(struct rwlock *l)
{
	struct waiter *w = l->__first;
	u32 old = __atomic_load_n(&l->__readers, __ATOMIC_RELAXED);

	if (old & WRITER || (w->__mode == WANTS_WRITE && old & READERS))
		return false;
	if (w->__mode == WANTS_WRITE) {
		__atomic_fetch_or(&l->__readers, WRITER, __ATOMIC_ACQUIRE);
		__atomic_store_n(&l->__writer, w->__task, __ATOMIC_RELAXED);
	} else {
		__atomic_fetch_add(&l->__readers, 1, __ATOMIC_ACQUIRE);
	}
	waiter_unlink(&l->__first, &l->__last, w);
	waiter_wake(w);
	return true;
}

static void admit(struct rwlock *l)
{
	while (l->__first && admit_first(l))
		;
	if (!l->__first)
		__atomic_fetch_and(&l->__readers, ~WAITING, __ATOMIC_RELEASE);
}

static no_inline void admit_waiters(struct rwlock *l)
{
	irq_guard(&l->__wait_lock);
	admit(l);
}

static no_inline void wait_for(struct rwlock *l, u32 wants)
{
	struct waiter w = { .__task = arch_current_task(), .__mode = wants };
	u64 saved = spin_lock_irq(&l->__wait_lock);

	waiter_append(&l->__first, &l->__last, &w);
	__atomic_fetch_or(&l->__readers, WAITING, __ATOMIC_ACQ_REL);
	admit(l);
	spin_unlock_irq(&l->__wait_lock, saved);
	while (__atomic_load_n(&w.__woken, __ATOMIC_ACQUIRE) != WAITER_WOKEN)
		task_sleep_until_word(&w.__woken, WAIT_UNINTERRUPTIBLE);
}

void rwlock_read(struct rwlock *l borrowed) __GUARD_TSA
{
	rank_check_sleeping(l, l->__rank, 0);
	if (__unlikely(!try_read(l)))
		wait_for(l, WANTS_READ);
	rank_note_sleeping(l, l->__rank);
}

void rwlock_read_unlock(struct rwlock *l borrowed) __GUARD_TSA
{
	rank_drop_sleeping(l);
	u32 before = __atomic_fetch_sub(&l->__readers, 1, __ATOMIC_RELEASE);

	if (__unlikely((before & ~WRITER) == (WAITING | 1)))
		admit_waiters(l);
}

void rwlock_write(struct rwlock *l borrowed) __GUARD_TSA
{
	rwlock_write_nested(l, 0);
}

void rwlock_write_nested(struct rwlock *l borrowed, u32 order) __GUARD_TSA
{
	rank_check_sleeping(l, l->__rank, order);
	if (__unlikely(!try_write(l)))
		wait_for(l, WANTS_WRITE);
	rank_note_sleeping(l, l->__rank);
}

void rwlock_write_unlock(struct rwlock *l borrowed) __GUARD_TSA
{
	rank_drop_sleeping(l);
	__atomic_store_n(&l->__writer, NULL, __ATOMIC_RELAXED);
	if (__unlikely(__atomic_fetch_and(&l->__readers, ~WRITER, __ATOMIC_RELEASE) & WAITING))
		admit_waiters(l);
}
