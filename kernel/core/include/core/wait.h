// SPDX-License-Identifier: MPL-2.0
// Wait queues: the one mechanism under blocking calls, poll, epoll and timers' sleepers.
// A waiter sleeps until its condition holds; whoever changes the condition wakes the queue
// afterwards. Wakes may come from interrupts. `events` is a poll mask (POLLIN ...), ~0u for "anything".
#pragma once
#include <core/list.h>
#include <core/lock.h>
#include <core/object.h>

enum wait_mode {
	WAIT_UNINTERRUPTIBLE,	// only for events that are certain to come soon (I/O)
	WAIT_KILLABLE,		// ends with -ERESTARTSYS on a fatal signal
	WAIT_INTERRUPTIBLE,	// ends with -ERESTARTSYS on any signal
	WAIT_BY_REALTIME = 4,	// flag: the deadline is a time of the real-time clock and follows where that is set
	WAIT_INTERRUPTIBLE_REALTIME = WAIT_INTERRUPTIBLE | WAIT_BY_REALTIME
};
#define DEADLINE_NEVER U64_MAX // nanoseconds, monotonic unless the mode says otherwise

// A subscriber that is called, not woken: base type for poll and epoll entries.
// `notify` runs under the queue's lock with interrupts off: it must not sleep.
struct wait_entry {
	struct object object;
	core_private struct list_link __link;
	core_private struct wait_queue *__queue;
	void (*notify)(struct wait_entry *entry, u32 events); // immutable once subscribed
	// Instead of notify: an entry that shares its work with others of its kind. They are asked in order of arrival
	// until one says that it has somebody at it; all of them where `events` concern everybody (errors, hang-ups).
	bool (*notify_one)(struct wait_entry *entry, u32 events); // NULL: see notify; immutable likewise
};
DECLARE_OBJECT(wait_entry)
DEFINE_LIST(wait_entry_list, wait_entry, __link)

struct waiter; // a sleeping task on a queue; lives on that task's stack
struct synchronised wait_queue {
	core_private struct spinlock __lock;
	core_private struct waiter *__first, *__last;
	core_private struct wait_entry_list __entries;
};
#define WAIT_QUEUE_INIT { .__lock = SPINLOCK_INIT(RANK_WAIT_QUEUE) }
void wait_queue_init(struct wait_queue *q borrowed);
void wait_queue_wake_all(struct wait_queue *q borrowed, u32 events);
// Wakes at most `count` sleeping tasks (in order of arrival); entries are notified all. Returns tasks woken.
u32 wait_queue_wake(struct wait_queue *q borrowed, u32 count, u32 events);
bool wait_queue_is_empty(const struct wait_queue *q borrowed);
// Subscribes an entry (the queue takes a reference) until wait_entry_cancel(); the queue must
// outlive the subscription. Cancel waits for a running notify.
void wait_entry_subscribe(struct wait_queue *q borrowed, struct wait_entry *e);
void wait_entry_cancel(struct wait_entry *e);

struct stack_only waiter {
	core_private struct waiter *__next, *__prev;
	core_private struct wait_queue *__queue;
	core_private struct task *__task;
	core_private u32 __woken, __mode;
};
void __waiter_begin(struct waiter *w borrowed, struct wait_queue *q borrowed, enum wait_mode mode);
void __waiter_prepare(struct waiter *w borrowed);
err_t __waiter_sleep(struct waiter *w borrowed, u64 deadline_ns);
void __waiter_end(struct waiter *w borrowed);

// Sleeps until `condition` is true. OK, -ERESTARTSYS (by mode), or -ETIMEDOUT at the deadline
// (condition checked once more). => may sleep; no lock held except those named by the variants.
#define __wait_loop(q, mode, deadline_ns, condition, unlock, lock)                             \
	({                                                                                     \
		struct waiter __w;                                                             \
		err_t __err = OK;                                                              \
		__waiter_begin(&__w, (q), (mode));                                             \
		for (;;) {                                                                     \
			__waiter_prepare(&__w);                                                \
			if (condition) {                                                       \
				__err = OK;                                                    \
				break;                                                         \
			}                                                                      \
			if (__err)                                                             \
				break;                                                         \
			unlock;                                                                \
			__err = __waiter_sleep(&__w, (deadline_ns));                           \
			lock;                                                                  \
		}                                                                              \
		__waiter_end(&__w);                                                            \
		__err;                                                                         \
	})
#define wait_event(q, mode, deadline_ns, condition) __wait_loop(q, mode, deadline_ns, condition, , )
// The same with a lock held by the caller around the condition and given up while asleep.
#define wait_event_mutex(q, m, mode, deadline_ns, condition)                                   \
	__wait_loop(q, mode, deadline_ns, condition, __wait_mutex_out(m), __wait_mutex_in(m))
#define wait_event_spin(q, l, mode, deadline_ns, condition)                                    \
	__wait_loop(q, mode, deadline_ns, condition, __wait_spin_out(l), __wait_spin_in(l))
// For a lock held by irq_guard().
#define wait_event_irq(q, l, mode, deadline_ns, condition)                                     \
	__wait_loop(q, mode, deadline_ns, condition, __wait_irq_out(l), __wait_irq_in(l))
void __wait_mutex_in(struct mutex *m borrowed);
void __wait_mutex_out(struct mutex *m borrowed);
void __wait_spin_in(struct spinlock *l borrowed);
void __wait_spin_out(struct spinlock *l borrowed);
void __wait_irq_in(struct spinlock *l borrowed);
void __wait_irq_out(struct spinlock *l borrowed);
