// SPDX-License-Identifier: MPL-2.0
// The first process: pid 1 of the initial namespaces, parent of nobody's orphans but everybody's. It is
// made from nothing; every other process is a clone.
#include <core/memory.h>
#include <services/cgroup/cgroup_namespace.h>
#include <services/cgroup/member_ops.h>
#include <services/cred/user_namespace.h>
#include <services/namespace/ipc_namespace.h>
#include <services/namespace/namespace_kinds.h>
#include <services/namespace/time_namespace.h>
#include <services/namespace/uts.h>
#include <services/process/clone.h>
#include <services/process/members.h>
#include <services/process/process_internal.h>
#include <services/vfs/file_table.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount_namespace.h>

static struct spinlock start_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static void (*start_function)(struct thread *self) GUARDED_BY(start_lock);

static void init_main(struct task *self)
{
	void (*start)(struct thread *self) = NULL;
	{
		spin_guard(&start_lock);
		start = start_function;
	}
	start(thread_current());
	thread_main(self);
}

static struct namespace_set *initial_namespaces(void) owned;
static struct namespace_set *initial_namespaces(void)
{
	struct namespace_set *set object_auto(namespace_set) = namespace_set_create();
	if (!set)
		return NULL;
	set->slot[NAMESPACE_MOUNT] = namespace_get(&mount_namespace_initial()->base);
	set->slot[NAMESPACE_UTS] = namespace_get(&uts_namespace_initial()->base);
	set->slot[NAMESPACE_IPC] = namespace_get(&ipc_namespace_initial()->base);
	set->slot[NAMESPACE_TIME] = namespace_get(&time_namespace_initial()->base);
	set->slot[NAMESPACE_PID] = namespace_get(pid_namespace_base(pid_namespace_initial()));
	set->slot[NAMESPACE_CGROUP] = namespace_get(&cgroup_namespace_initial()->base);
	if (namespace_initial(NAMESPACE_NET))
		set->slot[NAMESPACE_NET] = namespace_get(namespace_initial(NAMESPACE_NET));
	set->pid_for_children = namespace_get(set->slot[NAMESPACE_PID]);
	set->time_for_children = namespace_get(set->slot[NAMESPACE_TIME]);
	return take(set);
}

// source: getrlimit(2); the values Linux starts with
static struct rlimits initial_limits(void)
{
	struct rlimits l;
	for (u32 i = 0; i < RLIMIT_COUNT; i++)
		l.limit[i] = (struct rlimit){ RLIMIT_INFINITY, RLIMIT_INFINITY };
	u64 processes = memory_read_totals().total_pages / 32;
	l.limit[RLIMIT_STACK].soft = 8ul << 20;
	l.limit[RLIMIT_CORE].soft = 0;
	l.limit[RLIMIT_NOFILE] = (struct rlimit){ 1024, 4096 };
	l.limit[RLIMIT_NPROC] = (struct rlimit){ processes, processes };
	l.limit[RLIMIT_SIGPENDING] = (struct rlimit){ processes, processes };
	l.limit[RLIMIT_MEMLOCK] = (struct rlimit){ 8ul << 20, 8ul << 20 };
	l.limit[RLIMIT_MSGQUEUE] = (struct rlimit){ 819200, 819200 };
	l.limit[RLIMIT_NICE] = (struct rlimit){ 0, 0 };
	l.limit[RLIMIT_RTPRIO] = (struct rlimit){ 0, 0 };
	return l;
}

static err_t fill_process(struct process *p)
{
	p->actions = signal_action_table_create();
	if (!p->actions)
		return -ENOMEM;
	p->exit_signal = SIGCHLD;
	atomic_u32_or(&p->flags, PROCESS_NAMESPACE_INIT);
	spin_guard(&p->lock);
	p->rlimits = initial_limits();
	return OK;
}

static err_t fill_thread(struct thread *t)
{
	struct path root path_auto = path_none();
	mount_namespace_root(mount_namespace_initial(), &root);
	t->cred = cred_get(cred_initial());
	t->namespaces = initial_namespaces();
	t->fs = fs_context_create(&root);
	t->files = file_table_create();
	return t->namespaces && t->fs && t->files ? OK : -ENOMEM;
}

// Session and group 0 in name: setsid(2) of pid 1 makes its own.
static err_t found_session(struct process *p)
{
	struct session *s object_auto(session) = session_create(p->pid);
	if (!s)
		return -ENOMEM;
	struct process_group *g object_auto(process_group) = process_group_create(p->pid, s);
	if (!g)
		return -ENOMEM;
	spin_guard(&process_tree_lock);
	s->leader = p;
	process_join_group_locked(p, take(g));
	return OK;
}

static err_t join_root_cgroup(struct process *p, struct thread *t)
{
	struct cgroup *domain object_auto(cgroup) = NULL;
	err_t err = cgroup_charge_pid(cgroup_root());
	if (err)
		return err;
	spin_guard(&p->lock);
	err = cgroup_member_enter(cgroup_root(), &t->base, &domain);
	if (err)
		return err;
	thread_join_cgroup_locked(p, t, cgroup_root());
	p->cgroup = take(domain);
	return OK;
}

static void publish(struct process *p, struct thread *t)
{
	pid_set_thread(t->pid, t);
	pid_set_process(p->pid, p);
	pid_namespace_set_init(pid_namespace_initial(), p);
	atomic_u64_add(&t->cred->account->processes, 1);
	irq_guard(&p->signal_lock);
	thread_list_append(&p->threads, t);
	p->thread_count = 1;
	p->leader = t;
}

err_t process_create_init(void (*start)(struct thread *self))
{
	struct pid *pid object_auto(pid) = NULL;
	err_t err = pid_create(pid_namespace_initial(), NULL, &pid);
	if (err)
		return err;
	struct process *p object_auto(process) = process_create(pid);
	if (!p)
		return -ENOMEM;
	struct thread *t object_auto(thread) = thread_create(p, pid, STR("init"), init_main);
	if (!t)
		return -ENOMEM;
	err = fill_process(p);
	if (!err)
		err = fill_thread(t);
	if (!err)
		err = found_session(p);
	if (!err)
		err = join_root_cgroup(p, t);
	if (err)
		return err;
	{
		spin_guard(&start_lock);
		start_function = start;
	}
	publish(p, t);
	task_start(&t->base);
	return OK;
}
