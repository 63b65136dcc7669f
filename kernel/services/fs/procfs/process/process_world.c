// SPDX-License-Identifier: MPL-2.0
// The world a process lives in: mounts, cgroup, id maps, namespaces, open files.
#include <core/text.h>
#include <services/cgroup/cgroup_namespace.h>
#include <services/cred/id_map.h>
#include <services/fs/procfs/process/process_folder.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount.h>
#include <services/vfs/mount_namespace.h>

// What an open file of mounts shows: those of the process's namespace below its root when it was opened.
struct mount_view {
	struct object object;
	struct mount_namespace *namespace;	// reference; immutable after creation
	struct path root;			// references; immutable after creation
};
static exclusive_access void mount_view_release(struct mount_view *v)
{
	path_put(&v->root);
	if (v->namespace)
		mount_namespace_put(take(v->namespace));
}
DECLARE_OBJECT(mount_view)
DEFINE_OBJECT(mount_view, mount_view_release)

static exclusive_access err_t view_make(struct thread *t, struct mount_view **out borrowed)
{
	struct namespace_set *set object_auto(namespace_set) = thread_namespaces_of(t);
	struct fs_context *c object_auto(fs_context) = thread_fs_of(t);
	struct mount_view *v object_auto(mount_view) = mount_view_alloc();

	if (!set || !c)
		return -EINVAL;
	if (!v)
		return -ENOMEM;
	v->namespace = mount_namespace_get(mount_namespace_from(set->slot[NAMESPACE_MOUNT]));
	fs_context_root(c, &v->root);
	*out = take(v);
	return OK;
}

static err_t mounts_open(struct pseudo_inode *n, struct file *f)
{
	struct thread *t object_auto(thread) = proc_thread(n);
	struct mount_view *v object_auto(mount_view) = NULL;
	err_t err = proc_may_read(n);

	if (err)
		return err == -EPERM ? (err_t)-EACCES : err;
	if (!t)
		return -EINVAL;
	err = view_make(t, &v);
	if (err)
		return err;
	f->private_value = mount_namespace_version(v->namespace, NULL);
	struct object *attached object_ref_auto = &take(v)->object;
	return pseudo_attach(f, take(attached));
}

// Each change is told once.
static u32 mounts_poll(struct pseudo_inode *n, struct file *f, struct poll_request *r)
{
	struct mount_view *v = mount_view_from_object(pseudo_attached(f));
	const u64 version = mount_namespace_version(v->namespace, r);
	const bool is_new = version != f->private_value;

	f->private_value = version;
	return POLL_IN | POLL_READ_NORMAL | (is_new ? POLL_ERROR | POLL_PRIORITY : 0);
}

static err_t mounts_put(struct file *f, enum mount_show_kind format, struct text *out borrowed)
{
	struct mount_view *v = mount_view_from_object(pseudo_attached(f));

	mount_namespace_show(v->namespace, &v->root, format, out);
	return OK;
}

static err_t mounts_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return mounts_put(f, MOUNT_SHOW_MOUNTS, out);
}

static err_t mountinfo_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return mounts_put(f, MOUNT_SHOW_MOUNTINFO, out);
}

static err_t mountstats_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return mounts_put(f, MOUNT_SHOW_MOUNTSTATS, out);
}

static err_t cgroup_line_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct process *p object_auto(process) = proc_process(n);
	struct thread *t object_auto(thread) = proc_thread(n);
	struct cgroup *g object_auto(cgroup) = t ? thread_cgroup(t) : p ? process_cgroup(p) : NULL;

	if (!p)
		return -ESRCH;
	cgroup_show(g ? g : cgroup_root(), cgroup_namespace_from(thread_namespace(NAMESPACE_CGROUP)), out);
	return OK;
}

// --- user namespace -------------------------------------------------------------------------------------
static struct user_namespace *user_namespace_of(struct pseudo_inode *n) owned;
static struct user_namespace *user_namespace_of(struct pseudo_inode *n)
{
	struct thread *t object_auto(thread) = proc_thread(n);
	struct cred *c object_auto(cred) = t ? thread_cred_of(t) : NULL;

	return c ? user_namespace_get(c->user_ns) : NULL;
}

static err_t map_show(struct pseudo_inode *n, enum id_map_kind kind, struct text *out borrowed)
{
	struct user_namespace *ns object_auto(user_namespace) = user_namespace_of(n);

	if (!ns)
		return -ESRCH;
	user_namespace_show_map(ns, kind, proc_user_namespace(), out);
	return OK;
}

static ssize_r map_store(struct pseudo_inode *n, struct file *f, enum id_map_kind kind, bytes_t data)
{
	struct user_namespace *ns object_auto(user_namespace) = user_namespace_of(n);
	err_t err = ns ? user_namespace_write_map(ns, kind, data, thread_cred()) : (err_t)-ESRCH;

	return err ? (ssize_r)err : (ssize_r)bytes_len(data);
}

static err_t uid_map_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return map_show(n, ID_MAP_UID, out);
}

static err_t gid_map_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return map_show(n, ID_MAP_GID, out);
}

static ssize_r uid_map_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	return map_store(n, f, ID_MAP_UID, data);
}

static ssize_r gid_map_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	return map_store(n, f, ID_MAP_GID, data);
}

static err_t setgroups_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct user_namespace *ns object_auto(user_namespace) = user_namespace_of(n);

	if (!ns)
		return -ESRCH;
	text_put(out, atomic_u32_load(&ns->setgroups_denied) ? STR("deny\n") : STR("allow\n"));
	return OK;
}

static ssize_r setgroups_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	struct user_namespace *ns object_auto(user_namespace) = user_namespace_of(n);
	bytes_t word = bytes_first(data, bytes_find(data, '\n'));
	bool denies = bytes_equal(word, STR("deny"));
	err_t err;

	if (!ns)
		return -ESRCH;
	if (!denies && !bytes_equal(word, STR("allow")))
		return -EINVAL;
	if (!cred_has_capability(f->cred, ns, CAP_SYS_ADMIN))
		return -EPERM;
	err = user_namespace_set_setgroups(ns, denies ? SETGROUPS_DENY : SETGROUPS_ALLOW);
	return err ? (ssize_r)err : (ssize_r)bytes_len(data);
}

static const struct pseudo_kind mounts_kind = { .show = mounts_show, .open = mounts_open, .poll = mounts_poll };
static const struct pseudo_kind mountinfo_kind = { .show = mountinfo_show, .open = mounts_open, .poll = mounts_poll };
static const struct pseudo_kind mountstats_kind = { .show = mountstats_show, .open = mounts_open };
PROC_TEXT(cgroup, cgroup_line_show);
static const struct pseudo_kind uid_map_kind = { .show = uid_map_show, .store = uid_map_store };
static const struct pseudo_kind gid_map_kind = { .show = gid_map_show, .store = gid_map_store };
static const struct pseudo_kind setgroups_kind = { .show = setgroups_show, .store = setgroups_store };

static const struct pseudo_entry entries[] = {
	PROC_FOLDER("fd", 0500, proc_fd_kind),
	PROC_FOLDER("fdinfo", 0555, proc_fdinfo_kind),
	PROC_FOLDER("ns", 0511, proc_ns_kind),
	PROC_FILE("mounts", 0444, mounts_kind),
	PROC_FILE("mountinfo", 0444, mountinfo_kind),
	PROC_FILE("mountstats", 0400, mountstats_kind),
	PROC_FILE("cgroup", 0444, cgroup_kind),
	PROC_FILE("uid_map", 0644, uid_map_kind),
	PROC_FILE("gid_map", 0644, gid_map_kind),
	PROC_FILE("setgroups", 0644, setgroups_kind),
	PROC_FILE("timens_offsets", 0644, proc_timens_kind),
	PROC_FOLDER("net", 0555, proc_net_kind),
};

const struct pseudo_entry *proc_world_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
