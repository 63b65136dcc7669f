// SPDX-License-Identifier: MPL-2.0
// The checker of lock order, in debug builds only.
//
// Theory: each CPU keeps the spinlocks that it holds, each task the sleeping locks that it holds, both
// in order of taking. A lock may be taken when the last one held has a smaller rank, or the same rank
// and a smaller order (the _nested forms). Interrupt handlers continue the stack of the CPU that they
// interrupt, which finds locks taken without irq_guard() that an interrupt takes too.
#include <core/arch/cpu.h>
#include <core/cpu.h>
#include <core/debug.h>
#include <core/print.h>
#include "rank.h"

#ifdef CONFIG_DEBUG
enum { SPIN_DEPTH_MAX = 24 };

struct held {
	void *lock;
	u32 rank, order;
};
struct held_stack {
	u32 count;
	struct held held[SPIN_DEPTH_MAX];
};
static struct held_stack spins[ARCH_CPU_MAX];	// this CPU only, preemption off

static no_return void rank_panic(const char *what, void *lock, u32 rank, void *other, u32 other_rank)
{
	panic("lock order: %s: taking %lx (rank %u), holding %lx (rank %u)", what, (u64)lock, rank,
	      (u64)other, other_rank);
}

static void check_above(const struct held *top, void *lock, u32 rank, u32 order)
{
	if (top->lock == lock)
		rank_panic("taken twice", lock, rank, top->lock, top->rank);
	if (rank < top->rank)
		rank_panic("wrong rank", lock, rank, top->lock, top->rank);
	if (rank == top->rank && order <= top->order)
		rank_panic("wrong nesting", lock, rank, top->lock, top->rank);
}

static void spin_push(struct spinlock *l, u32 order)
{
	// An interrupt in between would look at a place that is counted and not filled, or fill it with its own.
	const u64 saved = arch_interrupts_save();
	struct held_stack *s = &spins[arch_cpu_index()];

	if (s->count == SPIN_DEPTH_MAX)
		panic("lock order: too many spinlocks held");
	s->held[s->count++] = (struct held){ l, l->__rank, order };
	arch_interrupts_restore(saved);
}

void rank_check_spin(struct spinlock *l, u32 order)
{
	struct held_stack *s = &spins[arch_cpu_index()];

	if (!l->__rank)
		panic("lock order: spinlock %lx was never initialised", (u64)l);
	if (l->__rank >= RANK_IRQ && arch_interrupts_enabled())
		rank_panic("needs irq_guard", l, l->__rank, NULL, 0);
	if (l->__rank < RANK_IRQ && arch_interrupt_depth())
		rank_panic("taken in an interrupt", l, l->__rank, NULL, 0);
	if (s->count)
		check_above(&s->held[s->count - 1], l, l->__rank, order);
	spin_push(l, order);
}

void rank_note_spin(struct spinlock *l)
{
	spin_push(l, 0);
}

u32 rank_next_order(u32 rank)
{
	const struct held_stack *s = &spins[arch_cpu_index()];

	return s->count && s->held[s->count - 1].rank == rank ? s->held[s->count - 1].order + 1 : 0;
}

void rank_drop_spin(struct spinlock *l)
{
	const u64 saved = arch_interrupts_save();
	struct held_stack *s = &spins[arch_cpu_index()];
	u32 i = s->count;

	while (i && s->held[i - 1].lock != l)
		i--;
	if (!i)
		panic("lock order: unlocking %lx, which is not held", (u64)l);
	for (s->count--; i <= s->count; i++)
		s->held[i - 1] = s->held[i];
	arch_interrupts_restore(saved);
}

// A task's sleeping locks: address (48 bits, sign-extended when taken out), rank << 48.
static void *packed(void *lock, u32 rank)
{
	return (void *)(((u64)lock & 0xfffffffffffful) | (u64)rank << 48);
}

static void *unpacked(const void *held)
{
	return (void *)((s64)((u64)held << 16) >> 16);
}

void rank_check_sleeping(void *lock, u32 rank, u32 order)
{
	struct task *t = task_current();
	struct held_stack *s = &spins[arch_cpu_index()];

	if (!rank)
		panic("lock order: lock %lx was never initialised", (u64)lock);
	if (arch_preempt_count() || arch_interrupt_depth())
		rank_panic("may sleep", lock, rank, s->count ? s->held[s->count - 1].lock : NULL, 0);
	if (!t || !t->__held_count)
		return;
	u64 top = (u64)t->__held_locks[t->__held_count - 1];

	struct held held = { unpacked((void *)top), (u32)(top >> 48), order ? order - 1 : 0 };

	check_above(&held, lock, rank, order);
}

void rank_note_sleeping(void *lock, u32 rank)
{
	struct task *t = task_current();

	if (!t)
		return;
	if (t->__held_count == sizeof(t->__held_locks) / sizeof(t->__held_locks[0]))
		panic("lock order: too many locks held");
	t->__held_locks[t->__held_count++] = packed(lock, rank);
}

void rank_drop_sleeping(void *lock)
{
	struct task *t = task_current();

	if (!t)
		return;
	u32 i = t->__held_count;

	while (i && unpacked(t->__held_locks[i - 1]) != lock)
		i--;
	if (!i)
		panic("lock order: unlocking %lx, which is not held", (u64)lock);
	for (t->__held_count--; i <= t->__held_count; i++)
		t->__held_locks[i - 1] = t->__held_locks[i];
}
#endif
