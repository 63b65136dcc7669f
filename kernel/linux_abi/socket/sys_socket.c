// SPDX-License-Identifier: MPL-2.0
// Making, naming and connecting sockets. source: socket(2), bind(2), listen(2), accept(2), connect(2), shutdown(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/socket/socket_arguments.h>

#define TYPE_FLAGS (OPEN_NONBLOCK | OPEN_CLOSE_ON_EXEC)

enum { OPTION_ATTACH_FILTER = 26, FILTER_PROGRAM_SIZE = 16 };

static struct net_namespace *own_net(void)
{
	return net_namespace_from(thread_namespace(NAMESPACE_NET));
}

static err_t create(s32 domain, s32 type, s32 protocol, struct socket **out borrowed)
{
	const u32 kind = (u32)type & SOCK_TYPE_MASK;
	if ((u32)type & ~(SOCK_TYPE_MASK | TYPE_FLAGS) || protocol < 0)
		return -EINVAL;
	if (domain < 0 || domain >= (s32)FAMILY_COUNT)
		return -EAFNOSUPPORT;
	return socket_create(
		own_net(), (u32)domain, kind, (u32)protocol, (u32)type & OPEN_NONBLOCK, thread_cred(), out);
}

s64 sys_socket(s32 domain, s32 type, s32 protocol)
{
	struct socket *s object_auto(socket) = NULL;
	const err_t err = create(domain, type, protocol, &s);
	if (err)
		return err;
	return descriptor_add(file_get(&s->base), (u32)type);
}

static s64 add_pair(struct socket *a, struct socket *b, u32 flags, user_addr_t sv)
{
	const s64 first = descriptor_add(file_get(&a->base), flags);
	if (first < 0)
		return first;
	const s64 second = descriptor_add(file_get(&b->base), flags);
	err_t err = second < 0 ? (err_t)second : user_write_u32(sv, (u32)first);
	if (!err)
		err = user_write_u32(user_offset(sv, 4), (u32)second);
	if (!err)
		return 0;
	err_t closed = file_table_close(thread_files(), (u32)first);
	if (second >= 0)
		closed = file_table_close(thread_files(), (u32)second);
	(void)closed;	// the first error is the one that counts
	return err;
}

s64 sys_socketpair(s32 domain, s32 type, s32 protocol, user_addr_t sv)
{
	struct socket *a object_auto(socket) = NULL;
	struct socket *b object_auto(socket) = NULL;
	err_t err = create(domain, type, protocol, &a);
	if (!err)
		err = create(domain, type, protocol, &b);
	if (!err)
		err = a->ops->pair ? a->ops->pair(a, b) : (err_t)-EOPNOTSUPP;
	return err ? err : add_pair(a, b, (u32)type, sv);
}

typedef err_t (*address_call)(struct socket *s, bytes_t address);

static s64 with_address(s32 fd, user_addr_t addr, s32 addrlen, bool is_bind)
{
	u8 raw[SOCKET_ADDRESS_MAX];
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	err_t err = socket_of(fd, &b, &s);
	if (!err)
		err = address_read(array_span(raw), addr, addrlen);
	if (err)
		return err;
	const address_call call = is_bind ? s->ops->bind : s->ops->connect;
	if (!is_bind && s->type == SOCKET_STREAM && s->family != FAMILY_UNIX)
		(void)file_note_no_room(&s->base);	// SIGIO tells that the connection is made
	return call ? call(s, bytes_first(array_bytes(raw), (usize)addrlen)) : -EOPNOTSUPP;
}

s64 sys_bind(s32 fd, user_addr_t addr, s32 addrlen)
{
	return with_address(fd, addr, addrlen, true);
}

s64 sys_connect(s32 fd, user_addr_t addr, s32 addrlen)
{
	return with_address(fd, addr, addrlen, false);
}

s64 sys_listen(s32 fd, s32 backlog)
{
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	const err_t err = socket_of(fd, &b, &s);
	if (err)
		return err;
	return s->ops->listen ? s->ops->listen(s, (u32)backlog) : (err_t)-EOPNOTSUPP;
}

static err_t write_peer(struct socket *s, user_addr_t addr, user_addr_t addrlen)
{
	u8 raw[SOCKET_ADDRESS_MAX];
	if (user_is_null(addr))
		return OK;
	const ssize_r length = s->ops->peer_name(s, array_span(raw));
	if (length < 0)
		return -ECONNABORTED;
	return address_write(addr, addrlen, bytes_first(array_bytes(raw), (usize)length));
}

s64 sys_accept4(s32 fd, user_addr_t addr, user_addr_t addrlen, s32 flags)
{
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL, *child object_auto(socket) = NULL;
	if ((u32)flags & ~TYPE_FLAGS)
		return -EINVAL;
	err_t err = socket_of(fd, &b, &s);
	if (!err)
		err = socket_accept(s, (u32)flags, thread_cred(), &child);
	if (!err)
		err = write_peer(child, addr, addrlen);
	return err ? err : descriptor_add(file_get(&child->base), (u32)flags);
}

s64 sys_accept(s32 fd, user_addr_t addr, user_addr_t addrlen)
{
	return sys_accept4(fd, addr, addrlen, 0);
}

static s64 name_of(s32 fd, user_addr_t addr, user_addr_t addrlen, bool is_peer)
{
	u8 raw[SOCKET_ADDRESS_MAX];
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	const err_t err = socket_of(fd, &b, &s);
	if (err)
		return err;
	const ssize_r length = is_peer ? s->ops->peer_name(s, array_span(raw)) : s->ops->name(s, array_span(raw));
	if (length < 0)
		return length;
	return user_is_null(addr) ? -EFAULT
				  : address_write(addr, addrlen, bytes_first(array_bytes(raw), (usize)length));
}

s64 sys_getsockname(s32 fd, user_addr_t addr, user_addr_t addrlen)
{
	return name_of(fd, addr, addrlen, false);
}

s64 sys_getpeername(s32 fd, user_addr_t addr, user_addr_t addrlen)
{
	return name_of(fd, addr, addrlen, true);
}

s64 sys_shutdown(s32 fd, s32 how)
{
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	const err_t err = socket_of(fd, &b, &s);
	if (err)
		return err;
	if (how < 0 || how > 2)
		return -EINVAL;
	return s->ops->shutdown ? s->ops->shutdown(s, (u32)how + 1) : (err_t)-EOPNOTSUPP;
}

// --- options ----------------------------------------------------------------------------------------

#define OPTION_INLINE 64u
#define OPTION_SIZE_MAX 4096

// struct sock_fprog: u16 count, padding, a pointer to the instructions.
static err_t attach_filter(struct socket *s, user_addr_t optval, u32 length)
{
	u8 raw[FILTER_PROGRAM_SIZE];

	if (length != sizeof(raw))
		return -EINVAL;
	err_t err = user_copy_in(array_span(raw), optval);
	const u32 count = err ? 0 : bytes_get_u16le(array_bytes(raw), 0);
	if (!err && (!count || count > SOCKET_FILTER_INSTRUCTIONS_MAX))
		err = -EINVAL;
	if (err)
		return err;
	struct buf *program buf_auto = buf_alloc((usize)count * SOCKET_FILTER_INSTRUCTION_BYTES);
	if (!program)
		return -ENOMEM;
	err = user_copy_in(buf_span(program), user_addr(bytes_get_u64le(array_bytes(raw), 8)));
	return err ? err : socket_attach_filter(s, buf_bytes(program));
}

s64 sys_setsockopt(s32 fd, s32 level, s32 optname, user_addr_t optval, s32 optlen)
{
	u8 few[OPTION_INLINE];
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	err_t err = socket_of(fd, &b, &s);
	if (err)
		return err;
	if (optlen < 0 || optlen > OPTION_SIZE_MAX)
		return -EINVAL;
	if (level == SOCKET_LEVEL && optname == OPTION_ATTACH_FILTER)
		return attach_filter(s, optval, (u32)optlen);
	struct buf *many buf_auto = optlen > (s32)OPTION_INLINE ? buf_alloc((usize)optlen) : NULL;
	if (optlen > (s32)OPTION_INLINE && !many)
		return -ENOMEM;
	span_t value = many ? buf_span(many) : span_first(array_span(few), (usize)optlen);
	err = user_copy_in(value, optval);
	return err ? err : socket_set_option(s, (u32)level, (u32)optname, bytes_of(value));
}

s64 sys_getsockopt(s32 fd, s32 level, s32 optname, user_addr_t optval, user_addr_t optlen)
{
	u8 raw[256];
	u32 room = 0;
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	err_t err = socket_of(fd, &b, &s);
	if (!err)
		err = user_read_u32(optlen, &room);
	if (err)
		return err;
	if (room > (u32)S32_MAX)
		return -EINVAL;
	const ssize_r length = socket_get_option(
		s, (u32)level, (u32)optname, span_first(array_span(raw), min((usize)room, sizeof(raw))));
	if (length < 0)
		return length;
	// Some options tell a length beyond the room (NETLINK_LIST_MEMBERSHIPS, asked with none).
	err = user_copy_out(optval, bytes_first(array_bytes(raw), min((usize)length, (usize)room)));
	return err ? err : user_write_u32(optlen, (u32)length);
}
