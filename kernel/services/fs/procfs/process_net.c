// SPDX-License-Identifier: MPL-2.0
// /proc/PID/net: the network as the process's namespace has it (source: proc(5)).
#include <core/text.h>
#include <services/fs/procfs/process_folder.h>
#include <services/net/device/net_namespace.h>

static err_t dev_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct thread *t object_auto(thread) = proc_thread(n);
	struct namespace_set *set object_auto(namespace_set) = t ? thread_namespaces_of(t) : NULL;

	if (!set)
		return -ESRCH;
	struct net_namespace *net = net_namespace_from(set->slot[NAMESPACE_NET]);
	u64 bytes = atomic_u64_load(&net->loopback_bytes), packets = atomic_u64_load(&net->loopback_packets);
	text_put(out, STR("Inter-|   Receive                                                |  Transmit\n"));
	text_put(out, STR(" face |bytes    packets errs drop fifo frame compressed multicast"));
	text_put(out, STR("|bytes    packets errs drop fifo colls carrier compressed\n"));
	text_printf(out, "    lo: %7lu %7lu    0    0    0     0          0         0", bytes, packets);
	text_printf(out, " %8lu %7lu    0    0    0     0       0          0\n", bytes, packets);
	return OK;
}

PROC_TEXT(dev, dev_show);
static const struct pseudo_entry entries[] = { PROC_FILE("dev", 0444, dev_kind) };

static const struct pseudo_entry *net_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
const struct pseudo_kind proc_net_kind = { .entry_at = net_entry };
