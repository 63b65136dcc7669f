// SPDX-License-Identifier: MPL-2.0
// Segments as bytes, and arithmetic with sequence numbers.
#pragma once
#include <core/time.h>
#include <services/net/ip/ip.h>
#include <services/net/ip/ip_part.h>

#define TCP_HEADER_BYTES 20u
enum tcp_header_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

static inline bool seq_before(u32 a, u32 b) { return (s32)(a - b) < 0; }
static inline bool seq_after(u32 a, u32 b) { return (s32)(b - a) < 0; }
static inline u32 seq_max(u32 a, u32 b) { return seq_before(a, b) ? b : a; }

// Sequence numbers from start to before end.
struct tcp_range {
	u32 start, end;
};
#define TCP_SACK_BLOCKS 4u		// of one segment; three beside a timestamp

// One received segment.
struct stack_only tcp_segment {
	u32 seq, ack, flags, window, urgent;
	u32 length;			// payload
	u32 mss, scale, has_scale;	// options of a SYN; mss 0: not given
	u32 timestamp, echo, has_timestamp;
	u32 permits_sack;		// of a SYN
	u32 sack_count;
	struct tcp_range sack[TCP_SACK_BLOCKS];
	u32 source_port, destination_port;
	u64 now_ns;
};

// Checks and takes off the header. False when it is damaged.
bool tcp_parse(struct packet *p borrowed, const struct ip_flow *flow borrowed, struct tcp_segment *g borrowed);
// Puts the header before the payload; its checksum is left to the device.
void tcp_put_header(
	struct packet *p borrowed, const struct ip_flow *flow borrowed, const struct tcp_segment *g borrowed);
// The answer to a segment that belongs to no connection; NULL: none. refuse: sends it, no lock held.
struct packet *tcp_refusal(struct net_namespace *net, const struct ip_flow *back borrowed,
	const struct tcp_segment *g borrowed) owned;
void tcp_refuse(struct net_namespace *net, const struct ip_flow *flow borrowed, const struct tcp_segment *g borrowed);
static inline u32 tcp_clock(u64 now_ns) { return (u32)(now_ns / NS_PER_MS); }
