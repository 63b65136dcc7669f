// SPDX-License-Identifier: MPL-2.0
// Inside the tcp room: what one connection is.
#pragma once
#include <core/time.h>
#include <services/net/inet/inet.h>
#include <services/net/tcp/tcp.h>
#include <services/net/tcp/tcp_segment.h>

#define TCP_MSS_DEFAULT 536u
#define TCP_MSS_MIN 88u
#define TCP_RECEIVE_DEFAULT 131072u
#define TCP_RECEIVE_MAX 6291456u
#define TCP_SEND_DEFAULT 16384u
#define TCP_SEND_MAX 4194304u
#define TCP_RTO_MIN_NS (200 * NS_PER_MS)
#define TCP_RTO_FIRST_NS NS_PER_SECOND
#define TCP_RTO_MAX_NS (120 * NS_PER_SECOND)
#define TCP_DELAYED_ACK_NS (40 * NS_PER_MS)
#define TCP_TIME_WAIT_NS (60 * NS_PER_SECOND)

// Numbers as in struct tcp_info and /proc/net/tcp.
enum tcp_state {
	TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECEIVED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_TIME_WAIT, TCP_CLOSED,
	TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_LISTEN, TCP_CLOSING
};

// Bytes of the send queue: a part of shared data.
struct tcp_chunk {
	struct object object;
	struct list_link link;
	struct packet_data *data;	// reference; immutable
	u32 start, length;		// the owner's lock
};
DECLARE_OBJECT(tcp_chunk)
DEFINE_LIST(tcp_chunk_list, tcp_chunk, link)
struct tcp_chunk *tcp_chunk_create(struct packet_data *data, u32 start, u32 length) owned;

// What the peer said to hold beyond `unacked`: tcp_sack.c.
#define TCP_SACK_RANGES 32u
#define TCP_DUPLICATES_FOR_LOSS 3u
struct tcp_sack_board {
	u32 count;
	u32 repaired;			// holes below this were sent again in this recovery
	struct tcp_range range[TCP_SACK_RANGES];	// by number, none touching another
};

struct tcp_sender {
	struct tcp_chunk_list chunks;	// with references: bytes from `unacked` on (less a SYN)
	u32 initial, unacked, next, maximum;	// sequence numbers: next to send; one past the highest ever sent
	u32 end;			// one past the last byte that was queued
	u32 queued;			// bytes in chunks
	u32 window, window_seq, window_ack, window_max, scale;
	u32 mss;			// payload of a full segment, options counted
	u32 peer_mss;			// as the peer said
	u32 urgent, has_urgent;
	u32 small_end;			// end of the last segment that was not full (Minshall)
	u32 cwnd, ssthresh, cwnd_acked;	// bytes
	u32 duplicates, recover, in_recovery;
	u32 has_sack;			// both ends know selective acknowledgments
	struct tcp_sack_board board;
	u32 limit;			// SO_SNDBUF
	u32 retransmits, total_retransmits;
	u32 probes;			// of a shut window, since the peer was heard last
	u32 probe_backoff;		// of a shut window in all: how often the time between two was doubled
	u64 probed_ns;			// when the first was sent; 0: none
	u32 timed_seq, is_timed;
	u32 fin;			// a FIN follows `end`
	u32 more;			// the last send had MSG_MORE
	u64 timed_at_ns;
	u64 srtt_ns, rttvar_ns, rto_ns;
	u64 first_retransmit_ns;	// when the oldest unacknowledged byte was retransmitted first; 0: it was not
	u64 bytes_acked, segments_out, bytes_sent, bytes_retransmitted;
	u64 last_ns;			// data was sent
};

struct tcp_receiver {
	struct packet_list ready;	// with references: payload in order
	struct packet_list early;	// with references, by sequence number (packet.control): payload out of order
	u32 initial, next;
	u32 edge;			// one past the window that the peer was told
	u32 queued;			// bytes in `ready`
	u32 early_bytes;
	u32 early_latest;		// sequence number of the one that came last
	u32 limit;			// SO_RCVBUF
	u32 capacity;			// bytes that the window may reach: part of limit, grows by itself
	u32 scale;
	u32 mss_seen;
	u32 unacknowledged;		// bytes since the last acknowledgment
	u32 quick;			// acknowledgments to be sent at once
	u32 is_interactive;		// answers carry acknowledgments
	u32 ack_now;
	u32 fin_seen;			// everything up to the FIN is in `ready`
	u32 urgent, urgent_state, urgent_byte;	// enum urgent_state
	u32 copied, space_bytes;	// sequence up to which the reader has read; bytes since space_at_ns
	u32 timestamp, has_timestamps;	// the peer's latest
	u64 timestamp_at_ns, space_at_ns;
	u64 bytes, segments;
	u64 last_ns;
	u64 refused_ns;			// a segment without data that was out of place was answered
};
enum urgent_state { URGENT_NONE, URGENT_COMING, URGENT_VALID, URGENT_READ };

struct tcp_deadlines {			// monotonic; DEADLINE_NEVER: none
	u64 retransmit, probe, delayed_ack, keep_alive, wait;
};

DECLARE_LIST(tcp_accept_list, tcp_socket)
struct tcp_listener {
	struct tcp_accept_list ready;	// with references
	u32 backlog;
	u32 embryos;			// children whose handshake goes on
};

enum tcp_user_state { TCP_USER_IDLE, TCP_USER_CONNECTING, TCP_USER_CONNECTED };
struct tcp_settings {			// what setsockopt changed; atomic words, 0: the default
	struct atomic_u32 no_delay, cork, mss, keep_idle, keep_interval, keep_count, syn_count, linger2, defer_accept,
		user_timeout_ms, quick_ack, flags, linger_seconds;
};
enum tcp_bind_flag { TCP_BIND_REUSE = 1, TCP_BIND_SHARE = 2, TCP_BIND_LISTENS = 4, TCP_BIND_AUTOMATIC = 8,
	TCP_BIND_V6_ONLY = 16 };

struct tcp_socket {
	struct object object;
	struct net_namespace *net;		// reference; immutable
	struct inet_options *options;		// reference; immutable
	u32 family, owner_uid;			// immutable
	struct mutex writing, reading;
	struct wait_queue readable, writable;
	struct tcp_settings settings;
	struct atomic_u32 error;		// positive; the next call returns it
	struct atomic_u32 soft_error;		// why retransmissions may fail
	struct packet_data *spare GUARDED_BY(writing);	// reference: where the next bytes to be sent go
	u32 spare_used GUARDED_BY(writing);

	// While in a table: immutable, but for `local.address`, which changes under the port table's lock and `lock`.
	struct inet_endpoint local, remote;
	struct atomic_u32 bind_flags;		// enum tcp_bind_flag
	struct atomic_u64 inode;		// of its file; 0: none
	struct list_link hash_link;		// the hash bucket's lock; with a reference
	struct list_link port_link;		// the port bucket's lock
	struct tree_link timer_link;		// the timers' lock; with a reference

	struct spinlock lock;
	enum tcp_state state GUARDED_BY(lock);
	enum tcp_user_state user GUARDED_BY(lock);
	u32 shutdown GUARDED_BY(lock);		// enum socket_shutdown
	u32 is_orphan GUARDED_BY(lock);		// no file any more
	u32 was_connected GUARDED_BY(lock);
	u32 mss_limit GUARDED_BY(lock);		// what the path takes: MTU less headers
	struct tcp_sender send GUARDED_BY(lock);
	struct tcp_receiver receive GUARDED_BY(lock);
	struct tcp_deadlines deadlines GUARDED_BY(lock);
	u32 keep_probes GUARDED_BY(lock);
	struct tcp_listener listener GUARDED_BY(lock);
	struct tcp_socket *parent GUARDED_BY(lock);	// reference: the listener, until accepted
	struct list_link accept_link;		// the listener's lock
};
