// SPDX-License-Identifier: MPL-2.0
// Options that all sockets have. source: socket(7)
#include <core/time.h>
#include <services/net/socket/socket_internal.h>

#define BUFFER_MAX 212992u		// net.core.wmem_max; values are doubled
#define TIMEOUT_SIZE 16u

// The flag of an on/off option, or 0.
static u32 flag_of(u32 name)
{
	switch (name) {
	case OPTION_REUSE_ADDRESS:
		return SOCKET_REUSE_ADDRESS;
	case OPTION_REUSE_PORT:
		return SOCKET_REUSE_PORT;
	case OPTION_BROADCAST:
		return SOCKET_BROADCAST;
	case OPTION_KEEP_ALIVE:
		return SOCKET_KEEP_ALIVE;
	case OPTION_PASS_CRED:
		return SOCKET_PASS_CRED;
	case OPTION_OOB_INLINE:
		return SOCKET_OOB_INLINE;
	case OPTION_DONT_ROUTE:
		return SOCKET_DONT_ROUTE;
	case OPTION_PASS_SECURITY:
		return SOCKET_PASS_SECURITY;
	default:
		return 0;
	}
}

// The flags of an option that asks for times of messages, or 0: one of them at a time is in force.
static u32 timestamp_flags_of(u32 name)
{
	switch (name) {
	case OPTION_TIMESTAMP:
		return SOCKET_TIMESTAMP;
	case OPTION_TIMESTAMP_NS:
		return SOCKET_TIMESTAMP | SOCKET_TIMESTAMP_NS;
	case OPTION_TIMESTAMP_NEW:
		return SOCKET_TIMESTAMP | SOCKET_TIMESTAMP_NEW;
	case OPTION_TIMESTAMP_NS_NEW:
		return SOCKET_TIMESTAMPS;
	default:
		return 0;
	}
}

static err_t set_timestamps(struct socket *s, u32 flags, u32 value)
{
	if (!s->ops->has_timestamps)
		return -ENOPROTOOPT;
	atomic_u32_and(&s->flags, ~(u32)SOCKET_TIMESTAMPS);
	if (value)
		atomic_u32_or(&s->flags, flags);
	return OK;
}

// Linux says of SO_TIMESTAMP_NEW that it is on while SO_TIMESTAMPNS_NEW is.
static ssize_r get_timestamps(struct socket *s, u32 name)
{
	const u32 shown = name == OPTION_TIMESTAMP_NEW ? timestamp_flags_of(name) : SOCKET_TIMESTAMPS;

	return (ssize_r)((atomic_u32_load(&s->flags) & shown) == timestamp_flags_of(name));
}

static err_t set_timeout(struct atomic_u64 *to, bytes_t value)
{
	if (bytes_len(value) < TIMEOUT_SIZE)
		return -EINVAL;
	const s64 seconds = (s64)bytes_get_u64le(value, 0), us = (s64)bytes_get_u64le(value, 8);
	if (us < 0 || us >= 1000000)
		return -EDOM;
	// Negative seconds mean "do not wait at all": the shortest timeout there is.
	if (seconds < 0)
		atomic_u64_store(to, 1);
	else if ((u64)seconds >= S64_MAX / NS_PER_SECOND / 2)
		atomic_u64_store(to, 0);
	else
		atomic_u64_store(to, (u64)seconds * NS_PER_SECOND + (u64)us * NS_PER_US);
	return OK;
}

static err_t set_buffer(struct socket *s, u32 locked, u32 value, u32 limit)
{
	struct atomic_u32 *to = locked == SOCKET_SEND_LOCKED ? &s->send_buffer : &s->receive_buffer;

	atomic_u32_store(to, max(min(value, limit) * 2, SOCKET_BUFFER_MIN));
	atomic_u32_or(&s->flags, locked);
	return OK;
}

static err_t set_linger(struct socket *s, bytes_t value)
{
	if (bytes_len(value) < 8)
		return -EINVAL;
	atomic_u32_store(&s->linger_seconds, bytes_get_u32le(value, 4));
	if (bytes_get_u32le(value, 0))
		atomic_u32_or(&s->flags, SOCKET_LINGER);
	else
		atomic_u32_and(&s->flags, ~(u32)SOCKET_LINGER);
	return OK;
}

static err_t set_number(struct socket *s, u32 name, u32 value)
{
	const u32 flag = flag_of(name);
	if (flag) {
		if (value)
			atomic_u32_or(&s->flags, flag);
		else
			atomic_u32_and(&s->flags, ~flag);
		return OK;
	}
	if (timestamp_flags_of(name))
		return set_timestamps(s, timestamp_flags_of(name), value);
	switch (name) {
	case OPTION_SEND_BUFFER:
		return set_buffer(s, SOCKET_SEND_LOCKED, value, BUFFER_MAX);
	case OPTION_RECEIVE_BUFFER:
		return set_buffer(s, SOCKET_RECEIVE_LOCKED, value, BUFFER_MAX);
	case OPTION_SEND_BUFFER_FORCE:
	case OPTION_RECEIVE_BUFFER_FORCE:
		if (!cred_has_capability(s->base.cred, s->net->base.owner, CAP_NET_ADMIN))
			return -EPERM;
		return set_buffer(s, name == OPTION_SEND_BUFFER_FORCE ? SOCKET_SEND_LOCKED : SOCKET_RECEIVE_LOCKED,
			value, S32_MAX / 2);
	case OPTION_PRIORITY:
		atomic_u32_store(&s->priority, value);
		return OK;
	case OPTION_DETACH_FILTER:
		return s->ops->set_filter ? s->ops->set_filter(s, NULL) : (err_t)-ENOPROTOOPT;
	case OPTION_MARK:
		if (!cred_has_capability(s->base.cred, s->net->base.owner, CAP_NET_ADMIN))
			return -EPERM;
		atomic_u32_store(&s->mark, value);
		return OK;
	default:
		return -ENOPROTOOPT;
	}
}

err_t socket_attach_filter(struct socket *s, bytes_t program)
{
	struct socket_filter *f object_auto(socket_filter) = NULL;

	if (!s->ops->set_filter)
		return -ENOPROTOOPT;
	const err_t err = socket_filter_create(program, &f);

	return err ? err : s->ops->set_filter(s, f);
}

err_t socket_set_option(struct socket *s, u32 level, u32 name, bytes_t value)
{
	if (s->ops->set_option) {
		const err_t err = s->ops->set_option(s, level, name, value);
		if (err != (err_t)-ENOPROTOOPT || level != SOCKET_LEVEL)
			return err;
	}
	if (level != SOCKET_LEVEL)
		return -EOPNOTSUPP;
	if (name == OPTION_RECEIVE_TIMEOUT)
		return set_timeout(&s->receive_timeout_ns, value);
	if (name == OPTION_SEND_TIMEOUT)
		return set_timeout(&s->send_timeout_ns, value);
	if (bytes_len(value) < 4)
		return -EINVAL;
	const err_t err = name == OPTION_LINGER ? set_linger(s, value) : set_number(s, name, bytes_get_u32le(value, 0));
	if (!err && s->ops->changed)
		s->ops->changed(s);
	return err;
}

static ssize_r get_number(struct socket *s, u32 name)
{
	if (flag_of(name))
		return (ssize_r)(socket_has(s, flag_of(name)) ? 1 : 0);
	if (timestamp_flags_of(name) && s->ops->has_timestamps)
		return get_timestamps(s, name);
	switch (name) {
	case OPTION_TYPE:
		return (ssize_r)s->type;
	case OPTION_DOMAIN:
		return (ssize_r)s->family;
	case OPTION_PROTOCOL:
		return (ssize_r)s->protocol;
	case OPTION_ERROR:
		return (ssize_r)atomic_u32_exchange(&s->error, 0);
	case OPTION_SEND_BUFFER:
		return (ssize_r)atomic_u32_load(&s->send_buffer);
	case OPTION_RECEIVE_BUFFER:
		return (ssize_r)atomic_u32_load(&s->receive_buffer);
	case OPTION_ACCEPTING:
		return (ssize_r)(s->ops->is_listening && s->ops->is_listening(s) ? 1 : 0);
	case OPTION_PRIORITY:
		return (ssize_r)atomic_u32_load(&s->priority);
	case OPTION_MARK:
		return (ssize_r)atomic_u32_load(&s->mark);
	case OPTION_RECEIVE_LOW:
	case OPTION_SEND_LOW:
		return (ssize_r)1;
	default:
		return -ENOPROTOOPT;
	}
}

static ssize_r get_pair(span_t out, u64 a, u64 b, usize word)
{
	u8 raw[TIMEOUT_SIZE];
	if (word == 8) {
		span_put_u64le(array_span(raw), 0, a);
		span_put_u64le(array_span(raw), 8, b);
	} else {
		span_put_u32le(array_span(raw), 0, (u32)a);
		span_put_u32le(array_span(raw), 4, (u32)b);
	}
	return (ssize_r)span_copy_some(out, bytes_first(array_bytes(raw), 2 * word));
}

ssize_r socket_get_option(struct socket *s, u32 level, u32 name, span_t out)
{
	if (s->ops->get_option) {
		const ssize_r n = s->ops->get_option(s, level, name, out);
		if (n != -ENOPROTOOPT || level != SOCKET_LEVEL)
			return n;
	}
	if (level != SOCKET_LEVEL)
		return -EOPNOTSUPP;
	if (name == OPTION_RECEIVE_TIMEOUT || name == OPTION_SEND_TIMEOUT) {
		const u64 ns =
			atomic_u64_load(name == OPTION_SEND_TIMEOUT ? &s->send_timeout_ns : &s->receive_timeout_ns);
		return get_pair(out, ns / NS_PER_SECOND, ns % NS_PER_SECOND / NS_PER_US, 8);
	}
	if (name == OPTION_LINGER)
		return get_pair(out, socket_has(s, SOCKET_LINGER), atomic_u32_load(&s->linger_seconds), 4);
	const ssize_r value = get_number(s, name);
	if (value < 0)
		return value;
	u8 raw[4];
	span_put_u32le(array_span(raw), 0, (u32)value);
	return (ssize_r)span_copy_some(out, array_bytes(raw));
}
