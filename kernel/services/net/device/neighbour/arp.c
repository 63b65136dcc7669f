// SPDX-License-Identifier: MPL-2.0
// ARP: questions and answers about IPv4 addresses on Ethernet. source: RFC 826, RFC 5227, arp(7)
#include <services/net/device/neighbour/neighbour_internal.h>
#include <services/net/device/net_address.h>
#include <services/net/device/net_device_internal.h>

#define ARP_BYTES 28u
enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2 };
struct arp_content {
	enum arp_operation operation;
	struct net_link_address sender_link, target_link;
	u32 sender, target;
};

static void arp_send(struct net_device *d, const struct arp_content *a borrowed, struct net_link_address to)
{
	struct packet *p object_auto(packet) = packet_create(PACKET_HEADROOM);

	if (!p)
		return;
	span_t s = packet_push(p, ARP_BYTES);
	span_put_u16be(s, 0, 1);			// Ethernet
	span_put_u16be(s, 2, ETHERTYPE_IP4);
	span_put_u16be(s, 4, ETHER_ADDRESS_BYTES << 8 | 4);
	span_put_u16be(s, 6, (u16)a->operation);
	span_copy(span_from(s, 8), bytes_first(array_bytes(a->sender_link.bytes), ETHER_ADDRESS_BYTES));
	span_put_u32be(s, 14, a->sender);
	span_copy(span_from(s, 18), bytes_first(array_bytes(a->target_link.bytes), ETHER_ADDRESS_BYTES));
	span_put_u32be(s, 24, a->target);
	ether_send(d, to, ETHERTYPE_ARP, take(p));
}

void arp_request(struct net_device *d, struct ip_address target, struct net_link_address to)
{
	if (!ip_is4(target))
		return;
	const struct arp_content a = {
		.operation = ARP_REQUEST,
		.sender_link = net_device_address(d),
		.sender = ip_to4(net_address_source(d, target, SCOPE_LINK)),
		.target = ip_to4(target),
	};
	arp_send(d, &a, to);
}

static bool arp_parse(struct packet *p borrowed, struct arp_content *out borrowed)
{
	if (!packet_require(p, ARP_BYTES))
		return false;
	bytes_t b = packet_front(p);
	if (bytes_get_u16be(b, 0) != 1 || bytes_get_u16be(b, 2) != ETHERTYPE_IP4 ||
		bytes_get_u16be(b, 4) != (ETHER_ADDRESS_BYTES << 8 | 4))
		return false;
	out->operation = bytes_get_u16be(b, 6) == ARP_REQUEST ? ARP_REQUEST : ARP_REPLY;
	span_copy(array_span(out->sender_link.bytes), bytes_slice(b, 8, ETHER_ADDRESS_BYTES));
	out->sender = bytes_get_u32be(b, 14);
	span_copy(array_span(out->target_link.bytes), bytes_slice(b, 18, ETHER_ADDRESS_BYTES));
	out->target = bytes_get_u32be(b, 24);
	return bytes_get_u16be(b, 6) == ARP_REQUEST || bytes_get_u16be(b, 6) == ARP_REPLY;
}

// Who asks us will be talked to; what others say is believed only about those we know.
static void learn(struct net_device *d, const struct arp_content *a borrowed, bool is_for_us, bool is_direct)
{
	const struct ip_address sender = ip_from4(a->sender);
	const bool is_answer = a->operation == ARP_REPLY && is_direct;

	if (!a->sender || ip_is_multicast(sender))
		return;
	struct neighbour *n object_auto(neighbour) =
		is_for_us && a->operation == ARP_REQUEST ? neighbour_make(d, sender) : neighbour_find(d, sender);
	if (!n)
		return;
	const struct neighbour_view v = neighbour_read(n);
	if (v.state & (NEIGHBOUR_PERMANENT | NEIGHBOUR_NO_ARP))
		return;
	if (!is_answer && (v.state & (NEIGHBOUR_REACHABLE | NEIGHBOUR_STALE | NEIGHBOUR_DELAY | NEIGHBOUR_PROBE)) &&
		bytes_equal(array_bytes(v.link_address.bytes), array_bytes(a->sender_link.bytes)))
		return;
	neighbour_update(n, is_answer ? NEIGHBOUR_REACHABLE : NEIGHBOUR_STALE, a->sender_link);
}

static void arp_input(struct net_namespace *net, u32 interface, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;
	struct net_device *d object_auto(net_device) = net_device_find(net, interface);
	struct arp_content a = { };

	if (!d || net_device_has(d, NET_NO_ARP) || !arp_parse(p, &a))
		return;
	if ((a.target >> 24) == 127 || ip_is_multicast(ip_from4(a.target)))
		return;
	const bool is_for_us = net_address_type(net, ip_from4(a.target)) == ROUTE_LOCAL;
	if (is_for_us && net_address_type(net, ip_from4(a.sender)) == ROUTE_LOCAL)
		return;		// somebody else claims our address: not to be believed
	learn(d, &a, is_for_us, !(p->flags & (PACKET_BROADCAST | PACKET_MULTICAST)));
	if (!is_for_us || a.operation != ARP_REQUEST)
		return;
	const struct arp_content answer = {
		.operation = ARP_REPLY,
		.sender_link = net_device_address(d),
		.sender = a.target,
		.target_link = a.sender_link,
		.target = a.sender,
	};
	arp_send(d, &answer, a.sender_link);
}

err_t neighbours_init(void)
{
	net_protocol_register(ETHERTYPE_ARP, arp_input);
	return neighbour_timer_init();
}
