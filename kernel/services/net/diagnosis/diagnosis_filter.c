// SPDX-License-Identifier: MPL-2.0
// Conditions on TCP and UDP sockets, as a small program: operations of four bytes (code, how far to go on when it is
// met, how far when not) with what they compare behind them. A socket is meant when the program ends exactly at its
// end. Steps only go forward, so every program ends. source: <linux/inet_diag.h>
#include <services/net/diagnosis/diagnosis_internal.h>
#include <services/net/socket/socket.h>

enum condition {
	CONDITION_NONE, CONDITION_JUMP, CONDITION_LOCAL_FROM, CONDITION_LOCAL_TO, CONDITION_REMOTE_FROM,
	CONDITION_REMOTE_TO, CONDITION_AUTOMATIC, CONDITION_LOCAL, CONDITION_REMOTE, CONDITION_DEVICE, CONDITION_MARK,
	CONDITION_LOCAL_IS, CONDITION_REMOTE_IS, CONDITION_CGROUP
};
#define STEP 4u
#define HOST_BYTES 8u		// struct inet_diag_hostcond: family, bits, port; then the address
enum host_place { HOST_FAMILY = 0, HOST_BITS = 1, HOST_PORT = 4 };
#define ANY_PORT U32_MAX

static u32 address_bytes(u32 family)
{
	return family == FAMILY_INET ? 4 : family == FAMILY_INET6 ? 16 : 0;
}

// Bytes of the operation at `at` with what it compares; 0: it is none that is known, or not all there.
static u32 operation_bytes(bytes_t program, usize at)
{
	const usize left = bytes_len(program) - at;
	u32 n = STEP;

	switch (byte_at(program, at)) {
	case CONDITION_NONE:
	case CONDITION_JUMP:
	case CONDITION_AUTOMATIC: break;
	case CONDITION_LOCAL_FROM:
	case CONDITION_LOCAL_TO:
	case CONDITION_REMOTE_FROM:
	case CONDITION_REMOTE_TO:
	case CONDITION_LOCAL_IS:
	case CONDITION_REMOTE_IS:
	case CONDITION_DEVICE: n += STEP; break;
	case CONDITION_LOCAL:
	case CONDITION_REMOTE:
		n += HOST_BYTES;
		if (left < n)
			return 0;
		n += address_bytes(byte_at(program, at + STEP + HOST_FAMILY));
		if (byte_at(program, at + STEP + HOST_BITS) > 8 * (n - STEP - HOST_BYTES))
			return 0;
		break;
	default: return 0;
	}
	return left < n ? 0 : n;
}

// Does the way of met conditions come by `target`?
static bool comes_by(bytes_t program, usize target)
{
	usize at = 0;

	while (at < target)
		at += max((u32)byte_at(program, at + 1), STEP);
	return at == target;
}

err_t diagnosis_filter_check(bytes_t program)
{
	usize at = 0;

	while (at < bytes_len(program)) {
		const usize left = bytes_len(program) - at;
		if (left < STEP)
			return -EINVAL;
		const u32 code = byte_at(program, at), met = byte_at(program, at + 1);
		const u32 other = bytes_get_u16le(program, at + 2), least = operation_bytes(program, at);
		if (code == CONDITION_MARK || code == CONDITION_CGROUP)
			return -EOPNOTSUPP;
		if (!least || met < least || met > left || met % STEP)
			return -EINVAL;
		if (code != CONDITION_NONE && (other < least || other > left + STEP || other % STEP ||
			(other < left && !comes_by(program, at + other))))
			return -EINVAL;
		at += met;
	}
	return OK;
}

static bool bits_equal(struct ip_address a, struct ip_address b, u32 bits)
{
	const u64 high = bits >= 64 ? ~0ul : bits ? ~0ul << (64 - bits) : 0;
	const u64 low = bits >= 128 ? ~0ul : bits > 64 ? ~0ul << (128 - bits) : 0;

	return !((a.high ^ b.high) & high) && !((a.low ^ b.low) & low);
}

static bool host_is(bytes_t wanted, struct ip_address a, u32 port, u32 family)
{
	const u32 asked = byte_at(wanted, HOST_FAMILY), bits = byte_at(wanted, HOST_BITS);
	const u32 asked_port = bytes_get_u32le(wanted, HOST_PORT);

	if (asked_port != ANY_PORT && asked_port != port)
		return false;
	if (!bits)
		return true;
	if (asked == FAMILY_INET)
		return ip_is4(a) && bits_equal(a, ip_from4(bytes_get_u32be(wanted, HOST_BYTES)), 96 + bits);
	if (asked != FAMILY_INET6 || family != FAMILY_INET6)
		return false;
	return bits_equal(a, (struct ip_address){ .high = bytes_get_u64be(wanted, HOST_BYTES),
		.low = bytes_get_u64be(wanted, HOST_BYTES + 8) }, bits);
}

// rest: the program from the operation on.
static bool is_met(bytes_t rest, const struct tcp_description *d borrowed)
{
	const u32 code = byte_at(rest, 0);
	const u32 port = bytes_len(rest) >= 2 * STEP ? bytes_get_u16le(rest, STEP + 2) : 0;

	switch (code) {
	case CONDITION_NONE: return true;
	case CONDITION_LOCAL_FROM: return d->local_port >= port;
	case CONDITION_LOCAL_TO: return d->local_port <= port;
	case CONDITION_LOCAL_IS: return d->local_port == port;
	case CONDITION_REMOTE_FROM: return d->remote_port >= port;
	case CONDITION_REMOTE_TO: return d->remote_port <= port;
	case CONDITION_REMOTE_IS: return d->remote_port == port;
	case CONDITION_AUTOMATIC: return d->is_automatic;
	case CONDITION_DEVICE: return d->interface == bytes_get_u32le(rest, STEP);
	case CONDITION_LOCAL: return host_is(bytes_from(rest, STEP), d->local, d->local_port, d->family);
	case CONDITION_REMOTE: return host_is(bytes_from(rest, STEP), d->remote, d->remote_port, d->family);
	default: return false;
	}
}

bool diagnosis_filter_takes(bytes_t program, const struct tcp_description *d borrowed)
{
	usize at = 0;

	while (at < bytes_len(program)) {
		const u32 met = byte_at(program, at + 1), other = bytes_get_u16le(program, at + 2);
		at += max(is_met(bytes_from(program, at), d) ? met : other, STEP);
	}
	return at == bytes_len(program);
}
