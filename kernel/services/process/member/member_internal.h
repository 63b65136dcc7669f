// SPDX-License-Identifier: MPL-2.0
// What moving a process to another cgroup does to its CPU time (cpu_time.c).
#pragma once
#include <services/process/process_internal.h>

// t charges g from now on; when this returns, no run queue uses the old group any more.
void thread_move_cpu_time(struct thread *t, struct cgroup *g);
void process_cpu_time_init(void);
// All threads of p (this one) use the CPUs that their group allows.
void process_follow_cpuset(struct process *p);
