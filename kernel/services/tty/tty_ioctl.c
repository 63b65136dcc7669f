// SPDX-License-Identifier: MPL-2.0
// Terminal ioctls: settings, window size, flow, counts. Job control's are in tty_job.c.
#include <services/process/process_signal.h>
#include <services/tty/tty.h>

static ssize_r get_settings(struct tty *t, u64 argument, u32 length)
{
	struct termios s = { };
	{
		mutex_guard(&t->lock);
		s = t->line.termios;
	}
	return (ssize_r)user_copy_out(user_addr(argument), bytes_first(object_bytes(&s), length));
}

enum set_when { SET_NOW, SET_DRAIN, SET_FLUSH };

// Does ^S stop the output with these settings?
static bool stops_output(const struct termios *t borrowed)
{
	return (t->input & IXON) && t->cc[VSTOP] == 19 && t->cc[VSTART] == 17;
}

static ssize_r set_settings(struct tty *t, u64 argument, u32 length, enum set_when when)
{
	struct termios s = { };
	err_t err = tty_check_access(t, TTY_ACCESS_CHANGE);

	if (err)
		return (ssize_r)err;
	{
		mutex_guard(&t->lock);
		s = t->line.termios;
	}
	err = user_copy_in(span_first(object_span(&s), length), user_addr(argument));
	if (err)
		return (ssize_r)err;
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
	wait_queue_wake_all(&t->read_event, POLL_IN);
	tty_wake_writers(t);
	return 0;
}

static ssize_r set_window(struct tty *t, u64 argument)
{
	struct window_size w = { };
	err_t err = user_copy_in_object(&w, user_addr(argument));

	if (err)
		return (ssize_r)err;
	{
		mutex_guard(&t->lock);
		if (bytes_equal(object_bytes(&w), object_bytes(&t->window)))
			return 0;
		t->window = w;
	}
	tty_signal_foreground(t, SIGWINCH);
	return 0;
}

static ssize_r get_window(struct tty *t, u64 argument)
{
	struct window_size w = { };
	{
		mutex_guard(&t->lock);
		w = t->window;
	}
	return (ssize_r)user_copy_out_object(user_addr(argument), &w);
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
static ssize_r insert_byte(struct tty *t, struct file *f, u64 argument)
{
	u8 c[1] = { };
	err_t err = user_copy_in(array_span(c), user_addr(argument));

	if (err)
		return (ssize_r)err;
	if (!cred_capable(f->cred, CAP_SYS_ADMIN))
		return -EPERM;
	(void)tty_receive(t, array_bytes(c));
	return 0;
}

static ssize_r readable_count(struct tty *t, u64 argument)
{
	u32 n = 0;
	{
		mutex_guard(&t->lock);
		n = line_readable(&t->line);
	}
	return (ssize_r)user_write_u32(user_addr(argument), n);
}

static ssize_r hang_up_by_user(struct tty *t, struct file *f)
{
	if (!cred_capable(f->cred, CAP_SYS_ADMIN))
		return -EPERM;
	tty_hang_up(t);
	mutex_guard(&t->lock);
	t->is_hung_up = t->open_count > 0 && t->ops->closed;
	return 0;
}

ssize_r tty_ioctl(struct tty *t, struct file *f, u32 command, u64 argument)
{
	switch (command) {
	case TCGETS: return get_settings(t, argument, TERMIOS_BYTES);
	case TCGETS2: return get_settings(t, argument, sizeof(struct termios));
	case TCSETS: return set_settings(t, argument, TERMIOS_BYTES, SET_NOW);
	case TCSETSW: return set_settings(t, argument, TERMIOS_BYTES, SET_DRAIN);
	case TCSETSF: return set_settings(t, argument, TERMIOS_BYTES, SET_FLUSH);
	case TCSETS2: return set_settings(t, argument, sizeof(struct termios), SET_NOW);
	case TCSETSW2: return set_settings(t, argument, sizeof(struct termios), SET_DRAIN);
	case TCSETSF2: return set_settings(t, argument, sizeof(struct termios), SET_FLUSH);
	case TIOCGWINSZ: return get_window(t, argument);
	case TIOCSWINSZ: return set_window(t, argument);
	case TCFLSH: return flush_queues(t, argument);
	case TCXONC: return set_flow(t, argument);
	case TCSBRK:
	case TCSBRKP: return (ssize_r)tty_check_access(t, TTY_ACCESS_CHANGE);	// output is written at once
	case TIOCOUTQ: return (ssize_r)user_write_u32(user_addr(argument), 0);
	case TTY_FIONREAD: return readable_count(t, argument);
	case TIOCSTI: return insert_byte(t, f, argument);
	case TIOCEXCL: return set_exclusive(t, 1);
	case TIOCNXCL: return set_exclusive(t, 0);
	case TIOCVHANGUP: return hang_up_by_user(t, f);
	case TIOCGETD: return (ssize_r)user_write_u32(user_addr(argument), 0);
	case TIOCGDEV:
		return (ssize_r)user_write_u32(
			user_addr(argument), (u32)(device_major(t->device) << 8 | device_minor(t->device)));
	default: {
		ssize_r r = tty_job_ioctl(t, f, command, argument);

		return r == -ENOIOCTLCMD ? (ssize_r)-ENOTTY : r;
	}
	}
}
