// SPDX-License-Identifier: MPL-2.0
// The list of sleeping tasks under mutexes, rwlocks and wait queues. The owner's spinlock guards it.
#pragma once

#include <core/wait.h>

enum waiter_state {
	WAITER_LINKED = 0,
	WAITER_WOKEN = 1,	// set last by the waker, who does not touch the waiter any more
	WAITER_NEW = 2,		// not linked yet
};

static inline void waiter_append(struct waiter **first, struct waiter **last, struct waiter *w)
{
	w->__next = NULL;
	w->__prev = *last;
	if (*last)
		(*last)->__next = w;
	else
		*first = w;
	*last = w;
}

static inline void waiter_unlink(struct waiter **first, struct waiter **last, struct waiter *w)
{
	if (w->__prev)
		w->__prev->__next = w->__next;
	else
		*first = w->__next;
	if (w->__next)
		w->__next->__prev = w->__prev;
	else
		*last = w->__prev;
}

void spin_lock_nested_irq_off(struct spinlock *l borrowed, u32 order) __ATTR(acquire_capability(*l));
// Wakes a waiter that has been unlinked. The list's lock is held.
void waiter_wake(struct waiter *w);
