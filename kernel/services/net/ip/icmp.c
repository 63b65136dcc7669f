// SPDX-License-Identifier: MPL-2.0
// ICMP for both families: echo is answered, errors go to the transport whose packet they are about, and errors of our
// own are sent, at most a thousand a second of a namespace. source: RFC 792, RFC 4443, RFC 1122 3.2.2
#include <core/time.h>
#include <services/net/ip/icmp.h>
#include <services/net/ip/ip_internal.h>

#define ICMP_HEADER 8u
#define QUOTE4_MAX (576u - IP4_HEADER - ICMP_HEADER)
#define QUOTE6_MAX (1280u - IP6_HEADER - ICMP_HEADER)
#define ERROR_INTERVAL_NS NS_PER_MS		// net.ipv4.icmp_msgs_per_sec = 1000
#define ERROR_BURST 50ul			// net.ipv4.icmp_msgs_burst

// --- out ------------------------------------------------------------------------------------------------------------

// Writes the checksum of a whole message at its front.
static void finish(const struct ip_flow *flow borrowed, struct packet *p borrowed)
{
	span_t h = packet_front_span(p);
	u32 sum = 0;

	span_put_u16be(h, 2, 0);
	if (!ip_is4(flow->source))
		sum = ip_pseudo_sum(flow->source, flow->destination, PROTOCOL_ICMP6, packet_length(p));
	span_put_u16be(h, 2, checksum_fold(packet_checksum(p, 0, sum)));
}

static bool may_send_error(struct net_namespace *net)
{
	struct atomic_u64 *at = &ip_part_of(net)->icmp_allowed_ns;
	const u64 now_ns = clock_monotonic_ns(), before = atomic_u64_load(at);
	const u64 oldest = now_ns > ERROR_BURST * ERROR_INTERVAL_NS ? now_ns - ERROR_BURST * ERROR_INTERVAL_NS : 0;
	const u64 next = max(before, oldest) + ERROR_INTERVAL_NS;

	return next <= now_ns && atomic_u64_compare_exchange(at, before, next);
}

struct icmp_word {
	u32 type, code;
};
static struct icmp_word error_word(enum ip_unreachable_kind kind, bool is4)
{
	switch (kind) {
	case IP_UNREACHABLE_PORT: return is4 ? (struct icmp_word){ 3, 3 } : (struct icmp_word){ 1, 4 };
	case IP_UNREACHABLE_PROTOCOL: return is4 ? (struct icmp_word){ 3, 2 } : (struct icmp_word){ 4, 1 };
	case IP_UNREACHABLE_HOST: return is4 ? (struct icmp_word){ 3, 1 } : (struct icmp_word){ 1, 3 };
	case IP_UNREACHABLE_NET: return is4 ? (struct icmp_word){ 3, 0 } : (struct icmp_word){ 1, 0 };
	case IP_TIME_EXCEEDED: return is4 ? (struct icmp_word){ 11, 0 } : (struct icmp_word){ 3, 0 };
	case IP_REASSEMBLY_TIME_EXCEEDED: return is4 ? (struct icmp_word){ 11, 1 } : (struct icmp_word){ 3, 1 };
	default: return is4 ? (struct icmp_word){ 3, 4 } : (struct icmp_word){ 2, 0 };
	}
}

// Errors are not told about errors.
static bool is_error(const struct ip_flow *flow borrowed, const struct packet *p borrowed)
{
	bytes_t h = packet_front(p);

	if (flow->protocol == PROTOCOL_ICMP)
		return !bytes_len(h) || (byte_at(h, 0) != ICMP_ECHO && byte_at(h, 0) != ICMP_ECHO_REPLY);
	return flow->protocol == PROTOCOL_ICMP6 && (!bytes_len(h) || byte_at(h, 0) < 128);
}

// The damaged packet from its IP header on, as much as fits.
static err_t quote(struct packet *to borrowed, const struct packet *p borrowed, u32 limit)
{
	u8 part[256];

	if (p->network >= p->head_start)
		return -EINVAL;
	const u32 header = (u32)(p->head_start - p->network);
	err_t err = packet_append(to, bytes_slice(array_bytes(p->head), p->network, header));
	const u32 length = min(packet_length(p), limit > header ? limit - header : 0);
	for (u32 done = 0; !err && done < length;) {
		span_t s = span_first(array_span(part), min(length - done, (u32)sizeof(part)));
		packet_read(p, done, s);
		err = packet_append(to, bytes_of(s));
		done += (u32)span_len(s);
	}
	return err;
}

void ip_unreachable(struct net_namespace *net, const struct ip_flow *flow borrowed, enum ip_unreachable_kind kind,
	struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	const bool is4 = ip_is4(flow->source);
	const struct icmp_word word = error_word(kind, is4);
	u8 header[ICMP_HEADER] = { (u8)word.type, (u8)word.code };

	if (p->flags & (PACKET_BROADCAST | PACKET_MULTICAST) || ip_is_multicast(flow->destination) ||
		ip_is_any(flow->source) || is_error(flow, p) || !may_send_error(net))
		return;
	struct packet *answer object_auto(packet) = packet_create(PACKET_HEADROOM);
	if (!answer)
		return;
	if (kind == IP_TOO_BIG)
		span_put_u32be(array_span(header), 4, (u32)p->control);
	err_t err = packet_append(answer, array_bytes(header));
	if (!err)
		err = quote(answer, p, is4 ? QUOTE4_MAX : QUOTE6_MAX);
	if (err)
		return;
	struct ip_flow back = { .source = flow->destination, .destination = flow->source,
		.protocol = is4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6, .tos = is4 ? 0xc0 : 0 };
	if (!ip_address_is_ours(net, back.source))	// a router speaks for itself
		back.source = is4 ? ip_any4() : ip_any6();
	struct ip_route_answer route = { };
	if (ip_route_query(net, &back, &route))
		return;
	back.source = route.source;
	finish(&back, answer);
	ip_count(net, ICMP_OUT_MESSAGES);
	ip_count(net, ICMP_OUT_UNREACHABLE);
	err = ip_output(net, &back, take(answer));
	(void)err;	// an error is not worth another one
}

// --- in -------------------------------------------------------------------------------------------------------------

static void answer_echo(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	const bool is4 = ip_is4(flow->source);
	struct ip_flow back = { .source = flow->destination, .destination = flow->source, .protocol = flow->protocol,
		.tos = flow->tos };

	if (p->flags & PACKET_BROADCAST)
		return;
	if (ip_is_multicast(flow->destination))
		back.source = is4 ? ip_any4() : ip_any6();
	struct ip_route_answer route = { };
	if (ip_route_query(net, &back, &route))
		return;
	back.source = route.source;
	if (ip_is_link_local6(flow->source))
		back.interface = flow->interface;
	span_at(packet_front_span(p), 0) = is4 ? ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY;
	finish(&back, p);
	p->flags = 0;
	ip_count(net, ICMP_OUT_MESSAGES);
	ip_count(net, ICMP_OUT_ECHO_REPLIES);
	const err_t err = ip_output(net, &back, take(p));
	(void)err;	// the asker will ask again
}

static u32 error_of4(u32 type, u32 code)
{
	static const u16 codes[16] = { ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT, ECONNREFUSED, EMSGSIZE, EOPNOTSUPP,
		ENETUNREACH, EHOSTDOWN, ENONET, ENETUNREACH, EHOSTUNREACH, ENETUNREACH, EHOSTUNREACH, EHOSTUNREACH,
		EHOSTUNREACH, EHOSTUNREACH };

	if (type == 3)
		return code < array_len(codes) ? codes[code] : 0;
	return type == 11 ? EHOSTUNREACH : type == 12 ? EPROTO : 0;
}

static u32 error_of6(u32 type, u32 code)
{
	static const u16 codes[7] = { ENETUNREACH, EACCES, EHOSTUNREACH, EHOSTUNREACH, ECONNREFUSED, EACCES, EACCES };

	switch (type) {
	case 1: return code < array_len(codes) ? codes[code] : 0;
	case 2: return EMSGSIZE;
	case 3: return EHOSTUNREACH;
	case 4: return EPROTO;
	default: return 0;
	}
}

// The quoted packet is one of ours: its flow as it was sent; the length of its header, or 0.
static u32 parse_quoted(bytes_t b, bool is4, struct ip_flow *flow borrowed)
{
	if (bytes_len(b) < (is4 ? IP4_HEADER : IP6_HEADER))
		return 0;
	if (is4) {
		flow->source = ip_from4(bytes_get_u32be(b, 12));
		flow->destination = ip_from4(bytes_get_u32be(b, 16));
		flow->protocol = byte_at(b, 9);
		return (u32)(byte_at(b, 0) & 15) * 4;
	}
	flow->source = ip_get6(b, 8);
	flow->destination = ip_get6(b, 24);
	flow->protocol = byte_at(b, 6);
	if (flow->protocol != PROTOCOL_FRAGMENT)
		return IP6_HEADER;
	// Of our pieces the first tells whose it is.
	if (bytes_len(b) < IP6_HEADER + IP6_FRAGMENT_HEADER || bytes_get_u16be(b, IP6_HEADER + 2) & ~7u)
		return 0;
	flow->protocol = byte_at(b, IP6_HEADER);
	return IP6_HEADER + IP6_FRAGMENT_HEADER;
}

static void input_error(struct net_namespace *net, const struct ip_flow *in borrowed, struct packet *p borrowed)
{
	u8 raw[IP6_HEADER + 64];
	const bool is4 = ip_is4(in->source);
	bytes_t h = packet_front(p);
	const u32 type = byte_at(h, 0), code = byte_at(h, 1);
	const u32 error = is4 ? error_of4(type, code) : error_of6(type, code);
	const u32 info = is4 ? bytes_get_u16be(h, 6) : bytes_get_u32be(h, 4);
	const u32 length = min(packet_length(p) - ICMP_HEADER, (u32)sizeof(raw));
	struct ip_flow flow = { .interface = in->interface };

	packet_read(p, ICMP_HEADER, span_first(array_span(raw), length));
	bytes_t quoted = bytes_first(array_bytes(raw), length);
	const u32 header = parse_quoted(quoted, is4, &flow);
	if (!error || !header || header > length)
		return;
	const struct ip_transport *t = ip_transport_find(flow.protocol);
	if (t && t->error)
		t->error(net, &flow, bytes_from(quoted, header), error, error == EMSGSIZE ? info : 0);
}

static void icmp_input(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	const bool is4 = ip_is4(flow->source);
	u32 sum = 0;

	ip_count(net, ICMP_IN_MESSAGES);
	if (!packet_require(p, ICMP_HEADER)) {
		ip_count(net, ICMP_IN_ERRORS);
		return;
	}
	if (!is4)
		sum = ip_pseudo_sum(flow->source, flow->destination, PROTOCOL_ICMP6, packet_length(p));
	if (checksum_fold(packet_checksum(p, 0, sum))) {
		ip_count(net, ICMP_IN_CHECKSUM_ERRORS);
		return;
	}
	const u32 type = byte_at(packet_front(p), 0);
	if (type == (is4 ? ICMP_ECHO : ICMP6_ECHO)) {
		ip_count(net, ICMP_IN_ECHOS);
		answer_echo(net, flow, take(p));
	} else if (type == (is4 ? ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY)) {
		ip_count(net, ICMP_IN_ECHO_REPLIES);
	} else {
		ip_count(net, ICMP_IN_UNREACHABLE);
		input_error(net, flow, p);
	}
}

static const struct ip_transport icmp_transport = { .input = icmp_input };

void icmp_init(void)
{
	ip_transport_register(PROTOCOL_ICMP, &icmp_transport);
	ip_transport_register(PROTOCOL_ICMP6, &icmp_transport);
}
