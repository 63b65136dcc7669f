// SPDX-License-Identifier: MPL-2.0
// /proc/PID/net: the network as the process's namespace has it (source: proc(5)).
#include <core/text.h>
#include <services/fs/procfs/process/process_folder.h>
#include <services/fs/procfs/net/process_net.h>
#include <services/net/device/net_device.h>

static void put_line(struct net_device *d, struct text *out borrowed)
{
	u8 name[NET_NAME_BYTES] = { };
	const usize length = net_device_name(d, array_span(name));
	const struct net_statistics *s = &d->statistics;

	for (usize i = length; i < 6; i++)
		text_char(out, ' ');
	text_put(out, bytes_first(array_bytes(name), length));
	text_printf(out, ": %7lu %7lu %4lu %4lu    0     0          0 %9lu", atomic_u64_load(&s->received_bytes),
		atomic_u64_load(&s->received_packets), atomic_u64_load(&s->received_errors),
		atomic_u64_load(&s->received_dropped), atomic_u64_load(&s->multicast));
	text_printf(out, " %8lu %7lu %4lu %4lu    0     0       0          0\n", atomic_u64_load(&s->sent_bytes),
		atomic_u64_load(&s->sent_packets), atomic_u64_load(&s->sent_errors),
		atomic_u64_load(&s->sent_dropped));
}

struct net_namespace *proc_net_of(struct pseudo_inode *n)
{
	struct thread *t object_auto(thread) = proc_thread(n);
	struct namespace_set *set object_auto(namespace_set) = t ? thread_namespaces_of(t) : NULL;

	return set ? net_namespace_get(net_namespace_from(set->slot[NAMESPACE_NET])) : NULL;
}

static err_t dev_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct net_namespace *net object_auto(net_namespace) = proc_net_of(n);

	if (!net)
		return -ESRCH;
	text_put(out, STR("Inter-|   Receive                                                |  Transmit\n"));
	text_put(out, STR(" face |bytes    packets errs drop fifo frame compressed multicast"));
	text_put(out, STR("|bytes    packets errs drop fifo colls carrier compressed\n"));
	for (u32 index = 1; index; ) {
		struct net_device *d object_auto(net_device) = net_device_next(net, index);
		if (!d)
			break;
		put_line(d, out);
		index = net_device_index(d) + 1;
	}
	return OK;
}

PROC_TEXT(dev, dev_show);
static const struct pseudo_entry entries[] = {
	PROC_FILE("arp", 0444, proc_net_arp_kind),
	PROC_FILE("dev", 0444, dev_kind),
	PROC_FILE("if_inet6", 0444, proc_net_if_inet6_kind),
	PROC_FILE("route", 0444, proc_net_route_kind),
	PROC_FILE("unix", 0444, proc_net_unix_kind),
	PROC_FILE("tcp", 0444, proc_net_tcp_kind),
	PROC_FILE("tcp6", 0444, proc_net_tcp6_kind),
	PROC_FILE("udp", 0444, proc_net_udp_kind),
	PROC_FILE("udp6", 0444, proc_net_udp6_kind),
	PROC_FILE("snmp", 0444, proc_net_snmp_kind),
	PROC_FILE("sockstat", 0444, proc_net_sockstat_kind),
	PROC_FILE("sockstat6", 0444, proc_net_sockstat6_kind),
	PROC_FILE("netstat", 0444, proc_net_netstat_kind),
};

static const struct pseudo_entry *net_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
const struct pseudo_kind proc_net_kind = { .entry_at = net_entry };
