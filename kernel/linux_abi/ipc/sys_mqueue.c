// SPDX-License-Identifier: MPL-2.0
// source: mq_open(3), mq_send(3), mq_receive(3), mq_notify(3), mq_getattr(3); layouts of linux/mqueue.h
// The C library has taken the slash off a name.
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <linux_abi/time/clocks.h>
#include <services/fs/mqueue/mqueue.h>
#include <services/process/thread.h>

#define NAME_MAX 255u
#define OPEN_FLAGS (OPEN_ACCESS_MASK | OPEN_CREATE | OPEN_EXCLUSIVE | OPEN_NONBLOCK)

struct mq_attr {
	s64 flags, maxmsg, msgsize, curmsgs, reserved[4];
};
struct notify_event_layout {
	u64 value;
	s32 signal, notify;
	u32 rest[12];
};
_Static_assert(sizeof(struct notify_event_layout) == 64, "struct sigevent");

// The name as bytes of `room`. -EFAULT, -ENAMETOOLONG
static err_t name_read(user_addr_t from, span_t room, usize *length borrowed)
{
	const ssize_r n = user_copy_string(room, from);
	if (n < 0)
		return (err_t)n;
	*length = (usize)n;
	return OK;
}

static s64 open_queue(bytes_t name, u32 flags, u32 mode, const struct mqueue_attributes *a borrowed)
{
	struct file *f object_auto(file) = NULL;
	const err_t e = mqueue_open(name, flags, mode, a, &f);
	if (e)
		return e;
	if (!file_is_mqueue(f))
		return -EACCES;
	return file_table_add(
		thread_files(), take(f), process_rlimit(process_current(), RLIMIT_NOFILE), OPEN_CLOSE_ON_EXEC);
}

s64 sys_mq_open(user_addr_t name, s32 oflag, u32 mode, user_addr_t attr)
{
	u8 text[NAME_MAX + 2];
	usize length = 0;
	struct mq_attr raw = {};
	const u32 flags = (u32)oflag & OPEN_FLAGS;
	err_t e = (flags & OPEN_CREATE) && !user_is_null(attr) ? user_copy_in_object(&raw, attr) : OK;
	if (!e)
		e = name_read(name, array_span(text), &length);
	if (e)
		return e;
	if ((flags & OPEN_ACCESS_MASK) == OPEN_ACCESS_MASK)
		return -EINVAL;
	const struct mqueue_attributes a = { raw.maxmsg, raw.msgsize };
	const bytes_t given = bytes_first(array_bytes(text), length);
	if (!(flags & OPEN_CREATE) || user_is_null(attr))
		return open_queue(given, flags, mode, NULL);
	return open_queue(given, flags, mode, &a);
}

s64 sys_mq_unlink(user_addr_t name)
{
	u8 text[NAME_MAX + 2];
	usize length = 0;
	const err_t e = name_read(name, array_span(text), &length);
	return e ? e : mqueue_unlink(bytes_first(array_bytes(text), length));
}

// By the real-time clock. NULL: without end.
static err_t deadline_of(user_addr_t timeout, u64 *deadline_ns borrowed)
{
	*deadline_ns = DEADLINE_NEVER;
	return user_is_null(timeout) ? OK : time_spec_read(timeout, deadline_ns);
}

static err_t check_queue(const struct file_borrow *b borrowed, u32 mode)
{
	return b->file && file_is_mqueue(b->file) && (b->file->mode & mode) ? OK : -EBADF;
}

s64 sys_mq_timedsend(s32 mqdes, user_addr_t msg_ptr, u64 msg_len, u32 msg_prio, user_addr_t abs_timeout)
{
	u64 deadline = 0;
	if (msg_prio >= MQUEUE_PRIORITIES)
		return -EINVAL;
	err_t e = deadline_of(abs_timeout, &deadline);
	if (e)
		return e;
	struct file_borrow b file_borrow_auto = file_of(mqdes);
	e = check_queue(&b, FILE_MODE_WRITE);
	if (e)
		return e;
	if (msg_len > mqueue_state(b.file).message_size)
		return -EMSGSIZE;
	struct buf *text buf_auto = msg_len ? buf_alloc(msg_len) : NULL;
	if (msg_len && !text)
		return -ENOMEM;
	e = text ? user_copy_in(buf_span(text), msg_ptr) : OK;
	return e ? e : mqueue_send(b.file, take(text), msg_len, msg_prio, deadline);
}

s64 sys_mq_timedreceive(s32 mqdes, user_addr_t msg_ptr, u64 msg_len, user_addr_t msg_prio, user_addr_t abs_timeout)
{
	struct mqueue_message *m object_auto(mqueue_message) = NULL;
	u64 deadline = 0;
	err_t e = deadline_of(abs_timeout, &deadline);
	if (e)
		return e;
	struct file_borrow b file_borrow_auto = file_of(mqdes);
	e = check_queue(&b, FILE_MODE_READ);
	if (!e)
		e = mqueue_receive(b.file, msg_len, deadline, &m);
	if (e)
		return e;
	if (!user_is_null(msg_prio))
		e = user_write_u32(msg_prio, mqueue_message_priority(m));
	if (!e)
		e = user_copy_out(msg_ptr, mqueue_message_text(m));
	return e ? (s64)e : (s64)bytes_len(mqueue_message_text(m));
}

// The cookie and the socket of SIGEV_THREAD: `value` points at the one, `signal` is the descriptor of the other.
static err_t thread_notice_read(const struct notify_event_layout *event borrowed, struct mqueue_notice *n borrowed)
{
	err_t e = user_copy_in(array_span(n->cookie), user_addr(event->value));
	if (e)
		return e;
	struct file_borrow b file_borrow_auto = file_of(event->signal);
	return b.file ? netlink_socket_of_file(b.file, &n->socket) : -EBADF;
}

static err_t notice_read(user_addr_t sevp, struct mqueue_notice *n borrowed)
{
	struct notify_event_layout event = {};
	err_t e = user_copy_in_object(&event, sevp);
	if (e)
		return e;
	*n = (struct mqueue_notice){ .signal = (u32)event.signal, .value = event.value };
	switch (event.notify) {
	case MQUEUE_NOTICE_SIGNAL:
		n->kind = MQUEUE_NOTICE_SIGNAL;
		return event.signal < 0 || event.signal > 64 ? -EINVAL : OK;
	case MQUEUE_NOTICE_NONE:
		n->kind = MQUEUE_NOTICE_NONE;
		return OK;
	case MQUEUE_NOTICE_THREAD:
		n->kind = MQUEUE_NOTICE_THREAD;
		return thread_notice_read(&event, n);
	default:
		return -EINVAL;
	}
}

s64 sys_mq_notify(s32 mqdes, user_addr_t sevp)
{
	struct mqueue_notice notice mqueue_notice_auto = {};
	err_t e = user_is_null(sevp) ? OK : notice_read(sevp, &notice);
	if (e)
		return e;
	struct file_borrow b file_borrow_auto = file_of(mqdes);
	e = check_queue(&b, FILE_MODE_READ | FILE_MODE_WRITE);
	if (e)
		return e;
	if (!user_is_null(sevp))
		return mqueue_notify(b.file, &notice);
	mqueue_notify_end(b.file);
	return 0;
}

s64 sys_mq_getsetattr(s32 mqdes, user_addr_t newattr, user_addr_t oldattr)
{
	struct mq_attr wish = {}, old = {};
	err_t e = user_is_null(newattr) ? OK : user_copy_in_object(&wish, newattr);
	if (e)
		return e;
	if (wish.flags & ~(s64)OPEN_NONBLOCK)
		return -EINVAL;
	struct file_borrow b file_borrow_auto = file_of(mqdes);
	e = check_queue(&b, FILE_MODE_READ | FILE_MODE_WRITE);
	if (e)
		return e;
	const struct mqueue_state state = mqueue_state(b.file);
	old.flags = atomic_u32_load(&b.file->flags) & OPEN_NONBLOCK;
	old.maxmsg = (s64)state.messages;
	old.msgsize = (s64)state.message_size;
	old.curmsgs = (s64)state.count;
	if (!user_is_null(newattr) && wish.flags)
		atomic_u32_or(&b.file->flags, OPEN_NONBLOCK);
	else if (!user_is_null(newattr))
		atomic_u32_and(&b.file->flags, ~OPEN_NONBLOCK);
	return user_is_null(oldattr) ? 0 : user_copy_out_object(oldattr, &old);
}
