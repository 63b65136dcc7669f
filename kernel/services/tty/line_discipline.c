// SPDX-License-Identifier: MPL-2.0
// Input side of the line discipline.
//
// The ring holds three runs: [tail, line_start) finished lines, ready to be read; [line_start, head)
// the line being edited (canonical mode only). Positions are u32 that run freely; LINE_BUFFER is a power
// of two, so `position % LINE_BUFFER` is the place. A set delimiter bit ends a line: the byte under it is
// the newline (or EOL character) itself, or 0 for an end-of-file mark, which is consumed and not returned.
// Switching to raw mode makes everything readable; switching back keeps it as one finished run.
#include <services/signal/signal.h>
#include <services/tty/line_discipline.h>
#include <services/tty/line_internal.h>

void termios_set_default(struct termios *t borrowed)
{
	static const u8 cc[19] = { 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0 };

	t->input = ICRNL | IXON;
	t->output = OPOST | ONLCR;
	t->control = B38400 | CS8 | CREAD | HUPCL;
	t->local = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
	t->line = 0;
	for (u32 i = 0; i < array_len(cc); i++)
		t->cc[i] = cc[i];
	t->input_speed = t->output_speed = 38400;
}

err_t line_init(struct line_discipline *l borrowed)
{
	struct buf *ring buf_auto = buf_alloc(LINE_BUFFER);

	if (!ring)
		return -ENOMEM;
	l->ring = take(ring);
	termios_set_default(&l->termios);
	return OK;
}

void line_fini(struct line_discipline *l borrowed)
{
	buf_free(take(l->ring));
}

static void delimiter_set(struct line_discipline *l borrowed, u32 position)
{
	u32 place = position % LINE_BUFFER;

	l->delimiters[place / 64] |= 1ul << (place % 64);
}

static void delimiter_clear(struct line_discipline *l borrowed, u32 position)
{
	u32 place = position % LINE_BUFFER;

	l->delimiters[place / 64] &= ~(1ul << (place % 64));
}

static bool delimiter_at(const struct line_discipline *l borrowed, u32 position)
{
	u32 place = position % LINE_BUFFER;

	return l->delimiters[place / 64] >> (place % 64) & 1;
}

u32 line_room(const struct line_discipline *l borrowed)
{
	u32 used = l->head - l->tail;

	// One byte is kept for the newline that ends a full line.
	if (used >= LINE_BUFFER - 1)
		return (l->termios.local & ICANON) && l->line_start == l->tail ? 1 : 0;
	return LINE_BUFFER - 1 - used;
}

// Stores a byte of the line being edited (or of raw input).
static bool line_store(struct line_discipline *l borrowed, u8 c)
{
	if (l->head - l->tail >= LINE_BUFFER - 1)
		return false;
	span_at(buf_span(l->ring), l->head % LINE_BUFFER) = c;
	delimiter_clear(l, l->head);
	l->head++;
	return true;
}

// Ends the line with `c`, which occupies the byte kept free by line_store().
static void line_finish(struct line_discipline *l borrowed, u8 c, struct line_effect *effect borrowed)
{
	if (l->head - l->tail >= LINE_BUFFER)
		return;
	span_at(buf_span(l->ring), l->head % LINE_BUFFER) = c;
	delimiter_set(l, l->head);
	l->head++;
	l->line_start = l->head;
	effect->line_ready = 1;
}

static bool is_control(const struct line_discipline *l borrowed, u32 which, u8 c)
{
	return l->termios.cc[which] == c && c != 0;
}

void line_flush_input(struct line_discipline *l borrowed)
{
	l->tail = l->line_start = l->head;
	l->literal_next = 0;
}

// INTR, QUIT, SUSP. True when c was one of them.
static bool receive_signal(struct line_discipline *l borrowed, u8 c, struct line_effect *effect borrowed)
{
	u32 signal = 0;

	if (!(l->termios.local & ISIG))
		return false;
	if (is_control(l, VINTR, c))
		signal = SIGINT;
	else if (is_control(l, VQUIT, c))
		signal = SIGQUIT;
	else if (is_control(l, VSUSP, c))
		signal = SIGTSTP;
	else
		return false;
	if (!(l->termios.local & NOFLSH)) {
		line_flush_input(l);
		effect->flush_output = 1;
	}
	l->output_stopped = 0;
	line_echo(l, c, &effect->echo);
	effect->signal = signal;
	return true;
}

// XON/XOFF. True when c was one of them (or restarted output and must be dropped).
static bool receive_flow(struct line_discipline *l borrowed, u8 c)
{
	if (!(l->termios.input & IXON))
		return false;
	if (is_control(l, VSTART, c)) {
		l->output_stopped = 0;
		return true;
	}
	if (is_control(l, VSTOP, c)) {
		l->output_stopped = 1;
		return true;
	}
	if (l->termios.input & IXANY)
		l->output_stopped = 0;
	return false;
}

// Editing and line-ending characters of canonical mode. True when c was handled.
static bool receive_canonical(struct line_discipline *l borrowed, u8 c, struct line_effect *effect borrowed)
{
	u32 extended = l->termios.local & IEXTEN;

	if (is_control(l, VERASE, c) || is_control(l, VKILL, c) || (extended && is_control(l, VWERASE, c))) {
		line_erase(l, c, &effect->echo);
		return true;
	}
	if (extended && is_control(l, VLNEXT, c)) {
		l->literal_next = 1;
		if ((l->termios.local & ECHO) && (l->termios.local & ECHOCTL))
			text_put(&effect->echo, STR("^\b"));
		return true;
	}
	if (extended && is_control(l, VREPRINT, c) && (l->termios.local & ECHO)) {
		line_reprint(l, c, &effect->echo);
		return true;
	}
	if (c == '\n') {
		if (l->termios.local & (ECHO | ECHONL))
			(void)line_output(l, '\n', &effect->echo);
		line_finish(l, c, effect);
		return true;
	}
	if (is_control(l, VEOF, c)) {
		line_finish(l, 0, effect);
		return true;
	}
	if (is_control(l, VEOL, c) || (extended && is_control(l, VEOL2, c))) {
		line_echo(l, c, &effect->echo);
		line_finish(l, c, effect);
		return true;
	}
	return false;
}

static void receive_plain(struct line_discipline *l borrowed, u8 c, struct line_effect *effect borrowed)
{
	if (!line_store(l, c)) {
		if (l->termios.input & IMAXBEL)
			text_char(&effect->echo, '\a');
		return;
	}
	if (l->head - 1 == l->line_start)
		l->line_column = l->column;
	line_echo(l, c, &effect->echo);
	if (!(l->termios.local & ICANON)) {
		l->line_start = l->head;
		effect->line_ready = 1;
	}
}

void line_receive(struct line_discipline *l borrowed, u8 c, struct line_effect *effect borrowed)
{
	if (l->termios.input & ISTRIP)
		c &= 0x7f;
	if (l->literal_next) {
		l->literal_next = 0;
		receive_plain(l, c, effect);
		return;
	}
	if (receive_flow(l, c) || receive_signal(l, c, effect))
		return;
	if (c == '\r') {
		if (l->termios.input & IGNCR)
			return;
		if (l->termios.input & ICRNL)
			c = '\n';
	} else if (c == '\n' && (l->termios.input & INLCR)) {
		c = '\r';
	}
	if ((l->termios.local & ICANON) && receive_canonical(l, c, effect))
		return;
	receive_plain(l, c, effect);
}

u32 line_readable(const struct line_discipline *l borrowed)
{
	return l->line_start - l->tail;
}

bool line_has_input(const struct line_discipline *l borrowed, u32 minimum)
{
	u32 ready = line_readable(l);

	return (l->termios.local & ICANON) ? ready > 0 : ready >= minimum && ready > 0;
}

usize line_take(struct line_discipline *l borrowed, span_t out, bool *is_eof borrowed)
{
	usize taken = 0;

	*is_eof = false;
	while (l->tail != l->line_start) {
		u8 c = byte_at(buf_bytes(l->ring), l->tail % LINE_BUFFER);
		bool ends = (l->termios.local & ICANON) && delimiter_at(l, l->tail);

		if (ends && c == 0) {
			l->tail++;
			*is_eof = taken == 0;
			break;
		}
		if (taken == span_len(out))
			break;
		span_at(out, taken) = c;
		taken++;
		l->tail++;
		if (ends)
			break;
	}
	return taken;
}

void line_set_termios(struct line_discipline *l borrowed, const struct termios *t borrowed)
{
	u32 changed = l->termios.local ^ t->local;

	l->termios = *t;
	if (changed & ICANON) {
		// What is there becomes readable as it stands; the last byte ends it for canonical reads.
		l->line_start = l->head;
		if ((t->local & ICANON) && l->head != l->tail)
			delimiter_set(l, l->head - 1);
	}
	if (!(t->input & IXON))
		l->output_stopped = 0;
}
