// SPDX-License-Identifier: MPL-2.0
// source: eventfd(2). The lock is one of interrupts: the kernel signals from anywhere.
#include <services/event/eventfd.h>

#define EVENTFD_MAX (U64_MAX - 1)

struct eventfd {
	struct file base;
	struct spinlock event_lock;
	u64 count GUARDED_BY(event_lock);
	enum eventfd_mode counting;	// immutable
	u64 number;			// for fdinfo; immutable
	struct wait_queue event;
};

static exclusive_access void eventfd_release(struct eventfd *e)
{
	file_fini(&e->base);
}
DEFINE_DERIVED(eventfd, file, eventfd_release)

static struct atomic_u64 numbers;

static err_t eventfd_take(struct eventfd *const e, u64 *out borrowed)
{
	irq_guard(&e->event_lock);
	if (!e->count) {
		if (file_is_nonblocking(&e->base))
			return -EAGAIN;
		const err_t err =
			wait_event_irq(&e->event, &e->event_lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, e->count);
		if (err)
			return err;
	}
	*out = e->counting == EVENTFD_SEMAPHORE ? 1 : e->count;
	e->count -= *out;
	wait_queue_wake_all(&e->event, POLL_OUT | POLL_WRITE_NORMAL);
	return OK;
}

static ssize_r eventfd_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	u8 raw[8];
	u64 value = 0;
	if (iobuf_remaining(to) < sizeof(raw))
		return -EINVAL;
	const err_t err = eventfd_take(eventfd_from_file(f), &value);
	if (err)
		return (ssize_r)err;
	span_put_u64le(array_span(raw), 0, value);
	return iobuf_put(to, array_bytes(raw)) == sizeof(raw) ? (ssize_r)8 : (ssize_r)-EFAULT;
}

static err_t eventfd_add(struct eventfd *const e, u64 value)
{
	irq_guard(&e->event_lock);
	if (EVENTFD_MAX - e->count < value) {
		if (file_is_nonblocking(&e->base))
			return -EAGAIN;
		const err_t err = wait_event_irq(
			&e->event, &e->event_lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, EVENTFD_MAX - e->count >= value);
		if (err)
			return err;
	}
	e->count += value;
	wait_queue_wake_all(&e->event, POLL_IN | POLL_READ_NORMAL);
	return OK;
}

static ssize_r eventfd_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	u8 raw[8];
	if (iobuf_remaining(from) < sizeof(raw))
		return -EINVAL;
	if (iobuf_get(from, array_span(raw)) != sizeof(raw))
		return -EFAULT;
	const u64 value = bytes_get_u64le(array_bytes(raw), 0);
	if (value == U64_MAX)
		return -EINVAL;
	const err_t err = eventfd_add(eventfd_from_file(f), value);
	return err ? (ssize_r)err : (ssize_r)8;
}

static u32 eventfd_poll(struct file *f, struct poll_request *r)
{
	struct eventfd *const e = eventfd_from_file(f);
	poll_add(r, &e->event);
	irq_guard(&e->event_lock);
	return (e->count ? POLL_IN | POLL_READ_NORMAL : 0u) |
		(e->count < EVENTFD_MAX ? POLL_OUT | POLL_WRITE_NORMAL : 0u) | (e->count == U64_MAX ? POLL_ERROR : 0u);
}

static void eventfd_show(struct file *f, struct text *out borrowed)
{
	struct eventfd *const e = eventfd_from_file(f);
	irq_guard(&e->event_lock);
	text_printf(out, "eventfd-count: %16lx\neventfd-id: %lu\neventfd-semaphore: %u\n", e->count, e->number,
		(u32)e->counting);
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read, .write = eventfd_write, .poll = eventfd_poll, .show_info = eventfd_show,
};

exclusive_access static err_t eventfd_make(struct eventfd *e, u32 initial)
{
	spin_init(&e->event_lock, RANK_EVENT_SOURCE);
	wait_queue_init(&e->event);
	e->count = initial;
	e->number = atomic_u64_add(&numbers, 1);
	return OK;
}

err_t eventfd_create(u32 initial, enum eventfd_mode mode, u32 flags, struct cred *cred, struct file **out borrowed)
{
	struct eventfd *e object_auto(eventfd) = eventfd_alloc();
	if (!e)
		return -ENOMEM;
	e->counting = mode;
	err_t err = eventfd_make(e, initial);
	if (!err)
		err = file_init_anonymous(&e->base, &eventfd_ops, STR("anon_inode:[eventfd]"), flags | 2, cred, 0);
	if (err)
		return err;
	*out = &take(e)->base;
	return OK;
}

bool file_is_event_counter(struct file *f)
{
	return file_is_eventfd(f);
}

void eventfd_signal(struct file *f, u64 count)
{
	struct eventfd *const e = eventfd_from_file(f);
	irq_guard(&e->event_lock);
	e->count = EVENTFD_MAX - e->count < count ? U64_MAX : e->count + count;
	wait_queue_wake_all(&e->event, POLL_IN | POLL_READ_NORMAL);
}
