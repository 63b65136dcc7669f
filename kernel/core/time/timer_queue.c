// SPDX-License-Identifier: MPL-2.0
// Timers.
//
// Theory: each CPU has a tree of armed timers by deadline, and one hardware timer. The hardware is armed
// for the earliest of the first timer and the scheduler's tick; when a deadline is taken back the
// hardware is left alone and one interrupt finds nothing to do, which is cheaper. A timer belongs to the
// queue of the CPU that armed it last; that queue's lock guards its fields.
#include <core/arch/clock.h>
#include <core/arch/cpu.h>
#include <core/arch/interrupts.h>
#include <core/cpu.h>
#include <core/time.h>
#include "core/sched/sched.h"
#include "timer_queue.h"

_Static_assert(__builtin_offsetof(struct timer, __cpu) - __builtin_offsetof(struct timer, __link) ==
	       __builtin_offsetof(struct timer_node, cpu), "struct timer holds a timer_node");

DEFINE_BASE(timer)

struct timer_queue {
	struct spinlock lock;
	struct __tree tree;		// guarded by lock
	struct timer_node *firing;	// guarded by lock: its callback runs
	struct sleep_timer *first, *last;	// guarded by lock: those that follow the real-time clock, as they came
	u64 armed_ns;			// this CPU only: what the hardware is set to, plus 1; 0: nothing
} __attribute__((aligned(64)));

static struct timer_queue queues[ARCH_CPU_MAX] = {
	[0 ... ARCH_CPU_MAX - 1] = { .lock = SPINLOCK_INIT(RANK_TIMER) },
};

static struct timer_node *node_of(struct timer *t)
{
	return (struct timer_node *)(void *)&t->__link;
}

static struct timer *timer_of(struct timer_node *n)
{
	return (struct timer *)(void *)((u8 *)n - __builtin_offsetof(struct timer, __link));
}

void timer_queue_program(u64 deadline_ns)
{
	struct timer_queue *q = &queues[arch_cpu_index()];

	if (deadline_ns >= q->armed_ns - 1)
		return;
	q->armed_ns = deadline_ns + 1;
	arch_timer_set(deadline_ns);
}

static struct timer_queue *lock_queue(struct timer_node *n) __GUARD_TSA
{
	for (;;) {
		u32 cpu = __atomic_load_n(&n->cpu, __ATOMIC_RELAXED);
		struct timer_queue *q = &queues[cpu];

		spin_lock(&q->lock);
		if (__likely(n->cpu == cpu))
			return q;
		spin_unlock(&q->lock);
	}
}

static void follower_link(struct timer_queue *q, struct sleep_timer *t)
{
	t->next = NULL;
	t->previous = q->last;
	if (q->last)
		q->last->next = t;
	else
		q->first = t;
	q->last = t;
}

static void follower_unlink(struct timer_queue *q, struct sleep_timer *t)
{
	if (t->next)
		t->next->previous = t->previous;
	else
		q->last = t->previous;
	if (t->previous)
		t->previous->next = t->next;
	else
		q->first = t->next;
}

// The lock is held.
static void node_unlink(struct timer_queue *q, struct timer_node *n)
{
	__tree_remove(&q->tree, &n->link);
	n->state &= ~(u32)TIMER_ARMED;
	if (n->state & TIMER_FOLLOWS)
		follower_unlink(q, (struct sleep_timer *)(void *)n);
}

// Interrupts are off. Takes the timer off its queue; true if it was armed.
static bool node_disarm(struct timer_node *n) __GUARD_TSA
{
	struct timer_queue *q = lock_queue(n);
	bool armed = n->state & TIMER_ARMED;

	if (armed)
		node_unlink(q, n);
	spin_unlock(&q->lock);
	return armed;
}

// Interrupts are off. Arms an idle timer on this CPU; true when it was not armed before.
static bool node_arm(struct timer_node *n, u64 deadline_ns) __GUARD_TSA
{
	bool was_armed = false;
	u32 here = arch_cpu_index();
	struct timer_queue *q;

	for (;;) {
		q = lock_queue(n);
		if (n->state & TIMER_ARMED) {
			node_unlink(q, n);
			was_armed = true;
		}
		if (q == &queues[here])
			break;
		__atomic_store_n(&n->cpu, here, __ATOMIC_RELEASE);
		spin_unlock(&q->lock);
	}
	__tree_insert(&q->tree, &n->link, deadline_ns);
	n->state |= TIMER_ARMED;
	if (n->state & TIMER_FOLLOWS)
		follower_link(q, (struct sleep_timer *)(void *)n);
	if (q->tree.first == &n->link)
		timer_queue_program(deadline_ns);
	spin_unlock(&q->lock);
	return !was_armed;
}

// --- sleepers -----------------------------------------------------------------------------------

void sleep_timer_start(struct sleep_timer *t, u64 deadline_ns)
{
	u64 saved = arch_interrupts_save();

	t->node.state = TIMER_SLEEPER;
	t->node.cpu = arch_cpu_index();
	node_arm(&t->node, deadline_ns);
	arch_interrupts_restore(saved);
}

// A setting of the clock either finds the sleeper on the list, or was over before it was linked: then its offset is
// seen here.
void sleep_timer_start_realtime(struct sleep_timer *t, u64 at_ns)
{
	u64 saved = arch_interrupts_save();

	t->offset_ns = clock_realtime_offset_ns();
	t->node.state = TIMER_SLEEPER | TIMER_FOLLOWS;
	t->node.cpu = arch_cpu_index();
	node_arm(&t->node, at_ns > t->offset_ns ? at_ns - t->offset_ns : 0);
	if (clock_realtime_offset_ns() != t->offset_ns)
		__atomic_store_n(&t->fired, SLEEP_TIMER_CLOCK_SET, __ATOMIC_SEQ_CST);
	arch_interrupts_restore(saved);
}

void sleep_timer_stop(struct sleep_timer *t)
{
	u64 saved = arch_interrupts_save();

	node_disarm(&t->node); // waits for the expiry below, which runs under the lock
	arch_interrupts_restore(saved);
}

static void sleeper_tell(struct sleep_timer *s, enum sleep_timer_news news)
{
	struct task *t = s->task;

	__atomic_store_n(&s->fired, news, __ATOMIC_SEQ_CST);
	task_wake(t, TASK_SLEEPING_ANY);
}

// One that sleeps by another offset than the present one. Those that came since it changed stand behind all others.
static bool wake_first_follower(struct timer_queue *q) __GUARD_TSA
{
	u64 saved = spin_lock_irq(&q->lock);
	struct sleep_timer *s = q->first;
	bool is_old = s && s->offset_ns != clock_realtime_offset_ns();

	if (is_old) {
		node_unlink(q, &s->node);
		sleeper_tell(s, SLEEP_TIMER_CLOCK_SET);
	}
	spin_unlock_irq(&q->lock, saved);
	return is_old;
}

void sleep_timers_clock_set(void)
{
	for (u32 i = 0; i < ARCH_CPU_MAX; i++)
		while (wake_first_follower(&queues[i]))
			;
}

// --- timer objects --------------------------------------------------------------------------------

void timer_set(struct timer *t, u64 deadline_ns)
{
	struct timer *kept = timer_get(t);
	u64 saved = arch_interrupts_save();
	bool keeps = node_arm(node_of(kept), deadline_ns);

	arch_interrupts_restore(saved);
	if (!keeps)
		timer_put(kept); // it was armed, and holds a reference from then
}

bool timer_cancel(struct timer *t)
{
	u64 saved = arch_interrupts_save();
	bool armed = node_disarm(node_of(t));

	arch_interrupts_restore(saved);
	if (armed)
		timer_put(t);
	return armed;
}

static bool is_firing(struct timer_node *n)
{
	for (u32 i = 0; i < ARCH_CPU_MAX; i++)
		if (__atomic_load_n(&queues[i].firing, __ATOMIC_ACQUIRE) == n)
			return true;
	return false;
}

bool timer_cancel_sync(struct timer *t)
{
	bool armed = timer_cancel(t);

	// The queue's lock has been held since: a callback that began before is visible.
	while (is_firing(node_of(t)))
		arch_cpu_relax();
	return armed;
}

// The lock is held; it is given up around the callback.
static void object_expire(struct timer_queue *q, struct timer_node *n) __GUARD_TSA
{
	struct timer *t = timer_of(n);

	__atomic_store_n(&q->firing, n, __ATOMIC_RELEASE);
	spin_unlock(&q->lock);
	t->fire(t);
	timer_put(t);
	spin_lock(&q->lock);
	__atomic_store_n(&q->firing, NULL, __ATOMIC_RELEASE);
}

static void expire(struct timer_queue *q, u64 now_ns) __GUARD_TSA
{
	spin_lock(&q->lock);
	for (struct tree_link *e = q->tree.first; e && e->__key <= now_ns; e = q->tree.first) {
		struct timer_node *n = (struct timer_node *)(void *)e;

		node_unlink(q, n);
		if (n->state & TIMER_SLEEPER)
			sleeper_tell((struct sleep_timer *)(void *)n, SLEEP_TIMER_EXPIRED);
		else
			object_expire(q, n);
	}
	if (q->tree.first)
		timer_queue_program(q->tree.first->__key);
	spin_unlock(&q->lock);
}

void core_timer_interrupt(void)
{
	u64 now_ns = arch_clock_ns();
	struct timer_queue *q = &queues[arch_cpu_index()];
	struct run_queue *r = this_run_queue();

	q->armed_ns = 0;
	if (__atomic_load_n(&q->tree.first, __ATOMIC_RELAXED))
		expire(q, now_ns);
	sched_tick(now_ns);
	if (r->tick_ns != U64_MAX)
		timer_queue_program(r->tick_ns);
}
