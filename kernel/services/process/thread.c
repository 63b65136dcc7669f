// SPDX-License-Identifier: MPL-2.0
// The thread object: what it owns, and its life between user mode and the kernel.
#include <services/cred/user_namespace.h>
#include <services/process/process_internal.h>
#include <services/process/trace.h>
#include <services/process/vfork.h>
#include <services/vfs/file_table.h>
#include <services/vfs/fs_context.h>
#include <services/vm/vm_space.h>

static void thread_release(struct thread *t) exclusive_access
{
	signal_queue_clear(&t->pending, (struct signal_set){ U64_MAX });
	if (t->cred)
		cred_put(take(t->cred));
	if (t->namespaces)
		namespace_set_put(take(t->namespaces));
	if (t->fs)
		fs_context_put(take(t->fs));
	if (t->files)
		file_table_put(take(t->files));
	if (t->space)
		vm_space_put(take(t->space));
	if (t->seccomp)
		object_put(take(t->seccomp));
	if (t->trace)
		trace_put(take(t->trace));
	if (t->vfork)
		vfork_completion_put(take(t->vfork));
	if (t->pid) {
		pid_forget_thread(t->pid, t);
		pid_put(take(t->pid));
	}
	if (t->cgroup)
		cgroup_put(take(t->cgroup));
	if (t->process)
		process_put(take(t->process));
	task_fini(&t->base);
}
DEFINE_DERIVED_SHARED(thread, task, thread_release)

struct thread *thread_create(struct process *p, struct pid *pid, bytes_t name, void (*entry)(struct task *self))
{
	struct thread *t object_auto(thread) = thread_alloc();
	if (!t)
		return NULL;
	spin_init(&t->lock, RANK_CRED);
	t->start_time_ns = clock_monotonic_ns();
	t->timer_slack_ns = 50 * NS_PER_US;
	t->process = process_get(p);
	t->pid = pid_get(pid);
	if (task_init(&t->base, name, entry))
		return NULL;
	return take(t);
}

struct thread *thread_current_or_null(void)
{
	struct task *self = task_current();
	return self && task_is_thread(self) ? thread_from_task(self) : NULL;
}

struct thread *thread_of_task(struct task *t)
{
	return task_is_thread(t) ? thread_from_task(t) : NULL;
}

struct thread *thread_current(void)
{
	return thread_from_task(task_current());
}

u32 thread_number(const struct thread *t)
{
	return pid_number_own(t->pid);
}

// What a thread has a reference on: the owner reads it without a lock, others get a reference of their own.
#define THREAD_PART(type, field)                                \
	struct type *thread_##field(void)                       \
	{                                                       \
		return thread_current()->field;                 \
	}                                                       \
	struct type *thread_##field##_of(struct thread *t)      \
	{                                                       \
		spin_guard(&t->lock);                           \
		return type##_try_get(t->field);                \
	}
#define THREAD_PART_REPLACED(type, field)                       \
	void thread_set_##field(struct type *fresh consumes)    \
	{                                                       \
		struct thread *t = thread_current();            \
		struct type *old object_auto(type) = NULL;      \
		spin_guard(&t->lock);                           \
		old = take(t->field);                           \
		t->field = fresh;                               \
	}
THREAD_PART(cred, cred)
THREAD_PART(fs_context, fs)
THREAD_PART(file_table, files)
THREAD_PART(vm_space, space)
THREAD_PART(namespace_set, namespaces)
THREAD_PART_REPLACED(fs_context, fs)
THREAD_PART_REPLACED(file_table, files)
THREAD_PART_REPLACED(namespace_set, namespaces)

struct namespace *thread_namespace(enum namespace_kind kind)
{
	struct thread *t = thread_current();
	return kind == NAMESPACE_USER ? &t->cred->user_ns->base : t->namespaces->slot[kind];
}

struct pid_namespace *thread_pid_namespace(void)
{
	return pid_namespace_of(thread_current()->pid);
}

bool thread_has_no_new_privileges(const struct thread *t)
{
	return t->cred->no_new_privileges || atomic_u32_load_relaxed(&t->no_new_privileges);
}

bool thread_capable(u32 capability)
{
	return cred_capable(thread_current()->cred, capability);
}

bool thread_capable_over_machine(u32 capability)
{
	return cred_has_capability(thread_current()->cred, user_namespace_initial(), capability);
}

// --- changes by the thread itself -------------------------------------------------------------

// Does `new` have what `old` did not have before? All capabilities in a namespace that old's user owns, below
// its own, are nothing more: old could have got them.
static bool gains_privilege(const struct cred *old borrowed, const struct cred *new borrowed)
{
	if (new->euid != old->euid || new->egid != old->egid)
		return true;
	if (new->user_ns == old->user_ns)
		return new->permitted & ~old->permitted;
	const struct user_namespace *at = new->user_ns;
	for (; at->parent && at->parent != old->user_ns; at = at->parent)
		;
	return !at->parent || at->owner_uid != old->euid;
}

void thread_set_cred(struct cred *c consumes)
{
	struct thread *t = thread_current();
	struct cred *old object_auto(cred) = NULL;
	if (c->account != t->cred->account) {
		atomic_u64_add(&c->account->processes, 1);
		atomic_u64_sub(&t->cred->account->processes, 1);
	}
	// Who a process is has changed: its memory is no longer open to its former equals.
	if (gains_privilege(t->cred, c))
		atomic_u32_or(&t->process->flags, PROCESS_NOT_DUMPABLE);
	spin_guard(&t->lock);
	old = take(t->cred);
	t->cred = c;
}

// What a program that is not dumpable holds is for the privileged where it began, wherever it has gone since: a runtime
// that joins a container keeps the container's root out.
static bool space_allows(struct thread *t, const struct cred *mine borrowed)
{
	if (!(atomic_u32_load(&t->process->flags) & PROCESS_NOT_DUMPABLE))
		return true;
	struct vm_space *s object_auto(vm_space) = thread_space_of(t);
	return !s || cred_has_capability(mine, vm_space_user_namespace(s), CAP_SYS_PTRACE);
}

// source: ptrace(2), "Ptrace access mode checking"
static err_t credentials_allow(struct thread *t, enum thread_access access)
{
	struct thread *self = thread_current();
	if (t->process == self->process)
		return OK;
	struct cred *target object_auto(cred) = thread_cred_of(t);
	if (!target)
		return -ESRCH;
	struct cred *mine = self->cred;
	if (!cred_domain_covers(mine, target))
		return -EPERM;
	bool same = mine->fsuid == target->euid && mine->fsuid == target->suid && mine->fsuid == target->uid &&
		    mine->fsgid == target->egid && mine->fsgid == target->sgid && mine->fsgid == target->gid;
	if (!space_allows(t, mine))
		return -EPERM;
	if (cred_has_capability(mine, target->user_ns, CAP_SYS_PTRACE))
		return OK;
	if (!same)
		return -EPERM;
	if (target->permitted & ~mine->permitted)
		return -EPERM;
	return access == THREAD_ACCESS_READ || mine->user_ns == target->user_ns ? OK : -EPERM;
}

err_t thread_may_access(struct thread *t, enum thread_access access)
{
	const err_t e = credentials_allow(t, access);
	if (e || access == THREAD_ACCESS_READ || t->process == thread_current()->process)
		return e;
	return trace_scope_allows(t);
}
