// SPDX-License-Identifier: MPL-2.0
// Sleeping and waking, placement, affinity.
#include <core/arch/clock.h>
#include <core/arch/interrupts.h>
#include <core/cpu.h>
#include <core/print.h>
#include "sched.h"
#include "core/sync/waiter_list.h"
#include "core/time/timer_queue.h"

static u64 apart_cpus;	// atomic
u64 isolated_cpus;

void cpu_set_apart(const struct cpu_set *apart borrowed, const struct cpu_set *isolated borrowed)
{
	__atomic_store_n(&apart_cpus, apart->bits[0], __ATOMIC_RELAXED);
	__atomic_store_n(&isolated_cpus, isolated->bits[0], __ATOMIC_RELAXED);
}

static u64 allowed_cpus(const struct task *t)
{
	u64 allowed = t->__affinity.bits[0] & cpu_online_set().bits[0];
	u64 common = allowed & ~__atomic_load_n(&apart_cpus, __ATOMIC_RELAXED);

	if (common)
		return common;
	return allowed ? allowed : 1;
}

bool sched_may_run_on(const struct task *t borrowed, u32 cpu)
{
	return t->__affinity.bits[0] >> cpu & 1 && allowed_cpus(t) >> cpu & 1;
}

// On an isolated CPU it stays, and so does what it makes.
static bool stays_on(u32 last, u64 allowed)
{
	return allowed >> last & 1 && __atomic_load_n(&isolated_cpus, __ATOMIC_RELAXED) >> last & 1;
}

static u32 shortest_queue(u64 cpus)
{
	u32 best = (u32)__builtin_ctzl(cpus);

	for (cpus &= cpus - 1; cpus; cpus &= cpus - 1) {
		u32 cpu = (u32)__builtin_ctzl(cpus);

		if (__atomic_load_n(&run_queues[cpu].queued, __ATOMIC_RELAXED) <
		    __atomic_load_n(&run_queues[best].queued, __ATOMIC_RELAXED))
			best = cpu;
	}
	return best;
}

// Where a woken task runs best: where it ran if that CPU is idle, else on an idle one, else where it ran.
static u32 place(const struct task *t)
{
	u32 last = t->__cpu;

	if (arch_cpu_online_count() == 1)
		return 0;
	u64 allowed = allowed_cpus(t), idle = allowed & __atomic_load_n(&idle_cpus, __ATOMIC_RELAXED);

	if (idle >> last & 1 || stays_on(last, allowed))
		return last;
	if (idle)
		return (u32)__builtin_ctzl(idle);
	return t->__state != TASK_NEW && allowed >> last & 1 ? last : shortest_queue(allowed);
}

// Queues t, which is nowhere, on the CPU that suits it. Its queue `q` is locked; unlocks.
static void place_and_enqueue(struct run_queue *q, struct task *t, u32 cpu, u32 reason) __GUARD_TSA
{
	if (cpu != t->__cpu) {
		t->__on_cpu = TASK_MOVING;
		__atomic_store_n(&t->__cpu, cpu, __ATOMIC_RELEASE);
		spin_unlock(&q->lock);
		q = &run_queues[cpu];
		spin_lock(&q->lock);
	}
	u64 now_ns = arch_clock_ns();

	if (q->cpu == arch_cpu_index() && sched_account(q, now_ns))
		arch_reschedule_needed_set(1);
	sched_enqueue(q, t, reason, now_ns);
	spin_unlock(&q->lock);
}

bool task_wake(struct task *t, u32 states) __GUARD_TSA
{
	if (!(__atomic_load_n(&t->__state, __ATOMIC_SEQ_CST) & states))
		return false;
	u64 saved = arch_interrupts_save();
	struct run_queue *q = task_lock_queue(t);
	bool woken = t->__state & states;

	if (woken) {
		u32 cpu = t->__on_cpu == TASK_NOWHERE ? place(t) : 0;

		__atomic_store_n(&t->__state, TASK_RUNNABLE, __ATOMIC_RELAXED);
		if (t->__on_cpu == TASK_NOWHERE)
			place_and_enqueue(q, t, cpu, SCHED_ENQUEUE_WAKE);
		else
			spin_unlock(&q->lock); // it has not gone to sleep yet, and will not
	} else {
		spin_unlock(&q->lock);
	}
	arch_interrupts_restore(saved);
	if (arch_reschedule_needed()) {
		arch_preempt_count_add(1);
		preempt_enable();
	}
	return woken;
}

void task_start(struct task *t) __GUARD_TSA
{
	u64 saved = arch_interrupts_save();
	struct run_queue *q = task_lock_queue(t);

	if (t->__state != TASK_NEW || !t->__stack) {
		spin_unlock(&q->lock);
		core_trap();
	}
	struct task *kept = task_get(t);
	u32 cpu = place(kept);

	kept->__state = TASK_RUNNABLE;
	place_and_enqueue(q, kept, cpu, SCHED_ENQUEUE_NEW);
	arch_interrupts_restore(saved);
	arch_preempt_count_add(1);
	preempt_enable();
}

// --- sleeping ----------------------------------------------------------------------------------

static u32 ending_work(u32 mode)
{
	return mode == WAIT_INTERRUPTIBLE ? TASK_WORK_SIGNAL | TASK_WORK_KILL :
	       mode == WAIT_KILLABLE ? TASK_WORK_KILL : 0;
}

static u32 sleeping_state(u32 mode)
{
	return mode == WAIT_INTERRUPTIBLE ? TASK_SLEEPING_INTERRUPTIBLE :
	       mode == WAIT_KILLABLE ? TASK_SLEEPING_KILLABLE : TASK_SLEEPING;
}

static bool is_woken(const u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST) == WAITER_WOKEN;
}

// The state is announced before the reasons not to sleep are looked at; see sync/wait.c.
static void sleep_announced(struct task *me, const u32 *word, u32 mode, const struct sleep_timer *timer)
{
	__atomic_store_n(&me->__state, sleeping_state(mode), __ATOMIC_SEQ_CST);
	if (is_woken(word) || __atomic_load_n(&me->__work, __ATOMIC_SEQ_CST) & ending_work(mode) ||
	    (timer && __atomic_load_n(&timer->fired, __ATOMIC_SEQ_CST))) {
		__atomic_store_n(&me->__state, TASK_RUNNABLE, __ATOMIC_RELAXED);
		return;
	}
	arch_interrupts_disable();
	sched_switch();
	arch_interrupts_enable();
}

static err_t outcome(struct task *me, const u32 *word, u32 mode)
{
	if (is_woken(word))
		return OK;
	return __atomic_load_n(&me->__work, __ATOMIC_RELAXED) & ending_work(mode) ? (err_t)-ERESTARTSYS : OK;
}

// After a setting of the real-time clock the caller looks again, and sleeps until its deadline as it is then.
static err_t sleep_with_timer(struct task *me, const u32 *word, u32 mode, struct sleep_timer *timer)
{
	sleep_announced(me, word, mode, timer);
	sleep_timer_stop(timer);
	err_t e = outcome(me, word, mode);

	return e == OK && timer->fired == SLEEP_TIMER_EXPIRED && !is_woken(word) ? (err_t)-ETIMEDOUT : e;
}

static u64 present(u32 wait_mode)
{
	return wait_mode & WAIT_BY_REALTIME ? clock_realtime_ns() : arch_clock_ns();
}

err_t task_sleep_on_word(const u32 *word, u32 wait_mode, u64 deadline_ns)
{
	struct task *me = arch_current_task();
	u32 mode = wait_mode & ~(u32)WAIT_BY_REALTIME;

	if (__unlikely(cpu_is_atomic()))
		panic("a task sleeps where it must not (preemption off: %u)", arch_preempt_count());
	if (deadline_ns == DEADLINE_NEVER) {
		sleep_announced(me, word, mode, NULL);
		return outcome(me, word, mode);
	}
	if (deadline_ns <= present(wait_mode))
		return is_woken(word) ? OK : (err_t)-ETIMEDOUT;
	struct sleep_timer timer = { .task = me };

	if (wait_mode & WAIT_BY_REALTIME)
		sleep_timer_start_realtime(&timer, deadline_ns);
	else
		sleep_timer_start(&timer, deadline_ns);
	return sleep_with_timer(me, word, mode, &timer);
}

void task_sleep_until_word(const u32 *word, u32 mode)
{
	sleep_announced(arch_current_task(), word, mode, NULL);
}

err_t task_sleep_until(u64 deadline_ns, u32 wait_mode)
{
	const u32 never = 0;
	err_t e;

	do {
		e = task_sleep_on_word(&never, wait_mode, deadline_ns);
	} while (e == OK);
	return e == (err_t)-ETIMEDOUT ? OK : e;
}

err_t task_park(u32 wait_mode, u64 deadline_ns)
{
	struct task *me = arch_current_task();
	err_t e = OK;

	while (e == OK && !is_woken(&me->__park_token))
		e = task_sleep_on_word(&me->__park_token, wait_mode, deadline_ns);
	return __atomic_exchange_n(&me->__park_token, 0, __ATOMIC_ACQ_REL) ? OK : e;
}

void task_unpark(struct task *t borrowed)
{
	__atomic_store_n(&t->__park_token, WAITER_WOKEN, __ATOMIC_SEQ_CST);
	task_wake(t, TASK_SLEEPING_ANY);
}

// Is there nobody who could run instead? Looked at without a lock: who comes a moment later asks for a switch itself.
static bool nobody_waits(const struct task *me)
{
	if (arch_reschedule_needed() || !(me->__affinity.bits[0] >> arch_cpu_index() & 1))
		return false;
	for (u32 cpu = 0; cpu < arch_cpu_count(); cpu++)
		if (__atomic_load_n(&run_queues[cpu].queued, __ATOMIC_RELAXED))
			return false;
	return true;
}

void task_yield(void)
{
	struct task *me = arch_current_task();

	arch_interrupts_disable();
	if (nobody_waits(me)) {
		arch_interrupts_enable();
		return;
	}
	me->sched.flags |= SCHED_FLAG_YIELDED;
	sched_switch();
	me->sched.flags &= ~SCHED_FLAG_YIELDED;
	arch_interrupts_enable();
}

// --- work, affinity, parameters -----------------------------------------------------------------

void task_post_work(struct task *t borrowed, u32 work)
{
	u32 states = work & TASK_WORK_KILL ? TASK_SLEEPING_INTERRUPTIBLE | TASK_SLEEPING_KILLABLE :
		     work & TASK_WORK_SIGNAL ? TASK_SLEEPING_INTERRUPTIBLE : 0;

	__atomic_fetch_or(&t->__work, work, __ATOMIC_SEQ_CST);
	if (states && task_wake(t, states))
		return;
	u32 cpu = __atomic_load_n(&t->__cpu, __ATOMIC_RELAXED);

	if (cpu != arch_cpu_index() && __atomic_load_n(&t->__on_cpu, __ATOMIC_RELAXED) == TASK_ON_CPU)
		arch_reschedule_cpu(cpu);
}

void task_clear_work(struct task *t borrowed, u32 work)
{
	__atomic_fetch_and(&t->__work, ~work, __ATOMIC_SEQ_CST);
}

void task_watch_switches(struct task *t borrowed)
{
	t->__watched = ARCH_CPU_MAX + 1;	// no CPU: the first switch is one
	__atomic_fetch_or(&t->__work, (u32)TASK_WORK_SWITCHED, __ATOMIC_RELAXED);
}

void task_unwatch_switches(struct task *t borrowed)
{
	t->__watched = 0;
	task_clear_work(t, TASK_WORK_SWITCHED);
}

// Takes t out of the order, so that it may be changed; its run queue is locked then.
static struct run_queue *change_begin(struct task *t, bool *queued) __GUARD_TSA
{
	struct run_queue *q = task_lock_queue(t);

	*queued = t->__on_cpu == TASK_QUEUED;
	if (*queued) {
		sched_policy->dequeue(q->cpu, t);
		q->queued--;
	}
	return q;
}

static void change_end(struct run_queue *q, struct task *t, bool queued, u64 saved) __GUARD_TSA
{
	if (queued)
		sched_enqueue(q, t, SCHED_ENQUEUE_MOVE, arch_clock_ns());
	spin_unlock(&q->lock);
	arch_interrupts_restore(saved);
	arch_preempt_count_add(1);
	preempt_enable();
}

void sched_task_change(struct task *t, void (*change)(struct task *t, u64 a, u64 b), u64 a, u64 b)
{
	u64 saved = arch_interrupts_save();
	bool queued;
	struct run_queue *q = change_begin(t, &queued);

	change(t, a, b);
	change_end(q, t, queued, saved);
}

void sched_task_change_group(
	struct task *t, void (*change)(struct task *t, struct sched_group *g), struct sched_group *g)
{
	u64 saved = arch_interrupts_save();
	bool queued;
	struct run_queue *q = change_begin(t, &queued);

	change(t, g);
	change_end(q, t, queued, saved);
}

// Moves a queued task off a CPU that it may not use; a running one leaves by itself (see below).
static void evict(struct run_queue *q, struct task *t) __GUARD_TSA
{
	if (t->__on_cpu == TASK_QUEUED && !(t->__affinity.bits[0] >> t->__cpu & 1)) {
		sched_policy->dequeue(q->cpu, t);
		q->queued--;
		place_and_enqueue(q, t, shortest_queue(allowed_cpus(t)), SCHED_ENQUEUE_MOVE);
	} else {
		spin_unlock(&q->lock);
	}
}

void sched_move_off(struct run_queue *q, struct task *t) __GUARD_TSA
{
	place_and_enqueue(q, t, shortest_queue(allowed_cpus(t)), SCHED_ENQUEUE_MOVE);
}

err_t task_set_affinity(struct task *t, const struct cpu_set *set borrowed) __GUARD_TSA
{
	if (!(set->bits[0] & cpu_online_set().bits[0]))
		return (err_t)-EINVAL;
	u64 saved = arch_interrupts_save();
	struct run_queue *q = task_lock_queue(t);

	while (t->__on_cpu == TASK_MOVING) { // a waker is about to queue it
		spin_unlock(&q->lock);
		arch_cpu_relax();
		q = task_lock_queue(t);
	}
	t->__affinity = *set;
	bool running = t->__on_cpu == TASK_ON_CPU && !(set->bits[0] >> t->__cpu & 1);
	u32 cpu = t->__cpu;

	evict(q, t);
	if (running)
		arch_reschedule_cpu(cpu);
	arch_interrupts_restore(saved);
	if (t == arch_current_task() && running)
		task_yield();
	return OK;
}

struct cpu_set task_affinity(const struct task *t borrowed)
{
	return t->__affinity;
}
