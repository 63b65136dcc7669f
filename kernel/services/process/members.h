// SPDX-License-Identifier: MPL-2.0
// What lower services ask about processes as a whole: members of a cgroup, the victim when memory runs out,
// the current space and cgroup.
#pragma once
#include <services/process/process.h>

// Registers the hooks with services/cgroup and services/vm. Once, before the first process.
void process_members_init(void);
// A thread of a frozen cgroup waits here, killably, before it returns to user mode.
// Registers how each kind of namespace is copied and entered, all but pid and user.
void process_namespace_kinds_init(void);
void thread_freeze(struct thread *t);
// A thread whose cgroup has used up its CPU time sleeps here until there is more, killably.
void thread_throttle(struct thread *t);
// Kernel memory beyond a limit of the group has its consequences. => may sleep
void thread_settle_memory(struct thread *t);
// A thread of p that is not yet started, and has entered g, uses g's CPU time.
void thread_join_cgroup_locked(struct process *p, struct thread *t, struct cgroup *g) REQUIRES(p->lock);
// The current thread is about to sleep where it does nothing, and cannot be frozen, until somebody lets it go on: its
// group counts it as frozen meanwhile.
void thread_stands(struct thread *t);
void thread_stands_no_more(struct thread *t);
// out_of_memory.c: kills the process with the highest badness in `within` and below (NULL: of all, except the first
// process). True when one was killed or is dying already.
bool process_out_of_memory(struct cgroup *within);
// A thread not yet started uses the CPUs that its group allows.
void thread_follow_cpuset(struct thread *t);
