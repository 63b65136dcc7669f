// SPDX-License-Identifier: MPL-2.0
// CPU time of a cgroup: every thread charges the group it is in, and sleeps when that has used up its time.
#include <core/memory_account.h>
#include <services/cgroup/member_ops.h>
#include <services/process/member/member_internal.h>
#include <services/process/members.h>
#include <services/sched/sched.h>

// Under the run queue's lock.
static bool thread_ran(struct task *task, u64 ran_ns, u32 mode)
{
	struct thread *t = thread_of_task(task);

	return t && t->cpu_cgroup && cgroup_charge_cpu(
		t->cpu_cgroup, ran_ns, mode == SCHED_MODE_USER ? CGROUP_CPU_USER : CGROUP_CPU_SYSTEM);
}

void thread_throttle(struct thread *t)
{
	for (;;) {
		struct cgroup *g object_auto(cgroup) = thread_cgroup(t);
		u64 until = cgroup_cpu_ready_at(g), now = clock_monotonic_ns();

		if (until <= now)
			return;
		t->base.sched.cpu_waits++;
		err_t e = task_sleep_until(until, WAIT_KILLABLE);

		t->base.sched.cpu_waits--;

		if (e == -ERESTARTSYS)
			return; // killed
	}
}

void thread_settle_memory(struct thread *t)
{
	struct cgroup *g object_auto(cgroup) = process_cgroup(t->process);

	cgroup_memory_settle(g);
}

void thread_move_cpu_time(struct thread *t, struct cgroup *g)
{
	t->cpu_cgroup = g;
	sched_set_group(&t->base, cgroup_sched_group(g));
	task_set_memory_account(&t->base, cgroup_memory_account(g));
}

// --- CPUs ----------------------------------------------------------------------------------

static err_t thread_apply_affinity(struct thread *t, u64 wanted, u64 if_none)
{
	struct cgroup *g object_auto(cgroup) = thread_cgroup(t);
	struct cpu_set set = cgroup_cpus_effective(g);

	set.bits[0] = wanted & set.bits[0] ? wanted & set.bits[0] : set.bits[0] & if_none;
	return set.bits[0] ? task_set_affinity(&t->base, &set) : -EINVAL;
}

err_t thread_set_affinity(struct thread *t, const struct cpu_set *set borrowed)
{
	err_t e = thread_apply_affinity(t, set->bits[0], 0);

	if (!e)
		atomic_u64_store(&t->cpus_wanted, set->bits[0]);
	return e;
}

void thread_follow_cpuset(struct thread *t)
{
	u64 wanted = atomic_u64_load(&t->cpus_wanted);
	err_t e = thread_apply_affinity(t, wanted ? wanted : U64_MAX, U64_MAX);

	(void)e; // the effective set is never empty
}

void process_follow_cpuset(struct process *p)
{
	struct thread *t object_auto(thread) = process_next_thread(p, NULL);

	while (t) {
		thread_follow_cpuset(t);
		struct thread *next object_auto(thread) = process_next_thread(p, t);

		thread_put(take(t));
		t = take(next);
	}
}

static const struct sched_account_ops account_ops = {
	.ran = thread_ran,
};

void process_cpu_time_init(void)
{
	sched_set_account_ops(&account_ops);
}
