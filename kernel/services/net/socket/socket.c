// SPDX-License-Identifier: MPL-2.0
// Sockets as files, and the families.
#include <core/once.h>
#include <core/time.h>
#include <services/net/socket/socket.h>
#include <services/net/socket/socket_internal.h>
#include <services/vfs/stat.h>

static exclusive_access void socket_release(struct socket *s)
{
	file_fini(&s->base);
	if (s->family_object)
		object_put(take(s->family_object));
	if (s->net) {
		atomic_u32_sub(&s->net->socket_count, 1);
		net_namespace_put(take(s->net));
	}
}
DEFINE_DERIVED_SHARED(socket, file, socket_release)

static struct spinlock family_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
struct family_slot {
	const struct socket_family *family;
};
static struct family_slot families[FAMILY_COUNT] GUARDED_BY(family_lock);

void socket_family_register(u32 family, const struct socket_family *f)
{
	spin_guard(&family_lock);
	array_ptr(families, family)->family = f;
}

static const struct socket_family *family_find(u32 family)
{
	spin_guard(&family_lock);
	return family < FAMILY_COUNT ? families[family].family : NULL;
}

static void file_release(struct file *f)
{
	struct socket *s = socket_from_file(f);
	if (s->ops && f->private_object)
		s->ops->close(s);
}

static ssize_r file_receive(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct socket *s = socket_from_file(f);
	struct socket_message m = { .data = to, .address_out = span_empty() };
	if (iobuf_remaining(to) == 0)
		return (ssize_r)0;
	const ssize_r n = s->ops->receive(s, &m);
	if (m.control)
		socket_control_put(take(m.control));
	return n;
}

static ssize_r file_send(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	struct socket *s = socket_from_file(f);
	struct socket_message m = { .data = from,
		.address = bytes_empty(),
		.flags = s->type == SOCKET_SEQPACKET ? MESSAGE_END_OF_RECORD : 0u };
	return s->ops->send(s, &m);
}

static u32 file_poll_socket(struct file *f, struct poll_request *r)
{
	struct socket *s = socket_from_file(f);
	return s->ops->poll(s, r);
}

static ssize_r file_ioctl(struct file *f, u32 command, u64 argument)
{
	struct socket *s = socket_from_file(f);
	return s->ops->ioctl ? s->ops->ioctl(s, command, argument) : (ssize_r)-ENOTTY;
}

static const struct file_ops socket_file_ops = {
	.read = file_receive,
	.write = file_send,
	.poll = file_poll_socket,
	.ioctl = file_ioctl,
	.release = file_release,
	.async_events = FILE_ASYNC_IN | FILE_ASYNC_ROOM | FILE_ASYNC_END | FILE_ASYNC_URGENT,
};

struct socket *socket_of_file(struct file *f)
{
	return file_is_socket(f) ? socket_from_file(f) : NULL;
}

// Everything but the family's part.
static err_t socket_make(struct net_namespace *net, u32 family, u32 type, u32 protocol, u32 flags, struct cred *cred,
	struct socket **out borrowed)
{
	struct socket *s object_auto(socket) = socket_alloc();
	if (!s)
		return -ENOMEM;
	s->net = net_namespace_get(net);
	atomic_u32_add(&net->socket_count, 1);
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	atomic_u32_store_relaxed(&s->send_buffer, SOCKET_BUFFER_DEFAULT);
	atomic_u32_store_relaxed(&s->receive_buffer, SOCKET_BUFFER_DEFAULT);
	const err_t err = file_init_anonymous(
		&s->base, &socket_file_ops, STR("socket:"), (flags & OPEN_NONBLOCK) | 2, cred, S_IFSOCK | 0777);
	if (err)
		return err;
	*out = take(s);
	return OK;
}

err_t socket_create(struct net_namespace *net, u32 family, u32 type, u32 protocol, u32 flags, struct cred *cred,
	struct socket **out borrowed)
{
	const struct socket_family *f = family_find(family);
	struct socket *s object_auto(socket) = NULL;
	if (!f)
		return -EAFNOSUPPORT;
	err_t err = socket_make(net, family, type, protocol, flags, cred, &s);
	if (!err)
		err = f->create(s);
	if (err)
		return err;
	*out = take(s);
	return OK;
}

err_t socket_accept(struct socket *s, u32 flags, struct cred *cred, struct socket **out borrowed)
{
	struct socket *child object_auto(socket) = NULL;
	if (!s->ops->accept)
		return -EOPNOTSUPP;
	err_t err = socket_make(s->net, s->family, s->type, s->protocol, flags, cred, &child);
	if (err)
		return err;
	child->ops = s->ops;
	atomic_u32_store_relaxed(&child->flags, atomic_u32_load(&s->flags));
	atomic_u32_store_relaxed(&child->send_buffer, atomic_u32_load(&s->send_buffer));
	atomic_u32_store_relaxed(&child->receive_buffer, atomic_u32_load(&s->receive_buffer));
	err = s->ops->accept(s, child);
	if (err)
		return err;
	*out = take(child);
	return OK;
}

bool socket_may_wait(const struct socket *s borrowed, u32 message_flags)
{
	return !(message_flags & MESSAGE_DONT_WAIT) && !file_is_nonblocking(&s->base);
}

static u64 deadline_after(u64 timeout_ns)
{
	return timeout_ns ? clock_monotonic_ns() + timeout_ns : DEADLINE_NEVER;
}

u64 socket_send_deadline(const struct socket *s borrowed)
{
	return deadline_after(atomic_u64_load_relaxed(&s->send_timeout_ns));
}

u64 socket_receive_deadline(const struct socket *s borrowed)
{
	return deadline_after(atomic_u64_load_relaxed(&s->receive_timeout_ns));
}

err_t socket_wait_error(err_t err, u64 deadline_ns)
{
	if (err == (err_t)-ETIMEDOUT)
		return -EAGAIN;
	if (err == (err_t)-ERESTARTSYS && deadline_ns != DEADLINE_NEVER)
		return -EINTR;
	return err;
}

err_t socket_take_error(struct socket *s)
{
	return atomic_u32_load_relaxed(&s->error) ? (err_t)-(s32)atomic_u32_exchange(&s->error, 0) : OK;
}

void socket_set_error(struct socket *s, u32 error)
{
	atomic_u32_store(&s->error, error);
}
