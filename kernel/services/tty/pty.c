// SPDX-License-Identifier: MPL-2.0
// The two ends of a pty and the ring between them. The slave writes into the ring under the tty's lock
// (tty_ops); the master reads it under ring_lock alone. Input goes the other way through the line discipline.
#include <services/tty/pty.h>
#include <services/vfs/stat.h>

#define PTY_SLAVE_MAJOR 136u
#define COPY_STEP 256u

static exclusive_access void pty_release(struct pty *p)
{
	tty_fini(&p->base);
	buf_free(take(p->ring));
	if (p->owner)
		pty_owner_put(take(p->owner));
}
DEFINE_DERIVED(pty, tty, pty_release)
DEFINE_BASE(pty_owner)

struct pty *pty_of_object(struct object *o)
{
	return pty_from_object(o);
}

struct object *pty_object(struct pty *p)
{
	return &p->base.object;
}

// --- the slave's side: tty_ops ------------------------------------------------------------------------
static usize pty_write(struct tty *t, bytes_t bytes)
{
	struct pty *p = pty_from_tty(t);
	usize done = 0;

	{
		spin_guard(&p->ring_lock);
		while (done < bytes_len(bytes) && p->head - p->tail < PTY_RING) {
			span_at(buf_span(p->ring), p->head % PTY_RING) = byte_at(bytes, done);
			p->head++;
			done++;
		}
	}
	wait_queue_wake_all(&p->master_read_event, POLL_IN | POLL_READ_NORMAL);
	return done;
}

static usize pty_write_room(struct tty *t)
{
	struct pty *p = pty_from_tty(t);

	spin_guard(&p->ring_lock);
	return PTY_RING - (p->head - p->tail);
}

static void pty_input_room(struct tty *t)
{
	wait_queue_wake_all(&pty_from_tty(t)->master_write_event, POLL_OUT | POLL_WRITE_NORMAL);
}

static void pty_slave_opened(struct tty *t)
{
	struct pty *p = pty_from_tty(t);

	spin_guard(&p->ring_lock);
	p->was_opened = p->slave_is_open = 1;
}

static void pty_slave_closed(struct tty *t)
{
	struct pty *p = pty_from_tty(t);

	{
		spin_guard(&p->ring_lock);
		p->slave_is_open = 0;
	}
	wait_queue_wake_all(&p->master_read_event, POLL_IN | POLL_HANGUP | POLL_QUIET);
}

static void pty_control_event(struct tty *t, u32 events)
{
	struct pty *p = pty_from_tty(t);

	{
		spin_guard(&p->ring_lock);
		if (!p->is_packet)
			return;
		if (events & (TTY_EVENT_STOP | TTY_EVENT_START))
			p->packet_events &= ~(u32)(TTY_EVENT_STOP | TTY_EVENT_START);
		if (events & (TTY_EVENT_DO_STOP | TTY_EVENT_NO_STOP))
			p->packet_events &= ~(u32)(TTY_EVENT_DO_STOP | TTY_EVENT_NO_STOP);
		p->packet_events |= events;
	}
	wait_queue_wake_all(&p->master_read_event, POLL_IN | POLL_PRIORITY | POLL_QUIET);
}

static const struct tty_ops pty_tty_ops = {
	.control_event = pty_control_event,
	.write = pty_write,
	.write_room = pty_write_room,
	.input_room = pty_input_room,
	.opened = pty_slave_opened,
	.closed = pty_slave_closed,
};

err_t pty_open_slave(struct pty *p, struct file *f)
{
	{
		spin_guard(&p->ring_lock);
		if (p->is_locked || p->master_is_closed)
			return -EIO;
	}
	return tty_open(&p->base, f);
}

// --- the master's side: an open file --------------------------------------------------------------------
struct pty *pty_of_master(struct file *f)
{
	return pty_from_tty(tty_of_file(f));
}

static bool master_readable(struct pty *p) REQUIRES(p->ring_lock)
{
	return p->head != p->tail || p->packet_events || (p->was_opened && !p->slave_is_open);
}

// Takes what is there, up to a step; -EIO when the slave is closed and nothing is left.
static ssize_r master_take(struct pty *p, struct file *f, span_t out)
{
	usize n = 0;
	err_t err = OK;

	spin_guard(&p->ring_lock);
	if (!master_readable(p) && file_is_nonblocking(f))
		return -EAGAIN;
	err = wait_event_spin(
		&p->master_read_event, &p->ring_lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, master_readable(p));
	if (err)
		return (ssize_r)err;
	if (p->is_packet && (p->packet_events || p->head != p->tail)) {
		span_at(out, n) = (u8)p->packet_events;
		n++;
		if (p->packet_events) {
			p->packet_events = 0;
			return (ssize_r)n;
		}
	}
	while (n < span_len(out) && p->head != p->tail) {
		span_at(out, n) = byte_at(buf_bytes(p->ring), p->tail % PTY_RING);
		p->tail++;
		n++;
	}
	return n ? (ssize_r)n : (ssize_r)-EIO;
}

static ssize_r master_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct pty *p = pty_of_master(f);
	u8 step[COPY_STEP] = { };
	ssize_r n;

	if (iobuf_remaining(to) == 0)
		return 0;
	n = master_take(p, f, span_first(array_span(step), min(iobuf_remaining(to), (usize)COPY_STEP)));
	if (n < 0)
		return n;
	tty_wake_writers(&p->base);
	return iobuf_put(to, bytes_first(array_bytes(step), (usize)n)) < (usize)n ? (ssize_r)-EFAULT : n;
}

static bool has_input_room(struct pty *p)
{
	mutex_guard(&p->base.lock);
	return line_room(&p->base.line) > 0;
}

static ssize_r type_step(struct pty *p, struct file *f, bytes_t keys)
{
	usize done = 0;

	while (done < bytes_len(keys)) {
		usize n = tty_receive(&p->base, bytes_from(keys, done));
		err_t err;

		done += n;
		if (n)
			continue;
		if (file_is_nonblocking(f))
			return done ? (ssize_r)done : (ssize_r)-EAGAIN;
		err = wait_event(&p->master_write_event, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, has_input_room(p));
		if (err)
			return done ? (ssize_r)done : (ssize_r)err;
	}
	return (ssize_r)done;
}

static ssize_r master_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	struct pty *p = pty_of_master(f);
	ssize_r total = 0;

	while (iobuf_remaining(from) > 0) {
		u8 step[COPY_STEP] = { };
		usize got = iobuf_get(from, span_first(array_span(step), min(iobuf_remaining(from), (usize)COPY_STEP)));
		ssize_r n = got ? type_step(p, f, bytes_first(array_bytes(step), got)) : (ssize_r)-EFAULT;

		if (n < 0)
			return total ? total : n;
		total += n;
		if ((usize)n < got)
			break;
	}
	return total;
}

static u32 master_poll(struct file *f, struct poll_request *r)
{
	struct pty *p = pty_of_master(f);
	u32 mask = has_input_room(p) ? POLL_OUT | POLL_WRITE_NORMAL : 0;

	poll_add(r, &p->master_read_event);
	poll_add(r, &p->master_write_event);
	spin_guard(&p->ring_lock);
	if (p->head != p->tail)
		mask |= POLL_IN | POLL_READ_NORMAL;
	if (p->packet_events)
		mask |= POLL_IN | POLL_PRIORITY;
	if (p->was_opened && !p->slave_is_open)
		mask |= POLL_HANGUP;
	return mask;
}

static ssize_r set_lock(struct pty *p, u64 value)
{
	spin_guard(&p->ring_lock);
	p->is_locked = value != 0;
	return 0;
}

static ssize_r set_packet_mode(struct pty *p, u64 value)
{
	spin_guard(&p->ring_lock);
	if (value && !p->is_packet)
		p->packet_events = 0;
	p->is_packet = value != 0;
	return 0;
}

static u32 packet_mode(struct pty *p)
{
	spin_guard(&p->ring_lock);
	return p->is_packet;
}

static u32 lock_state(struct pty *p)
{
	spin_guard(&p->ring_lock);
	return p->is_locked;
}

static u32 readable_bytes(struct pty *p)
{
	spin_guard(&p->ring_lock);
	return p->head - p->tail;
}

static ssize_r master_control(struct file *f, struct file_control *c borrowed)
{
	struct pty *p = pty_of_master(f);

	switch (c->command) {
	case TIOCSPTLCK: return set_lock(p, c->value);
	case TIOCPKT: return set_packet_mode(p, c->value);
	case TIOCGPTN: c->value = p->number; return 0;
	case TIOCGPTLCK: c->value = lock_state(p); return 0;
	case TIOCGPKT: c->value = packet_mode(p); return 0;
	case TTY_FIONREAD: c->value = readable_bytes(p); return 0;
	case TIOCSCTTY:
	case TIOCNOTTY: return -ENOTTY;
	default: return tty_control(&p->base, f, c);
	}
}

static void master_release(struct file *f)
{
	struct pty *p = pty_of_master(f);

	{
		spin_guard(&p->ring_lock);
		p->master_is_closed = 1;
	}
	tty_hang_up(&p->base);
	p->owner->ops->closed(p->owner, p->number);
}

static const struct file_ops pty_master_ops = {
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.control = master_control,
	.release = master_release,
	.async_events = FILE_ASYNC_IN | FILE_ASYNC_ROOM,
};

bool pty_is_master(const struct file *f)
{
	return f->ops == &pty_master_ops;
}

static exclusive_access err_t pty_set_up(struct pty *p, struct pty_owner *owner, u32 number)
{
	err_t err = tty_init(&p->base, &pty_tty_ops, device_number(PTY_SLAVE_MAJOR, number));

	if (err)
		return err;
	p->ring = buf_alloc(PTY_RING);
	if (!p->ring)
		return -ENOMEM;
	spin_init(&p->ring_lock, RANK_SERVICE_LEAF);
	wait_queue_init(&p->master_read_event);
	wait_queue_init(&p->master_write_event);
	p->owner = pty_owner_get(owner);
	p->number = number;
	p->uid = cred_current()->fsuid;
	p->gid = cred_current()->fsgid;
	p->is_locked = 1;
	return OK;
}

err_t pty_open_master(struct pty_owner *owner, u32 number, struct file *f)
{
	struct pty *p object_auto(pty) = pty_alloc();
	err_t err;

	if (!p)
		return -ENOMEM;
	err = pty_set_up(p, owner, number);
	if (err)
		return err;
	struct tty_handle *h object_auto(tty_handle) = tty_handle_create(&p->base);
	if (!h)
		return -ENOMEM;
	f->private_object = object_get(&h->object);
	f->ops = &pty_master_ops;
	return OK;
}
