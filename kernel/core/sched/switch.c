// SPDX-License-Identifier: MPL-2.0
// Run queues: accounting, choosing, switching.
//
// Theory: a CPU's run queue has a lock, a running task and the policy's order of waiting tasks. The
// lock is held across a context switch: taken by the task that leaves, released by the one that comes.
// So whoever holds it and sees that a task is not the running one knows that the task's registers are
// saved. A task that is to sleep sets its state first; when a waker was faster and has set it back to
// runnable, sched_switch() returns at once. A task preempted between setting its state and sleeping
// stays queued: it has not looked at its condition yet.
#include <core/arch/clock.h>
#include <core/arch/context.h>
#include <core/arch/interrupts.h>
#include <core/cpu.h>
#include <core/print.h>
#include "sched.h"
#include "core/time/timer_queue.h"

enum { TICK_MAX_NS = 10 * NS_PER_MS };

struct run_queue run_queues[ARCH_CPU_MAX];
const struct sched_policy *sched_policy = &sched_fifo_policy;
u64 idle_cpus;

struct run_queue *task_lock_queue(struct task *t) __GUARD_TSA
{
	for (;;) {
		u32 cpu = __atomic_load_n(&t->__cpu, __ATOMIC_RELAXED);
		struct run_queue *q = &run_queues[cpu];

		spin_lock(&q->lock);
		if (__likely(t->__cpu == cpu))
			return q;
		spin_unlock(&q->lock);
	}
}

// --- time -------------------------------------------------------------------------------------

// Who used the time since the stamp is judged by what the CPU did at its end, as with a sampling tick.
static void account_cpu(struct run_queue *q, u64 ran_ns, bool in_user)
{
	if (q->current == q->idle)
		q->times.idle_ns += ran_ns;
	else if (in_user)
		q->times.user_ns += ran_ns;
	else
		q->times.system_ns += ran_ns;
}

static bool account_from(struct run_queue *q, u64 now_ns, enum sched_mode mode)
{
	// A tick's time may be older than the stamp: the timers that fired before it woke tasks, which accounts too.
	u64 ran_ns = now_ns > q->stamp_ns ? now_ns - q->stamp_ns : 0;
	struct task *t = q->current;

	q->stamp_ns += ran_ns;
	const bool in_user = mode == SCHED_MODE_USER;

	account_cpu(q, ran_ns, in_user);
	if (t == q->idle)
		return false;
	if (in_user)
		t->__user_ns += ran_ns;
	else
		t->__system_ns += ran_ns;
	return sched_policy->account(q->cpu, t, ran_ns, mode);
}

bool sched_account(struct run_queue *q, u64 now_ns)
{
	return account_from(q, now_ns, arch_interrupted_user() ? SCHED_MODE_USER : SCHED_MODE_SYSTEM);
}

// The switch on the way out would count what the program did until now as the kernel's.
void core_reschedule_interrupt(void)
{
	struct run_queue *q = this_run_queue();

	if (!arch_interrupted_user())
		return;
	spin_lock(&q->lock);
	if (sched_account(q, arch_clock_ns()))
		arch_reschedule_needed_set(1);
	spin_unlock(&q->lock);
}

// The next look at the running task: soon when others wait, else for the sake of accounting.
void sched_arm_tick(struct run_queue *q, u64 now_ns)
{
	if (q->current == q->idle) {
		q->tick_ns = U64_MAX;
		return;
	}
	u64 slice_ns = q->queued ? sched_policy->tick_ns(q->cpu, q->current) : U64_MAX;
	u64 at_ns = now_ns + min(slice_ns, (u64)TICK_MAX_NS);

	// A tick that is armed already and comes no later serves as well: arming costs more than a look.
	if (q->tick_ns <= at_ns && q->tick_ns > now_ns)
		return;
	q->tick_ns = at_ns;
	timer_queue_program(at_ns);
}

// The idle ones by turns: what is queued here may not be allowed to run on the first of them.
static void wake_idle_cpu(struct run_queue *q)
{
	u64 idle = __atomic_load_n(&idle_cpus, __ATOMIC_RELAXED) & ~(1ul << q->cpu);

	idle &= ~__atomic_load_n(&isolated_cpus, __ATOMIC_RELAXED);
	if (!idle)
		return;
	u64 after = idle & ~((2ul << q->last_woken) - 1);

	q->last_woken = (u32)__builtin_ctzl(after ? after : idle);
	arch_reschedule_cpu(q->last_woken);
}

// In the timer interrupt.
void sched_tick(u64 now_ns)
{
	struct run_queue *q = this_run_queue();

	if (now_ns < q->tick_ns)
		return;
	spin_lock(&q->lock);
	q->tick_ns = U64_MAX;
	if (sched_account(q, now_ns))
		arch_reschedule_needed_set(1);
	if (q->queued)
		wake_idle_cpu(q);
	sched_arm_tick(q, now_ns);
	spin_unlock(&q->lock);
}

// --- choosing ---------------------------------------------------------------------------------

void sched_enqueue(struct run_queue *q, struct task *t, u32 reason, u64 now_ns)
{
	t->__on_cpu = TASK_QUEUED;
	q->queued++;
	sched_policy->enqueue(q->cpu, t, reason, now_ns);
	if (q->current != q->idle && !sched_policy->should_preempt(q->cpu, q->current, t)) {
		if (q->cpu == arch_cpu_index() && q->queued == 1)
			sched_arm_tick(q, now_ns);
		return;
	}
	if (q->cpu == arch_cpu_index())
		arch_reschedule_needed_set(1);
	else
		arch_reschedule_cpu(q->cpu);
}

// Another CPU's lock is only tried: no order between run queues is needed then.
static struct task *steal_from(struct run_queue *victim, u32 thief)
{
	if (!__atomic_load_n(&victim->queued, __ATOMIC_RELAXED) || !spin_try_lock(&victim->lock))
		return NULL;
	struct task *t = sched_policy->steal(victim->cpu, thief);

	if (t) {
		victim->queued--;
		t->__cpu = thief;
	}
	spin_unlock(&victim->lock);
	return t;
}

// Takes a task of another CPU into q.
static void steal(struct run_queue *q, u64 now_ns)
{
	u64 isolated = __atomic_load_n(&isolated_cpus, __ATOMIC_RELAXED);
	u32 count = arch_cpu_count();

	if (isolated >> q->cpu & 1)
		return;
	for (u32 i = 1; i < count; i++) {
		u32 from = (q->cpu + i) % count;
		struct task *t = isolated >> from & 1 ? NULL : steal_from(&run_queues[from], q->cpu);

		if (t) {
			sched_policy->enqueue(q->cpu, t, SCHED_ENQUEUE_MOVE, now_ns);
			q->queued++;
			return;
		}
	}
}

static struct task *choose(struct run_queue *q, u64 now_ns)
{
	if (arch_cpu_count() > 1 && (!q->queued || sched_policy->should_pull(q->cpu)))
		steal(q, now_ns);
	struct task *t = sched_policy->pick_next(q->cpu, now_ns);

	if (!t)
		return q->idle;
	q->queued--;
	return t;
}

// --- switching --------------------------------------------------------------------------------

static void note_idle(struct run_queue *q, struct task *from, struct task *to)
{
	if (from == q->idle)
		__atomic_fetch_and(&idle_cpus, ~(1ul << q->cpu), __ATOMIC_RELAXED);
	if (to == q->idle)
		__atomic_fetch_or(&idle_cpus, 1ul << q->cpu, __ATOMIC_RELAXED);
}

void sched_finish_switch(struct task *previous) __GUARD_TSA
{
	struct run_queue *q = this_run_queue();

	if (__unlikely(previous->__on_cpu == TASK_MOVING))
		sched_move_off(q, previous); // unlocks
	else
		spin_unlock(&q->lock);
	if (__unlikely(previous->__state == TASK_DEAD))
		task_reap_later(previous);
}

static void put_previous(struct run_queue *q, struct task *previous, bool preempted)
{
	if (previous == q->idle)
		return;
	if (preempted || previous->__state == TASK_RUNNABLE) {
		previous->__switches_involuntary++;
		if (previous->__watched)
			__atomic_fetch_or(&previous->__work, (u32)TASK_WORK_SWITCHED, __ATOMIC_RELAXED);
		if (__unlikely(!(previous->__affinity.bits[0] >> q->cpu & 1))) {
			sched_policy->leave(q->cpu, previous, SCHED_LEAVE_MOVE);
			previous->__on_cpu = TASK_MOVING; // once its registers are saved
			return;
		}
		previous->__on_cpu = TASK_QUEUED;
		q->queued++;
		sched_policy->put_previous(q->cpu, previous);
	} else {
		previous->__switches_voluntary++;
		sched_policy->leave(q->cpu, previous, SCHED_LEAVE_SLEEP);
		previous->__on_cpu = TASK_NOWHERE;
	}
}

static void note_processor(struct run_queue *q, struct task *next)
{
	if (next->__watched == q->cpu + 1)
		return;
	next->__watched = q->cpu + 1;
	__atomic_fetch_or(&next->__work, (u32)TASK_WORK_SWITCHED, __ATOMIC_RELAXED);
}

static inline void switch_from(bool preempted) __GUARD_TSA
{
	struct run_queue *q = this_run_queue();

	spin_lock(&q->lock);
	struct task *previous = q->current;
	u64 now_ns = arch_clock_ns();

	arch_reschedule_needed_set(0);
	(void)account_from(q, now_ns, SCHED_MODE_SWITCH);
	put_previous(q, previous, preempted);
	struct task *next = choose(q, now_ns);

	next->__on_cpu = TASK_ON_CPU;
	if (next == previous) {
		sched_arm_tick(q, now_ns);
		spin_unlock(&q->lock);
		return;
	}
	q->current = next;
	if (next->__watched)
		note_processor(q, next);
	q->times.context_switches++;
	next->sched.run_started_ns = now_ns;
	note_idle(q, previous, next);
	sched_arm_tick(q, now_ns);
	sched_finish_switch(arch_context_switch(previous, next));
}

void sched_switch(void)
{
	if (__unlikely(arch_preempt_count() || arch_interrupt_depth()))
		panic("a task sleeps where it must not (preemption off: %u)", arch_preempt_count());
	switch_from(false);
}

void sched_switch_preempted(void)
{
	switch_from(true);
}

// An interrupt returns to preemptible code and a switch is due. Interrupts are off.
void core_preempt(void)
{
	while (arch_reschedule_needed() && !arch_preempt_count())
		switch_from(true);
}

// preempt_enable() found a switch to be due.
static no_inline void preempt_now(void)
{
	if (!arch_interrupts_enabled() || arch_interrupt_depth())
		return; // comes back at the end of the interrupt, or with the next count that drops
	arch_interrupts_disable();
	core_preempt();
	arch_interrupts_enable();
}

#ifdef CORE_INLINE
void __preempt_check(void)
{
	if (!arch_preempt_count())
		preempt_now();
}
#else
void preempt_disable(void)
{
	arch_preempt_count_add(1);
}

void preempt_enable(void)
{
	arch_preempt_count_subtract(1);
	if (__unlikely(arch_reschedule_needed()) && !arch_preempt_count())
		preempt_now();
}
#endif

bool cpu_is_atomic(void)
{
	return arch_preempt_count() || arch_interrupt_depth() || !arch_interrupts_enabled();
}

void sched_policy_register(const struct sched_policy *policy)
{
	u64 saved = arch_interrupts_save();
	struct run_queue *q = this_run_queue();

	spin_lock(&q->lock);
	const struct sched_policy *old = sched_policy;
	u64 now_ns = arch_clock_ns();

	sched_policy = policy;
	if (q->queued)
		for (struct task *t = old->pick_next(q->cpu, now_ns); t; t = old->pick_next(q->cpu, now_ns))
			policy->enqueue(q->cpu, t, SCHED_ENQUEUE_NEW, now_ns);
	spin_unlock(&q->lock);
	arch_interrupts_restore(saved);
}
