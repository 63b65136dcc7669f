// SPDX-License-Identifier: MPL-2.0
// Terminals as objects: creation, input from the device, hang-up, open and close.
//
// Input runs in the task that brings it (a work thread for the serial port, the writer of a pty master):
// under the tty's lock each byte goes through the line discipline, echo is written to the device at once,
// and signals are remembered and sent when the lock has been released.
#include <services/process/process_signal.h>
#include <services/tty/tty.h>

#define ECHO_BYTES (LINE_BUFFER * 3)

DEFINE_BASE(tty)

static exclusive_access void tty_handle_release(struct tty_handle *h)
{
	tty_put(take(h->tty));
}
DEFINE_OBJECT(tty_handle, tty_handle_release)

struct tty_handle *tty_handle_create(struct tty *t)
{
	struct tty_handle *h object_auto(tty_handle) = tty_handle_alloc();

	if (!h)
		return NULL;
	h->tty = tty_get(t);
	return take(h);
}

struct tty *tty_of_object(struct object *handle)
{
	return tty_handle_from_object(handle)->tty;
}

exclusive_access err_t tty_init(struct tty *t borrowed, const struct tty_ops *ops, u64 device)
{
	struct buf *echo buf_auto = buf_alloc(ECHO_BYTES);
	err_t err = line_init(&t->line);

	if (err)
		return err;
	if (!echo)
		return -ENOMEM;
	t->echo = take(echo);
	t->ops = ops;
	t->device = device;
	mutex_init(&t->lock, RANK_TTY);
	wait_queue_init(&t->read_event);
	wait_queue_init(&t->write_event);
	return OK;
}

exclusive_access void tty_fini(struct tty *t borrowed)
{
	line_fini(&t->line);
	buf_free(take(t->echo));
	if (t->session)
		session_put(take(t->session));
	if (t->foreground)
		process_group_put(take(t->foreground));
}

// Processes bytes until one raises a signal; what it was goes to *signal.
static usize receive_locked(struct tty *t, bytes_t input, u32 *signal borrowed, bool *ready borrowed) REQUIRES(t->lock)
{
	usize done = 0;

	while (done < bytes_len(input) && !*signal && line_room(&t->line) > 0) {
		struct line_effect effect = { .echo = text_to(buf_span(t->echo)) };

		line_receive(&t->line, byte_at(input, done), &effect);
		done++;
		if (text_needed(&effect.echo))
			(void)t->ops->write(t, text_bytes(&effect.echo));
		*signal = effect.signal;
		*ready |= effect.line_ready;
	}
	return done;
}

usize tty_receive(struct tty *t, bytes_t input)
{
	usize done = 0;

	while (done < bytes_len(input)) {
		u32 signal = 0;
		bool ready = false, was_stopped = false, is_stopped = false;
		usize step = 0;
		{
			mutex_guard(&t->lock);
			was_stopped = t->line.output_stopped;
			step = receive_locked(t, bytes_from(input, done), &signal, &ready);
			is_stopped = t->line.output_stopped;
		}
		if (signal)
			tty_signal_foreground(t, signal);
		if (ready)
			wait_queue_wake_all(&t->read_event, POLL_IN | POLL_READ_NORMAL);
		if (was_stopped && !is_stopped)
			tty_wake_writers(t);
		if (was_stopped != is_stopped)
			tty_tell(t, is_stopped ? TTY_EVENT_STOP : TTY_EVENT_START);
		if (step == 0)
			break;
		done += step;
	}
	return done;
}

void tty_wake_writers(struct tty *t)
{
	wait_queue_wake_all(&t->write_event, POLL_OUT | POLL_WRITE_NORMAL);
}

void tty_tell(struct tty *t, u32 events)
{
	if (events && t->ops->control_event)
		t->ops->control_event(t, events);
}

void tty_hang_up(struct tty *t)
{
	{
		mutex_guard(&t->lock);
		t->hang_ups++;
		line_flush_input(&t->line);
	}
	wait_queue_wake_all(&t->read_event, POLL_IN | POLL_HANGUP | POLL_QUIET);
	wait_queue_wake_all(&t->write_event, POLL_OUT | POLL_HANGUP | POLL_ERROR | POLL_QUIET);
	tty_disassociate(t);
}

bool tty_is_hung_up(const struct tty *t borrowed, const struct file *f borrowed)
{
	return f->private_value != t->hang_ups;
}

static err_t open_count_up(struct tty *t, struct file *f)
{
	mutex_guard(&t->lock);
	if (t->is_exclusive && !thread_capable_over_machine(CAP_SYS_ADMIN))
		return -EBUSY;
	t->open_count++;
	f->private_value = t->hang_ups;
	if (t->open_count == 1 && t->ops->opened)
		t->ops->opened(t);
	return OK;
}

err_t tty_open(struct tty *t, struct file *f)
{
	struct tty_handle *h object_auto(tty_handle) = tty_handle_create(t);
	err_t err;

	if (!h)
		return -ENOMEM;
	err = open_count_up(t, f);
	if (err)
		return err;
	f->private_object = object_get(&h->object);
	f->ops = &tty_file_ops;
	tty_take_if_leader(t, f);
	return OK;
}

struct tty *tty_of_file(struct file *f)
{
	return tty_of_object(f->private_object);
}
