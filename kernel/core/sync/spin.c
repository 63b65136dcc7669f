// SPDX-License-Identifier: MPL-2.0
// Spinlocks.
//
// Theory: the low byte of the word says held; whoever turns a word of 0 into HELD has the lock. Nobody stands in
// line: where more virtual processors than real ones spin, the next in line is mostly one that its host has put
// aside, and each hand-over would cost a slice of the host's time while everybody else burns theirs. So the
// lock goes to whoever runs. Against starvation, one who has waited for some rounds sets HUNGRY, which keeps newcomers
// out; the next of the hungry to run takes the lock and clears it, and those that still wait set it again. Few rounds:
// a processor under a host may be put aside for each (a pause gives up its turn), while the holder takes
// the lock again and again: weights of groups were off by a third with many.
#include <core/arch/cpu.h>
#include <core/cpu.h>
#include <core/lock.h>
#include "rank.h"
#include "waiter_list.h"

#define HELD 1u
#define HUNGRY 0x100u
enum { PATIENCE_ROUNDS = 8 };

void spin_init(struct spinlock *l borrowed, enum lock_rank rank)
{
	*l = (struct spinlock)SPINLOCK_INIT((u16)rank);
}

static bool state_try(struct spinlock *l, u32 from)
{
	return __atomic_compare_exchange_n(&l->__state, &from, HELD, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static no_inline void state_wait(struct spinlock *l)
{
	for (u32 round = 0;; arch_cpu_relax()) {
		u32 seen = __atomic_load_n(&l->__state, __ATOMIC_RELAXED);

		if (round < PATIENCE_ROUNDS)
			round++;
		else if (!(seen & HUNGRY))
			seen = __atomic_or_fetch(&l->__state, HUNGRY, __ATOMIC_RELAXED);
		if (!(seen & HELD) && (!(seen & HUNGRY) || round == PATIENCE_ROUNDS) && state_try(l, seen))
			return;
	}
}

static inline void state_take(struct spinlock *l)
{
	if (__unlikely(!state_try(l, 0)))
		state_wait(l);
}

// Leaves HUNGRY as it is.
static inline void state_drop(struct spinlock *l)
{
	__atomic_store_n((u8 *)(void *)&l->__state, 0, __ATOMIC_RELEASE);
}

#ifdef CORE_INLINE
void __spin_wait(struct spinlock *l borrowed)
{
	state_wait(l);
}
#else
void spin_lock(struct spinlock *l borrowed) __GUARD_TSA
{
	arch_preempt_count_add(1);
	rank_check_spin(l, 0);
	state_take(l);
}

void spin_unlock(struct spinlock *l borrowed) __GUARD_TSA
{
	rank_drop_spin(l);
	state_drop(l);
	preempt_enable();
}
#endif

void spin_lock_nested(struct spinlock *l borrowed, u32 order) __GUARD_TSA
{
	arch_preempt_count_add(1);
	rank_check_spin(l, order);
	state_take(l);
}

bool spin_try_lock(struct spinlock *l borrowed) __GUARD_TSA
{
	arch_preempt_count_add(1);
	if (state_try(l, 0)) {
		rank_note_spin(l);
		return true;
	}
	preempt_enable();
	return false;
}

u64 spin_lock_irq(struct spinlock *l borrowed) __GUARD_TSA
{
	u64 saved = arch_interrupts_save();

	arch_preempt_count_add(1);
	rank_check_spin(l, 0);
	state_take(l);
	return saved;
}

// Interrupts are off already, and stay off.
void spin_lock_nested_irq_off(struct spinlock *l borrowed, u32 order) __GUARD_TSA
{
	arch_preempt_count_add(1);
	rank_check_spin(l, order);
	state_take(l);
}

void spin_unlock_irq(struct spinlock *l borrowed, u64 saved) __GUARD_TSA
{
	rank_drop_spin(l);
	state_drop(l);
	// The count drops with interrupts back on, so that a switch that became due happens here.
	arch_interrupts_restore(saved);
	preempt_enable();
}
