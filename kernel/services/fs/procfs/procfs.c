// SPDX-License-Identifier: MPL-2.0
// The root: one folder a process, named by its number in the mount's pid namespace, beside fixed entries.
// Folders come and go with processes; the dentry cache asks `revalidate` before it uses one.
#include <core/text.h>
#include <services/fs/procfs/procfs.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/vm/vm_space.h>

#define PROC_MAGIC 0x9fa0u
#define FIRST_PID_POSITION 1u

static exclusive_access void proc_instance_release(struct proc_instance *i)
{
	if (!i->pids)
		return;
	proc_instance_leave(i);
	pid_namespace_put(take(i->pids));
}
DEFINE_OBJECT(proc_instance, proc_instance_release)

static exclusive_access void proc_subject_release(struct proc_subject *s)
{
	pid_put(take(s->pid));
}
DEFINE_OBJECT(proc_subject, proc_subject_release)

static struct proc_instance *instance_of(struct superblock *sb)
{
	return proc_instance_from_object(pseudo_superblock_of(sb)->subject);
}

struct proc_instance *proc_instance_of(struct pseudo_inode *n)
{
	return instance_of(n->base.superblock);
}

struct pid_namespace *proc_pids(struct pseudo_inode *n)
{
	return proc_instance_of(n)->pids;
}

struct proc_subject *proc_subject_of(struct pseudo_inode *n)
{
	return proc_subject_from_object(n->subject);
}

struct pid *procfs_pid_of(struct file *f)
{
	if ((f->mode & FILE_MODE_PATH) || !f->inode || !inode_is_pseudo(f->inode))
		return NULL;
	struct pseudo_inode *n = pseudo_inode_of(f->inode);
	return n->kind == &proc_process_kind ? pid_get(proc_subject_of(n)->pid) : NULL;
}

struct process *proc_process(struct pseudo_inode *n)
{
	struct proc_subject *s = proc_subject_of(n);

	if (!s->is_thread)
		return pid_process(s->pid);
	struct thread *t object_auto(thread) = pid_thread(s->pid);
	return t ? process_get(t->process) : NULL;
}

struct thread *proc_thread(struct pseudo_inode *n)
{
	struct proc_subject *s = proc_subject_of(n);

	if (s->is_thread)
		return pid_thread(s->pid);
	struct process *p object_auto(process) = pid_process(s->pid);
	return p ? process_main_thread(p) : NULL;
}

struct vm_space *proc_space(struct pseudo_inode *n)
{
	struct thread *t object_auto(thread) = proc_thread(n);

	return t ? thread_space_of(t) : NULL;
}

struct user_namespace *proc_user_namespace(void)
{
	return thread_cred()->user_ns;
}

err_t proc_may_read(struct pseudo_inode *n)
{
	struct thread *t object_auto(thread) = proc_thread(n);

	return t ? thread_may_access(t, THREAD_ACCESS_READ) : (err_t)-ESRCH;
}

// While a process is not dumpable its files belong to the root of the user namespace that its program began in, or to
// the machine's if that has none.
static void set_owner_hidden(struct inode *i, struct thread *t)
{
	struct vm_space *s object_auto(vm_space) = thread_space_of(t);
	struct user_namespace *ns = s ? vm_space_user_namespace(s) : NULL;
	const u32 uid = ns ? user_namespace_uid_in(ns, 0) : 0, gid = ns ? user_namespace_gid_in(ns, 0) : 0;

	pseudo_set_owner(i, uid == ID_INVALID ? 0 : uid, gid == ID_INVALID ? 0 : gid);
}

// Owner of a process's files: its effective ids while it is dumpable.
static void set_owner(struct inode *i, struct pid *pid)
{
	struct thread *t object_auto(thread) = pid_thread(pid);
	struct cred *c object_auto(cred) = t ? thread_cred_of(t) : NULL;

	if (c && !(atomic_u32_load(&t->process->flags) & PROCESS_NOT_DUMPABLE))
		pseudo_set_owner(i, c->euid, c->egid);
	else if (c)
		set_owner_hidden(i, t);
}

err_t proc_directory_create(
	struct pseudo_inode *dir, bytes_t name, struct pid *pid, u32 is_thread, struct inode **out borrowed)
{
	struct proc_subject *s object_auto(proc_subject) = proc_subject_alloc();
	err_t err;

	if (!s)
		return -ENOMEM;
	s->pid = pid_get(pid);
	pid_mark_cached(pid);
	s->is_thread = is_thread;
	err = pseudo_create(
		dir, name, S_IFDIR | 0555, is_thread ? &proc_thread_kind : &proc_process_kind, &s->object, 0, out);
	if (!err)
		set_owner(*out, pid);
	return err;
}

// The folder still belongs to a living (or zombie) process of that number. Its owner follows the process's ids.
bool proc_directory_revalidate(struct pseudo_inode *dir, bytes_t name, struct inode *child)
{
	if (!child)
		return false;
	struct pseudo_inode *n = pseudo_inode_of(child);
	if (n->kind != &proc_process_kind && n->kind != &proc_thread_kind)
		return true;
	struct process *p object_auto(process) = proc_process(n);
	if (p)
		set_owner(child, proc_subject_of(n)->pid);
	return p;
}

// --- self and thread-self ---------------------------------------------------------------------------
static ssize_r self_read_link(struct pseudo_inode *n, span_t out)
{
	struct text t = text_to(out);
	u32 number = pid_number_in(thread_current()->process->pid, proc_pids(n));

	if (!number)
		return -ENOENT;
	text_printf(&t, "%u", number);
	return (ssize_r)bytes_len(text_bytes(&t));
}

static ssize_r thread_self_read_link(struct pseudo_inode *n, span_t out)
{
	struct text t = text_to(out);
	u32 process = pid_number_in(thread_current()->process->pid, proc_pids(n));
	u32 thread = pid_number_in(thread_current()->pid, proc_pids(n));

	if (!process || !thread)
		return -ENOENT;
	text_printf(&t, "%u/task/%u", process, thread);
	return (ssize_r)bytes_len(text_bytes(&t));
}

static ssize_r mounts_read_link(struct pseudo_inode *n, span_t out)
{
	return (ssize_r)span_copy_some(out, STR("self/mounts"));
}

static ssize_r net_read_link(struct pseudo_inode *n, span_t out)
{
	return (ssize_r)span_copy_some(out, STR("self/net"));
}

static const struct pseudo_kind self_kind = { .read_link = self_read_link };
static const struct pseudo_kind thread_self_kind = { .read_link = thread_self_read_link };
static const struct pseudo_kind mounts_kind = { .read_link = mounts_read_link };
static const struct pseudo_kind net_link_kind = { .read_link = net_read_link };

static const struct pseudo_entry root_entries[] = {
	PROC_LINK("self", self_kind),
	PROC_LINK("thread-self", thread_self_kind),
	PROC_LINK("mounts", mounts_kind),
	PROC_LINK("net", net_link_kind),
	PROC_FOLDER("sys", 0555, proc_sys_kind),
	PROC_FOLDER("sysvipc", 0555, proc_sysvipc_kind),
	PROC_FOLDER("pressure", 0555, proc_pressure_kind),
	PROC_FILE("keys", 0444, proc_keys_kind),
	PROC_FILE("key-users", 0444, proc_key_users_kind),
};

static const struct pseudo_entry *root_entry(u32 index)
{
	return index < array_len(root_entries) ? array_ptr(root_entries, index)
					       : proc_system_entry(index - (u32)array_len(root_entries));
}

// --- the processes ----------------------------------------------------------------------------------
static err_t root_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	u64 number = 0;

	if (!bytes_parse_u64(name, 10, &number) || number == 0 || number >= PID_MAX || byte_at(name, 0) == '0')
		return -ENOENT;
	struct pid *pid object_auto(pid) = pid_find(proc_pids(dir), (u32)number);
	if (!pid)
		return -ENOENT;
	struct thread *main object_auto(thread) = pid_thread(pid);
	if (!proc_is_shown(proc_instance_of(dir), main, PROC_HIDE_UNTRACEABLE))
		return -ENOENT;
	struct process *p object_auto(process) = pid_process(pid);
	if (p)
		return proc_directory_create(dir, name, pid, 0, out);
	// A thread's number leads to its process too, though it is not listed.
	struct thread *t object_auto(thread) = pid_thread(pid);
	return t ? proc_directory_create(dir, name, t->process->pid, 0, out) : (err_t)-ENOENT;
}

static bool root_lists(struct pseudo_inode *dir, struct pid *pid)
{
	struct proc_instance *i = proc_instance_of(dir);

	if (atomic_u32_load_relaxed(&i->hide) == PROC_HIDE_OFF)
		return true;
	struct thread *t object_auto(thread) = pid_thread(pid);
	return proc_is_shown(i, t, PROC_HIDE_FOLDERS);
}

// subset=pid leaves only the processes and the links to oneself.
static bool root_has_entry(struct pseudo_inode *dir, const struct pseudo_entry *e)
{
	return e->kind == &self_kind || e->kind == &thread_self_kind ||
		!atomic_u32_load_relaxed(&proc_instance_of(dir)->only_processes);
}

static err_t root_read_directory(struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	u32 number = (u32)max(*position, 1ul);

	for (;;) {
		u8 name[12] = { };
		struct text t = text_to(array_span(name));
		struct pid *pid object_auto(pid) = pid_next(proc_pids(dir), &number);

		if (!pid)
			return OK;
		struct process *p object_auto(process) = pid_process(pid);
		text_printf(&t, "%u", number);
		if (p && root_lists(dir, pid) &&
			!sink->add(
				sink, text_bytes(&t), pseudo_number(dir, text_bytes(&t)), S_IFDIR >> 12, number + 1ul))
			return OK;
		number++;
		*position = number;
	}
}

static const struct pseudo_kind root_kind = {
	.entry_at = root_entry,
	.has_entry = root_has_entry,
	.lookup = root_lookup,
	.read_directory = root_read_directory,
	.revalidate = proc_directory_revalidate,
};

static err_t proc_remount(struct superblock *sb, u32 flags, bytes_t options)
{
	return proc_options_apply(instance_of(sb), options, cred_current());
}

static void proc_show_options(struct superblock *sb, struct text *out borrowed)
{
	proc_options_show(instance_of(sb), out);
}

static const struct superblock_ops proc_superblock_ops = {
	.statistics = pseudo_statistics, .remount = proc_remount, .show_options = proc_show_options,
};

static err_t proc_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	struct proc_instance *i object_auto(proc_instance) = proc_instance_alloc();

	if (!i)
		return -ENOMEM;
	err_t err = proc_options_apply(i, request->options, request->cred);
	if (err)
		return err;
	i->pids = pid_namespace_get(pid_namespace_from(request->namespaces->pid_for_children));
	err = pseudo_mount(type, request, &proc_superblock_ops, &root_kind, &i->object, out);
	if (!err)
		proc_instance_enter(i, *out);
	return err;
}

static const struct file_system_type proc_type = {
	.name = "proc", .flags = FILE_SYSTEM_USER_MOUNT | FILE_SYSTEM_REVEALING, .magic = PROC_MAGIC,
		.mount = proc_mount,
	.check_option = proc_option_check,
};

void procfs_init(void)
{
	pid_set_forget(proc_forget_pid);
	file_system_register(&proc_type);
}
