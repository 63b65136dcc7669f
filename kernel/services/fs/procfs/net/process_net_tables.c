// SPDX-License-Identifier: MPL-2.0
// /proc/PID/net: route, arp, if_inet6, unix. source: proc(5); the columns as Linux 6.1 prints them
#include <core/text.h>
#include <services/fs/procfs/process/process_folder.h>
#include <services/fs/procfs/net/process_net.h>
#include <services/net/device/net_address.h>
#include <services/net/device/net_neighbour.h>
#include <services/net/device/net_route.h>
#include <services/net/unix/unix.h>

static void put_device(struct net_device *d, struct text *out borrowed)
{
	u8 name[NET_NAME_BYTES] = { };

	if (!d) {
		text_char(out, '*');
		return;
	}
	const usize length = net_device_name(d, array_span(name));
	text_put(out, bytes_first(array_bytes(name), length));
}

static void pad_to(struct text *out borrowed, usize start, usize width)
{
	while (bytes_len(text_bytes(out)) < start + width)
		text_char(out, ' ');
}

// --- route: the main table of IPv4 ------------------------------------------------------------------------------

#define ROUTE_LINE 127u
enum route_flag { ROUTE_UP = 1, ROUTE_GATEWAY = 2, ROUTE_HOST = 4, ROUTE_REJECT = 0x200 };	// RTF_*

static u32 route_flags(const struct net_route *r borrowed)
{
	const bool is_refused = r->type == ROUTE_UNREACHABLE || r->type == ROUTE_PROHIBIT;

	return ROUTE_UP | (ip_to4(r->gateway) ? ROUTE_GATEWAY : 0u) | (r->prefix_bits == 32 ? ROUTE_HOST : 0u) |
		(is_refused ? ROUTE_REJECT : 0u);
}

// Addresses are words as this machine reads their bytes.
static void put_route(const struct net_route *r borrowed, struct text *out borrowed)
{
	const usize start = bytes_len(text_bytes(out));
	const u32 mask = r->prefix_bits ? U32_MAX << (32 - r->prefix_bits) : 0;

	put_device(r->device, out);
	text_printf(out, "\t%08X\t%08X\t%04X\t0\t0\t%u\t%08X\t%u\t0\t0",
		__builtin_bswap32(ip_to4(r->destination)), __builtin_bswap32(ip_to4(r->gateway)), route_flags(r),
		r->priority, __builtin_bswap32(mask), r->mtu);
	pad_to(out, start, ROUTE_LINE);
	text_char(out, '\n');
}

static err_t route_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct net_namespace *net object_auto(net_namespace) = proc_net_of(n);

	if (!net)
		return -ESRCH;
	const usize start = bytes_len(text_bytes(out));
	text_put(out, STR("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"));
	pad_to(out, start, ROUTE_LINE);
	text_char(out, '\n');
	for (u64 i = 0;; i++) {
		struct net_route *r object_auto(net_route) = net_route_at_reverse(net, i);
		if (!r)
			return OK;
		const bool is_shown = !r->is6 && r->table == ROUTE_TABLE_MAIN && r->type != ROUTE_BROADCAST &&
			r->type != ROUTE_MULTICAST;
		if (is_shown)
			put_route(r, out);
	}
}

// --- arp --------------------------------------------------------------------------------------------------------

enum arp_flag { ARP_COMPLETE = 2, ARP_PERMANENT = 4 };	// ATF_*
#define HARDWARE_ETHER 1u

static void put_address4(u32 a, struct text *out borrowed)
{
	const usize start = bytes_len(text_bytes(out));

	text_printf(out, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
	pad_to(out, start, 16);
}

static void put_neighbour(struct neighbour *n, struct text *out borrowed)
{
	const struct neighbour_view v = neighbour_read(n);
	const u32 valid = NEIGHBOUR_REACHABLE | NEIGHBOUR_STALE | NEIGHBOUR_DELAY | NEIGHBOUR_PROBE;
	const u32 flags = v.state & NEIGHBOUR_PERMANENT ? ARP_PERMANENT | ARP_COMPLETE
		: v.state & valid ? ARP_COMPLETE : 0u;

	if (v.state & NEIGHBOUR_NO_ARP)
		return;
	put_address4(ip_to4(n->address), out);
	text_printf(out, " 0x%-10x0x%-10x", HARDWARE_ETHER, flags);
	for (u32 i = 0; i < ETHER_ADDRESS_BYTES; i++) {
		if (i)
			text_char(out, ':');
		text_printf(out, "%02x", byte_at(array_bytes(v.link_address.bytes), i));
	}
	text_put(out, STR("     *        "));
	put_device(n->device, out);
	text_char(out, '\n');
}

static err_t arp_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct net_namespace *net object_auto(net_namespace) = proc_net_of(n);

	if (!net)
		return -ESRCH;
	text_put(out, STR("IP address       HW type     Flags       HW address            Mask     Device\n"));
	for (u64 i = 0;; i++) {
		struct neighbour *at object_auto(neighbour) = neighbour_at(net, i);
		if (!at)
			return OK;
		if (ip_is4(at->address))
			put_neighbour(at, out);
	}
}

// --- if_inet6 ---------------------------------------------------------------------------------------------------

// The scope of an address as this file has it: of the machine, of the link, or everywhere.
static u32 scope_number(u32 scope)
{
	return scope == SCOPE_HOST ? 0x10 : scope == SCOPE_LINK ? 0x20 : scope == SCOPE_SITE ? 0x40 : 0;
}

static err_t if_inet6_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct net_namespace *net object_auto(net_namespace) = proc_net_of(n);

	if (!net)
		return -ESRCH;
	for (u64 i = 0;; i++) {
		struct net_address *a object_auto(net_address) = net_address_at(net, i);
		if (!a)
			return OK;
		if (!a->is6)
			continue;
		u8 name[NET_NAME_BYTES] = { };
		const usize length = net_device_name(a->device, array_span(name));
		text_printf(out, "%016lx%016lx %02x %02x %02x %02x ", a->local.high, a->local.low,
			net_device_index(a->device), a->prefix_bits, scope_number(a->scope), a->flags & 0xff);
		for (usize pad = length; pad < 8; pad++)
			text_char(out, ' ');
		text_put(out, bytes_first(array_bytes(name), length));
		text_char(out, '\n');
	}
}

// --- unix -------------------------------------------------------------------------------------------------------

#define UNIX_ACCEPTS 0x10000u
enum unix_shown_state { UNIX_SHOWN_UNCONNECTED = 1, UNIX_SHOWN_CONNECTING, UNIX_SHOWN_CONNECTED, UNIX_SHOWN_LEAVING };

static u32 shown_state(const struct unix_description *d borrowed)
{
	if (!d->inode)
		return d->is_connected ? UNIX_SHOWN_CONNECTING : UNIX_SHOWN_LEAVING;
	return d->is_connected ? UNIX_SHOWN_CONNECTED : UNIX_SHOWN_UNCONNECTED;
}

// Kernel addresses are for nobody: zeros.
static void put_unix(const struct unix_description *d borrowed, struct text *out borrowed)
{
	text_printf(out, "%016lx: %08X 00000000 %08X %04X %02X %5lu", 0ul, d->references,
		d->is_listening ? UNIX_ACCEPTS : 0u, d->type, shown_state(d), d->inode);
	if (d->name_length) {
		const bytes_t name = bytes_first(array_bytes(d->name), d->name_length);
		const bool is_abstract = byte_at(name, 0) == 0;
		const usize length = is_abstract ? bytes_len(name) : bytes_string_len(name);
		text_char(out, ' ');
		for (usize i = 0; i < length; i++)
			text_char(out, byte_at(name, i) ? byte_at(name, i) : '@');
	}
	text_char(out, '\n');
}

static err_t unix_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct net_namespace *net object_auto(net_namespace) = proc_net_of(n);
	struct unix_description d = { };

	if (!net)
		return -ESRCH;
	text_put(out, STR("Num       RefCount Protocol Flags    Type St Inode Path\n"));
	for (u64 age = 0; unix_describe_next(net, &age, &d);)
		put_unix(&d, out);
	return OK;
}

const struct pseudo_kind proc_net_route_kind = { .show = route_show };
const struct pseudo_kind proc_net_arp_kind = { .show = arp_show };
const struct pseudo_kind proc_net_if_inet6_kind = { .show = if_inet6_show };
const struct pseudo_kind proc_net_unix_kind = { .show = unix_show };
