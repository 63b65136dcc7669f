// SPDX-License-Identifier: MPL-2.0
// Inside the tcp room: one connection and what works on it.
//
// Locks: `writing` and `reading` (sleeping) keep senders and receivers of one socket apart while they copy user memory;
// `lock` (spinning) guards the connection; the tables' locks are taken inside it. A listener's lock is taken inside
// that of its child. Nothing is sent while a lock is held: segments are collected in a burst and sent afterwards.
#pragma once
#include <services/net/tcp/tcp_connection.h>

DECLARE_OBJECT(tcp_socket)
DEFINE_LIST_OPS(tcp_accept_list, tcp_socket, accept_link)

// Segments that wait for the lock to be released, all of one connection.
struct stack_only tcp_burst {
	struct packet_list packets;	// with references
	struct ip_flow flow;
};
// --- a socket's life ---
struct tcp_socket *tcp_socket_create(struct net_namespace *net, struct inet_options *options, u32 family) owned;
struct tcp_socket *tcp_of(struct socket *s);	// borrowed
void tcp_wake(struct tcp_socket *t, u32 events);
// The connection is over: out of all tables, error for the next call (0: none), everybody woken.
void tcp_finish(struct tcp_socket *const t, u32 error) REQUIRES(t->lock);
void tcp_drop_queues(struct tcp_socket *const t) REQUIRES(t->lock);
void tcp_enter_time_wait(struct tcp_socket *const t, u64 now_ns) REQUIRES(t->lock);
void tcp_set_buffers(struct tcp_socket *const t) REQUIRES(t->lock);	// for the connection's MSS

// --- tables ---
void tcp_tables_init(void);
// Binds; port 0 takes a free one. -EADDRINUSE
err_t tcp_port_bind(struct tcp_socket *const t, const struct inet_endpoint *wanted borrowed, u32 flags)
	REQUIRES(t->lock);
// Joins the port of its listener.
void tcp_port_join(struct tcp_socket *const t) REQUIRES(t->lock);
// A port for a connection to t->remote, if there is none yet, and into the table. -EADDRNOTAVAIL
err_t tcp_connection_add(struct tcp_socket *const t) REQUIRES(t->lock);
err_t tcp_listener_add(struct tcp_socket *const t) REQUIRES(t->lock);
void tcp_tables_remove(struct tcp_socket *const t, bool keeps_port) REQUIRES(t->lock);
struct tcp_socket *tcp_find_connection(struct net_namespace *net, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *remote borrowed) owned;
struct tcp_socket *tcp_find_listener(struct net_namespace *net, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *remote borrowed) owned;
// The next socket of a namespace that is in a table; NULL at the end.
struct tcp_socket *tcp_table_next(struct net_namespace *net, struct tcp_cursor *at borrowed) owned;

// --- segments out ---
void tcp_burst_begin(struct tcp_socket *const t, struct tcp_burst *b borrowed) REQUIRES(t->lock);
void tcp_burst_send(struct net_namespace *net, struct tcp_burst *b borrowed);
void tcp_output(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock);
void tcp_send_ack(struct tcp_socket *const t, struct tcp_burst *b borrowed) REQUIRES(t->lock);
void tcp_send_syn(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock);
void tcp_send_reset(struct tcp_socket *const t, struct tcp_burst *b borrowed) REQUIRES(t->lock);
void tcp_send_probe(struct tcp_socket *const t, struct tcp_burst *b borrowed) REQUIRES(t->lock);
void tcp_retransmit_first(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock);
// One segment of at most `length` bytes from seq on once more: bytes sent.
u32 tcp_retransmit(struct tcp_socket *const t, struct tcp_burst *b borrowed, u32 seq, u32 length, u64 now_ns)
	REQUIRES(t->lock);
u32 tcp_receive_window(const struct tcp_socket *const t) REQUIRES(t->lock);
void tcp_update_mss(struct tcp_socket *const t) REQUIRES(t->lock);

// --- segments in ---
void tcp_input(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *p consumes);
// A connection that is not a listener.
void tcp_process(struct tcp_socket *const t, const struct tcp_segment *g borrowed, struct packet *p consumes,
	struct tcp_burst *b borrowed) REQUIRES(t->lock);
// False when the segment is to be dropped.
bool tcp_process_ack(struct tcp_socket *const t, const struct tcp_segment *g borrowed, struct tcp_burst *b borrowed)
	REQUIRES(t->lock);
void tcp_queue_data(struct tcp_socket *const t, const struct tcp_segment *g borrowed, struct packet *p consumes)
	REQUIRES(t->lock);
void tcp_note_urgent(struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock);
void tcp_listener_input(struct tcp_socket *t, const struct ip_flow *flow borrowed,
	const struct tcp_segment *g borrowed);
// The handshake is complete: into the listener's queue. False when it is full or gone.
bool tcp_child_ready(struct tcp_socket *const t) REQUIRES(t->lock);
// False: it waits for a listener that is closed.
bool tcp_child_is_wanted(struct tcp_socket *const t) REQUIRES(t->lock);
void tcp_child_forget(struct tcp_socket *const t) REQUIRES(t->lock);
void tcp_established(struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock);
void tcp_take_options(struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock);
void tcp_error(struct net_namespace *net, const struct ip_flow *flow borrowed, bytes_t transport, u32 error, u32 info);
// The congestion window (RFC 5681; NewReno, RFC 6582, where there are no selective acknowledgments).
void tcp_cwnd_begin(struct tcp_socket *const t) REQUIRES(t->lock);
void tcp_cwnd_acked(struct tcp_socket *const t, u32 bytes) REQUIRES(t->lock);
void tcp_cwnd_timeout(struct tcp_socket *const t) REQUIRES(t->lock);
// Bytes that are on their way, as far as is known.
u32 tcp_in_flight(const struct tcp_sender *s borrowed);

// --- selective acknowledgments ---
// Notes a segment's ranges. False: nothing new.
bool tcp_sack_take(struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock);
void tcp_sack_advance(struct tcp_socket *const t) REQUIRES(t->lock);	// `unacked` has moved
// seq, or the end of the range on the board that it is in.
u32 tcp_sack_skip(const struct tcp_sender *s borrowed, u32 seq);
// Bytes from seq to the next range; U32_MAX when there is none.
u32 tcp_sack_hole(const struct tcp_sender *s borrowed, u32 seq);
u32 tcp_sack_bytes(const struct tcp_sender *s borrowed);	// on the board
bool tcp_sack_shows_loss(const struct tcp_sender *s borrowed);
// Sends holes again while the congestion window has room.
void tcp_sack_repair(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock);
// Puts the blocks that wait for a hole to be filled into a segment without payload.
void tcp_sack_tell(const struct tcp_socket *const t, struct tcp_segment *g borrowed) REQUIRES(t->lock);

// --- time ---
err_t tcp_timers_init(void);
// Arms for the earliest of t's deadlines, unless an earlier alarm is set already.
void tcp_timer_arm(struct tcp_socket *const t) REQUIRES(t->lock);
void tcp_timer_forget(struct tcp_socket *const t) REQUIRES(t->lock);
u64 tcp_keep_idle_ns(const struct tcp_socket *t borrowed);
u64 tcp_fin_timeout_ns(const struct tcp_socket *t borrowed);	// how long FIN_WAIT2 may last without a file
// What the socket was told, or else the namespace's setting.
static inline u32 tcp_setting(const struct atomic_u32 *own borrowed, const struct atomic_u32 *common borrowed)
{
	const u32 value = atomic_u32_load_relaxed(own);

	return value ? value : atomic_u32_load_relaxed(common);
}
static inline const struct ip_settings *tcp_common(const struct tcp_socket *t borrowed)
{
	return &ip_part_of(t->net)->settings;
}

// --- calls of users ---
ssize_r tcp_send(struct socket *s, struct socket_message *m borrowed);
ssize_r tcp_receive(struct socket *s, struct socket_message *m borrowed);
err_t tcp_connect(struct socket *s, bytes_t address);
err_t tcp_listen(struct socket *s, u32 backlog);
err_t tcp_accept(struct socket *s, struct socket *child);
void tcp_close(struct socket *s);
err_t tcp_shutdown(struct socket *s, u32 how);
u32 tcp_poll(struct socket *s, struct poll_request *r);
err_t tcp_set_option(struct socket *s, u32 level, u32 name, bytes_t value);
ssize_r tcp_get_option(struct socket *s, u32 level, u32 name, span_t out);
ssize_r tcp_info(struct tcp_socket *t, span_t out);
err_t tcp_take_error(struct tcp_socket *t);
u32 tcp_readable_bytes(const struct tcp_socket *const t) REQUIRES(t->lock);
static inline bool tcp_is_writable(const struct tcp_sender *s borrowed)
{
	return s->queued < s->limit && s->queued / 2 <= s->limit - s->queued;
}
