// SPDX-License-Identifier: MPL-2.0
// One address type for IPv4 and IPv6: an IPv4 address is its IPv4-mapped IPv6 address (RFC 4291, ::ffff:a.b.c.d), so
// that tables and comparisons have one form. "Any" of both families is written by ip_any4() and ip_any6().
#pragma once
#include <core/span.h>

struct ip_address {
	u64 high, low;			// host order: the first and the last 64 bits
};
#define IP4_LOOPBACK 0x7f000001u
#define IP4_BROADCAST 0xffffffffu
#define IP4_MAPPED 0xffff00000000ul

static inline struct ip_address ip_from4(u32 a) { return (struct ip_address){ 0, IP4_MAPPED | a }; }
static inline struct ip_address ip_any4(void) { return ip_from4(0); }
static inline struct ip_address ip_any6(void) { return (struct ip_address){ 0, 0 }; }
static inline struct ip_address ip_loopback6(void) { return (struct ip_address){ 0, 1 }; }
static inline bool ip_is4(struct ip_address a) { return a.high == 0 && a.low >> 32 == 0xffff; }
static inline u32 ip_to4(struct ip_address a) { return (u32)a.low; }
static inline bool ip_equal(struct ip_address a, struct ip_address b) { return a.high == b.high && a.low == b.low; }
static inline bool ip_is_any(struct ip_address a) { return a.high == 0 && (a.low == 0 || a.low == IP4_MAPPED); }
static inline bool ip_is_loopback(struct ip_address a)
{
	return ip_is4(a) ? ip_to4(a) >> 24 == 127 : a.high == 0 && a.low == 1;
}
static inline bool ip_is_multicast(struct ip_address a)
{
	return ip_is4(a) ? ip_to4(a) >> 28 == 14 : a.high >> 56 == 0xff;
}
static inline bool ip_is_link_local6(struct ip_address a) { return a.high >> 54 == 0xfe80 >> 6; }
// Is a within prefix/bits (0 to 128; an IPv4 prefix of n bits is 96 + n)?
static inline bool ip_in_prefix(struct ip_address a, struct ip_address prefix, u32 bits)
{
	const u64 high = bits >= 64 ? U64_MAX : bits ? U64_MAX << (64 - bits) : 0;
	const u64 low = bits >= 128 ? U64_MAX : bits > 64 ? U64_MAX << (128 - bits) : 0;

	return ((a.high ^ prefix.high) & high) == 0 && ((a.low ^ prefix.low) & low) == 0;
}
// The first `bits` of 128, the rest 0.
static inline struct ip_address ip_masked(struct ip_address a, u32 bits)
{
	const u64 high = bits >= 64 ? U64_MAX : bits ? U64_MAX << (64 - bits) : 0;
	const u64 low = bits >= 128 ? U64_MAX : bits > 64 ? U64_MAX << (128 - bits) : 0;

	return (struct ip_address){ a.high & high, a.low & low };
}
// 16 bytes in network order.
static inline struct ip_address ip_get6(bytes_t b, usize at)
{
	return (struct ip_address){ bytes_get_u64be(b, at), bytes_get_u64be(b, at + 8) };
}
static inline void ip_put6(span_t s, usize at, struct ip_address a)
{
	span_put_u64be(s, at, a.high);
	span_put_u64be(s, at + 8, a.low);
}
