// SPDX-License-Identifier: MPL-2.0
// The files of /proc/PID/net that stand in files of their own here.
#pragma once
#include <services/net/device/net_namespace.h>
#include <services/vfs/pseudo/pseudo.h>

// The network namespace of the process that the file belongs to; NULL: it is gone.
struct net_namespace *proc_net_of(struct pseudo_inode *n) owned;
extern const struct pseudo_kind proc_net_tcp_kind, proc_net_tcp6_kind, proc_net_udp_kind, proc_net_udp6_kind,
	proc_net_snmp_kind, proc_net_sockstat_kind, proc_net_sockstat6_kind, proc_net_netstat_kind,
	proc_net_route_kind, proc_net_arp_kind, proc_net_if_inet6_kind, proc_net_unix_kind;
