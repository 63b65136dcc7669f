// SPDX-License-Identifier: MPL-2.0
// The queue of an inotify instance. Events are written under other people's locks, so nothing here sleeps for a
// reader; what does not fit is lost, and the reader is told by one overflow event, which is allocated beforehand.
#include <services/event/inotify_internal.h>

static exclusive_access void inotify_event_release(struct inotify_event *e)
{
	buf_free(take(e->long_name));
}
DEFINE_OBJECT(inotify_event, inotify_event_release)

static exclusive_access void inotify_queue_release(struct inotify_queue *q)
{
	for (;;) {
		struct inotify_event *e object_auto(inotify_event) = inotify_event_list_pop(&q->events);
		if (!e)
			break;
	}
	if (q->overflow)
		inotify_event_put(take(q->overflow));
	if (q->account)
		user_account_put(take(q->account));
}
DEFINE_OBJECT(inotify_queue, inotify_queue_release)

static struct inotify_event *event_create(u32 watch, u32 mask, u32 cookie, bytes_t name) owned;
static struct inotify_event *event_create(u32 watch, u32 mask, u32 cookie, bytes_t name)
{
	struct inotify_event *e object_auto(inotify_event) = inotify_event_alloc();
	if (!e)
		return NULL;
	e->watch = watch;
	e->mask = mask;
	e->cookie = cookie;
	e->name_length = (u32)bytes_len(name);
	if (bytes_len(name) <= INOTIFY_NAME_INLINE) {
		span_copy(array_span(e->short_name), name);
	} else {
		e->long_name = buf_from(name);
		if (!e->long_name)
			return NULL;
	}
	return take(e);
}

struct inotify_queue *inotify_queue_create(struct user_account *account)
{
	struct inotify_queue *q object_auto(inotify_queue) = inotify_queue_alloc();
	if (!q)
		return NULL;
	q->overflow = event_create(U32_MAX, INOTIFY_OVERFLOW, 0, bytes_empty());
	if (!q->overflow)
		return NULL;
	mutex_init(&q->add_lock, RANK_EPOLL);
	spin_init(&q->lock, RANK_SERVICE_LEAF);
	wait_queue_init(&q->event);
	q->event_limit = atomic_u32_load(&inotify_limits.queued_events);
	q->account = user_account_get(account);
	return take(q);
}

bytes_t inotify_event_name(const struct inotify_event *e borrowed)
{
	return e->long_name ? buf_bytes(e->long_name) : bytes_first(array_bytes(e->short_name), e->name_length);
}

usize inotify_event_size(const struct inotify_event *e borrowed)
{
	return INOTIFY_EVENT_HEAD + (e->name_length ? (e->name_length + 16ul) & ~15ul : 0);
}

static bool is_repeated(const struct inotify_event *last, u32 watch, u32 mask, bytes_t name)
{
	return last && last->watch == watch && last->mask == mask && !(mask & INOTIFY_IGNORED) &&
		bytes_equal(inotify_event_name(last), name);
}

static void append(struct inotify_queue *const q, struct inotify_event *fresh)
{
	struct inotify_event *e object_auto(inotify_event) = NULL;
	spin_guard(&q->lock);
	if (fresh && inotify_event_list_count(&q->events) < q->event_limit)
		e = inotify_event_get(fresh);
	else if (!inotify_event_list_is_linked(q->overflow))
		e = inotify_event_get(q->overflow);
	if (!e)
		return;
	q->event_bytes += inotify_event_size(e);
	inotify_event_list_append(&q->events, take(e));
}

static bool last_is(struct inotify_queue *const q, u32 watch, u32 mask, bytes_t name)
{
	spin_guard(&q->lock);
	return is_repeated(inotify_event_list_last(&q->events), watch, mask, name);
}

void inotify_queue_put_event(struct inotify_queue *q, u32 watch, u32 mask, u32 cookie, bytes_t name)
{
	if (last_is(q, watch, mask, name))
		return;
	struct inotify_event *e object_auto(inotify_event) = event_create(watch, mask, cookie, name);
	append(q, e);
	wait_queue_wake_all(&q->event, POLL_IN | POLL_READ_NORMAL);
}

err_t inotify_queue_take(struct inotify_queue *const q, usize room, struct inotify_event **out borrowed)
{
	spin_guard(&q->lock);
	struct inotify_event *e = inotify_event_list_first(&q->events);
	if (!e)
		return -EAGAIN;
	if (inotify_event_size(e) > room)
		return -EINVAL;
	inotify_event_list_remove(&q->events, e);
	q->event_bytes -= inotify_event_size(e);
	*out = e;	// the list's reference
	return OK;
}

bool inotify_queue_has_events(struct inotify_queue *const q)
{
	spin_guard(&q->lock);
	return !inotify_event_list_is_empty(&q->events);
}

u64 inotify_queue_bytes(struct inotify_queue *const q)
{
	spin_guard(&q->lock);
	return q->event_bytes;
}
