// SPDX-License-Identifier: MPL-2.0
// struct tcp_info (<linux/tcp.h>): what a connection has to say of itself. Values that nothing here has are 0.
#include <services/net/tcp/tcp_internal.h>

#define INFO_TIMESTAMPS 1u
#define INFO_SACK 2u
#define INFO_SCALES 4u
enum tcp_info_place {
	INFO_STATE = 0, INFO_CONGESTION = 1, INFO_RETRANSMITS = 2, INFO_PROBES = 3, INFO_OPTIONS = 5,
	INFO_SCALE = 6, INFO_RTO = 8, INFO_ATO = 12, INFO_SEND_MSS = 16, INFO_RECEIVE_MSS = 20, INFO_UNACKED = 24,
	INFO_SACKED = 28, INFO_LAST_SENT = 44, INFO_LAST_RECEIVED = 52, INFO_LAST_ACK = 56, INFO_PMTU = 60,
	INFO_RTT = 68, INFO_RTTVAR = 72, INFO_SSTHRESH = 76, INFO_CWND = 80, INFO_ADVMSS = 84, INFO_SPACE = 96,
	INFO_TOTAL_RETRANS = 100, INFO_BYTES_ACKED = 120, INFO_BYTES_RECEIVED = 128, INFO_SEGMENTS_OUT = 136,
	INFO_SEGMENTS_IN = 140, INFO_UNSENT = 144, INFO_BYTES_SENT = 200, INFO_BYTES_RETRANSMITTED = 208,
	INFO_SEND_WINDOW = 228
};

static u32 ms_since(u64 now_ns, u64 then_ns)
{
	return then_ns ? (u32)((now_ns - then_ns) / NS_PER_MS) : 0;
}

enum tcp_info_congestion { CONGESTION_OPEN, CONGESTION_DISORDER, CONGESTION_REDUCED, CONGESTION_RECOVERY,
	CONGESTION_LOSS };
static u8 congestion_state(const struct tcp_sender *s borrowed)
{
	if (s->in_recovery)
		return CONGESTION_RECOVERY;
	if (s->unacked != s->maximum && seq_before(s->unacked, s->recover))
		return CONGESTION_LOSS;
	return s->duplicates || s->board.count ? CONGESTION_DISORDER : CONGESTION_OPEN;
}

// A listener says how many wait to be accepted, and how many may.
static void put_listener(struct tcp_socket *const t, span_t out) REQUIRES(t->lock)
{
	span_put_u32le(out, INFO_UNACKED, (u32)tcp_accept_list_count(&t->listener.ready));
	span_put_u32le(out, INFO_SACKED, t->listener.backlog);
}

static void put_sender(struct tcp_socket *const t, span_t out, u64 now_ns) REQUIRES(t->lock)
{
	const struct tcp_sender *const s = &t->send;
	const u32 mss = max(s->mss, 1u);

	span_at(out, INFO_RETRANSMITS) = (u8)s->retransmits;
	span_at(out, INFO_PROBES) = (u8)s->probes;
	span_put_u32le(out, INFO_RTO, (u32)(s->rto_ns / NS_PER_US));
	span_put_u32le(out, INFO_SEND_MSS, s->mss);
	span_at(out, INFO_CONGESTION) = congestion_state(s);
	span_put_u32le(out, INFO_UNACKED, (s->next - s->unacked + mss - 1) / mss);
	span_put_u32le(out, INFO_SACKED, (tcp_sack_bytes(s) + mss - 1) / mss);
	span_put_u32le(out, INFO_LAST_SENT, ms_since(now_ns, s->last_ns));
	span_put_u32le(out, INFO_RTT, (u32)(s->srtt_ns / NS_PER_US));
	span_put_u32le(out, INFO_RTTVAR, (u32)(s->rttvar_ns / NS_PER_US));
	span_put_u32le(out, INFO_SSTHRESH, s->ssthresh >= 1u << 30 ? S32_MAX : s->ssthresh / mss);
	span_put_u32le(out, INFO_CWND, s->cwnd ? s->cwnd / mss : 10);
	span_put_u32le(out, INFO_TOTAL_RETRANS, s->total_retransmits);
	span_put_u64le(out, INFO_BYTES_ACKED, s->bytes_acked);
	span_put_u32le(out, INFO_SEGMENTS_OUT, (u32)s->segments_out);
	span_put_u32le(out, INFO_UNSENT, seq_before(s->next, s->end) ? s->end - s->next : 0);
	span_put_u64le(out, INFO_BYTES_SENT, s->bytes_sent);
	span_put_u64le(out, INFO_BYTES_RETRANSMITTED, s->bytes_retransmitted);
	span_put_u32le(out, INFO_SEND_WINDOW, s->window);
}

ssize_r tcp_info(struct tcp_socket *t, span_t out)
{
	u8 raw[TCP_INFO_BYTES] = { };
	span_t r = array_span(raw);
	const u64 now_ns = clock_monotonic_ns();

	{
		struct tcp_socket *const own = t;
		spin_guard(&own->lock);
		put_sender(own, r, now_ns);
		if (own->state == TCP_LISTEN)
			put_listener(own, r);
		const struct tcp_receiver *const in = &own->receive;
		const u32 send_scale = own->send.scale == U32_MAX ? 0 : own->send.scale;
		span_at(r, INFO_STATE) = (u8)own->state;
		span_at(r, INFO_OPTIONS) = (u8)((in->has_timestamps ? INFO_TIMESTAMPS : 0) |
			(own->send.has_sack ? INFO_SACK : 0) | (in->scale ? INFO_SCALES : 0));
		span_at(r, INFO_SCALE) = (u8)(send_scale | in->scale << 4);
		span_put_u32le(r, INFO_ATO, (u32)(TCP_DELAYED_ACK_NS / NS_PER_US));
		span_put_u32le(r, INFO_RECEIVE_MSS, in->mss_seen);
		span_put_u32le(r, INFO_LAST_RECEIVED, ms_since(now_ns, in->last_ns));
		span_put_u32le(r, INFO_LAST_ACK, ms_since(now_ns, in->last_ns));
		span_put_u32le(r, INFO_PMTU, own->mss_limit + 40);
		span_put_u32le(r, INFO_ADVMSS, own->mss_limit);
		span_put_u32le(r, INFO_SPACE, in->capacity);
		span_put_u64le(r, INFO_BYTES_RECEIVED, in->bytes);
		span_put_u32le(r, INFO_SEGMENTS_IN, (u32)in->segments);
	}
	return (ssize_r)span_copy_some(out, bytes_of(r));
}
