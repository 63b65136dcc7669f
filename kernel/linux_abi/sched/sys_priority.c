// SPDX-License-Identifier: MPL-2.0
// Nice values and I/O priorities of threads, of all threads of a process group, of all of a user.
// source: getpriority(2), ioprio_set(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/process/find.h>
#include <linux_abi/sched/sched_access.h>
#include <services/process/process_tree.h>

// Which threads, as numbers of getpriority; those of ioprio_set are one higher.
enum walk_which { WALK_THREAD, WALK_GROUP, WALK_USER };
struct priority_walk {
	void (*visit)(struct thread *t, struct priority_walk *w borrowed);
	s64 value;		// to set, or the best seen
	u32 is_found;
	err_t err;		// the last one
};

static bool is_named(struct process *p, u32 which, s32 who)
{
	struct pid_namespace *ns = thread_pid_namespace();
	if (which == WALK_GROUP)
		return process_group_number(p, ns) == (who ? (u32)who : process_group_number(process_current(), ns));
	struct cred *c object_auto(cred) = process_cred(p);
	u32 uid = who ? user_namespace_uid_in(thread_cred()->user_ns, (u32)who) : thread_cred()->uid;
	return c && c->uid == uid;
}

static void visit_threads(struct process *p, struct priority_walk *w borrowed)
{
	struct thread *t object_auto(thread) = process_next_thread(p, NULL);
	while (t) {
		w->visit(t, w);
		w->is_found = 1;
		struct thread *next object_auto(thread) = process_next_thread(p, t);
		struct thread *done object_auto(thread) = take(t);
		t = take(next);
	}
}

static err_t walk(u32 which, s32 who, struct priority_walk *w borrowed)
{
	if (which > WALK_USER)
		return -EINVAL;
	if (which == WALK_THREAD) {
		struct thread *t object_auto(thread) = thread_by_number(who);
		if (!t)
			return -ESRCH;
		w->visit(t, w);
		return w->err;
	}
	for (u32 number = 1;; number++) {
		struct pid *pid object_auto(pid) = pid_next(thread_pid_namespace(), &number);
		if (!pid)
			break;
		struct process *p object_auto(process) = pid_process(pid);
		if (p && is_named(p, which, who))
			visit_threads(p, w);
	}
	return w->is_found ? w->err : -ESRCH;
}

// --- nice values ------------------------------------------------------------------------------------------

static void visit_get_nice(struct thread *t, struct priority_walk *w borrowed)
{
	w->value = max(w->value, (s64)20 - t->base.sched.nice);
}

static void visit_set_nice(struct thread *t, struct priority_walk *w borrowed)
{
	err_t err = sched_change_nice(t, (s32)w->value);
	w->err = err ? err : w->err;
}

s64 sys_getpriority(s32 which, s32 who)
{
	struct priority_walk w = { .visit = visit_get_nice };
	err_t err = walk((u32)which, who, &w);
	return err ? err : w.value;
}

s64 sys_setpriority(s32 which, s32 who, s32 prio)
{
	struct priority_walk w = { .visit = visit_set_nice,
		.value = max(min(prio, SCHED_NICE_MAX), SCHED_NICE_MIN) };
	return walk((u32)which, who, &w);
}

// --- I/O priorities: kept for who asks; the block layer serves requests as they come ------------------------

enum io_class { IO_CLASS_NONE, IO_CLASS_REALTIME, IO_CLASS_BEST_EFFORT, IO_CLASS_IDLE };
#define IO_CLASS_SHIFT 13u
#define IO_LEVEL_MASK 7u	// above it: a hint

static void visit_set_io(struct thread *t, struct priority_walk *w borrowed)
{
	struct cred *mine = thread_cred();
	struct cred *target object_auto(cred) = thread_cred_of(t);
	if (!target)
		w->err = -ESRCH;
	else if (target->uid != mine->euid && target->uid != mine->uid &&
		 !cred_has_capability(mine, target->user_ns, CAP_SYS_NICE))
		w->err = -EPERM;
	else
		t->io_priority = (u32)w->value;
}

// The best of two: the lower class that is set, then the lower level.
static void visit_get_io(struct thread *t, struct priority_walk *w borrowed)
{
	s64 value = t->io_priority;
	if (!w->is_found || (value >> IO_CLASS_SHIFT && (value < w->value || !(w->value >> IO_CLASS_SHIFT))))
		w->value = value;
}

static err_t check_io(u32 priority)
{
	switch (priority >> IO_CLASS_SHIFT) {
	case IO_CLASS_REALTIME:
		return thread_capable_over_machine(CAP_SYS_ADMIN) || thread_capable_over_machine(CAP_SYS_NICE) ? OK : -EPERM;
	case IO_CLASS_BEST_EFFORT:
	case IO_CLASS_IDLE:
		return OK;
	case IO_CLASS_NONE:
		return priority & IO_LEVEL_MASK ? -EINVAL : OK;
	default:
		return -EINVAL;
	}
}

s64 sys_ioprio_set(s32 which, s32 who, s32 ioprio)
{
	struct priority_walk w = { .visit = visit_set_io, .value = ioprio };
	err_t err = check_io((u32)ioprio);
	return err ? err : walk((u32)which - 1, who, &w);
}

s64 sys_ioprio_get(s32 which, s32 who)
{
	struct priority_walk w = { .visit = visit_get_io };
	err_t err = walk((u32)which - 1, who, &w);
	return err ? err : w.value;
}
