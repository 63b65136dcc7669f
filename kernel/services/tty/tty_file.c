// SPDX-License-Identifier: MPL-2.0
// Open files on a terminal: read, write, poll, close.
//
// A canonical read returns one line at most. A raw read follows VMIN and VTIME (termios(3)): MIN bytes, or
// the time between bytes, or the time since the call. Writes go through output processing in small steps
// and wait while the output is stopped or the device is full.
#include <core/time.h>
#include <services/tty/tty.h>

#define WRITE_STEP 128u
#define OUTPUT_EXPANSION 8u	// a tab becomes up to 8 columns
#define TENTH_NS (NS_PER_SECOND / 10)

struct read_wish {
	u32 minimum;		// bytes to wait for
	u64 first_deadline_ns;	// for the first byte
	u64 between_ns;		// between bytes; 0: no limit
};

static struct read_wish read_wish_of(const struct line_discipline *l borrowed, usize length)
{
	struct read_wish w = { .minimum = 1, .first_deadline_ns = DEADLINE_NEVER };
	u64 time_ns = l->termios.cc[VTIME] * TENTH_NS;

	if (l->termios.local & ICANON)
		return w;
	w.minimum = l->termios.cc[VMIN];
	if (w.minimum == 0)
		w.first_deadline_ns = clock_monotonic_ns() + time_ns;
	else
		w.between_ns = time_ns;
	w.minimum = (u32)min((usize)max(w.minimum, 1u), max(length, 1ul));
	return w;
}

static bool was_hung_up(struct tty *t, const struct file *f borrowed)
{
	mutex_guard(&t->lock);
	return tty_is_hung_up(t, f);
}

static bool read_ready(struct tty *t, const struct file *f borrowed, u32 minimum) REQUIRES(t->lock)
{
	return tty_is_hung_up(t, f) || line_has_input(&t->line, minimum);
}

// Waits as the settings say. OK also when a raw time-out passed (what is there will be returned).
static err_t read_wait(struct tty *t, const struct file *f borrowed, usize length) REQUIRES(t->lock)
{
	struct read_wish w = read_wish_of(&t->line, length);
	err_t err = OK;

	if (w.between_ns == 0) {
		err = wait_event_mutex(
			&t->read_event, &t->lock, WAIT_INTERRUPTIBLE, w.first_deadline_ns, read_ready(t, f, w.minimum));
		return err == -ETIMEDOUT ? OK : err;
	}
	err = wait_event_mutex(&t->read_event, &t->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, read_ready(t, f, 1));
	while (!err && !read_ready(t, f, w.minimum)) {
		u32 have = line_readable(&t->line);

		err = wait_event_mutex(&t->read_event, &t->lock, WAIT_INTERRUPTIBLE,
			clock_monotonic_ns() + w.between_ns, read_ready(t, f, have + 1));
	}
	return err == -ETIMEDOUT ? OK : err;
}

static ssize_r read_into(struct tty *t, struct file *f, struct buf *out borrowed)
{
	bool is_eof = false;
	usize n;

	mutex_guard(&t->lock);
	if (file_is_nonblocking(f)) {
		bool raw_empty_is_fine =
			!(t->line.termios.local & ICANON) && !t->line.termios.cc[VMIN] && !t->line.termios.cc[VTIME];

		if (!read_ready(t, f, 1) && !raw_empty_is_fine)
			return -EAGAIN;
	} else {
		err_t err = read_wait(t, f, buf_len(out));

		if (err)
			return (ssize_r)err;
	}
	if (tty_is_hung_up(t, f))
		return 0;
	n = line_take(&t->line, buf_span(out), &is_eof);
	if (n > 0 && t->ops->input_room)
		t->ops->input_room(t);
	return (ssize_r)n;
}

static ssize_r tty_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct tty *t = tty_of_file(f);
	usize length = min(iobuf_remaining(to), (usize)LINE_BUFFER);
	err_t access;
	ssize_r n;

	if (was_hung_up(t, f))
		return 0;
	access = tty_check_access(t, TTY_ACCESS_READ);
	if (access)
		return (ssize_r)access;
	if (length == 0)
		return 0;
	struct buf *line buf_auto = buf_alloc(length);
	if (!line)
		return -ENOMEM;
	n = read_into(t, f, line);
	if (n > 0 && iobuf_put(to, bytes_first(buf_bytes(line), (usize)n)) < (usize)n)
		return -EFAULT;
	return n;
}

static bool write_ready(struct tty *t, const struct file *f borrowed) REQUIRES(t->lock)
{
	return tty_is_hung_up(t, f) || (!t->line.output_stopped && t->ops->write_room(t) >= OUTPUT_EXPANSION);
}

// Processes and writes as much of `from` as the device takes now; the count.
static usize write_some(struct tty *t, bytes_t from) REQUIRES(t->lock)
{
	u8 out[WRITE_STEP * 2] = { };
	usize room = min(t->ops->write_room(t), sizeof(out));
	struct text text = text_to(span_first(array_span(out), room));
	usize done = 0;

	while (done < bytes_len(from) && text_needed(&text) + OUTPUT_EXPANSION <= room) {
		if (!line_output(&t->line, byte_at(from, done), &text))
			break;
		done++;
	}
	(void)t->ops->write(t, text_bytes(&text));
	return done;
}

static ssize_r write_step(struct tty *t, struct file *f, bytes_t from)
{
	usize done = 0;

	mutex_guard(&t->lock);
	while (done < bytes_len(from)) {
		if (!write_ready(t, f)) {
			err_t err = -EAGAIN;

			if (!file_is_nonblocking(f))
				err = wait_event_mutex(&t->write_event, &t->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER,
					write_ready(t, f));
			if (err)
				return done ? (ssize_r)done : (ssize_r)err;
		}
		if (tty_is_hung_up(t, f))
			return -EIO;
		done += write_some(t, bytes_from(from, done));
	}
	return (ssize_r)done;
}

static ssize_r tty_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	struct tty *t = tty_of_file(f);
	err_t access = was_hung_up(t, f) ? (err_t)-EIO : tty_check_access(t, TTY_ACCESS_WRITE);
	ssize_r total = 0;

	if (access)
		return (ssize_r)access;
	while (iobuf_remaining(from) > 0) {
		u8 step[WRITE_STEP] = { };
		usize length = min(iobuf_remaining(from), (usize)WRITE_STEP);
		usize got = iobuf_get(from, span_first(array_span(step), length));
		ssize_r n = got ? write_step(t, f, bytes_first(array_bytes(step), got)) : (ssize_r)-EFAULT;

		if (n < 0)
			return total ? total : n;
		total += n;
		if ((usize)n < got) {
			iobuf_revert(from, got - (usize)n);
			break;
		}
	}
	return total;
}

static u32 tty_poll(struct file *f, struct poll_request *r)
{
	struct tty *t = tty_of_file(f);
	u32 mask = 0;

	poll_add(r, &t->read_event);
	poll_add(r, &t->write_event);
	mutex_guard(&t->lock);
	u32 minimum = t->line.termios.cc[VTIME] ? 1 : max((u32)t->line.termios.cc[VMIN], 1u);
	if (tty_is_hung_up(t, f))
		return POLL_IN | POLL_READ_NORMAL | POLL_OUT | POLL_WRITE_NORMAL | POLL_ERROR | POLL_HANGUP;
	if (line_has_input(&t->line, minimum))
		mask |= POLL_IN | POLL_READ_NORMAL;
	if (write_ready(t, f))
		mask |= POLL_OUT | POLL_WRITE_NORMAL;
	return mask;
}

static ssize_r tty_file_control(struct file *f, struct file_control *c borrowed)
{
	if (was_hung_up(tty_of_file(f), f))
		return c->command == TIOCSPGRP ? -ENOTTY : -EIO;
	return tty_control(tty_of_file(f), f, c);
}

static void tty_file_release(struct file *f)
{
	struct tty *t = tty_of_file(f);

	mutex_guard(&t->lock);
	t->open_count--;
	if (t->open_count == 0) {
		t->is_exclusive = 0;
		if (t->ops->closed)
			t->ops->closed(t);
	}
}

const struct file_ops tty_file_ops = {
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.control = tty_file_control,
	.release = tty_file_release,
	.async_events = FILE_ASYNC_IN | FILE_ASYNC_ROOM,
};
