// SPDX-License-Identifier: MPL-2.0
// Options of level IPPROTO_TCP, and those of SOL_SOCKET that a connection answers itself. source: tcp(7), UAPI numbers
#include <services/net/tcp/tcp_internal.h>

#define LEVEL_TCP 6u
#define CONGESTION_NAME_BYTES 16u
enum tcp_option_name {
	TCP_OPTION_NO_DELAY = 1, TCP_OPTION_MAX_SEGMENT, TCP_OPTION_CORK, TCP_OPTION_KEEP_IDLE,
	TCP_OPTION_KEEP_INTERVAL, TCP_OPTION_KEEP_COUNT, TCP_OPTION_SYN_COUNT, TCP_OPTION_LINGER2,
	TCP_OPTION_DEFER_ACCEPT, TCP_OPTION_INFO = 11, TCP_OPTION_QUICK_ACK, TCP_OPTION_CONGESTION,
	TCP_OPTION_USER_TIMEOUT = 18
};
enum { SOCKET_OPTION_ERROR = 4, SOCKET_OPTION_SEND_BUFFER = 7, SOCKET_OPTION_RECEIVE_BUFFER = 8 };

static err_t set_bounded(struct atomic_u32 *to, u32 value, u32 low, u32 high)
{
	if (value < low || value > high)
		return -EINVAL;
	atomic_u32_store(to, value);
	return OK;
}

// Seconds as a number of retransmissions, and back.
static u32 seconds_to_retries(u32 seconds)
{
	u32 retries = 0, period = 0;

	for (u32 timeout = 1; seconds > period && retries < 255; timeout = min(timeout * 2, 120u)) {
		retries++;
		period += timeout;
	}
	return retries;
}

static u32 retries_to_seconds(u32 retries)
{
	u32 period = 0;

	for (u32 timeout = 1; retries; timeout = min(timeout * 2, 120u), retries--)
		period += timeout;
	return period;
}

// What was held back may go now.
static void push(struct tcp_socket *const t)
{
	struct tcp_burst b = { };

	{
		spin_guard(&t->lock);
		t->send.more = 0;
		if (t->state == TCP_ESTABLISHED || t->state == TCP_CLOSE_WAIT)
			tcp_output(t, &b, clock_monotonic_ns());
	}
	tcp_burst_send(t->net, &b);
}

static void set_quick_ack(struct tcp_socket *const t, u32 value)
{
	struct tcp_burst b = { };

	{
		spin_guard(&t->lock);
		t->receive.is_interactive = !value;
		if (value)
			t->receive.quick = max(t->receive.quick, 16u);
		if (value && t->receive.unacknowledged && t->state == TCP_ESTABLISHED)
			tcp_send_ack(t, &b);
	}
	tcp_burst_send(t->net, &b);
}

static void keep_alive_again(struct tcp_socket *const t)
{
	spin_guard(&t->lock);
	if (t->deadlines.keep_alive == DEADLINE_NEVER)
		return;
	t->deadlines.keep_alive = t->receive.last_ns + tcp_keep_idle_ns(t);
	tcp_timer_arm(t);
}

static err_t set_congestion(bytes_t value)
{
	bytes_t name = bytes_first(value, bytes_string_len(value));

	return bytes_equal(name, STR("reno")) ? OK : -ENOENT;
}

static err_t set_number(struct tcp_socket *const t, u32 name, u32 value)
{
	struct tcp_settings *o = &t->settings;
	err_t err = OK;

	switch (name) {
	case TCP_OPTION_NO_DELAY:
		atomic_u32_store(&o->no_delay, value ? 1 : 0);
		if (value)
			push(t);
		return OK;
	case TCP_OPTION_CORK:
		atomic_u32_store(&o->cork, value ? 1 : 0);
		if (!value)
			push(t);
		return OK;
	case TCP_OPTION_MAX_SEGMENT: return value ? set_bounded(&o->mss, value, TCP_MSS_MIN, 32767) : OK;
	case TCP_OPTION_KEEP_IDLE:
		err = set_bounded(&o->keep_idle, value, 1, 32767);
		if (!err)
			keep_alive_again(t);
		return err;
	case TCP_OPTION_KEEP_INTERVAL: return set_bounded(&o->keep_interval, value, 1, 32767);
	case TCP_OPTION_KEEP_COUNT: return set_bounded(&o->keep_count, value, 1, 127);
	case TCP_OPTION_SYN_COUNT: return set_bounded(&o->syn_count, value, 1, 127);
	case TCP_OPTION_LINGER2:
		atomic_u32_store(&o->linger2, (s32)value < 0 ? 1 : min(value, 120u));
		return OK;
	case TCP_OPTION_DEFER_ACCEPT:
		atomic_u32_store(&o->defer_accept, (s32)value > 0 ? seconds_to_retries(value) : 0);
		return OK;
	case TCP_OPTION_USER_TIMEOUT: return set_bounded(&o->user_timeout_ms, value, 0, S32_MAX);
	case TCP_OPTION_QUICK_ACK: set_quick_ack(t, value); return OK;
	default: return -ENOPROTOOPT;
	}
}

err_t tcp_set_option(struct socket *s, u32 level, u32 name, bytes_t value)
{
	if (level != LEVEL_TCP)
		return inet_set_option(s, level, name, value);
	if (name == TCP_OPTION_CONGESTION)
		return bytes_len(value) ? set_congestion(value) : -EINVAL;
	if (bytes_len(value) < 4)
		return -EINVAL;
	return set_number(tcp_of(s), name, bytes_get_u32le(value, 0));
}

static u32 segment_size(struct tcp_socket *const t)
{
	spin_guard(&t->lock);
	const u32 asked = atomic_u32_load(&t->settings.mss);
	if (t->state == TCP_CLOSED || t->state == TCP_LISTEN)
		return asked ? asked : t->send.mss;
	return t->send.mss;
}

static ssize_r get_number(struct tcp_socket *const t, u32 name)
{
	const struct ip_settings *common = tcp_common(t);
	struct tcp_settings *o = &t->settings;

	switch (name) {
	case TCP_OPTION_NO_DELAY: return (ssize_r)atomic_u32_load(&o->no_delay);
	case TCP_OPTION_CORK: return (ssize_r)atomic_u32_load(&o->cork);
	case TCP_OPTION_MAX_SEGMENT: return (ssize_r)segment_size(t);
	case TCP_OPTION_KEEP_IDLE: return (ssize_r)tcp_setting(&o->keep_idle, &common->tcp_keep_idle);
	case TCP_OPTION_KEEP_INTERVAL: return (ssize_r)tcp_setting(&o->keep_interval, &common->tcp_keep_interval);
	case TCP_OPTION_KEEP_COUNT: return (ssize_r)tcp_setting(&o->keep_count, &common->tcp_keep_count);
	case TCP_OPTION_SYN_COUNT: return (ssize_r)tcp_setting(&o->syn_count, &common->tcp_syn_retries);
	case TCP_OPTION_LINGER2: return (ssize_r)tcp_setting(&o->linger2, &common->tcp_fin_timeout);
	case TCP_OPTION_DEFER_ACCEPT: return (ssize_r)retries_to_seconds(atomic_u32_load(&o->defer_accept));
	case TCP_OPTION_USER_TIMEOUT: return (ssize_r)atomic_u32_load(&o->user_timeout_ms);
	case TCP_OPTION_QUICK_ACK: {
		spin_guard(&t->lock);
		return t->receive.is_interactive ? 0 : 1;
	}
	default: return -ENOPROTOOPT;
	}
}

static ssize_r get_socket_option(struct socket *s, u32 name, span_t out)
{
	struct tcp_socket *const t = tcp_of(s);
	u32 value;

	if (name == SOCKET_OPTION_ERROR) {
		value = atomic_u32_exchange(&t->error, 0);
		if (!value)
			value = atomic_u32_exchange(&t->soft_error, 0);
		return inet_put_number(out, value);
	}
	spin_guard(&t->lock);
	switch (name) {
	case SOCKET_OPTION_SEND_BUFFER: value = t->send.limit; break;
	case SOCKET_OPTION_RECEIVE_BUFFER:
		value = atomic_u32_load(&s->flags) & SOCKET_RECEIVE_LOCKED ? t->receive.limit : t->receive.capacity * 2;
		break;
	default: return -ENOPROTOOPT;
	}
	return inet_put_number(out, value);
}

ssize_r tcp_get_option(struct socket *s, u32 level, u32 name, span_t out)
{
	u8 raw[CONGESTION_NAME_BYTES] = { };

	if (level == SOCKET_LEVEL)
		return get_socket_option(s, name, out);
	if (level != LEVEL_TCP)
		return inet_get_option(s, level, name, out);
	if (name == TCP_OPTION_INFO)
		return tcp_info(tcp_of(s), out);
	if (name == TCP_OPTION_CONGESTION) {
		span_copy(array_span(raw), STR("reno"));
		return (ssize_r)span_copy_some(out, array_bytes(raw));
	}
	const ssize_r value = get_number(tcp_of(s), name);
	return value < 0 ? value : inet_put_number(out, (u32)value);
}
