// SPDX-License-Identifier: MPL-2.0
// A queue is a list of messages in order of arrival under its mutex. Senders wait for room, receivers for a message
// that they want; each looks again after every change.
#include <core/list.h>
#include <core/time.h>
#include <services/ipc/message/message_queue.h>
#include <services/process/thread.h>

DEFINE_LIST(message_list, message, link)
static void message_release(struct message *m) exclusive_access
{
	buf_free(take(m->text));
}
DEFINE_OBJECT(message, message_release)

struct message_queue {
	struct ipc_object base;
	struct wait_queue senders, receivers;
	struct mutex queue_lock;
	u32 is_removed GUARDED_BY(queue_lock);
	struct message_list messages GUARDED_BY(queue_lock);	// with references
	u64 bytes GUARDED_BY(queue_lock), room GUARDED_BY(queue_lock);
	u64 send_time_s GUARDED_BY(queue_lock), receive_time_s GUARDED_BY(queue_lock);
	struct pid *sender GUARDED_BY(queue_lock);	// the last one: reference or NULL
	struct pid *receiver GUARDED_BY(queue_lock);
};
static void message_queue_release(struct message_queue *q) exclusive_access
{
	for (;;) {
		struct message *m object_auto(message) = message_list_pop(&q->messages);

		if (!m)
			break;
	}
	if (q->sender)
		pid_put(take(q->sender));
	if (q->receiver)
		pid_put(take(q->receiver));
}
DEFINE_DERIVED_SHARED(message_queue, ipc_object, message_queue_release)

bytes_t message_text(const struct message *m borrowed)
{
	return m->text ? buf_bytes(m->text) : bytes_empty();
}

static usize message_length(const struct message *m borrowed)
{
	return m->text ? buf_len(m->text) : 0;
}

// --- queues -----------------------------------------------------------------------------------------

static struct message_queue *queue_create(struct ipc_tables *t, s32 key, u32 mode) owned;
static exclusive_access struct message_queue *queue_create(struct ipc_tables *t, s32 key, u32 mode)
{
	struct message_queue *q object_auto(message_queue) = message_queue_alloc();

	if (!q)
		return NULL;
	ipc_object_init(&q->base, key, mode, thread_cred());
	mutex_init(&q->queue_lock, RANK_SLEEPING_LEAF);
	wait_queue_init(&q->senders);
	wait_queue_init(&q->receivers);
	q->room = ipc_setting(t, IPC_MSGMNB);
	return take(q);
}

static err_t queue_add(struct ipc_tables *t, struct ipc_table *table, s32 key, u32 flags, s32 *id borrowed)
	REQUIRES(table->lock)
{
	struct message_queue *q object_auto(message_queue) = queue_create(t, key, flags);
	err_t e = q ? ipc_table_add(table, &q->base, (u32)ipc_setting(t, IPC_MSGMNI)) : -ENOMEM;

	if (!e)
		*id = q->base.id;
	return e;
}

err_t message_queue_open(struct ipc_tables *t, s32 key, u32 flags, s32 *id borrowed)
{
	struct ipc_table *const table = array_ptr(t->table, IPC_MESSAGES);

	mutex_guard(&table->lock);
	struct ipc_object *o object_auto(ipc_object) = key == IPC_KEY_PRIVATE ? NULL : ipc_table_find_key(table, key);

	if (!o && key != IPC_KEY_PRIVATE && !(flags & IPC_CREATE))
		return -ENOENT;
	if (!o)
		return queue_add(t, table, key, flags, id);
	if ((flags & (IPC_CREATE | IPC_EXCLUSIVE)) == (IPC_CREATE | IPC_EXCLUSIVE))
		return -EEXIST;
	*id = o->id;
	return ipc_permission(o, flags, thread_cred());
}

struct message_queue *message_queue_find(struct ipc_tables *t, s32 number, enum ipc_name name)
{
	struct ipc_object *o object_auto(ipc_object) = ipc_table_find(array_ptr(t->table, IPC_MESSAGES), number, name);

	return o ? message_queue_get(message_queue_from_ipc_object(o)) : NULL;
}

struct ipc_object *message_queue_base(struct message_queue *q)
{
	return &q->base;
}

static void queue_mark_removed(struct ipc_tables *t, struct message_queue *const q)
{
	mutex_guard(&q->queue_lock);
	q->is_removed = 1;
	atomic_u64_sub(&t->messages, message_list_count(&q->messages));
	atomic_u64_sub(&t->message_bytes, q->bytes);
	wait_queue_wake_all(&q->senders, ~0u);
	wait_queue_wake_all(&q->receivers, ~0u);
}

void message_queue_remove(struct ipc_tables *t, struct message_queue *q)
{
	struct ipc_table *const table = array_ptr(t->table, IPC_MESSAGES);

	mutex_guard(&table->lock);
	if (!ipc_table_has(table, &q->base))
		return;
	ipc_table_remove(table, &q->base);
	queue_mark_removed(t, q);
}

// --- sending ----------------------------------------------------------------------------------------

static bool has_room(const struct message_queue *q, usize length) REQUIRES(q->queue_lock)
{
	return q->bytes + length <= q->room && message_list_count(&q->messages) < q->room;
}

static struct pid *queue_append(struct ipc_tables *t, struct message_queue *q, struct message *m)
	REQUIRES(q->queue_lock) owned;
static struct pid *queue_append(struct ipc_tables *t, struct message_queue *q, struct message *m)
{
	struct pid *old object_auto(pid) = take(q->sender);

	q->sender = pid_get(process_current()->pid);
	q->send_time_s = clock_realtime_ns() / NS_PER_SECOND;
	q->bytes += message_length(m);
	message_list_append(&q->messages, message_get(m));
	atomic_u64_add(&t->messages, 1);
	atomic_u64_add(&t->message_bytes, message_length(m));
	wait_queue_wake_all(&q->receivers, ~0u);
	return take(old);
}

static err_t queue_send(struct ipc_tables *t, struct message_queue *const q, struct message *m, u32 flags)
{
	const usize length = message_length(m);
	struct pid *old object_auto(pid) = NULL;

	mutex_guard(&q->queue_lock);
	if (!q->is_removed && !has_room(q, length)) {
		if (flags & MESSAGE_NO_WAIT)
			return -EAGAIN;
		err_t e = wait_event_mutex(&q->senders, &q->queue_lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER,
			q->is_removed || has_room(q, length));

		if (e)
			return -ERESTARTNOHAND;
	}
	if (q->is_removed)
		return -EIDRM;
	old = queue_append(t, q, m);
	return OK;
}

err_t message_queue_send(struct ipc_tables *t, struct message_queue *q, s64 type, struct buf *text consumes, u32 flags)
{
	struct buf *content buf_auto = text;

	if (type < 1 || (content && buf_len(content) > ipc_setting(t, IPC_MSGMAX)))
		return -EINVAL;
	err_t e = ipc_permission(&q->base, 0222, thread_cred());

	if (e)
		return e;
	struct message *m object_auto(message) = message_alloc();

	if (!m)
		return -ENOMEM;
	m->type = type;
	m->text = take(content);
	return queue_send(t, q, m, flags);
}

// --- receiving --------------------------------------------------------------------------------------

static bool is_wanted(const struct message *m borrowed, s64 type, u32 flags)
{
	if (type == 0)
		return true;
	return flags & MESSAGE_EXCEPT ? m->type != type : m->type == type;
}

// Of a negative type: the first of the lowest type up to its absolute value.
static struct message *queue_find_lowest(const struct message_queue *q, s64 type) REQUIRES(q->queue_lock);
static struct message *queue_find_lowest(const struct message_queue *q, s64 type)
{
	struct message *best = NULL;
	s64 limit = type < -S64_MAX ? S64_MAX : -type;

	list_for_each(message_list, m, &q->messages) {
		if (m->type > limit)
			continue;
		best = m;
		limit = m->type - 1;
	}
	return best;
}

static struct message *queue_find(const struct message_queue *q, s64 type, u32 flags) REQUIRES(q->queue_lock);
static struct message *queue_find(const struct message_queue *q, s64 type, u32 flags)
{
	s64 place = 0;

	if (!(flags & MESSAGE_COPY) && type < 0)
		return queue_find_lowest(q, type);
	list_for_each(message_list, m, &q->messages)
		if (flags & MESSAGE_COPY ? place++ == type : is_wanted(m, type, flags))
			return m;
	return NULL;
}

static struct pid *queue_take(struct ipc_tables *t, struct message_queue *q, struct message *m)
	REQUIRES(q->queue_lock) owned;
static struct pid *queue_take(struct ipc_tables *t, struct message_queue *q, struct message *m)
{
	struct pid *old object_auto(pid) = take(q->receiver);

	q->receiver = pid_get(process_current()->pid);
	q->receive_time_s = clock_realtime_ns() / NS_PER_SECOND;
	q->bytes -= message_length(m);
	message_list_remove(&q->messages, m);
	atomic_u64_sub(&t->messages, 1);
	atomic_u64_sub(&t->message_bytes, message_length(m));
	wait_queue_wake_all(&q->senders, ~0u);
	return take(old);
}

err_t message_queue_receive(struct ipc_tables *t, struct message_queue *const q, usize room, s64 type, u32 flags,
	struct message **out borrowed)
{
	struct pid *old object_auto(pid) = NULL;
	err_t e = ipc_permission(&q->base, 0444, thread_cred());

	if (e)
		return e;
	mutex_guard(&q->queue_lock);
	struct message *m = queue_find(q, type, flags);

	if (!m && !q->is_removed) {
		if (flags & MESSAGE_NO_WAIT)
			return -ENOMSG;
		e = wait_event_mutex(&q->receivers, &q->queue_lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER,
			q->is_removed || (m = queue_find(q, type, flags)));
		if (e)
			return -ERESTARTNOHAND;
	}
	if (q->is_removed)
		return -EIDRM;
	if (message_length(m) > room && !(flags & MESSAGE_NO_ERROR))
		return -E2BIG;
	if (flags & MESSAGE_COPY) {
		*out = message_get(m);
		return OK;
	}
	old = queue_take(t, q, m);
	*out = m;	// the list's reference
	return OK;
}

// --- status -----------------------------------------------------------------------------------------

err_t message_queue_set_room(struct ipc_tables *t, struct message_queue *const q, u64 bytes)
{
	if (bytes > ipc_setting(t, IPC_MSGMNB) && !ipc_capable(thread_cred(), CAP_SYS_RESOURCE))
		return -EPERM;
	mutex_guard(&q->queue_lock);
	q->room = bytes;
	wait_queue_wake_all(&q->senders, ~0u);
	return OK;
}

struct message_queue_status message_queue_status(struct message_queue *const q)
{
	struct pid_namespace *ns = thread_pid_namespace();

	mutex_guard(&q->queue_lock);
	return (struct message_queue_status){ .send_time_s = q->send_time_s, .receive_time_s = q->receive_time_s,
		.bytes = q->bytes, .count = message_list_count(&q->messages), .room = q->room,
		.sender_pid = q->sender ? pid_number_in(q->sender, ns) : 0,
		.receiver_pid = q->receiver ? pid_number_in(q->receiver, ns) : 0 };
}
