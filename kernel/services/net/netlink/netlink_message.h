// SPDX-License-Identifier: MPL-2.0
// Netlink messages and their attributes, read and written. source: netlink(7), <linux/netlink.h>
#pragma once
#include <core/error.h>
#include <core/span.h>

#define NETLINK_HEADER 16u
#define NETLINK_F_REQUEST 1u		// NLM_F_*
#define NETLINK_F_MULTI 2u
#define NETLINK_F_ACK 4u
#define NETLINK_F_ECHO 8u
#define NETLINK_F_DUMP_INTERRUPTED 0x10u
#define NETLINK_F_DUMP_FILTERED 0x20u
#define NETLINK_F_DUMP 0x300u		// of GET: ROOT and MATCH
#define NETLINK_F_REPLACE 0x100u	// of NEW
#define NETLINK_F_EXCLUSIVE 0x200u
#define NETLINK_F_CREATE 0x400u
#define NETLINK_F_APPEND 0x800u
enum netlink_control { NETLINK_NOOP = 1, NETLINK_ERROR = 2, NETLINK_DONE = 3, NETLINK_TYPE_MIN = 16 };
#define NETLINK_ATTRIBUTE_NESTED 0x8000u
#define NETLINK_ATTRIBUTE_TYPE 0x3fffu

// --- writing -------------------------------------------------------------------------------------------------------
// Writes behind each other into a room; once something does not fit, nothing more is written and is_full is set.
struct stack_only netlink_writer {
	span_t room;
	usize used;
	u32 is_full;
	u32 seq, port, flags;		// of every message's header; flags are added to those given
};
static inline usize netlink_align(usize n) { return (n + 3) & ~3ul; }
// Header and `fixed` bytes of zeros behind it: the place of the message.
usize netlink_begin(struct netlink_writer *w borrowed, u32 type, u32 flags, u32 fixed);
// Ends the message begun at `at`; when it did not fit, it is taken out again: false.
bool netlink_end(struct netlink_writer *w borrowed, usize at);
// The fixed part of the message at `at`. Only while it is not full.
static inline span_t netlink_fixed(struct netlink_writer *w borrowed, usize at, u32 fixed)
{
	return w->is_full ? span_empty() : span_slice(w->room, at + NETLINK_HEADER, fixed);
}
void netlink_put(struct netlink_writer *w borrowed, u32 type, bytes_t value);
void netlink_put_u8(struct netlink_writer *w borrowed, u32 type, u8 value);
void netlink_put_u16(struct netlink_writer *w borrowed, u32 type, u16 value);
void netlink_put_u32(struct netlink_writer *w borrowed, u32 type, u32 value);
void netlink_put_u64(struct netlink_writer *w borrowed, u32 type, u64 value);
void netlink_put_text(struct netlink_writer *w borrowed, u32 type, bytes_t text);	// adds the end mark
// Room for a value that the caller fills in; empty when it is full.
span_t netlink_put_room(struct netlink_writer *w borrowed, u32 type, u32 length);
usize netlink_nest(struct netlink_writer *w borrowed, u32 type);
void netlink_nest_end(struct netlink_writer *w borrowed, usize at);

// --- reading -------------------------------------------------------------------------------------------------------
// The value of the last attribute of a type: empty when there is none, which netlink_has() tells.
bytes_t netlink_value(bytes_t attributes, u32 type);
bool netlink_has(bytes_t attributes, u32 type);
// `value`, a local, becomes the attribute's; false (and empty) when there is none.
#define netlink_find(attributes, type, value) ((value) = netlink_value((attributes), (type)), \
	netlink_has((attributes), (type)))
// Integers: the default when the attribute is absent. Their length has been checked by netlink_check().
u32 netlink_find_u32(bytes_t attributes, u32 type, u32 default_value);
u8 netlink_find_u8(bytes_t attributes, u32 type, u8 default_value);
// Text up to its end mark.
bytes_t netlink_text(bytes_t value);

enum netlink_value_kind { VALUE_ANY, VALUE_U8, VALUE_U16, VALUE_U32, VALUE_U64, VALUE_TEXT, VALUE_NESTED, VALUE_BYTES };
struct netlink_rule {
	u16 type;
	u16 kind;		// enum netlink_value_kind
	u32 limit;		// VALUE_TEXT: longest without the end mark; VALUE_BYTES: shortest
};
#define NETLINK_RULES_MAX 40u
struct netlink_rules {
	struct netlink_rule rule[NETLINK_RULES_MAX];	// ended by a type of 0
};
enum netlink_strictness { NETLINK_LIBERAL, NETLINK_STRICT };
// Do the attributes have the lengths that the rules ask for? -ERANGE, -EINVAL; strict: unknown ones are -EINVAL.
err_t netlink_check(bytes_t attributes, const struct netlink_rules *rules, enum netlink_strictness strict);
