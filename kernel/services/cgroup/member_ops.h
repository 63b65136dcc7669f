// SPDX-License-Identifier: MPL-2.0
// Between a cgroup and its members, which are threads. services/process owns the membership (thread->cgroup) and
// tells the cgroup of it; the cgroup keeps the list and asks for what must be done to members through ops. All threads
// of a process are in one group, or in the groups of one threaded subtree: its root is the process's domain.
#pragma once
#include <core/task.h>
#include <services/cgroup/cgroup.h>
#include <services/sched/group.h>

enum cgroup_member_flag { CGROUP_MEMBER_THREADS = 1 /* a thread's number instead of a process's */ };
struct cred;
struct cgroup_move {
	struct cgroup *to;
	struct cgroup *domain;		// of `to`
	u32 number;			// of a process, or with CGROUP_MEMBER_THREADS of a thread; 0: the caller's
	u32 flags;
	struct cred *cred;		// of who asked for it; lent
	err_t (*may_move)(struct cgroup *from, const struct cgroup_move *m borrowed);
};
struct cgroup_member_ops {
	// The number of a member, or of its process (once: with the process's first living thread), as the current task
	// sees numbers: 0 when it does not see it. False: the process is another member's to tell.
	bool (*number)(struct task *member, u32 flags, u32 *out borrowed);
	// Moves a process or thread: -ESRCH. It asks m->may_move first and calls cgroup_member_move() for each thread.
	err_t (*move)(const struct cgroup_move *m borrowed);
	// SIGKILL to its process.
	void (*kill)(struct task *member);
	// It must look at cgroup_is_frozen() again before it returns to user mode.
	void (*freeze_changed)(struct task *member);
	// cgroup_cpus_effective() is another one now: it moves there.
	void (*cpus_changed)(struct task *member);
};
void cgroup_set_member_ops(const struct cgroup_member_ops *ops);

// A thread begins or ends in g. The caller's locks keep one change of a thread apart from another. enter: -ENODEV when
// g was removed; on success a reference to the domain that its process belongs to.
err_t cgroup_member_enter(struct cgroup *g, struct task *t, struct cgroup **domain borrowed);
void cgroup_member_leave(struct cgroup *g, struct task *t);
// A thread moves: counts and its pid charge go with it, and what says that it is frozen. `to` may not be removed
// meanwhile (cgroup_tree_lock).
enum cgroup_member_state { CGROUP_MEMBER_RUNS, CGROUP_MEMBER_IS_FROZEN };
void cgroup_member_move(struct cgroup *from, struct cgroup *to, struct task *t, enum cgroup_member_state state);
// A member's pid charge alone: its group changed between the charge and its start.
void cgroup_move_pid(struct cgroup *from, struct cgroup *to);
// The account that a task in g allocates kernel memory from (core/memory_account.h): that of g's domain.
u32 cgroup_memory_account(struct cgroup *g);
// On the way back to user mode (TASK_WORK_SERVICE): kernel memory that passed a limit of g or above has its
// consequences: reclaim, a kill in the group, delay above memory.high. => may sleep, no lock held
void cgroup_memory_settle(struct cgroup *g);

// Must members of g stop before they return to user mode? A thread that does so sleeps killably on the event
// until this is false.
bool cgroup_is_frozen(const struct cgroup *g borrowed);
struct wait_queue *cgroup_freeze_event(struct cgroup *g);
// A thread of g stands where it does nothing until somebody lets it (delta 1), or goes on (-1): a group in which all
// stand is frozen, once it is to be.
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
