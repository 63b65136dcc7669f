// SPDX-License-Identifier: MPL-2.0
// A queue: messages by priority, the older first among equals; who waits looks again after every change. The room for
// all of a queue's messages is charged to its maker's user when it is made (RLIMIT_MSGQUEUE).
#include <core/time.h>
#include <services/fs/mqueue/mqueue_internal.h>
#include <services/process/process_signal.h>
#include <services/process/rlimit.h>

// What a message and a priority cost beside the text, as Linux counts.
#define MESSAGE_COST 48u
// What nobody may pass: mq_overview(7). Their product stays far from overflow.
#define MESSAGES_MOST 65536
#define MESSAGE_SIZE_MOST (16 << 20)
#define PRIORITY_COST 48u
#define STATUS_SIZE 80u		// st_size
#define SI_MESGQ (-3)

static exclusive_access void mqueue_message_release(struct mqueue_message *m)
{
	buf_free(take(m->text));
}
DEFINE_OBJECT(mqueue_message, mqueue_message_release)

bytes_t mqueue_message_text(const struct mqueue_message *m borrowed)
{
	return m->text ? buf_bytes(m->text) : bytes_empty();
}

u32 mqueue_message_priority(const struct mqueue_message *m borrowed)
{
	return m->priority;
}

// --- life -------------------------------------------------------------------------------------------

static u32 setting(struct mqueue_space *s, enum mqueue_setting which)
{
	return atomic_u32_load(array_ptr(s->setting, which));
}

static err_t attributes_check(struct mqueue_space *s, struct mqueue_attributes *a borrowed)
{
	if (a->messages < 0) {
		a->messages = min(setting(s, MQUEUE_MESSAGES_MAX), setting(s, MQUEUE_MESSAGES_DEFAULT));
		a->message_size = min(setting(s, MQUEUE_MESSAGE_SIZE_MAX), setting(s, MQUEUE_MESSAGE_SIZE_DEFAULT));
	}
	if (a->messages <= 0 || a->message_size <= 0)
		return -EINVAL;
	if (thread_capable_over_machine(CAP_SYS_RESOURCE))
		return a->messages > MESSAGES_MOST || a->message_size > MESSAGE_SIZE_MOST ? -EINVAL : OK;
	return a->messages > setting(s, MQUEUE_MESSAGES_MAX) || a->message_size > setting(s, MQUEUE_MESSAGE_SIZE_MAX)
		? -EINVAL : OK;
}

static err_t charge(struct mqueue_inode *q, u64 bytes)
{
	struct user_account *a = thread_cred()->account;
	const u64 limit = process_rlimit(process_current(), RLIMIT_MSGQUEUE);
	if (atomic_u64_add(&a->message_bytes, bytes) + bytes > limit) {
		atomic_u64_sub(&a->message_bytes, bytes);
		return -EMFILE;
	}
	q->account = user_account_get(a);
	q->charge = bytes;
	return OK;
}

err_t mqueue_queue_set_up(struct mqueue_inode *q, struct mqueue_space *space, struct mqueue_attributes a)
{
	mutex_init(&q->queue_lock, RANK_SLEEPING_LEAF);
	wait_queue_init(&q->senders);
	wait_queue_init(&q->receivers);
	if (atomic_u32_load(&space->queues) >= setting(space, MQUEUE_QUEUES_MAX) &&
		!thread_capable_over_machine(CAP_SYS_RESOURCE))
		return -ENOSPC;
	err_t e = attributes_check(space, &a);
	if (e)
		return e;
	q->message_limit = (u64)a.messages;
	q->message_size = (u64)a.message_size;
	e = charge(q, q->message_limit * (MESSAGE_COST + q->message_size) +
		min(q->message_limit, (u64)MQUEUE_PRIORITIES) * PRIORITY_COST);
	if (e)
		return e;
	atomic_u32_add(&space->queues, 1);
	q->space = mqueue_space_get(space);
	atomic_u64_store(&q->base.size, STATUS_SIZE);
	return OK;
}

exclusive_access void mqueue_queue_tear_down(struct mqueue_inode *q)
{
	for (;;) {
		struct mqueue_message *m object_auto(mqueue_message) = mqueue_message_tree_first(&q->messages);
		if (!m)
			break;
		mqueue_message_tree_remove(&q->messages, m);
	}
	if (q->notify_owner)
		pid_put(take(q->notify_owner));
	mqueue_notice_end(&q->notice);
	if (q->account) {
		atomic_u64_sub(&q->account->message_bytes, q->charge);
		user_account_put(take(q->account));
	}
	if (q->space) {
		atomic_u32_sub(&q->space->queues, 1);
		mqueue_space_put(take(q->space));
	}
}

static struct mqueue_inode *queue_of(struct file *f)
{
	return mqueue_inode_of(f->inode);
}

bool file_is_mqueue(struct file *f)
{
	return f->ops == &mqueue_file_ops;
}

// --- sending ----------------------------------------------------------------------------------------

static bool has_room(const struct mqueue_inode *q) REQUIRES(q->queue_lock)
{
	return mqueue_message_tree_count(&q->messages) < q->message_limit;
}


// What is to be told to whom, when the queue's lock is given back.
struct stack_only mqueue_alarm {
	struct pid *owner;	// reference: who is to be told, or NULL
	struct mqueue_notice notice;
};
enum cookie_reason { COOKIE_WOKEN = 1, COOKIE_REMOVED = 2 };	// NOTIFY_WOKENUP, NOTIFY_REMOVED

void mqueue_notice_end(struct mqueue_notice *n borrowed)
{
	if (n->socket)
		netlink_socket_put(take(n->socket));
}

// => afterwards nobody is registered at the queue
static void alarm_take(struct mqueue_inode *q, struct mqueue_alarm *a borrowed) REQUIRES(q->queue_lock)
{
	a->owner = take(q->notify_owner);
	a->notice = q->notice;
	a->notice.socket = take(q->notice.socket);
}

static void alarm_end(struct mqueue_alarm *a borrowed)
{
	if (a->owner)
		pid_put(take(a->owner));
	mqueue_notice_end(&a->notice);
}
#define alarm_auto auto_release(alarm_end)

static void cookie_send(struct mqueue_notice *n borrowed, enum cookie_reason reason)
{
	n->cookie[MQUEUE_COOKIE_BYTES - 1] = (u8)reason;
	if (n->socket && netlink_tell(n->socket, array_bytes(n->cookie)))
		return;	// its queue is full, which the socket says
}

static void alarm_ring(struct mqueue_alarm *a borrowed)
{
	struct process *p object_auto(process) = a->owner ? pid_process(a->owner) : NULL;
	cookie_send(&a->notice, COOKIE_WOKEN);
	if (!p || a->notice.kind != MQUEUE_NOTICE_SIGNAL || !a->notice.signal)
		return;
	struct signal_info info = signal_info_user(a->notice.signal, SI_MESGQ);
	info.kind = SIGNAL_INFO_QUEUE;
	info.value = a->notice.value;
	if (signal_send_process(p, &info) != OK)
		return;	// its queue of signals is full
}

static void queue_append(struct mqueue_inode *q, struct mqueue_message *m, struct mqueue_alarm *alarm borrowed)
	REQUIRES(q->queue_lock)
{
	if (mqueue_message_tree_is_empty(&q->messages) && !q->waiting_receivers)
		alarm_take(q, alarm);
	q->bytes += bytes_len(mqueue_message_text(m));
	mqueue_message_tree_insert(&q->messages, mqueue_message_get(m), MQUEUE_PRIORITIES - m->priority);
	inode_touch(&q->base, TOUCH_MODIFY | TOUCH_CHANGE);
	wait_queue_wake_all(&q->receivers, POLL_IN | POLL_READ_NORMAL);
}

static err_t queue_send(struct mqueue_inode *const q, struct file *f, struct mqueue_message *m, u64 deadline_ns,
	struct mqueue_alarm *alarm borrowed)
{
	mutex_guard(&q->queue_lock);
	if (!has_room(q)) {
		if (file_is_nonblocking(f))
			return -EAGAIN;
		const err_t e = wait_event_mutex(
			&q->senders, &q->queue_lock, WAIT_INTERRUPTIBLE_REALTIME, deadline_ns, has_room(q));
		if (e)
			return e;
	}
	queue_append(q, m, alarm);
	return OK;
}

err_t mqueue_send(struct file *f, struct buf *text consumes, usize length, u32 priority, u64 deadline_ns)
{
	struct buf *content buf_auto = text;
	struct mqueue_message *m object_auto(mqueue_message) = mqueue_message_alloc();
	struct mqueue_alarm alarm alarm_auto = {};
	if (length > queue_of(f)->message_size)
		return -EMSGSIZE;
	if (!m)
		return -ENOMEM;
	m->text = take(content);
	m->priority = priority;
	const err_t e = queue_send(queue_of(f), f, m, deadline_ns, &alarm);
	alarm_ring(&alarm);
	return e;
}

// --- receiving --------------------------------------------------------------------------------------

static struct mqueue_message *queue_take(struct mqueue_inode *q) REQUIRES(q->queue_lock) owned;
static struct mqueue_message *queue_take(struct mqueue_inode *q)
{
	struct mqueue_message *m = mqueue_message_tree_first(&q->messages);
	mqueue_message_tree_remove(&q->messages, m);
	q->bytes -= bytes_len(mqueue_message_text(m));
	inode_touch(&q->base, TOUCH_ACCESS | TOUCH_CHANGE);
	wait_queue_wake_all(&q->senders, POLL_OUT | POLL_WRITE_NORMAL);
	return m;	// the tree's reference
}

err_t mqueue_receive(struct file *f, usize room, u64 deadline_ns, struct mqueue_message **out borrowed)
{
	struct mqueue_inode *const q = queue_of(f);
	if (room < q->message_size)
		return -EMSGSIZE;
	mutex_guard(&q->queue_lock);
	if (mqueue_message_tree_is_empty(&q->messages)) {
		if (file_is_nonblocking(f))
			return -EAGAIN;
		q->waiting_receivers++;
		const err_t e = wait_event_mutex(
			&q->receivers, &q->queue_lock, WAIT_INTERRUPTIBLE_REALTIME, deadline_ns,
			!mqueue_message_tree_is_empty(&q->messages));
		q->waiting_receivers--;
		if (e)
			return e;
	}
	*out = queue_take(q);
	return OK;
}

struct mqueue_state mqueue_state(struct file *f)
{
	struct mqueue_inode *const q = queue_of(f);
	mutex_guard(&q->queue_lock);
	return (struct mqueue_state){ q->message_limit, q->message_size, mqueue_message_tree_count(&q->messages) };
}

// --- notification -----------------------------------------------------------------------------------

err_t mqueue_notify(struct file *f, struct mqueue_notice *n borrowed)
{
	struct mqueue_inode *const q = queue_of(f);
	mutex_guard(&q->queue_lock);
	if (q->notify_owner)
		return -EBUSY;
	q->notify_owner = pid_get(process_current()->pid);
	q->notice = *n;
	q->notice.socket = take(n->socket);
	return OK;
}

static void notice_withdraw(struct mqueue_inode *const q, struct mqueue_alarm *withdrawn borrowed)
{
	mutex_guard(&q->queue_lock);
	if (q->notify_owner == process_current()->pid)
		alarm_take(q, withdrawn);
}

void mqueue_notify_end(struct file *f)
{
	struct mqueue_alarm withdrawn alarm_auto = {};
	notice_withdraw(queue_of(f), &withdrawn);
	cookie_send(&withdrawn.notice, COOKIE_REMOVED);
}

// --- as a file --------------------------------------------------------------------------------------

static usize status_put(struct mqueue_inode *const q, span_t out)
{
	struct text t = text_to(out);
	mutex_guard(&q->queue_lock);
	text_printf(&t, "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", q->bytes,
		q->notify_owner ? (s32)q->notice.kind : 0,
		q->notify_owner && q->notice.kind == MQUEUE_NOTICE_SIGNAL ? (s32)q->notice.signal : 0,
		q->notify_owner ? (s32)pid_number_in(q->notify_owner, thread_pid_namespace()) : 0);
	return bytes_len(text_bytes(&t));
}

static ssize_r queue_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	u8 line[STATUS_SIZE];
	const usize length = status_put(queue_of(f), array_span(line));
	if (*position >= length)
		return (ssize_r)0;
	const bytes_t rest = bytes_slice(array_bytes(line), *position, length - *position);
	const usize n = iobuf_put(to, bytes_first(rest, min(bytes_len(rest), iobuf_remaining(to))));
	*position += n;
	return n || !iobuf_fault(to) ? (ssize_r)n : (ssize_r)-EFAULT;
}

static u32 queue_poll(struct file *f, struct poll_request *r)
{
	struct mqueue_inode *const q = queue_of(f);
	poll_add(r, &q->receivers);
	poll_add(r, &q->senders);
	mutex_guard(&q->queue_lock);
	return (mqueue_message_tree_is_empty(&q->messages) ? 0 : POLL_IN | POLL_READ_NORMAL) |
		(has_room(q) ? POLL_OUT | POLL_WRITE_NORMAL : 0);
}

static ssize_r queue_seek(struct file *f, s64 offset, u32 whence)
{
	return file_seek_generic(f, offset, whence, STATUS_SIZE);
}

static err_t queue_flush(struct file *f)
{
	mqueue_notify_end(f);
	return OK;
}

const struct file_ops mqueue_file_ops = {
	.read = queue_read, .poll = queue_poll, .seek = queue_seek, .flush = queue_flush,
};
