// SPDX-License-Identifier: MPL-2.0
// ioctl(2) on namespaces' files. source: ioctl_ns(2), <linux/nsfs.h>
#include <linux_abi/file/file_arguments.h>
#include <linux_abi/file/ioctl_namespace.h>
#include <services/cred/user_namespace.h>
#include <services/fs/nsfs/nsfs.h>
#include <services/net/device/net_namespace.h>
#include <services/process/pid.h>

enum { NS_GET_USERNS = 0xb701, NS_GET_PARENT = 0xb702, NS_GET_NSTYPE = 0xb703, NS_GET_OWNER_UID = 0xb704 };

static s64 open_namespace(struct namespace *n)
{
	struct path place path_auto = path_none();
	struct file *f object_auto(file) = NULL;
	err_t e = nsfs_path(n, &place);
	if (!e)
		e = file_open_path(&place, 0, thread_cred(), &f);
	return e ? (s64)e : (s64)file_table_add(thread_files(), take(f), process_rlimit(process_current(),
		RLIMIT_NOFILE), OPEN_CLOSE_ON_EXEC);
}

// Only what lies in the caller's own user namespace or below it is shown.
static s64 open_owner(struct namespace *n)
{
	if (!n->owner || !user_namespace_is_ancestor(thread_cred()->user_ns, n->owner))
		return -EPERM;
	return open_namespace(&n->owner->base);
}

static s64 open_parent(struct namespace *n)
{
	if (n->kind == NAMESPACE_USER)
		return open_owner(n);
	if (n->kind != NAMESPACE_PID)
		return -EINVAL;
	struct pid_namespace *parent = pid_namespace_parent(pid_namespace_from(n));
	struct pid_namespace *own = pid_namespace_from(thread_namespace(NAMESPACE_PID));
	if (!parent || (parent != own && !pid_namespace_is_ancestor(own, parent)))
		return -EPERM;
	return open_namespace(pid_namespace_base(parent));
}

static s64 owner_uid(struct namespace *n, u64 argument)
{
	if (n->kind != NAMESPACE_USER)
		return -EINVAL;
	const u32 uid = user_namespace_uid_show(thread_cred()->user_ns, user_namespace_from(n)->owner_uid);
	return user_write_u32(user_addr(argument), uid);
}

s64 ioctl_socket_namespace(struct net_namespace *net)
{
	const struct user_namespace *owner = net->base.owner;
	if (!owner)
		owner = user_namespace_initial();
	return cred_has_capability(thread_cred(), owner, CAP_NET_ADMIN) ? open_namespace(&net->base) : -EPERM;
}

bool ioctl_namespace(struct file *f, u32 request, u64 argument, s64 *result borrowed)
{
	struct namespace *n object_auto(namespace) = f->inode ? nsfs_namespace(f) : NULL;
	if (!n)
		return false;
	switch (request) {
	case NS_GET_USERNS:
		*result = open_owner(n);
		return true;
	case NS_GET_PARENT:
		*result = open_parent(n);
		return true;
	case NS_GET_NSTYPE:
		*result = namespace_kind_flag(n->kind);
		return true;
	case NS_GET_OWNER_UID:
		*result = owner_uid(n, argument);
		return true;
	default:
		return false;
	}
}
