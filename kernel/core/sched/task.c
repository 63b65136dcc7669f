// SPDX-License-Identifier: MPL-2.0
// The life of a task: made, started, ended, released.
//
// A task that ends cannot free the stack it stands on. It leaves the CPU for the last time with the
// state DEAD; the task that comes next gives the stack back and drops the scheduler's reference. When
// that was the last one, the release callback may sleep, so a kernel thread drops it instead.
#include <core/arch/clock.h>
#include <core/arch/context.h>
#include <core/arch/core_memory.h>
#include <core/arch/layout.h>
#include <core/cpu.h>
#include <core/print.h>
#include <core/work.h>
#include "core/memory/account.h"
#include "sched.h"

static void task_release(struct task *t)
{
	task_fini(t);
}
DEFINE_OBJECT(task, task_release)

#ifndef CORE_INLINE
struct task *task_current(void)
{
	return arch_current_task();
}

bool task_is_current(const struct task *t borrowed)
{
	return t == arch_current_task();
}
#endif

static void task_first_frame(struct task *self, struct task *previous)
{
	sched_finish_switch(previous);
	arch_interrupts_enable();
	if (arch_reschedule_needed()) {
		arch_preempt_count_add(1);
		preempt_enable();
	}
	self->__entry(self);
	task_exit();
}

static void task_free_stack(struct task *t borrowed)
{
	if (!t->__stack)
		return;
	kernel_stack_free(t->__stack);
	t->__stack = NULL;
	account_uncharge(t->__stack_owner, LAYOUT_STACK_SIZE, MEMORY_ACCOUNT_STACK);
}

err_t task_init(struct task *t, bytes_t name, void (*entry)(struct task *self))
{
	u32 owner;

	if (!account_charge_current(LAYOUT_STACK_SIZE, MEMORY_ACCOUNT_STACK, &owner))
		return (err_t)-ENOMEM;
	u8 *stack = kernel_stack_alloc();

	if (!stack) {
		account_uncharge(owner, LAYOUT_STACK_SIZE, MEMORY_ACCOUNT_STACK);
		return (err_t)-ENOMEM;
	}
	t->__stack_owner = owner;
	task_set_name(t, name);
	t->__stack = stack;
	t->__entry = entry;
	t->__state = TASK_NEW;
	t->__affinity.bits[0] = ~0ul;
	t->__cpu = arch_cpu_index();
	if (!t->sched.weight)
		t->sched.weight = 1024;
	arch_task_prepare(t, (u64)kernel_stack_end(stack), task_first_frame);
	return OK;
}

err_t kernel_thread_start(bytes_t name, void (*entry)(struct task *self))
{
	struct task *t = task_alloc();

	if (!t)
		return (err_t)-ENOMEM;
	err_t e = task_init(t, name, entry);

	if (e == OK)
		task_start(t);
	task_put(t);
	return e;
}

void task_exit(void)
{
	arch_interrupts_disable();
	arch_current_task()->__state = TASK_DEAD;
	for (;;)
		sched_switch();
}

void task_fini(struct task *t borrowed)
{
	if (t->__state != TASK_NEW && t->__state != TASK_DEAD && t->__stack)
		core_trap(); // it still runs: somebody dropped the scheduler's reference
	arch_task_release(t);
	task_free_stack(t);
}

// --- after the last switch ------------------------------------------------------------------------

static struct spinlock reap_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);
static struct task *reap_list;		// guarded by reap_lock

static void reap(struct work *w)
{
	struct task *list;

	{
		irq_guard(&reap_lock);
		list = reap_list;
		reap_list = NULL;
	}
	while (list) {
		struct task *t = list;

		list = t->__run_next;
		t->__run_next = NULL;
		task_put(t);
	}
}

struct reap_work {
	struct work base;
};
static void reap_work_release(struct reap_work *w)
{
	(void)w;
}
DEFINE_DERIVED(reap_work, work, reap_work_release)
static struct reap_work *reaper;	// immutable once made

void task_reaper_init(void)
{
	reaper = reap_work_alloc();
	if (!reaper)
		panic("no memory for the reaper");
	reaper->base.run = reap;
}

// Runs right after a switch away from `t`, with interrupts off.
void task_reap_later(struct task *t)
{
	u32 n = object_references(&t->object);

	task_free_stack(t);
	// Not the last reference: no release runs, and it can be dropped here.
	while (n > 1)
		if (__atomic_compare_exchange_n(&t->object.__references, &n, n - 1, 0, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return;
	{
		irq_guard(&reap_lock);
		t->__run_next = reap_list;
		reap_list = t;
	}
	work_schedule(&reaper->base);
}

// --- name, state, times ------------------------------------------------------------------------------

void task_set_name(struct task *t borrowed, bytes_t name)
{
	span_t to = array_span(t->__name);
	usize n = min(bytes_string_len(name), (usize)TASK_NAME_MAX - 1);

	span_fill(span_from(to, n), 0);
	span_copy(to, bytes_first(name, n));
}

usize task_name(const struct task *t borrowed, span_t out)
{
	bytes_t name = { t->__name, TASK_NAME_MAX - 1 };

	return span_copy_some(out, bytes_first(name, bytes_string_len(name)));
}

u8 task_state_letter(const struct task *t borrowed)
{
	switch (__atomic_load_n(&t->__state, __ATOMIC_RELAXED)) {
	case TASK_RUNNABLE:
	case TASK_NEW:
		return 'R';
	case TASK_SLEEPING_INTERRUPTIBLE:
		return 'S';
	case TASK_DEAD:
		return 'Z';
	default:
		return 'D';
	}
}

u32 task_cpu(const struct task *t borrowed)
{
	return __atomic_load_n(&t->__cpu, __ATOMIC_RELAXED);
}

// All of the time used is known exactly, how it divides by samples only.
struct task_times task_read_times(const struct task *t borrowed)
{
	u64 user = t->__user_ns, system = t->__system_ns;

	return (struct task_times){ user, system, t->__switches_voluntary, t->__switches_involuntary };
}
