// SPDX-License-Identifier: MPL-2.0
// unshare, setns. source: unshare(2), setns(2), namespaces(7), user_namespaces(7)
#include <generated/syscall_prototypes.h>
#include <services/cred/user_namespace.h>
#include <services/fs/nsfs/nsfs.h>
#include <services/namespace/namespace_kinds.h>
#include <linux_abi/vdso_map.h>
#include <services/namespace/time_namespace.h>
#include <services/process/clone.h>
#include <services/process/pidfd.h>
#include <services/vfs/file_table.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount_namespace.h>

#define UNSHARE_KNOWN \
	(CLONE_NAMESPACES | CLONE_NEWTIME | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_THREAD | CLONE_SIGHAND | \
		CLONE_VM)

// Everything that changes, made before anything is changed.
struct stack_only identity_change {
	struct cred *cred;		// NULL: unchanged
	struct fs_context *fs;
	struct file_table *files;
	struct namespace_set *namespaces;
};

static void identity_change_drop(struct identity_change *c borrowed)
{
	if (c->cred)
		cred_put(take(c->cred));
	if (c->fs)
		fs_context_put(take(c->fs));
	if (c->files)
		file_table_put(take(c->files));
	if (c->namespaces)
		namespace_set_put(take(c->namespaces));
}

// setns into a time namespace: the clocks of the program that runs follow.
static err_t join_time(const struct identity_change *c borrowed)
{
	struct namespace *n = c->namespaces ? c->namespaces->slot[NAMESPACE_TIME] : NULL;
	if (!n || n == thread_namespaces()->slot[NAMESPACE_TIME])
		return OK;
	return vdso_join(thread_space(), time_namespace_from(n));
}

static void identity_change_install(struct identity_change *c borrowed)
{
	if (c->namespaces)
		thread_set_namespaces(take(c->namespaces));
	if (c->fs)
		thread_set_fs(take(c->fs));
	if (c->files)
		thread_set_files(take(c->files));
	if (c->cred)
		thread_set_cred(take(c->cred));
}

static bool is_single_threaded(void)
{
	return process_thread_count(process_current()) == 1;
}

// --- unshare ----------------------------------------------------------------------------------

static err_t unshare_cred(struct identity_change *c borrowed)
{
	struct user_namespace *ns object_auto(user_namespace) = NULL;
	struct cred *old = thread_cred();
	// Its root could leave the folder that a chroot shut it in.
	if (mount_namespace_is_left(mount_namespace_from(thread_namespaces()->slot[NAMESPACE_MOUNT]), thread_fs()))
		return -EPERM;
	c->cred = cred_copy(old);
	if (!c->cred)
		return -ENOMEM;
	err_t err = user_namespace_create(old, &ns);
	if (!err)
		cred_enter_user_namespace(c->cred, take(ns));
	return err;
}

static err_t unshare_fs(struct identity_change *c borrowed)
{
	if (!fs_context_is_shared(thread_fs()))
		return OK;
	c->fs = fs_context_copy(thread_fs());
	return c->fs ? OK : -ENOMEM;
}

static err_t unshare_check(u64 flags)
{
	if (flags & ~UNSHARE_KNOWN)
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWUSER)) && !is_single_threaded())
		return -EINVAL;
	return OK;
}

// The namespaces are owned by the new user namespace if there is one.
static err_t unshare_make(u64 flags, struct identity_change *c borrowed)
{
	err_t err = OK;
	if (flags & CLONE_NEWUSER)
		err = unshare_cred(c);
	if (!err && (flags & CLONE_FS))
		err = unshare_fs(c);
	if (!err && (flags & CLONE_FILES) && object_references(&thread_files()->object) > 1)
		err = file_table_copy(thread_files(), U32_MAX, &c->files);
	if (err || !(flags & ((CLONE_NAMESPACES & ~CLONE_NEWUSER) | CLONE_NEWTIME)))
		return err;
	return namespaces_make(flags, NAMESPACES_FOR_UNSHARE, c->cred ? c->cred : thread_cred(),
		c->fs ? c->fs : thread_fs(), &c->namespaces);
}

s64 sys_unshare(u64 flags)
{
	if (flags & CLONE_NEWUSER)
		flags |= CLONE_THREAD | CLONE_FS;
	if (flags & CLONE_NEWNS)
		flags |= CLONE_FS;
	err_t err = unshare_check(flags);
	if (err)
		return err;
	struct identity_change c auto_release(identity_change_drop) = { 0 };
	err = unshare_make(flags, &c);
	if (!err)
		identity_change_install(&c);
	return err;
}

// --- setns ----------------------------------------------------------------------------------------

static err_t enter_user(struct user_namespace *ns, struct identity_change *c borrowed)
{
	if (ns == thread_cred()->user_ns || !is_single_threaded() || object_references(&thread_fs()->object) > 1)
		return -EINVAL;
	if (!cred_has_capability(thread_cred(), ns, CAP_SYS_ADMIN))
		return -EPERM;
	c->cred = cred_copy(thread_cred());
	if (!c->cred)
		return -ENOMEM;
	cred_enter_user_namespace(c->cred, user_namespace_get(ns));
	return OK;
}

// Into a namespace of the others: CAP_SYS_ADMIN towards its owner and in the own user namespace.
static err_t enter_check(struct namespace *n, const struct cred *as borrowed)
{
	if (!cred_has_capability(as, n->owner, CAP_SYS_ADMIN) || !cred_capable(as, CAP_SYS_ADMIN))
		return -EPERM;
	if (n->kind == NAMESPACE_MOUNT && !cred_capable(as, CAP_SYS_CHROOT))
		return -EPERM;
	if (n->kind == NAMESPACE_MOUNT && fs_context_is_shared(thread_fs()))
		return -EINVAL;
	if (n->kind == NAMESPACE_PID && !pid_namespace_is_ancestor(thread_pid_namespace(), pid_namespace_from(n)))
		return -EINVAL;
	if (n->kind == NAMESPACE_TIME && !is_single_threaded())
		return -EUSERS;
	return OK;
}

static err_t own_set(struct identity_change *c borrowed)
{
	if (!c->namespaces)
		c->namespaces = namespace_set_copy(thread_namespaces());
	return c->namespaces ? OK : -ENOMEM;
}

static err_t enter_other(struct namespace *n, struct identity_change *c borrowed)
{
	err_t err = enter_check(n, c->cred ? c->cred : thread_cred());
	if (!err)
		err = own_set(c);
	if (err)
		return err;
	if (n->kind == NAMESPACE_PID) {
		namespace_set_replace_for_children(c->namespaces, NAMESPACE_PID, namespace_get(n));
		return OK;
	}
	if (n->kind == NAMESPACE_TIME) {
		namespace_set_replace_for_children(c->namespaces, NAMESPACE_TIME, namespace_get(n));
		atomic_u32_store(&time_namespace_from(n)->is_frozen, 1);
	}
	namespace_set_replace(c->namespaces, n->kind, namespace_get(n));
	if (n->kind != NAMESPACE_MOUNT)
		return namespace_enter(n, thread_fs());
	// Root and working folder move; in a copy, so that a later failure leaves the old ones.
	if (!c->fs)
		c->fs = fs_context_copy(thread_fs());
	return c->fs ? namespace_enter(n, c->fs) : -ENOMEM;
}

static err_t enter(struct namespace *n, struct identity_change *c borrowed)
{
	return n->kind == NAMESPACE_USER ? enter_user(user_namespace_from(n), c) : enter_other(n, c);
}

// All namespaces in `flags` of the process behind a pidfd. User first: it gives the right to the others.
static err_t enter_process(struct thread *target, u64 flags, struct identity_change *c borrowed)
{
	err_t err = thread_may_access(target, THREAD_ACCESS_READ);
	struct namespace_set *set object_auto(namespace_set) = thread_namespaces_of(target);
	struct cred *cred object_auto(cred) = thread_cred_of(target);
	if (!set || !cred)
		return -ESRCH;
	if (!err && (flags & CLONE_NEWUSER))
		err = enter_user(cred->user_ns, c);
	for (u32 kind = 0; !err && kind < NAMESPACE_KIND_COUNT; kind++) {
		if (kind == NAMESPACE_USER || !(flags & namespace_kind_flag((enum namespace_kind)kind)))
			continue;
		err = set->slot[kind] ? enter_other(set->slot[kind], c) : -EINVAL;
	}
	return err;
}

static err_t enter_pidfd(struct file *f, u32 flags, struct identity_change *c borrowed)
{
	struct pid *pid object_auto(pid) = pidfd_pid(f);
	if (!pid || !flags || (flags & ~(CLONE_NAMESPACES | CLONE_NEWTIME)))
		return -EINVAL;
	struct thread *target object_auto(thread) = pid_thread(pid);
	return target ? enter_process(target, flags, c) : -ESRCH;
}

s64 sys_setns(s32 fd, s32 nstype)
{
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)fd);
	if (!f)
		return -EBADF;
	struct identity_change c auto_release(identity_change_drop) = { 0 };
	struct namespace *n object_auto(namespace) = nsfs_namespace(f);
	err_t err;
	if (n)
		err = nstype && (u32)nstype != namespace_kind_flag(n->kind) ? -EINVAL : enter(n, &c);
	else
		err = enter_pidfd(f, (u32)nstype, &c);
	if (!err)
		err = join_time(&c);
	if (!err)
		identity_change_install(&c);
	return err;
}
