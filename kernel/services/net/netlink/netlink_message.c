// SPDX-License-Identifier: MPL-2.0
#include <services/net/netlink/netlink_message.h>

#define ATTRIBUTE_HEADER 4u

// --- writing --------------------------------------------------------------------------------------------------------
static span_t reserve(struct netlink_writer *w borrowed, usize length)
{
	const usize whole = netlink_align(length);

	if (w->is_full || span_len(w->room) - w->used < whole) {
		w->is_full = 1;
		return span_empty();
	}
	span_t s = span_slice(w->room, w->used, whole);
	span_fill(s, 0);
	w->used += whole;
	return s;
}

usize netlink_begin(struct netlink_writer *w borrowed, u32 type, u32 flags, u32 fixed)
{
	const usize at = w->used;
	span_t s = reserve(w, NETLINK_HEADER + (usize)fixed);

	if (w->is_full)
		return at;
	span_put_u16le(s, 4, (u16)type);
	span_put_u16le(s, 6, (u16)(flags | w->flags));
	span_put_u32le(s, 8, w->seq);
	span_put_u32le(s, 12, w->port);
	return at;
}

bool netlink_end(struct netlink_writer *w borrowed, usize at)
{
	if (w->is_full) {
		w->used = at;
		return false;
	}
	span_put_u32le(w->room, at, (u32)(w->used - at));
	return true;
}

span_t netlink_put_room(struct netlink_writer *w borrowed, u32 type, u32 length)
{
	span_t s = reserve(w, ATTRIBUTE_HEADER + (usize)length);

	if (w->is_full)
		return span_empty();
	span_put_u16le(s, 0, (u16)(ATTRIBUTE_HEADER + length));
	span_put_u16le(s, 2, (u16)type);
	return span_slice(s, ATTRIBUTE_HEADER, length);
}

void netlink_put(struct netlink_writer *w borrowed, u32 type, bytes_t value)
{
	span_t s = netlink_put_room(w, type, (u32)bytes_len(value));

	if (!w->is_full)
		span_copy(s, value);
}

void netlink_put_u8(struct netlink_writer *w borrowed, u32 type, u8 value)
{
	span_t s = netlink_put_room(w, type, 1);

	if (!w->is_full)
		span_at(s, 0) = value;
}

void netlink_put_u16(struct netlink_writer *w borrowed, u32 type, u16 value)
{
	span_t s = netlink_put_room(w, type, 2);

	if (!w->is_full)
		span_put_u16le(s, 0, value);
}

void netlink_put_u32(struct netlink_writer *w borrowed, u32 type, u32 value)
{
	span_t s = netlink_put_room(w, type, 4);

	if (!w->is_full)
		span_put_u32le(s, 0, value);
}

void netlink_put_u64(struct netlink_writer *w borrowed, u32 type, u64 value)
{
	span_t s = netlink_put_room(w, type, 8);

	if (!w->is_full)
		span_put_u64le(s, 0, value);
}

void netlink_put_text(struct netlink_writer *w borrowed, u32 type, bytes_t text)
{
	span_t s = netlink_put_room(w, type, (u32)bytes_len(text) + 1);

	if (!w->is_full)
		span_copy(s, text);
}

usize netlink_nest(struct netlink_writer *w borrowed, u32 type)
{
	const usize at = w->used;

	(void)netlink_put_room(w, type, 0);
	return at;
}

void netlink_nest_end(struct netlink_writer *w borrowed, usize at)
{
	if (!w->is_full)
		span_put_u16le(w->room, at, (u16)(w->used - at));
}

// --- reading --------------------------------------------------------------------------------------------------------
// An attribute's place among others: its length with header, 0 at the end or where it does not fit.
static usize attribute_length(bytes_t attributes)
{
	if (bytes_len(attributes) < ATTRIBUTE_HEADER)
		return 0;
	const usize length = bytes_get_u16le(attributes, 0);
	return length < ATTRIBUTE_HEADER || length > bytes_len(attributes) ? 0 : length;
}

static bytes_t attribute_rest(bytes_t attributes, usize length)
{
	return bytes_from(attributes, min(netlink_align(length), bytes_len(attributes)));
}

static u32 attribute_type(bytes_t attributes)
{
	return bytes_get_u16le(attributes, 2) & NETLINK_ATTRIBUTE_TYPE;
}

bytes_t netlink_value(bytes_t attributes, u32 type)
{
	bytes_t value = bytes_empty();

	for (usize length = attribute_length(attributes); length; length = attribute_length(attributes)) {
		if (attribute_type(attributes) == type)
			value = bytes_slice(attributes, ATTRIBUTE_HEADER, length - ATTRIBUTE_HEADER);
		attributes = attribute_rest(attributes, length);
	}
	return value;
}

bool netlink_has(bytes_t attributes, u32 type)
{
	for (usize length = attribute_length(attributes); length; length = attribute_length(attributes)) {
		if (attribute_type(attributes) == type)
			return true;
		attributes = attribute_rest(attributes, length);
	}
	return false;
}

u32 netlink_find_u32(bytes_t attributes, u32 type, u32 default_value)
{
	bytes_t value = netlink_value(attributes, type);

	return bytes_len(value) >= 4 ? bytes_get_u32le(value, 0) : default_value;
}

u8 netlink_find_u8(bytes_t attributes, u32 type, u8 default_value)
{
	bytes_t value = netlink_value(attributes, type);

	return bytes_len(value) >= 1 ? byte_at(value, 0) : default_value;
}

bytes_t netlink_text(bytes_t value)
{
	return bytes_first(value, bytes_string_len(value));
}

static err_t value_check(bytes_t value, const struct netlink_rule *r)
{
	static const u8 least[] = { [VALUE_U8] = 1, [VALUE_U16] = 2, [VALUE_U32] = 4, [VALUE_U64] = 8,
		[VALUE_BYTES] = 0 };
	const usize length = bytes_len(value);

	switch (r->kind) {
	case VALUE_U8:
	case VALUE_U16:
	case VALUE_U32:
	case VALUE_U64:
		return length < least[r->kind] ? (err_t)-ERANGE : OK;
	case VALUE_TEXT:
		return length == 0 || bytes_string_len(value) > r->limit ? (err_t)-ERANGE : OK;
	case VALUE_NESTED:
		return length && length < ATTRIBUTE_HEADER ? (err_t)-ERANGE : OK;
	case VALUE_BYTES:
		return length < r->limit ? (err_t)-ERANGE : OK;
	default:
		return OK;
	}
}

static err_t one_check(bytes_t attribute, usize length, const struct netlink_rules *rules,
	enum netlink_strictness strict)
{
	for (u32 i = 0; i < NETLINK_RULES_MAX && rules->rule[i].type; i++) {
		if (rules->rule[i].type == attribute_type(attribute))
			return value_check(bytes_slice(attribute, ATTRIBUTE_HEADER, length - ATTRIBUTE_HEADER),
				array_ptr(rules->rule, i));
	}
	return strict == NETLINK_STRICT ? (err_t)-EINVAL : OK;
}

err_t netlink_check(bytes_t attributes, const struct netlink_rules *rules, enum netlink_strictness strict)
{
	for (usize length = attribute_length(attributes); length; length = attribute_length(attributes)) {
		const err_t err = one_check(attributes, length, rules, strict);
		if (err)
			return err;
		attributes = attribute_rest(attributes, length);
	}
	return strict == NETLINK_STRICT && bytes_len(attributes) ? (err_t)-EINVAL : OK;
}
