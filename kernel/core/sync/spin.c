// SPDX-License-Identifier: MPL-2.0
// Spinlocks: ticket locks. The low half of the word is the ticket being served, the high half the next
// one to give out; waiters are served in order.
#include <core/arch/cpu.h>
#include <core/cpu.h>
#include <core/lock.h>
#include "rank.h"
#include "waiter_list.h"

#define TICKET_ONE 0x10000u

void spin_init(struct spinlock *l borrowed, enum lock_rank rank)
{
	*l = (struct spinlock)SPINLOCK_INIT((u16)rank);
}

static void ticket_wait(struct spinlock *l, u16 ticket)
{
	while (__atomic_load_n((u16 *)(void *)&l->__state, __ATOMIC_ACQUIRE) != ticket)
		arch_cpu_relax();
}

static inline void ticket_take(struct spinlock *l)
{
	u32 old = __atomic_fetch_add(&l->__state, TICKET_ONE, __ATOMIC_ACQUIRE);

	if (__unlikely((u16)old != old >> 16))
		ticket_wait(l, (u16)(old >> 16));
}

static inline void ticket_serve(struct spinlock *l)
{
	u16 *serving = (u16 *)(void *)&l->__state;

	__atomic_store_n(serving, (u16)(*serving + 1), __ATOMIC_RELEASE);
}

#ifdef CORE_INLINE
void __spin_wait(struct spinlock *l borrowed, u32 ticket)
{
	ticket_wait(l, (u16)ticket);
}
#else
void spin_lock(struct spinlock *l borrowed) __GUARD_TSA
{
	arch_preempt_count_add(1);
	rank_check_spin(l, 0);
	ticket_take(l);
}

void spin_unlock(struct spinlock *l borrowed) __GUARD_TSA
{
	rank_drop_spin(l);
	ticket_serve(l);
	preempt_enable();
}
#endif

void spin_lock_nested(struct spinlock *l borrowed, u32 order) __GUARD_TSA
{
	arch_preempt_count_add(1);
	rank_check_spin(l, order);
	ticket_take(l);
}

bool spin_try_lock(struct spinlock *l borrowed) __GUARD_TSA
{
	arch_preempt_count_add(1);
	u32 old = __atomic_load_n(&l->__state, __ATOMIC_RELAXED);

	if ((u16)old == old >> 16 &&
	    __atomic_compare_exchange_n(&l->__state, &old, old + TICKET_ONE, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
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
	ticket_take(l);
	return saved;
}

// Interrupts are off already, and stay off.
void spin_lock_nested_irq_off(struct spinlock *l borrowed, u32 order) __GUARD_TSA
{
	arch_preempt_count_add(1);
	rank_check_spin(l, order);
	ticket_take(l);
}

void spin_unlock_irq(struct spinlock *l borrowed, u64 saved) __GUARD_TSA
{
	rank_drop_spin(l);
	ticket_serve(l);
	// The count drops with interrupts back on, so that a switch that became due happens here.
	arch_interrupts_restore(saved);
	preempt_enable();
}
