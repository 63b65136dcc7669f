// SPDX-License-Identifier: MPL-2.0
// Terminal ioctls: settings, window size, flow, counts. Job control's are in tty_job.c.
#include <services/process/process_signal.h>
#include <services/tty/tty.h>

static ssize_r get_settings(struct tty *t, struct file_control *c borrowed)
{
	struct termios s = { };
	{
		mutex_guard(&t->lock);
		s = t->line.termios;
	}
	span_copy(array_span(c->data), bytes_first(object_bytes(&s), c->size));
	return 0;
}

enum set_when { SET_NOW, SET_DRAIN, SET_FLUSH };

// Does ^S stop the output with these settings?
static bool stops_output(const struct termios *t borrowed)
{
	return (t->input & IXON) && t->cc[VSTOP] == 19 && t->cc[VSTART] == 17;
}

static ssize_r set_settings(struct tty *t, const struct file_control *c borrowed, enum set_when when)
{
	struct termios s = { };
	err_t err = tty_check_access(t, TTY_ACCESS_CHANGE);

	if (err)
		return (ssize_r)err;
	{
		mutex_guard(&t->lock);
		s = t->line.termios;
	}
	span_copy(object_span(&s), bytes_first(array_bytes(c->data), c->size));
	u32 events = when == SET_FLUSH ? TTY_EVENT_FLUSH_READ : 0;
	{
		mutex_guard(&t->lock);
		if (when == SET_FLUSH)
			line_flush_input(&t->line);
		if (stops_output(&t->line.termios) != stops_output(&s))
			events |= stops_output(&s) ? TTY_EVENT_DO_STOP : TTY_EVENT_NO_STOP;
		line_set_termios(&t->line, &s);
		if (t->ops->settings_changed)
			t->ops->settings_changed(t);
	}
	tty_tell(t, events);
	wait_queue_wake_all(&t->read_event, POLL_IN | POLL_QUIET);
	tty_wake_writers(t);
	return 0;
}

static ssize_r set_window(struct tty *t, const struct file_control *c borrowed)
{
	struct window_size w = { };

	span_copy(object_span(&w), bytes_first(array_bytes(c->data), c->size));
	{
		mutex_guard(&t->lock);
		if (bytes_equal(object_bytes(&w), object_bytes(&t->window)))
			return 0;
		t->window = w;
	}
	tty_signal_foreground(t, SIGWINCH);
	return 0;
}

static ssize_r get_window(struct tty *t, struct file_control *c borrowed)
{
	mutex_guard(&t->lock);
	span_copy(array_span(c->data), object_bytes(&t->window));
	return 0;
}

static ssize_r flush_queues(struct tty *t, u64 which)
{
	err_t err = tty_check_access(t, TTY_ACCESS_CHANGE);

	if (err)
		return (ssize_r)err;
	if (which > TCIOFLUSH)
		return -EINVAL;
	tty_tell(t,
		which == TCIFLUSH	    ? TTY_EVENT_FLUSH_READ
			: which == TCOFLUSH ? TTY_EVENT_FLUSH_WRITE
					    : TTY_EVENT_FLUSH_READ | TTY_EVENT_FLUSH_WRITE);
	mutex_guard(&t->lock);
	if (which != TCOFLUSH) {
		line_flush_input(&t->line);
		if (t->ops->input_room)
			t->ops->input_room(t);
	}
	return 0;
}

static ssize_r set_flow(struct tty *t, u64 action)
{
	err_t err = tty_check_access(t, TTY_ACCESS_CHANGE);

	if (err)
		return (ssize_r)err;
	if (action > TCION)
		return -EINVAL;
	if (action <= TCOON) {
		mutex_guard(&t->lock);
		t->line.output_stopped = action == TCOOFF;
	}
	if (action <= TCOON)
		tty_tell(t, action == TCOOFF ? TTY_EVENT_STOP : TTY_EVENT_START);
	if (action == TCOON)
		tty_wake_writers(t);
	return 0;
}

static ssize_r set_exclusive(struct tty *t, u32 exclusive)
{
	mutex_guard(&t->lock);
	t->is_exclusive = exclusive;
	return 0;
}

// TIOCSTI: as if the byte had been typed. Only for those who could type there anyway.
static ssize_r insert_byte(struct tty *t, struct file *f, const struct file_control *c borrowed)
{
	if (!thread_capable_over_machine(CAP_SYS_ADMIN))
		return -EPERM;
	(void)tty_receive(t, bytes_first(array_bytes(c->data), 1));
	return 0;
}

static u32 readable_count(struct tty *t)
{
	mutex_guard(&t->lock);
	return line_readable(&t->line);
}

static ssize_r hang_up_by_user(struct tty *t, struct file *f)
{
	if (!thread_capable_over_machine(CAP_SYS_ADMIN))
		return -EPERM;
	tty_hang_up(t);
	return 0;
}

static ssize_r answer(struct file_control *c borrowed, u64 value)
{
	c->value = value;
	return 0;
}

ssize_r tty_control(struct tty *t, struct file *f, struct file_control *c borrowed)
{
	switch (c->command) {
	case TCGETS:
	case TCGETS2: return get_settings(t, c);
	case TCSETS:
	case TCSETS2: return set_settings(t, c, SET_NOW);
	case TCSETSW:
	case TCSETSW2: return set_settings(t, c, SET_DRAIN);
	case TCSETSF:
	case TCSETSF2: return set_settings(t, c, SET_FLUSH);
	case TIOCGWINSZ: return get_window(t, c);
	case TIOCSWINSZ: return set_window(t, c);
	case TCFLSH: return flush_queues(t, c->value);
	case TCXONC: return set_flow(t, c->value);
	case TCSBRK:
	case TCSBRKP: return (ssize_r)tty_check_access(t, TTY_ACCESS_CHANGE);	// output is written at once
	case TIOCOUTQ:
	case TIOCGETD: return answer(c, 0);
	case TTY_FIONREAD: return answer(c, readable_count(t));
	case TIOCSTI: return insert_byte(t, f, c);
	case TIOCEXCL: return set_exclusive(t, 1);
	case TIOCNXCL: return set_exclusive(t, 0);
	case TIOCVHANGUP: return hang_up_by_user(t, f);
	case TIOCGDEV: return answer(c, device_major(t->device) << 8 | device_minor(t->device));
	default: return tty_job_control(t, f, c);
	}
}
