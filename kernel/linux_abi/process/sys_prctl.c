// SPDX-License-Identifier: MPL-2.0
// source: prctl(2), personality(2)
#include <generated/syscall_prototypes.h>
#include <services/process/process_tree.h>
#include <services/process/thread.h>
#include <services/process/trace.h>

enum {
	PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_GET_DUMPABLE = 3, PR_SET_DUMPABLE = 4, PR_GET_KEEPCAPS = 7,
	PR_SET_KEEPCAPS = 8, PR_GET_TIMING = 13, PR_SET_TIMING = 14, PR_SET_NAME = 15, PR_GET_NAME = 16,
	PR_GET_SECCOMP = 21, PR_SET_SECCOMP = 22, PR_CAPBSET_READ = 23, PR_CAPBSET_DROP = 24, PR_GET_TSC = 25,
	PR_GET_SECUREBITS = 27, PR_SET_SECUREBITS = 28, PR_SET_TIMERSLACK = 29, PR_GET_TIMERSLACK = 30,
	PR_TASK_PERF_EVENTS_DISABLE = 31, PR_TASK_PERF_EVENTS_ENABLE = 32, PR_SET_CHILD_SUBREAPER = 36,
	PR_GET_CHILD_SUBREAPER = 37, PR_SET_NO_NEW_PRIVS = 38, PR_GET_NO_NEW_PRIVS = 39, PR_GET_TID_ADDRESS = 40,
	PR_SET_THP_DISABLE = 41, PR_GET_THP_DISABLE = 42, PR_CAP_AMBIENT = 47,
	PR_SET_PTRACER = 0x59616d61
};
enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE = 2, AMBIENT_LOWER = 3, AMBIENT_CLEAR_ALL = 4 };

static s64 set_name(user_addr_t from)
{
	u8 name[TASK_NAME_MAX];
	ssize_r length = user_copy_string(span_first(array_span(name), TASK_NAME_MAX - 1), from);
	if (length == (ssize_r)-ENAMETOOLONG)
		length = (ssize_r)(TASK_NAME_MAX - 1);
	if (length < 0)
		return length;
	task_set_name(task_current(), bytes_first(array_bytes(name), (usize)length));
	return 0;
}

static s64 get_name(user_addr_t to)
{
	u8 name[TASK_NAME_MAX] = { 0 };
	usize length = task_name(task_current(), array_span(name));
	(void)length; // the rest is zeros
	return user_copy_out(to, array_bytes(name));
}

static s64 set_death_signal(u64 signal)
{
	if (signal > SIGNAL_MAX)
		return -EINVAL;
	spin_guard(&process_tree_lock);
	process_current()->parent_death_signal = (u32)signal;
	return 0;
}

static s64 set_subreaper(u64 on)
{
	struct process *p = process_current();
	spin_guard(&process_tree_lock);
	if (on)
		p->tree_flags |= PROCESS_SUBREAPER;
	else
		p->tree_flags &= ~(u32)PROCESS_SUBREAPER;
	// Those below learn of it when they are made; existing ones look upward from now on, too.
	list_for_each(process_list, child, &p->children)
		child->tree_flags |= PROCESS_HAS_SUBREAPER;
	return 0;
}

static u32 is_subreaper(void)
{
	spin_guard(&process_tree_lock);
	return !!(process_current()->tree_flags & PROCESS_SUBREAPER);
}

static u32 death_signal(void)
{
	spin_guard(&process_tree_lock);
	return process_current()->parent_death_signal;
}

#define TSC_ENABLED 1u

static s64 set_flag(u32 flag, u64 on)
{
	if (on)
		atomic_u32_or(&process_current()->flags, flag);
	else
		atomic_u32_and(&process_current()->flags, ~flag);
	return 0;
}

static s64 set_dumpable(u64 value)
{
	if (value > 1)
		return -EINVAL;
	return set_flag(PROCESS_NOT_DUMPABLE, !value);
}

// The modes of prctl(2) as operations of seccomp(2).
static s64 set_seccomp(u64 mode, u64 program)
{
	if (mode == 1)
		return sys_seccomp(0, 0, user_addr(0));
	return mode == 2 ? sys_seccomp(1, 0, user_addr(program)) : -EINVAL;
}

static err_t change_ambient(struct cred *c, const struct cred *old borrowed, u64 operation, u64 capability)
{
	u64 bit = 1ul << (capability & 63);
	if (operation == AMBIENT_CLEAR_ALL) {
		c->ambient = 0;
		return OK;
	}
	if (operation == AMBIENT_LOWER) {
		c->ambient &= ~bit;
		return OK;
	}
	if (!(old->permitted & old->inheritable & bit) || (old->securebits & SECUREBIT_NO_CAP_AMBIENT_RAISE))
		return -EPERM;
	c->ambient |= bit;
	return OK;
}

enum cred_change { CHANGE_KEEPCAPS, CHANGE_SECUREBITS, CHANGE_BOUNDING, CHANGE_NO_NEW_PRIVILEGES, CHANGE_AMBIENT };

static err_t change(struct cred *c, const struct cred *old borrowed, enum cred_change what, u64 a, u64 b)
{
	switch (what) {
	case CHANGE_KEEPCAPS:
		if (old->securebits & SECUREBIT_KEEP_CAPS_LOCKED)
			return -EPERM;
		c->securebits = a ? c->securebits | SECUREBIT_KEEP_CAPS : c->securebits & ~SECUREBIT_KEEP_CAPS;
		return OK;
	case CHANGE_SECUREBITS:
		return cred_set_securebits(c, old, (u32)a);
	case CHANGE_BOUNDING:
		return cred_drop_bounding(c, (u32)min(a, 64ul));
	case CHANGE_NO_NEW_PRIVILEGES:
		c->no_new_privileges = 1;
		return OK;
	case CHANGE_AMBIENT:
		return change_ambient(c, old, a, b);
	}
	return -EINVAL;
}

static s64 change_cred(enum cred_change what, u64 a, u64 b)
{
	struct cred *old = thread_cred();
	struct cred *c object_auto(cred) = cred_copy(old);
	if (!c)
		return -ENOMEM;
	err_t err = change(c, old, what, a, b);
	if (!err)
		thread_set_cred(take(c));
	return err;
}

static s64 ambient(u64 operation, u64 capability, u64 arg4, u64 arg5)
{
	if (arg4 || arg5)
		return -EINVAL;
	if (operation == AMBIENT_CLEAR_ALL)
		return capability ? -EINVAL : change_cred(CHANGE_AMBIENT, operation, 0);
	if (capability > CAPABILITY_LAST)
		return -EINVAL;
	if (operation == AMBIENT_IS_SET)
		return thread_cred()->ambient >> capability & 1;
	if (operation != AMBIENT_RAISE && operation != AMBIENT_LOWER)
		return -EINVAL;
	return change_cred(CHANGE_AMBIENT, operation, capability);
}

// What concerns credentials. -ENOIOCTLCMD: not here.
static s64 prctl_cred(s32 option, u64 arg2, u64 arg3, u64 arg4, u64 arg5)
{
	switch (option) {
	case PR_GET_KEEPCAPS:
		return !!(thread_cred()->securebits & SECUREBIT_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return arg2 > 1 ? -EINVAL : change_cred(CHANGE_KEEPCAPS, arg2, 0);
	case PR_CAPBSET_READ:
		return arg2 > CAPABILITY_LAST ? -EINVAL : (s64)(thread_cred()->bounding >> arg2 & 1);
	case PR_CAPBSET_DROP:
		return change_cred(CHANGE_BOUNDING, arg2, 0);
	case PR_GET_SECUREBITS:
		return thread_cred()->securebits;
	case PR_SET_SECUREBITS:
		return change_cred(CHANGE_SECUREBITS, arg2, 0);
	case PR_SET_NO_NEW_PRIVS:
		return arg2 != 1 || arg3 || arg4 || arg5 ? -EINVAL : change_cred(CHANGE_NO_NEW_PRIVILEGES, 0, 0);
	case PR_GET_NO_NEW_PRIVS:
		return arg2 || arg3 || arg4 || arg5 ? -EINVAL : (s64)thread_has_no_new_privileges(thread_current());
	case PR_CAP_AMBIENT:
		return ambient(arg2, arg3, arg4, arg5);
	default:
		return -ENOIOCTLCMD;
	}
}

s64 sys_prctl(s32 option, u64 arg2, u64 arg3, u64 arg4, u64 arg5)
{
	struct thread *t = thread_current();
	switch (option) {
	case PR_SET_PDEATHSIG:
		return set_death_signal(arg2);
	case PR_GET_PDEATHSIG:
		return user_write_u32(user_addr(arg2), death_signal());
	case PR_GET_DUMPABLE:
		return !(atomic_u32_load(&t->process->flags) & PROCESS_NOT_DUMPABLE);
	case PR_SET_DUMPABLE:
		return set_dumpable(arg2);
	case PR_SET_NAME:
		return set_name(user_addr(arg2));
	case PR_GET_NAME:
		return get_name(user_addr(arg2));
	case PR_GET_SECCOMP:
		return t->seccomp_mode;
	case PR_SET_PTRACER:
		return trace_set_permitted((s64)arg2);
	case PR_SET_SECCOMP:
		return set_seccomp(arg2, arg3);
	case PR_SET_TIMERSLACK:
		t->timer_slack_ns = arg2 && arg2 <= S64_MAX ? arg2 : 50 * NS_PER_US;
		return 0;
	case PR_GET_TIMERSLACK:
		return (s64)t->timer_slack_ns;
	case PR_SET_CHILD_SUBREAPER:
		return set_subreaper(arg2);
	case PR_GET_CHILD_SUBREAPER:
		return user_write_u32(user_addr(arg2), is_subreaper());
	case PR_GET_TID_ADDRESS:
		return user_write_u64(user_addr(arg2), t->clear_child_tid.value);
	case PR_SET_THP_DISABLE:
		return arg2 > 1 || arg3 || arg4 || arg5 ? -EINVAL : set_flag(PROCESS_NO_HUGE_PAGES, arg2);
	case PR_GET_THP_DISABLE:
		return arg2 || arg3 || arg4 || arg5 ? -EINVAL :
			!!(atomic_u32_load(&t->process->flags) & PROCESS_NO_HUGE_PAGES);
	case PR_GET_TSC:
		return user_write_u32(user_addr(arg2), TSC_ENABLED);
	case PR_GET_TIMING:
	case PR_TASK_PERF_EVENTS_DISABLE:	// there are no events
	case PR_TASK_PERF_EVENTS_ENABLE:
		return 0;
	case PR_SET_TIMING:
		return arg2 ? -EINVAL : 0;	// statistical is the only one
	default: {
		s64 result = prctl_cred(option, arg2, arg3, arg4, arg5);
		return result == -ENOIOCTLCMD ? -EINVAL : result;
	}
	}
}

#define PERSONALITY_QUERY U32_MAX

s64 sys_personality(u32 persona)
{
	struct thread *t = thread_current();
	u32 old = t->personality;
	if (persona != PERSONALITY_QUERY)
		t->personality = persona;
	return old;
}
