// SPDX-License-Identifier: MPL-2.0
// Descriptors and process numbers of a netlink request that name network namespaces. source: rtnetlink(7),
// namespaces(7)
#include <linux_abi/network/network_namespaces.h>
#include <services/fs/nsfs/nsfs.h>
#include <services/net/netlink/route/route.h>
#include <services/process/pid.h>
#include <services/process/process.h>
#include <services/process/thread.h>
#include <services/vfs/file_table.h>

static err_t by_descriptor(u32 fd, struct net_namespace **out borrowed)
{
	struct file *f object_auto(file) = file_table_find(thread_files(), fd);
	struct namespace *n object_auto(namespace) = f ? nsfs_namespace(f) : NULL;

	if (!n || n->kind != NAMESPACE_NET)
		return -EINVAL;
	*out = net_namespace_get(net_namespace_from(n));
	return OK;
}

static err_t by_process(u32 number, struct net_namespace **out borrowed)
{
	struct pid *p object_auto(pid) = pid_find(thread_pid_namespace(), number);
	struct thread *t object_auto(thread) = p ? pid_thread(p) : NULL;
	struct namespace_set *set object_auto(namespace_set) = t ? thread_namespaces_of(t) : NULL;

	if (!set)
		return -ESRCH;
	*out = net_namespace_get(net_namespace_from(set->slot[NAMESPACE_NET]));
	return OK;
}

static const struct netlink_namespace_ops ops = { .by_descriptor = by_descriptor, .by_process = by_process };

void network_namespaces_init(void)
{
	netlink_set_namespace_ops(&ops);
}
