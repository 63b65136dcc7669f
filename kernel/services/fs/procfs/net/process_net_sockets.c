// SPDX-License-Identifier: MPL-2.0
// /proc/PID/net: sockets and counters of the internet protocols. source: proc(5), RFC 4022, RFC 4113, RFC 4293
#include <core/text.h>
#include <services/fs/procfs/process/process_folder.h>
#include <services/fs/procfs/net/process_net.h>
#include <services/net/ip/ip_part.h>
#include <services/net/tcp/tcp.h>
#include <services/net/udp/udp.h>

#define FAMILY4 2u
#define FAMILY6 10u
#define MS_PER_TICK 10u		// of times in these files
#define TCP_STATE_SYN_RECEIVED 3u
#define TCP_STATE_TIME_WAIT 6u
#define UDP_STATE_CONNECTED 1u
#define UDP_STATE_IDLE 7u

// Words as they lie in memory: each in network order, printed as this machine reads it.
static void put_address(struct text *out borrowed, struct ip_address a, u32 port, u32 family)
{
	if (family == FAMILY4)
		text_printf(out, "%08X:%04X", __builtin_bswap32((u32)a.low), port);
	else
		text_printf(out, "%08X%08X%08X%08X:%04X", __builtin_bswap32((u32)(a.high >> 32)),
			__builtin_bswap32((u32)a.high), __builtin_bswap32((u32)(a.low >> 32)),
			__builtin_bswap32((u32)a.low), port);
}

static void put_tcp(struct text *out borrowed, struct net_namespace *net, u32 n,
	const struct tcp_description *d borrowed)
{
	text_printf(out, "%4u: ", n);
	put_address(out, d->local, d->local_port, d->family);
	text_char(out, ' ');
	put_address(out, d->remote, d->remote_port, d->family);
	text_printf(out, " %02X %08X:%08X %02X:%08X %08X %5u %8u %lu 1 0000000000000000 100 0 0 %u -1\n", d->state,
		d->send_queue, d->receive_queue, d->timer, (d->expires_ms + MS_PER_TICK - 1) / MS_PER_TICK,
		d->retransmits, user_namespace_uid_show(net_namespace_owner(net), d->uid), 0u, d->inode,
			d->cwnd / max(d->mss, 1u));
}

static err_t show_tcp(struct pseudo_inode *node, struct text *out borrowed, u32 family)
{
	struct net_namespace *net object_auto(net_namespace) = proc_net_of(node);
	struct tcp_cursor at = { };
	struct tcp_description d = { };

	if (!net)
		return -ESRCH;
	text_put(out, family == FAMILY4 ? STR("  sl  local_address rem_address   ")
					: STR("  sl  local_address                         remote_address       "
							"                 "));
	text_put(out, STR("st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"));
	for (u32 n = 0; tcp_describe_next(net, &at, &d);) {
		if (d.family == family)
			put_tcp(out, net, n++, &d);
	}
	return OK;
}

static void put_udp(struct text *out borrowed, struct net_namespace *net, u32 n,
	const struct udp_description *d borrowed)
{
	text_printf(out, "%5u: ", n);
	put_address(out, d->local, d->local_port, d->family);
	text_char(out, ' ');
	put_address(out, d->remote, d->remote_port, d->family);
	text_printf(out, " %02X %08X:%08X 00:00000000 00000000 %5u %8u %lu 2 0000000000000000 0\n",
		d->remote_port ? UDP_STATE_CONNECTED : UDP_STATE_IDLE, 0u, d->receive_queue,
		user_namespace_uid_show(net_namespace_owner(net), d->uid), 0u, d->inode);
}

static err_t show_udp(struct pseudo_inode *node, struct text *out borrowed, u32 family)
{
	struct net_namespace *net object_auto(net_namespace) = proc_net_of(node);
	struct udp_cursor at = { };
	struct udp_description d = { };

	if (!net)
		return -ESRCH;
	text_put(out, family == FAMILY4 ? STR("   sl  local_address rem_address   ")
					: STR("  sl  local_address                         remote_address       "
							"                 "));
	text_put(out, STR("st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"));
	for (u32 n = 0; udp_describe_next(net, &at, &d);) {
		if (d.family == family)
			put_udp(out, net, n++, &d);
	}
	return OK;
}

static err_t tcp_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return show_tcp(n, out, FAMILY4);
}
static err_t tcp6_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return show_tcp(n, out, FAMILY6);
}
static err_t udp_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return show_udp(n, out, FAMILY4);
}
static err_t udp6_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return show_udp(n, out, FAMILY6);
}

// --- counters -------------------------------------------------------------------------------------------------------

static void put_counters(struct text *out borrowed, struct net_namespace *net, u32 first, u32 count)
{
	for (u32 i = 0; i < count; i++)
		text_printf(out, " %lu", ip_counter_read(net, first + i));
	text_char(out, '\n');
}

static u32 established(struct net_namespace *net)
{
	struct tcp_cursor at = { };
	struct tcp_description d = { };
	u32 count = 0;

	while (tcp_describe_next(net, &at, &d))
		count += d.state == 1 || d.state == 8;
	return count;
}

static err_t snmp_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct net_namespace *net object_auto(net_namespace) = proc_net_of(n);

	if (!net)
		return -ESRCH;
	const struct ip_settings *s = &ip_part_of(net)->settings;
	text_put(out, STR("Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams "
			"InUnknownProtos "));
	text_put(out, STR("InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds "
			"ReasmOKs "));
	text_put(out, STR("ReasmFails FragOKs FragFails FragCreates\n"));
	text_printf(out, "Ip: %u %u", atomic_u32_load(&net->all_settings.forwarding) ? 1u : 2u,
		atomic_u32_load(&s->ttl));
	put_counters(out, net, 0, IP_COUNTER_IPS);
	text_put(out, STR("Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InEchos InEchoReps "));
	text_put(out, STR("OutMsgs OutErrors OutDestUnreachs OutEchos OutEchoReps\nIcmp:"));
	put_counters(out, net, ICMP_FIRST, ICMP_OUT_ECHO_REPLIES - ICMP_FIRST + 1);
	text_put(out, STR("Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails "
			"EstabResets "));
	text_put(out, STR("CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n"));
	text_printf(out, "Tcp: 1 200 120000 -1 %lu %lu %lu %lu %u", ip_counter_read(net, TCP_ACTIVE_OPENS),
		ip_counter_read(net, TCP_PASSIVE_OPENS), ip_counter_read(net, TCP_ATTEMPT_FAILS),
		ip_counter_read(net, TCP_ESTABLISHED_RESETS), established(net));
	put_counters(out, net, TCP_IN_SEGMENTS, TCP_IN_CHECKSUM_ERRORS - TCP_IN_SEGMENTS + 1);
	text_put(out, STR("Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors InCsumErrors\nUdp:"));
	put_counters(out, net, UDP_IN, UDP_IN_CHECKSUM_ERRORS - UDP_IN + 1);
	return OK;
}

// Memory is not counted by protocol, so none is told.
struct socket_counts {
	u32 tcp, udp, orphans, waiting, all_tcp;
};
static struct socket_counts count_sockets(struct net_namespace *net, u32 family)
{
	struct socket_counts c = { };
	struct tcp_cursor at = { };
	struct tcp_description d = { };
	struct udp_cursor udp_at = { };
	struct udp_description u = { };

	while (tcp_describe_next(net, &at, &d)) {
		c.waiting += d.state == TCP_STATE_TIME_WAIT;
		c.orphans += d.state != TCP_STATE_TIME_WAIT && d.state != TCP_STATE_SYN_RECEIVED && !d.inode;
		c.all_tcp += d.state != TCP_STATE_TIME_WAIT;
		c.tcp += d.state != TCP_STATE_TIME_WAIT && d.state != TCP_STATE_SYN_RECEIVED && d.family == family;
	}
	while (udp_describe_next(net, &udp_at, &u))
		c.udp += u.family == family;
	return c;
}

static err_t sockstat_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct net_namespace *net object_auto(net_namespace) = proc_net_of(n);

	if (!net)
		return -ESRCH;
	const struct socket_counts c = count_sockets(net, FAMILY4);
	text_printf(out, "sockets: used %u\nTCP: inuse %u orphan %u tw %u alloc %u mem 0\nUDP: inuse %u mem 0\n",
		atomic_u32_load(&net->socket_count), c.tcp, c.orphans, c.waiting, c.all_tcp, c.udp);
	text_put(out, STR("UDPLITE: inuse 0\nFRAG: inuse 0 memory 0\n"));
	return OK;
}

static err_t sockstat6_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct net_namespace *net object_auto(net_namespace) = proc_net_of(n);

	if (!net)
		return -ESRCH;
	const struct socket_counts c = count_sockets(net, FAMILY6);
	text_printf(out, "TCP6: inuse %u\nUDP6: inuse %u\n", c.tcp, c.udp);
	text_put(out, STR("UDPLITE6: inuse 0\nFRAG6: inuse 0 memory 0\n"));
	return OK;
}

// The names as Linux has them of what is counted here; others are left out.
static err_t netstat_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct net_namespace *net object_auto(net_namespace) = proc_net_of(n);

	if (!net)
		return -ESRCH;
	text_put(out, STR("TcpExt: PAWSEstab DelayedACKs ListenOverflows ListenDrops TCPRenoRecovery "
			"TCPSackRecovery "));
	text_put(out, STR("TCPTimeouts TCPFastRetrans TCPSlowStartRetrans TCPAbortOnData "
			"TCPAbortOnClose TCPAbortOnTimeout TCPOFOQueue "));
	text_put(out, STR("TCPSynRetrans TCPKeepAlive TCPWinProbe\nTcpExt:"));
	put_counters(out, net, TCP_MORE_FIRST, TCP_MORE_LAST - TCP_MORE_FIRST + 1);
	return OK;
}

const struct pseudo_kind proc_net_tcp_kind = { .show = tcp_show }, proc_net_tcp6_kind = { .show = tcp6_show },
			 proc_net_udp_kind = { .show = udp_show }, proc_net_udp6_kind = { .show = udp6_show },
			 proc_net_snmp_kind = { .show = snmp_show }, proc_net_sockstat_kind = { .show = sockstat_show },
			 proc_net_sockstat6_kind = { .show = sockstat6_show },
			 proc_net_netstat_kind = { .show = netstat_show };
