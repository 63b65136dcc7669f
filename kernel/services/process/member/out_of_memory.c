// SPDX-License-Identifier: MPL-2.0
// Who dies when memory runs out. source: proc(5), oom_score_adj
#include <core/print.h>
#include <services/cgroup/member_ops.h>
#include <services/process/members.h>
#include <services/process/process_internal.h>
#include <services/vm/vm_space.h>

#define OOM_SCORE_ADJUST_NEVER (-1000)

struct victim_search {
	struct process *best;	// reference
	u64 badness;
	u32 is_dying;		// somebody is on the way out with memory to give back
	u32 pad;
};

static bool is_candidate(struct process *p, const struct cgroup *within, s32 *adjust borrowed)
{
	if (pid_number_global(p->pid) == 1)
		return false;
	spin_guard(&p->lock);
	*adjust = p->oom_score_adjust;
	return !within || cgroup_is_within(p->cgroup, within);
}

static void consider(struct victim_search *s borrowed, struct process *p, const struct cgroup *within)
{
	s32 adjust = 0;
	struct thread *t object_auto(thread) = is_candidate(p, within, &adjust) ? process_main_thread(p) : NULL;
	struct vm_space *space object_auto(vm_space) = t ? thread_space_of(t) : NULL;

	if (!space)
		return;
	if (atomic_u32_load(&p->flags) & PROCESS_GROUP_EXIT) {
		s->is_dying = 1;
		return;
	}
	u64 badness = adjust == OOM_SCORE_ADJUST_NEVER ? 0 : vm_space_badness(space, adjust);

	if (badness <= s->badness)
		return;
	struct process *old object_auto(process) = take(s->best);

	s->best = process_get(p);
	s->badness = badness;
}

bool process_out_of_memory(struct cgroup *within)
{
	struct victim_search s = {};

	for (u32 number = 1;; number++) {
		struct pid *pid object_auto(pid) = pid_next(pid_namespace_initial(), &number);

		if (!pid)
			break;
		struct process *p object_auto(process) = pid_process(pid);

		if (p)
			consider(&s, p, within);
	}
	struct process *victim object_auto(process) = take(s.best);

	if (s.is_dying || !victim)
		return s.is_dying;
	log_warning("out of memory: killed process %u, badness %lu pages", pid_number_global(victim->pid), s.badness);
	struct cgroup *g object_auto(cgroup) = process_cgroup(victim);

	struct cgroup *scope = cgroup_out_of_memory_scope(g, within);

	cgroup_note_out_of_memory_kill(g);
	signal_kill_process(victim);
	if (scope)
		cgroup_out_of_memory_kill(scope);
	return true;
}
