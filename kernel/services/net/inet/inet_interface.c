// SPDX-License-Identifier: MPL-2.0
// Interface ioctls (netdevice(7)): struct ifreq is a name of 16 bytes and 24 bytes of content. The only interface is
// lo; its address is 127.0.0.1/8 while it is up.
#include <services/cred/user_namespace.h>
#include <services/net/inet/inet.h>

#define IFREQ_BYTES 40u
#define IFREQ_NAME 16u
enum interface_ioctl {
	SIOCGIFNAME = 0x8910,
	SIOCGIFCONF = 0x8912,
	SIOCGIFFLAGS = 0x8913,
	SIOCSIFFLAGS = 0x8914,
	SIOCGIFADDR = 0x8915,
	SIOCGIFNETMASK = 0x891b,
	SIOCGIFMTU = 0x8921,
	SIOCGIFHWADDR = 0x8927,
	SIOCGIFINDEX = 0x8933
};
#define HARDWARE_LOOPBACK 772u

static bool names_loopback(bytes_t request)
{
	bytes_t name = bytes_first(request, IFREQ_NAME);

	return bytes_equal(bytes_first(name, bytes_string_len(name)), STR("lo"));
}

static void put_address(span_t content, u32 address)
{
	span_fill(content, 0);
	span_put_u16le(content, 0, FAMILY_INET);
	span_put_u32be(content, 4, address);
}

static err_t set_flags(struct socket *s, u32 flags)
{
	struct user_namespace *owner = s->net->base.owner ? s->net->base.owner : user_namespace_initial();

	if (!cred_has_capability(cred_current(), owner, CAP_NET_ADMIN))
		return -EPERM;
	net_namespace_set_loopback(s->net, flags & NET_INTERFACE_UP);
	return OK;
}

// Fills or takes the content of a request that names lo.
static err_t request_answer(struct socket *s, u32 command, span_t content)
{
	u32 flags = net_namespace_loopback_flags(s->net);

	switch (command) {
	case SIOCSIFFLAGS: return set_flags(s, bytes_get_u16le(bytes_of(content), 0));
	case SIOCGIFFLAGS: span_put_u16le(content, 0, (u16)flags); return OK;
	case SIOCGIFINDEX: span_put_u32le(content, 0, NET_LOOPBACK_INDEX); return OK;
	case SIOCGIFMTU: span_put_u32le(content, 0, NET_LOOPBACK_MTU); return OK;
	case SIOCGIFHWADDR:
		span_fill(content, 0);
		span_put_u16le(content, 0, HARDWARE_LOOPBACK);
		return OK;
	case SIOCGIFADDR:
	case SIOCGIFNETMASK:
		if (!(flags & NET_INTERFACE_UP))
			return -EADDRNOTAVAIL;
		put_address(content, command == SIOCGIFADDR ? IP4_LOOPBACK : 0xff000000u);
		return OK;
	default: return -ENOTTY;
	}
}

static ssize_r name_of_index(user_addr_t at, span_t request)
{
	if (bytes_get_u32le(bytes_of(request), IFREQ_NAME) != NET_LOOPBACK_INDEX)
		return -ENODEV;
	span_fill(span_first(request, IFREQ_NAME), 0);
	span_copy(request, STR("lo"));
	return (ssize_r)user_copy_out(at, bytes_of(request));
}

// struct ifconf: a length and a pointer to an array of ifreq with the addresses.
static ssize_r list_addresses(struct socket *s, user_addr_t at)
{
	u8 request[IFREQ_BYTES] = { };
	u32 room = 0;
	u64 to = 0;
	err_t err = user_read_u32(at, &room);

	if (!err)
		err = user_read_u64(user_offset(at, 8), &to);
	if (err)
		return (ssize_r)err;
	u32 length = net_namespace_loopback_flags(s->net) & NET_INTERFACE_UP ? IFREQ_BYTES : 0;
	span_copy(array_span(request), STR("lo"));
	put_address(span_from(array_span(request), IFREQ_NAME), IP4_LOOPBACK);
	if (to && room < length)
		length = 0;
	if (to && length)
		err = user_copy_out(user_addr(to), array_bytes(request));
	return err ? (ssize_r)err : (ssize_r)user_write_u32(at, length);
}

ssize_r inet_interface_ioctl(struct socket *s, u32 command, u64 argument)
{
	u8 request[IFREQ_BYTES] = { };
	err_t err;

	if (command == SIOCGIFCONF)
		return list_addresses(s, user_addr(argument));
	if (command < SIOCGIFNAME || command > SIOCGIFINDEX)
		return -ENOTTY;
	err = user_copy_in(array_span(request), user_addr(argument));
	if (err)
		return (ssize_r)err;
	if (command == SIOCGIFNAME)
		return name_of_index(user_addr(argument), array_span(request));
	if (!names_loopback(array_bytes(request)))
		return -ENODEV;
	err = request_answer(s, command, span_from(array_span(request), IFREQ_NAME));
	if (err || command == SIOCSIFFLAGS)
		return (ssize_r)err;
	return (ssize_r)user_copy_out(user_addr(argument), array_bytes(request));
}
