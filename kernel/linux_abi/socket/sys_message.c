// SPDX-License-Identifier: MPL-2.0
// Sending and receiving. source: send(2), recv(2), sendmmsg(2), recvmmsg(2)
#include <core/time.h>
#include <generated/syscall_prototypes.h>
#include <linux_abi/event/event_arguments.h>
#include <linux_abi/socket/socket_arguments.h>
#include <services/process/process_signal.h>

#define MESSAGES_MAX 1024u
#define USER_FLAGS_OUT \
	(MESSAGE_TRUNCATED | MESSAGE_CONTROL_TRUNCATED | MESSAGE_END_OF_RECORD | MESSAGE_OOB | MESSAGE_ERROR_QUEUE)

// struct msghdr
struct message_layout {
	u64 name;
	u32 name_length, pad;
	u64 vector, vector_count, control, control_length;
	u32 flags, pad2;
};
_Static_assert(sizeof(struct message_layout) == 56, "struct msghdr");
#define MMSGHDR_SIZE 64u		// struct mmsghdr: msghdr, u32 length, hole

// What was refused for want of room is tried again once that is noted; descriptors on their way may be gone by then.
static ssize_r send_noting(struct socket *s, struct socket_message *m borrowed)
{
	const bool may_try_again = !m->control;
	ssize_r n = s->ops->send(s, m);
	if (n != -EAGAIN || !file_note_no_room(&s->base) || !may_try_again)
		return n;
	n = s->ops->send(s, m);
	if (n != -EAGAIN)
		file_note_room(&s->base);
	return n;
}

static s64 send_result(struct socket *s, ssize_r n, u32 flags)
{
	if (n != -EPIPE || (flags & MESSAGE_NO_SIGNAL) || s->type != SOCKET_STREAM)
		return n;
	return write_result(n);
}

s64 sys_sendto(s32 fd, user_addr_t buf, u64 len, u32 flags, user_addr_t dest_addr, s32 addrlen)
{
	u8 raw[SOCKET_ADDRESS_MAX];
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	err_t err = socket_of(fd, &b, &s);
	if (!err && !user_is_null(dest_addr))
		err = address_read(array_span(raw), dest_addr, addrlen);
	if (err)
		return err;
	struct iobuf data = iobuf_user(buf, min(len, IO_LENGTH_MAX));
	struct socket_message m = { .data = &data, .flags = flags, .address = bytes_empty() };
	if (!user_is_null(dest_addr))
		m.address = bytes_first(array_bytes(raw), (usize)addrlen);
	return send_result(s, send_noting(s, &m), flags);
}

s64 sys_recvfrom(s32 fd, user_addr_t buf, u64 len, u32 flags, user_addr_t src_addr, user_addr_t addrlen)
{
	u8 raw[SOCKET_ADDRESS_MAX];
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	err_t err = socket_of(fd, &b, &s);
	if (err)
		return err;
	struct iobuf data = iobuf_user(buf, min(len, IO_LENGTH_MAX));
	struct socket_message m = { .data = &data, .flags = flags, .address_out = array_span(raw) };
	const ssize_r n = s->ops->receive(s, &m);
	struct socket_control *control object_auto(socket_control) = take(m.control);
	if (n < 0)
		return n;
	err = address_write(src_addr, addrlen, bytes_first(array_bytes(raw), min(m.address_length, sizeof(raw))));
	return err ? err : n;
}

// --- sendmsg ----------------------------------------------------------------------------------------

static err_t read_vector(const struct message_layout *h borrowed, struct buf **segments borrowed, usize *total borrowed)
{
	if (h->vector_count > MESSAGES_MAX)
		return -EMSGSIZE;
	return vector_read(user_addr(h->vector), h->vector_count, segments, total);
}

static ssize_r send_one(struct socket *s, const struct message_layout *h borrowed, u32 flags)
{
	u8 raw[SOCKET_ADDRESS_MAX];
	struct buf *segments buf_auto = NULL;
	usize total = 0;
	struct socket_message m = { .flags = flags, .address = bytes_empty() };
	const s32 length = h->name ? (s32)h->name_length : 0;
	if (length < 0)
		return -EINVAL;
	const usize used = min((usize)length, sizeof(raw));
	err_t err = address_read(array_span(raw), user_addr(h->name), (s64)used);
	if (!err)
		err = read_vector(h, &segments, &total);
	if (!err)
		err = control_read(user_addr(h->control), h->control_length, &m.control);
	if (err)
		return (ssize_r)err;
	struct iobuf data = iobuf_user_vector(bytes_first(buf_bytes(segments), h->vector_count * 16), total);
	m.data = &data;
	m.address = bytes_first(array_bytes(raw), used);
	const ssize_r n = send_noting(s, &m);
	struct socket_control *control object_auto(socket_control) = take(m.control);
	return n;
}

s64 sys_sendmsg(s32 fd, user_addr_t msg, u32 flags)
{
	struct message_layout h;
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	err_t err = socket_of(fd, &b, &s);
	if (!err)
		err = user_copy_in_object(&h, msg);
	return err ? err : send_result(s, send_one(s, &h, flags), flags);
}

s64 sys_sendmmsg(s32 fd, user_addr_t msgvec, u32 vlen, u32 flags)
{
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	s64 result = socket_of(fd, &b, &s);
	u32 done = 0;
	for (; !result && done < min(vlen, MESSAGES_MAX); done++) {
		struct message_layout h;
		const user_addr_t at = user_offset(msgvec, (u64)done * MMSGHDR_SIZE);
		result = user_copy_in_object(&h, at);
		if (result)
			break;
		const ssize_r n = send_one(s, &h, flags);
		result = n < 0 ? send_result(s, n, flags) : user_write_u32(user_offset(at, sizeof(h)), (u32)n);
		if (result)
			break;
	}
	return done ? done : result;
}

// --- recvmsg ----------------------------------------------------------------------------------------

static err_t write_back(user_addr_t msg, const struct message_layout *h borrowed, u64 control_used, u32 flags)
{
	err_t err = user_write_u32(
		user_offset(msg, __builtin_offsetof(struct message_layout, flags)), flags & USER_FLAGS_OUT);
	if (!err)
		err = user_write_u64(
			user_offset(msg, __builtin_offsetof(struct message_layout, control_length)), control_used);
	return err;
}

static err_t write_source(user_addr_t msg, const struct message_layout *h borrowed, bytes_t address, usize whole)
{
	if (!h->name)
		return OK;
	const err_t err =
		user_copy_out(user_addr(h->name), bytes_first(address, min(bytes_len(address), (usize)h->name_length)));
	return err
		? err
		: user_write_u32(user_offset(msg, __builtin_offsetof(struct message_layout, name_length)), (u32)whole);
}

static ssize_r receive_one(struct socket *s, user_addr_t msg, u32 flags)
{
	u8 raw[SOCKET_ADDRESS_MAX];
	struct message_layout h;
	struct buf *segments buf_auto = NULL;
	usize total = 0;
	err_t err = user_copy_in_object(&h, msg);
	if (!err && h.name && (s32)h.name_length < 0)
		err = -EINVAL;
	if (!err)
		err = read_vector(&h, &segments, &total);
	if (err)
		return (ssize_r)err;
	struct iobuf data = iobuf_user_vector(bytes_first(buf_bytes(segments), h.vector_count * 16), total);
	struct socket_message m = {
		.data = &data, .flags = flags & ~MESSAGE_CLOSE_ON_EXEC, .address_out = array_span(raw)
	};
	const ssize_r n = s->ops->receive(s, &m);
	struct socket_control *control object_auto(socket_control) = m.control;
	if (n < 0)
		return n;
	struct control_room room = {
		.at = user_addr(h.control), .room = h.control ? h.control_length : 0, .flags = flags
	};
	err = control_write(&room, s, &m);
	if (!err)
		err = write_source(
			msg, &h, bytes_first(array_bytes(raw), min(m.address_length, sizeof(raw))), m.address_length);
	if (!err)
		err = write_back(msg, &h, room.used, m.flags_out | room.flags_out);
	return err ? (ssize_r)err : n;
}

s64 sys_recvmsg(s32 fd, user_addr_t msg, u32 flags)
{
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	const err_t err = socket_of(fd, &b, &s);
	return err ? err : (s64)receive_one(s, msg, flags);
}

s64 sys_recvmmsg(s32 fd, user_addr_t msgvec, u32 vlen, u32 flags, user_addr_t timeout)
{
	struct file_borrow b file_borrow_auto = {};
	struct socket *s = NULL;
	u64 deadline = 0;
	s64 result = socket_of(fd, &b, &s);
	u32 done = 0;
	if (!result)
		result = deadline_read(timeout, &deadline);
	while (!result && done < min(vlen, MESSAGES_MAX)) {
		const user_addr_t at = user_offset(msgvec, (u64)done * MMSGHDR_SIZE);
		const u32 later = done && (flags & MESSAGE_WAIT_FOR_ONE) ? MESSAGE_DONT_WAIT : 0;
		const ssize_r n = receive_one(s, at, (flags & ~MESSAGE_WAIT_FOR_ONE) | later);
		result = n < 0 ? (s64)n : user_write_u32(user_offset(at, sizeof(struct message_layout)), (u32)n);
		done += result ? 0 : 1;
		// The time is looked at between messages only (recvmmsg(2), BUGS).
		if (deadline != DEADLINE_NEVER && clock_monotonic_ns() >= deadline)
			break;
	}
	if (!result || done)
		result = deadline_write_rest(timeout, deadline);
	return done ? done : result;
}
