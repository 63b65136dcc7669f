// SPDX-License-Identifier: MPL-2.0
// What a network namespace has of IP: its settings (sysctl), its counters (/proc/net/snmp), its loopback queues.
// source: ip(7), Linux Documentation/networking/ip-sysctl
#pragma once
#include <core/task.h>
#include <services/net/buffer/ip_address.h>
#include <services/net/buffer/packet.h>
#include <services/net/device/net_namespace.h>

enum ip_counter {
	IP_IN_RECEIVES, IP_IN_HEADER_ERRORS, IP_IN_ADDRESS_ERRORS, IP_FORWARDED, IP_IN_UNKNOWN_PROTOCOLS,
		IP_IN_DISCARDS,
	IP_IN_DELIVERS, IP_OUT_REQUESTS, IP_OUT_DISCARDS, IP_OUT_NO_ROUTES, IP_REASSEMBLY_TIMEOUTS,
		IP_REASSEMBLY_REQUIRED,
	IP_REASSEMBLY_OKS, IP_REASSEMBLY_FAILS, IP_FRAGMENT_OKS, IP_FRAGMENT_FAILS, IP_FRAGMENT_CREATES,
	IP_COUNTER_IPS,			// the counters above exist for IPv4, then again for IPv6
	IP6_FIRST = IP_COUNTER_IPS, ICMP_FIRST = 2 * IP_COUNTER_IPS,
	ICMP_IN_MESSAGES = ICMP_FIRST, ICMP_IN_ERRORS, ICMP_IN_CHECKSUM_ERRORS, ICMP_IN_UNREACHABLE, ICMP_IN_ECHOS,
	ICMP_IN_ECHO_REPLIES, ICMP_OUT_MESSAGES, ICMP_OUT_ERRORS, ICMP_OUT_UNREACHABLE, ICMP_OUT_ECHOS,
	ICMP_OUT_ECHO_REPLIES,
	TCP_ACTIVE_OPENS, TCP_PASSIVE_OPENS, TCP_ATTEMPT_FAILS, TCP_ESTABLISHED_RESETS, TCP_IN_SEGMENTS,
	TCP_OUT_SEGMENTS, TCP_RETRANSMITTED, TCP_IN_ERRORS, TCP_OUT_RESETS, TCP_IN_CHECKSUM_ERRORS,
	UDP_IN, UDP_NO_PORTS, UDP_IN_ERRORS, UDP_OUT, UDP_RECEIVE_BUFFER_ERRORS, UDP_IN_CHECKSUM_ERRORS,
	// /proc/net/netstat, TcpExt:
	TCP_MORE_FIRST,
	TCP_OLD_TIMESTAMPS = TCP_MORE_FIRST, TCP_DELAYED_ACKS, TCP_LISTEN_OVERFLOWS, TCP_LISTEN_DROPS,
	TCP_RENO_RECOVERIES, TCP_SACK_RECOVERIES, TCP_TIMEOUTS, TCP_FAST_RETRANSMITS, TCP_SLOW_RETRANSMITS,
	TCP_ABORTS_ON_DATA, TCP_ABORTS_ON_CLOSE, TCP_ABORTS_ON_TIMEOUT, TCP_EARLY_QUEUED, TCP_SYN_REPEATS,
	TCP_KEEP_ALIVES, TCP_WINDOW_PROBES, TCP_MORE_LAST = TCP_WINDOW_PROBES,
	IP_COUNTER_COUNT
};
// Each is one word; changed by sysctl files, read anywhere.
struct ip_settings {
	struct atomic_u32 ttl, port_first, port_last, port_unprivileged, forward4, forward6, bind_nonlocal;
	struct atomic_u32 ping_group_first, ping_group_last;	// kernel ids; first > last: nobody
	struct atomic_u32 tcp_sack, tcp_timestamps, tcp_keep_idle, tcp_keep_interval, tcp_keep_count;	// seconds
	struct atomic_u32 tcp_syn_retries, tcp_answer_retries, tcp_retries, tcp_orphan_retries;
	struct atomic_u32 tcp_fin_timeout;	// seconds
	struct atomic_u32 fragment_bytes_max, fragment_seconds;
	struct atomic_u32 tcp_syn_backlog;	// of one listener: three quarters may be half open
};
struct ip_path {			// to one destination; immutable once it is in the list
	struct object object;
	struct list_link link;		// the part's path_lock
	struct ip_address destination;
	u32 mtu, is_locked;
	u64 until_ns;			// monotonic
};
DECLARE_OBJECT(ip_path)
DEFINE_LIST(ip_path_list, ip_path, link)
struct ip_loopback {
	struct spinlock lock;
	struct packet_list waiting GUARDED_BY(lock);	// with references
	u32 is_draining GUARDED_BY(lock);
};
struct ip_part {
	struct object object;
	struct ip_settings settings;
	struct atomic_u32 next_id;			// of IPv4 datagrams that may be fragmented
	struct atomic_u32 next_id6;			// of IPv6 packets that are cut
	struct atomic_u32 fragment_bytes;		// memory of pieces that wait
	struct atomic_u32 fragment_count;		// of packets that lack some
	struct spinlock path_lock;
	struct ip_path_list paths GUARDED_BY(path_lock);	// with references; told latest last
	struct atomic_u32 path_count;			// to ask without the lock
	struct atomic_u64 icmp_allowed_ns;		// when the bucket of ICMP errors was empty last (monotonic)
	struct atomic_u64 counters[IP_COUNTER_COUNT];
	struct ip_loopback loopback[CPU_COUNT_MAX];	// each by the CPU that sends
};
DECLARE_OBJECT(ip_part)
// The memory of pieces is never beyond this, whatever a namespace's owner writes.
#define IP_FRAGMENT_BYTES_MOST (64u << 20)
struct ip_part *ip_part_of(struct net_namespace *net);	// borrowed
void ip_count(struct net_namespace *net, enum ip_counter counter);
u64 ip_counter_read(struct net_namespace *net, enum ip_counter counter);
struct object *ip_part_create(void) owned;
