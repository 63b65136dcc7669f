// SPDX-License-Identifier: MPL-2.0
// Between a cgroup and its processes. services/process owns the membership (process->cgroup) and tells the
// cgroup of it; the cgroup asks for what must be done to all members through ops.
#pragma once
#include <core/task.h>
#include <services/cgroup/cgroup.h>
#include <services/sched/group.h>

enum cgroup_member_flag { CGROUP_MEMBER_THREADS = 1 /* a thread's number instead of a process's */ };
struct cgroup_member_ops {
	// The lowest number above *number of a living process (or thread) of g itself, as the current task sees
	// numbers;
	// false at the end.
	bool (*next)(struct cgroup *g, u32 *number borrowed, u32 flags);
	// Moves the process `number` (0: the caller's) to g: -ESRCH; -EINVAL for a kernel thread. For each process
	// moved it
	// calls cgroup_member_move(). `may_move` says whether the caller may take it out of its old group.
	err_t (*move)(
		struct cgroup *g, u32 number, u32 flags, err_t (*may_move)(struct cgroup *from, struct cgroup *to));
	// SIGKILL to every process of g itself.
	void (*kill)(struct cgroup *g);
	// Tells every thread of g itself to look at cgroup_is_frozen() again before it returns to user mode.
	void (*freeze_changed)(struct cgroup *g);
	// cgroup_cpus_effective() is another one now: every thread of g itself moves to it.
	void (*cpus_changed)(struct cgroup *g);
};
void cgroup_set_member_ops(const struct cgroup_member_ops *ops);

// A process begins (fork) or ends (its last thread exits) in g. enter: -ENODEV when g was removed.
err_t cgroup_member_enter(struct cgroup *g);
void cgroup_member_leave(struct cgroup *g);
// A process of `threads` threads moves: counts and pid charges go with it. -ENODEV when `to` was removed.
err_t cgroup_member_move(struct cgroup *from, struct cgroup *to, u32 threads);
// clone3(CLONE_INTO_CGROUP): may the current process put a child into g? -EBUSY (inner node with controllers),
// -ENODEV. Permission on the folder's cgroup.procs is the caller's matter.
err_t cgroup_check_target(struct cgroup *g);

// Must members of g stop before they return to user mode? A thread that does so sleeps killably on the event
// until this is false.
bool cgroup_is_frozen(const struct cgroup *g borrowed);
struct wait_queue *cgroup_freeze_event(struct cgroup *g);
// A thread has stopped (delta 1) for the freeze or goes on (-1), for cgroup.events.
void cgroup_note_frozen(struct cgroup *g, s32 delta);

// A process of g was killed for want of memory (memory.events: oom_kill).
void cgroup_note_out_of_memory_kill(struct cgroup *g);
// memory.oom.group: the highest group at or below `within` (NULL: of all) that dies as a whole with a victim in
// `victims`; NULL: the victim alone. Borrowed from `victims`.
struct cgroup *cgroup_out_of_memory_scope(struct cgroup *victims, struct cgroup *within);
// Kills it. => may sleep
void cgroup_out_of_memory_kill(struct cgroup *scope);

// --- the cpu controller
enum cgroup_cpu_mode { CGROUP_CPU_SYSTEM, CGROUP_CPU_USER };
// A task of g ran. True: a quota is used up, the task must come to cgroup_cpu_ready_at(). => any context
bool cgroup_charge_cpu(struct cgroup *g, u64 ran_ns, enum cgroup_cpu_mode mode);
// When tasks of g may run in user mode again; 0: now.
u64 cgroup_cpu_ready_at(struct cgroup *g);
// What tasks of g share CPU time as; lives as long as g.
struct sched_group *cgroup_sched_group(struct cgroup *g);
// The CPUs that members of g may use.
struct cpu_set cgroup_cpus_effective(const struct cgroup *g borrowed);
