// SPDX-License-Identifier: MPL-2.0
// struct ifreq is a name of 16 bytes (it may be the label of an address: eth0:1) and 24 bytes of content.
#include <linux_abi/network/interface_request.h>
#include <services/cred/cred.h>
#include <services/net/device/net_address.h>
#include <services/net/device/net_route.h>

#define IFREQ_BYTES 40u
#define FAMILY_INET_NUMBER 2u
enum interface_command {
	SIOCADDRT = 0x890b, SIOCDELRT = 0x890c,
	SIOCGIFNAME = 0x8910, SIOCGIFCONF = 0x8912, SIOCGIFFLAGS = 0x8913, SIOCSIFFLAGS = 0x8914, SIOCGIFADDR = 0x8915,
	SIOCSIFADDR = 0x8916, SIOCGIFDSTADDR = 0x8917, SIOCSIFDSTADDR = 0x8918, SIOCGIFBRDADDR = 0x8919,
	SIOCSIFBRDADDR = 0x891a, SIOCGIFNETMASK = 0x891b, SIOCSIFNETMASK = 0x891c, SIOCGIFMETRIC = 0x891d,
	SIOCSIFMETRIC = 0x891e, SIOCGIFMTU = 0x8921, SIOCSIFMTU = 0x8922, SIOCSIFNAME = 0x8923,
	SIOCSIFHWADDR = 0x8924, SIOCGIFHWADDR = 0x8927, SIOCGIFINDEX = 0x8933, SIOCGIFPFLAGS = 0x8935,
	SIOCGIFTXQLEN = 0x8942, SIOCSIFTXQLEN = 0x8943, SIOCETHTOOL = 0x8946, SIOCGIFMAP = 0x8970
};

// --- addresses of a request: struct sockaddr_in
// ------------------------------------------------------------------------
static void put_address(span_t content, u32 address)
{
	span_fill(content, 0);
	span_put_u16le(content, 0, FAMILY_INET_NUMBER);
	span_put_u32be(content, 4, address);
}

static u32 mask_of(u32 bits)
{
	return bits ? U32_MAX << (32 - bits) : 0;
}

// The number of leading ones; U32_MAX when there are others behind a zero.
static u32 bits_of(u32 mask)
{
	u32 bits = 0;

	while (bits < 32 && (mask & (0x80000000u >> bits)))
		bits++;
	return mask == mask_of(bits) ? bits : U32_MAX;
}

static err_t get_address(struct net_device *d, bytes_t label, u32 command, span_t content)
{
	struct net_address *a object_auto(net_address) =
		net_address_first4(d, bytes_find(label, ':') < bytes_len(label) ? label : bytes_empty());

	if (!a)
		return -EADDRNOTAVAIL;
	switch (command) {
	case SIOCGIFADDR:
		put_address(content, ip_to4(a->local));
		return OK;
	case SIOCGIFDSTADDR:
		put_address(content, ip_to4(a->peer));
		return OK;
	case SIOCGIFBRDADDR:
		put_address(content, a->has_broadcast ? ip_to4(a->broadcast) : 0);
		return OK;
	default:
		put_address(content, mask_of(a->prefix_bits));
		return OK;
	}
}

// The prefix that an address of the former classes has.
static u32 class_bits(u32 address)
{
	return address >> 31 == 0 ? 8 : address >> 30 == 2 ? 16 : address >> 29 == 6 ? 24 : 32;
}

static err_t address_replace(struct net_device *d, bytes_t label, u32 local, u32 bits, u32 broadcast)
{
	struct net_address *a object_auto(net_address) = net_address_create(d);

	if (!a)
		return -ENOBUFS;
	a->local = ip_from4(local);
	a->peer = a->local;
	a->prefix_bits = bits;
	a->flags = ADDRESS_PERMANENT;
	a->scope = local >> 24 == 127 ? SCOPE_HOST : SCOPE_UNIVERSE;
	a->has_broadcast = broadcast != 0;
	a->broadcast = ip_from4(broadcast);
	span_copy(array_span(a->label), label);
	struct net_address *old object_auto(net_address) = net_address_first4(d, label);
	if (old) {
		const err_t err = net_address_delete(d, old->local, old->prefix_bits);
		if (err)
			return err;
	}
	return local ? net_address_add(a) : OK;
}

static u32 broadcast_of(struct net_device *d, u32 local, u32 bits)
{
	return bits < 31 && net_device_has(d, NET_BROADCAST) ? local | ~mask_of(bits) : 0;
}

static err_t set_address(struct net_device *d, bytes_t label, u32 command, bytes_t content)
{
	const u32 value = bytes_get_u32be(content, 4);
	struct net_address *a object_auto(net_address) = net_address_first4(d, label);

	if (bytes_get_u16le(content, 0) != FAMILY_INET_NUMBER)
		return command == SIOCSIFADDR ? -EINVAL : -EAFNOSUPPORT;
	if (command == SIOCSIFADDR) {
		const u32 bits = class_bits(value);
		return address_replace(d, label, value, bits, broadcast_of(d, value, bits));
	}
	if (!a)
		return -EADDRNOTAVAIL;
	const u32 local = ip_to4(a->local), bits = a->prefix_bits;
	if (command == SIOCSIFBRDADDR)
		return address_replace(d, label, local, bits, value);
	if (command != SIOCSIFNETMASK)
		return -EOPNOTSUPP;
	if (bits_of(value) == U32_MAX)
		return -EINVAL;
	return address_replace(d, label, local, bits_of(value), broadcast_of(d, local, bits_of(value)));
}

// --- one request
// ----------------------------------------------------------------------------------------------------------
static void put_link_address(struct net_device *d, span_t content)
{
	const struct net_link_address a = net_device_address(d);

	span_fill(content, 0);
	span_put_u16le(content, 0, (u16)d->type);
	span_copy(span_from(content, 2), array_bytes(a.bytes));
}

static err_t get(struct net_device *d, bytes_t name, u32 command, span_t content)
{
	switch (command) {
	case SIOCGIFFLAGS:
		span_put_u16le(content, 0, (u16)net_device_flags(d));
		return OK;
	case SIOCGIFINDEX:
		span_put_u32le(content, 0, net_device_index(d));
		return OK;
	case SIOCGIFMTU:
		span_put_u32le(content, 0, net_device_mtu(d));
		return OK;
	case SIOCGIFMETRIC:
		span_put_u32le(content, 0, 0);
		return OK;
	case SIOCGIFTXQLEN:
		span_put_u32le(content, 0, atomic_u32_load(&d->queue_length));
		return OK;
	case SIOCGIFMAP:
		span_fill(content, 0);
		return OK;
	case SIOCGIFHWADDR:
		put_link_address(d, content);
		return OK;
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
		return get_address(d, name, command, content);
	case SIOCETHTOOL:	// no device has settings of its driver
		return -EOPNOTSUPP;
	default:
		return -ENOTTY;
	}
}

static err_t set_link_address(struct net_device *d, bytes_t content)
{
	struct net_link_address a = { };

	if (d->type != NET_LINK_ETHER)
		return -EOPNOTSUPP;
	if (bytes_get_u16le(content, 0) != d->type)
		return -EINVAL;
	span_copy(array_span(a.bytes), bytes_slice(content, 2, ETHER_ADDRESS_BYTES));
	return net_device_set_address(d, a);
}

static err_t set_name(struct net_device *d, bytes_t content)
{
	bytes_t name = bytes_first(content, NET_NAME_BYTES);

	return net_device_set_name(d, bytes_first(name, min(bytes_string_len(name), (usize)NET_NAME_BYTES - 1)));
}

static err_t set(struct net_device *d, bytes_t name, u32 command, bytes_t content)
{
	switch (command) {
	case SIOCSIFFLAGS:
		return net_device_set_flags(d, bytes_get_u16le(content, 0), 0xffff);
	case SIOCSIFMTU:
		return net_device_set_mtu(d, bytes_get_u32le(content, 0));
	case SIOCSIFMETRIC:
		return -EOPNOTSUPP;
	case SIOCSIFTXQLEN:
		atomic_u32_store(&d->queue_length, bytes_get_u32le(content, 0));
		return OK;
	case SIOCSIFNAME:
		return set_name(d, content);
	case SIOCSIFHWADDR:
		return set_link_address(d, content);
	case SIOCSIFADDR:
	case SIOCSIFDSTADDR:
	case SIOCSIFBRDADDR:
	case SIOCSIFNETMASK:
		return set_address(d, name, command, content);
	default:
		return -ENOTTY;
	}
}

static bool is_set(u32 command)
{
	switch (command) {
	case SIOCSIFFLAGS:
	case SIOCSIFADDR:
	case SIOCSIFDSTADDR:
	case SIOCSIFBRDADDR:
	case SIOCSIFNETMASK:
	case SIOCSIFMETRIC:
	case SIOCSIFMTU:
	case SIOCSIFNAME:
	case SIOCSIFHWADDR:
	case SIOCSIFTXQLEN:
		return true;
	default:
		return false;
	}
}

static bool is_get(u32 command)
{
	switch (command) {
	case SIOCGIFFLAGS:
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFMETRIC:
	case SIOCGIFMTU:
	case SIOCGIFHWADDR:
	case SIOCGIFINDEX:
	case SIOCGIFTXQLEN:
	case SIOCGIFMAP:
	case SIOCETHTOOL:
		return true;
	default:
		return false;
	}
}

static s64 set_one(struct net_namespace *net, u32 command, bytes_t name, bytes_t content)
{
	if (!net_namespace_capable(net, CAP_NET_ADMIN))
		return -EPERM;
	mutex_guard(&net_change_lock);
	struct net_device *d object_auto(net_device) =
		net_device_find_name(net, bytes_first(name, bytes_find(name, ':')));
	return d ? (s64)set(d, name, command, content) : -ENODEV;
}

static s64 one(struct net_namespace *net, u32 command, user_addr_t at)
{
	u8 request[IFREQ_BYTES] = { };
	err_t err = user_copy_in(array_span(request), at);

	if (err)
		return err;
	bytes_t name = bytes_first(array_bytes(request), NET_NAME_BYTES);
	name = bytes_first(name, min(bytes_string_len(name), (usize)NET_NAME_BYTES - 1));
	if (is_set(command))
		return set_one(net, command, name, bytes_from(array_bytes(request), NET_NAME_BYTES));
	struct net_device *d object_auto(net_device) =
		net_device_find_name(net, bytes_first(name, bytes_find(name, ':')));
	if (!d)
		return -ENODEV;
	err = get(d, name, command, span_from(array_span(request), NET_NAME_BYTES));
	return err ? (s64)err : (s64)user_copy_out(at, array_bytes(request));
}

static s64 name_of_index(struct net_namespace *net, user_addr_t at)
{
	u8 request[IFREQ_BYTES] = { };
	err_t err = user_copy_in(array_span(request), at);

	if (err)
		return err;
	struct net_device *d object_auto(net_device) =
		net_device_find(net, bytes_get_u32le(array_bytes(request), NET_NAME_BYTES));
	if (!d)
		return -ENODEV;
	(void)net_device_name(d, span_first(array_span(request), NET_NAME_BYTES));
	return user_copy_out(at, array_bytes(request));
}

// struct ifconf: a length and a pointer to an array of ifreq with the IPv4 addresses; NULL asks for the length.
static s64 list_addresses(struct net_namespace *net, user_addr_t at)
{
	u32 room = 0, used = 0;
	u64 to = 0;
	err_t err = user_read_u32(at, &room);

	if (!err)
		err = user_read_u64(user_offset(at, 8), &to);
	for (u64 i = 0; !err; i++) {
		u8 request[IFREQ_BYTES] = { };
		struct net_address *a object_auto(net_address) = net_address_at(net, i);
		if (!a)
			break;
		if (a->is6)
			continue;
		if (to && room - used < IFREQ_BYTES)
			break;
		span_copy(array_span(request), array_bytes(a->label));
		put_address(span_from(array_span(request), NET_NAME_BYTES), ip_to4(a->local));
		if (to)
			err = user_copy_out(user_addr(to + used), array_bytes(request));
		used += IFREQ_BYTES;
	}
	return err ? (s64)err : (s64)user_write_u32(at, used);
}

s64 interface_request(struct net_namespace *net, u32 command, user_addr_t at)
{
	if (command == SIOCGIFCONF)
		return list_addresses(net, at);
	if (command == SIOCGIFNAME)
		return name_of_index(net, at);
	if (command == SIOCADDRT || command == SIOCDELRT)
		return route_request(net, command == SIOCADDRT ? ROUTE_REQUEST_ADD : ROUTE_REQUEST_DELETE, at);
	if (is_set(command) || is_get(command))
		return one(net, command, at);
	return -ENOTTY;
}
