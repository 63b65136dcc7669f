// SPDX-License-Identifier: MPL-2.0
// The checker of lock order (debug builds): see core/lock_ranks.h for the rules it holds everybody to.
#pragma once

#include <core/arch/cpu.h>
#include <core/lock.h>
#include <core/task.h>

#ifdef CONFIG_DEBUG
void rank_check_spin(struct spinlock *l, u32 order);	// before taking; notes it as held
void rank_note_spin(struct spinlock *l);		// after a successful try
void rank_drop_spin(struct spinlock *l);
// The order for one more spinlock of `rank`: 0, or one above that of the last one held, if of that rank.
u32 rank_next_order(u32 rank);
void rank_check_sleeping(void *lock, u32 rank, u32 order);
void rank_note_sleeping(void *lock, u32 rank);
void rank_drop_sleeping(void *lock);
#else
static inline void rank_check_spin(struct spinlock *l, u32 order) { (void)l; (void)order; }
static inline void rank_note_spin(struct spinlock *l) { (void)l; }
static inline u32 rank_next_order(u32 rank) { (void)rank; return 0; }
static inline void rank_drop_spin(struct spinlock *l) { (void)l; }
static inline void rank_check_sleeping(void *lock, u32 rank, u32 order) { (void)lock; (void)rank; (void)order; }
// The count alone is always kept: a trap may end a task only when it holds nothing.
static inline void rank_note_sleeping(void *lock, u32 rank) { arch_current_task()->__held_count++; }
static inline void rank_drop_sleeping(void *lock) { arch_current_task()->__held_count--; }
#endif
