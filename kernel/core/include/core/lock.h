// SPDX-License-Identifier: MPL-2.0
// Locks. Spinlocks disable preemption; irq_guard() also interrupts; mutex and rwlock may sleep.
// Rules: take locks by guards, which release at the end of the block; the argument of a guard is
// evaluated twice and must have no side effect. Initialise every lock with its rank before use
// (checked in debug builds: order, sleeping under a spinlock, rank 0). A lock that an interrupt
// handler or timer callback takes is taken everywhere with irq_guard().
#pragma once
#include <core/arch/inline.h>
#include <core/error.h>
#include <core/lock_ranks.h>

struct task;
#ifdef CORE_INLINE
#define __lock_inline static inline
#else
#define __lock_inline
#endif

struct synchronised __ATTR(capability("spinlock")) spinlock {
	core_private u32 __state;
	core_private u16 __rank;
	core_private u16 __cpu;
};
struct synchronised __ATTR(capability("mutex")) mutex {
	core_private u32 __state;
	core_private u16 __rank;
	core_private u16 __pad;
	core_private struct task *__owner;
	core_private struct spinlock __wait_lock;
	core_private struct waiter *__first, *__last;
};
// Many readers or one writer; writers are preferred. Sleeps.
struct synchronised __ATTR(capability("rwlock")) rwlock {
	core_private u32 __readers, __writers_waiting;
	core_private u16 __rank;
	core_private u16 __pad;
	core_private struct task *__writer;
	core_private struct spinlock __wait_lock;
	core_private struct waiter *__first, *__last;
};
#define SPINLOCK_INIT(rank) { 0, (rank), 0xffff }
#define MUTEX_INIT(rank) { .__rank = (rank), .__wait_lock = SPINLOCK_INIT(RANK_WAIT_QUEUE) }
#define RWLOCK_INIT(rank) { .__rank = (rank), .__wait_lock = SPINLOCK_INIT(RANK_WAIT_QUEUE) }
void spin_init(struct spinlock *l borrowed, enum lock_rank rank);
void mutex_init(struct mutex *l borrowed, enum lock_rank rank);
void rwlock_init(struct rwlock *l borrowed, enum lock_rank rank);

__lock_inline void spin_lock(struct spinlock *l borrowed) __ATTR(acquire_capability(*l));
__lock_inline void spin_unlock(struct spinlock *l borrowed) __ATTR(release_capability(*l));
bool spin_try_lock(struct spinlock *l borrowed) __ATTR(try_acquire_capability(true, *l));
// Second and further locks of one rank; order > 0 grows inward.
void spin_lock_nested(struct spinlock *l borrowed, u32 order) __ATTR(acquire_capability(*l));
// Interrupts off; returns the former state for spin_unlock_irq().
u64 spin_lock_irq(struct spinlock *l borrowed) __ATTR(acquire_capability(*l));
void spin_unlock_irq(struct spinlock *l borrowed, u64 saved) __ATTR(release_capability(*l));
// => may sleep
void mutex_lock(struct mutex *l borrowed) __ATTR(acquire_capability(*l));
void mutex_lock_nested(struct mutex *l borrowed, u32 order) __ATTR(acquire_capability(*l));
bool mutex_try_lock(struct mutex *l borrowed) __ATTR(try_acquire_capability(true, *l));
void mutex_unlock(struct mutex *l borrowed) __ATTR(release_capability(*l));
bool mutex_is_mine(const struct mutex *l borrowed);
// => may sleep
void rwlock_read(struct rwlock *l borrowed) __ATTR(acquire_shared_capability(*l));
void rwlock_read_unlock(struct rwlock *l borrowed) __ATTR(release_shared_capability(*l));
void rwlock_write(struct rwlock *l borrowed) __ATTR(acquire_capability(*l));
void rwlock_write_nested(struct rwlock *l borrowed, u32 order) __ATTR(acquire_capability(*l));
void rwlock_write_unlock(struct rwlock *l borrowed) __ATTR(release_capability(*l));

#ifdef CORE_INLINE
// The words of the state: see core/sync/spin.c.
void __spin_wait(struct spinlock *l borrowed);
static inline void spin_lock(struct spinlock *l borrowed) __ATTR(no_thread_safety_analysis)
{
	u32 free = 0;

	__preempt_count_up();
	if (__unlikely(!__atomic_compare_exchange_n(&l->__state, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		__spin_wait(l);
}
static inline void spin_unlock(struct spinlock *l borrowed) __ATTR(no_thread_safety_analysis)
{
	__atomic_store_n((u8 *)&l->__state, 0, __ATOMIC_RELEASE);
	__preempt_count_down();
}
#endif

// --- guards: `spin_guard(&x->lock);` holds until the end of the block ----------------------
#define __GUARD_TSA __ATTR(no_thread_safety_analysis)
struct __irq_state {
	struct spinlock *lock;
	u64 saved;
};
static inline struct spinlock *__spin_in(struct spinlock *l) __GUARD_TSA { spin_lock(l); return l; }
static inline struct spinlock *__spin_nested_in(struct spinlock *l, u32 o) __GUARD_TSA
{
	spin_lock_nested(l, o);
	return l;
}
static inline void __spin_out(struct spinlock *const *l borrowed) __GUARD_TSA { spin_unlock(*l); }
static inline struct __irq_state __irq_in(struct spinlock *l) __GUARD_TSA
{
	return (struct __irq_state){ l, spin_lock_irq(l) };
}
static inline void __irq_out(const struct __irq_state *s borrowed) __GUARD_TSA { spin_unlock_irq(s->lock, s->saved); }
static inline struct mutex *__mutex_in(struct mutex *l) __GUARD_TSA { mutex_lock(l); return l; }
static inline struct mutex *__mutex_nested_in(struct mutex *l, u32 o) __GUARD_TSA { mutex_lock_nested(l, o); return l; }
static inline void __mutex_out(struct mutex *const *l borrowed) __GUARD_TSA { mutex_unlock(*l); }
static inline struct rwlock *__read_in(struct rwlock *l) __GUARD_TSA { rwlock_read(l); return l; }
static inline void __read_out(struct rwlock *const *l borrowed) __GUARD_TSA { rwlock_read_unlock(*l); }
static inline struct rwlock *__write_in(struct rwlock *l) __GUARD_TSA { rwlock_write(l); return l; }
static inline struct rwlock *__write_nested_in(struct rwlock *l, u32 o) __GUARD_TSA
{
	rwlock_write_nested(l, o);
	return l;
}
static inline void __write_out(struct rwlock *const *l borrowed) __GUARD_TSA { rwlock_write_unlock(*l); }
static inline void __spin_held(struct spinlock *l borrowed) __ATTR(assert_capability(*l)) { (void)l; }
static inline void __mutex_held(struct mutex *l borrowed) __ATTR(assert_capability(*l)) { (void)l; }
static inline void __write_held(struct rwlock *l borrowed) __ATTR(assert_capability(*l)) { (void)l; }
static inline void __read_held(struct rwlock *l borrowed) __ATTR(assert_shared_capability(*l)) { (void)l; }

#define __GUARD(type, out, init, held)                                                         \
	type const __CAT(__guard_, __LINE__) __note("svc.guard") auto_release(out) maybe_unused = init; held
#define spin_guard(l) __GUARD(struct spinlock *, __spin_out, __spin_in(l), __spin_held(l))
#define spin_guard_nested(l, o) __GUARD(struct spinlock *, __spin_out, __spin_nested_in(l, o), __spin_held(l))
#define irq_guard(l) __GUARD(struct __irq_state, __irq_out, __irq_in(l), __spin_held(l))
#define mutex_guard(l) __GUARD(struct mutex *, __mutex_out, __mutex_in(l), __mutex_held(l))
#define mutex_guard_nested(l, o) __GUARD(struct mutex *, __mutex_out, __mutex_nested_in(l, o), __mutex_held(l))
#define read_guard(l) __GUARD(struct rwlock *, __read_out, __read_in(l), __read_held(l))
#define write_guard(l) __GUARD(struct rwlock *, __write_out, __write_in(l), __write_held(l))
#define write_guard_nested(l, o) __GUARD(struct rwlock *, __write_out, __write_nested_in(l, o), __write_held(l))
