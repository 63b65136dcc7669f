// SPDX-License-Identifier: MPL-2.0
// New sets of namespaces for clone and unshare. source: namespaces(7)
#include <services/cred/cred.h>
#include <services/cred/namespace_limit.h>
#include <services/cred/user_namespace.h>
#include <services/namespace/namespace_kinds.h>
#include <services/namespace/time_namespace.h>
#include <services/process/clone/clone_internal.h>
#include <services/vfs/file_table.h>

static const enum namespace_kind copied_kinds[] = { NAMESPACE_MOUNT, NAMESPACE_UTS, NAMESPACE_IPC, NAMESPACE_NET,
	NAMESPACE_CGROUP };

// A counted copy of `from`.
static err_t copy_one(struct namespace *from, const struct cred *cred borrowed, struct fs_context *fs,
	struct namespace **out borrowed)
{
	struct namespace_count *count = NULL;
	err_t err = namespace_charge(cred->user_ns, cred->euid, from->kind, &count);
	if (err)
		return err;
	err = namespace_copy(from, cred->user_ns, fs, out);
	if (err)
		namespace_uncharge(take(count), from->kind);
	else
		namespace_keep_count(*out, take(count));
	return err;
}

static err_t copy_kinds(
	u64 flags, struct namespace_set *set borrowed, const struct cred *cred borrowed, struct fs_context *fs)
{
	for (u32 i = 0; i < array_len(copied_kinds); i++) {
		enum namespace_kind kind = copied_kinds[i];
		if (!(flags & namespace_kind_flag(kind)))
			continue;
		if (!set->slot[kind])
			return -EINVAL;
		struct namespace *made object_auto(namespace) = NULL;
		err_t err = copy_one(set->slot[kind], cred, fs, &made);
		if (err)
			return err;
		namespace_set_replace(set, kind, take(made));
	}
	return OK;
}

static err_t make_pid(struct namespace_set *set borrowed, const struct cred *cred borrowed)
{
	struct pid_namespace *made object_auto(pid_namespace) = NULL;
	struct namespace_count *count = NULL;
	if (set->pid_for_children != set->slot[NAMESPACE_PID])
		return -EINVAL;		// one step down at a time
	err_t err = namespace_charge(cred->user_ns, cred->euid, NAMESPACE_PID, &count);
	if (err)
		return err;
	err = pid_namespace_create(pid_namespace_from(set->pid_for_children), cred->user_ns, &made);
	if (err) {
		namespace_uncharge(take(count), NAMESPACE_PID);
		return err;
	}
	struct namespace *base object_auto(namespace) = namespace_get(pid_namespace_base(made));
	namespace_keep_count(base, take(count));
	namespace_set_replace_for_children(set, NAMESPACE_PID, take(base));
	return OK;
}

static err_t make_time(struct namespace_set *set borrowed, const struct cred *cred borrowed)
{
	struct namespace *made object_auto(namespace) = NULL;
	err_t err = copy_one(set->time_for_children, cred, NULL, &made);
	if (err)
		return err;
	namespace_set_replace_for_children(set, NAMESPACE_TIME, take(made));
	return OK;
}

// A child lives where its parent's children are to live.
static void enter_for_children(struct namespace_set *set borrowed)
{
	struct namespace *pid object_auto(namespace) = namespace_get(set->pid_for_children);
	namespace_set_replace(set, NAMESPACE_PID, take(pid));
	struct namespace *time object_auto(namespace) = namespace_get(set->time_for_children);
	atomic_u32_store(&time_namespace_from(time)->is_frozen, 1);
	namespace_set_replace(set, NAMESPACE_TIME, take(time));
}

static bool is_unchanged(u64 flags, enum namespaces_use use, const struct namespace_set *set borrowed)
{
	if (flags & ((CLONE_NAMESPACES & ~CLONE_NEWUSER) | CLONE_NEWTIME))
		return false;
	return use == NAMESPACES_FOR_UNSHARE ||
		(set->pid_for_children == set->slot[NAMESPACE_PID] &&
			set->time_for_children == set->slot[NAMESPACE_TIME]);
}

err_t namespaces_make(u64 flags, enum namespaces_use use, struct cred *cred, struct fs_context *fs,
	struct namespace_set **out borrowed)
{
	struct namespace_set *from = thread_current()->namespaces;
	if (is_unchanged(flags, use, from)) {
		*out = namespace_set_get(from);
		return OK;
	}
	if ((flags & ((CLONE_NAMESPACES & ~CLONE_NEWUSER) | CLONE_NEWTIME)) && !cred_capable(cred, CAP_SYS_ADMIN))
		return -EPERM;
	struct namespace_set *set object_auto(namespace_set) = namespace_set_copy(from);
	if (!set)
		return -ENOMEM;
	err_t err = copy_kinds(flags, set, cred, fs);
	if (!err && (flags & CLONE_NEWPID))
		err = make_pid(set, cred);
	if (!err && (flags & CLONE_NEWTIME))
		err = make_time(set, cred);
	if (err)
		return err;
	if (use == NAMESPACES_FOR_CHILD)
		enter_for_children(set);
	*out = take(set);
	return OK;
}

// --- CLONE_INTO_CGROUP ------------------------------------------------------------------------

static struct spinlock lookup_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static err_t (*cgroup_lookup)(struct file *f, struct cgroup **out borrowed) GUARDED_BY(lookup_lock);

void clone_set_cgroup_lookup(err_t (*lookup)(struct file *f, struct cgroup **out borrowed))
{
	spin_guard(&lookup_lock);
	cgroup_lookup = lookup;
}

err_t clone_cgroup_from_fd(u64 fd, struct cgroup **out borrowed)
{
	err_t (*lookup)(struct file *f, struct cgroup **out borrowed) = NULL;
	{
		spin_guard(&lookup_lock);
		lookup = cgroup_lookup;
	}
	if (fd > S32_MAX || !lookup)
		return -EBADF;
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)fd);
	return f ? lookup(f, out) : -EBADF;
}
