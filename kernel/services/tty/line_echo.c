// SPDX-License-Identifier: MPL-2.0
// Echo, erasing on the screen, and output processing: everything that keeps track of the cursor.
#include <services/tty/line_internal.h>

#define TAB_WIDTH 8u

static bool shown_as_control(const struct line_discipline *l borrowed, u8 c)
{
	return (l->termios.local & ECHOCTL) && (c < 32 || c == 127) && c != '\t' && c != '\n';
}

// A byte within a UTF-8 character after its first.
static bool is_continuation(const struct line_discipline *l borrowed, u8 c)
{
	return (l->termios.input & IUTF8) && (c & 0xc0) == 0x80;
}

void line_echo(struct line_discipline *l borrowed, u8 c, struct text *out borrowed)
{
	if (!(l->termios.local & ECHO)) {
		if (c == '\n' && (l->termios.local & ECHONL))
			(void)line_output(l, c, out);
		return;
	}
	if (shown_as_control(l, c)) {
		text_char(out, '^');
		text_char(out, c ^ 0x40);
		l->column += 2;
		return;
	}
	(void)line_output(l, c, out);
}

static u32 advance_of(const struct line_discipline *l borrowed, u8 c, u32 column)
{
	if (c == '\t')
		return TAB_WIDTH - column % TAB_WIDTH;
	if (shown_as_control(l, c))
		return 2;
	return c < 32 || c == 127 || is_continuation(l, c) ? 0 : 1;
}

// Column after the edited line's bytes up to `end`.
static u32 column_at(const struct line_discipline *l borrowed, u32 end)
{
	u32 column = l->line_column;

	for (u32 p = l->line_start; p != end; p++)
		column += advance_of(l, byte_at(buf_bytes(l->ring), p % LINE_BUFFER), column);
	return column;
}

// Takes the last character (all bytes of it) off the line being edited and off the screen.
static void erase_one(struct line_discipline *l borrowed, struct text *out borrowed)
{
	u8 c;
	u32 before = column_at(l, l->head), after;

	do {
		l->head--;
		c = byte_at(buf_bytes(l->ring), l->head % LINE_BUFFER);
	} while (is_continuation(l, c) && l->head != l->line_start);
	if (!(l->termios.local & ECHO))
		return;
	if (!(l->termios.local & ECHOE)) {
		line_echo(l, l->termios.cc[VERASE], out);
		return;
	}
	after = column_at(l, l->head);
	for (u32 n = before - after; n > 0; n--)
		text_put(out, c == '\t' ? STR("\b") : STR("\b \b"));
	l->column -= min(l->column, before - after);
}

static bool is_word_byte(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c >= 0x80;
}

static u8 last_byte(const struct line_discipline *l borrowed)
{
	return byte_at(buf_bytes(l->ring), (l->head - 1) % LINE_BUFFER);
}

void line_erase(struct line_discipline *l borrowed, u8 c, struct text *out borrowed)
{
	u32 local = l->termios.local;

	if (l->head == l->line_start)
		return;
	if (c == l->termios.cc[VERASE]) {
		erase_one(l, out);
		return;
	}
	if (c == l->termios.cc[VWERASE] && (local & IEXTEN)) {
		while (l->head != l->line_start && !is_word_byte(last_byte(l)))
			erase_one(l, out);
		while (l->head != l->line_start && is_word_byte(last_byte(l)))
			erase_one(l, out);
		return;
	}
	if (!(local & ECHO) || ((local & ECHOK) && (local & ECHOKE) && (local & ECHOE))) {
		while (l->head != l->line_start)
			erase_one(l, out);
		return;
	}
	l->head = l->line_start;
	line_echo(l, c, out);
	if (local & ECHOK)
		(void)line_output(l, '\n', out);
}

void line_reprint(struct line_discipline *l borrowed, u8 c, struct text *out borrowed)
{
	line_echo(l, c, out);
	(void)line_output(l, '\n', out);
	l->line_column = l->column;
	for (u32 p = l->line_start; p != l->head; p++)
		line_echo(l, byte_at(buf_bytes(l->ring), p % LINE_BUFFER), out);
}

static bool output_fits(struct text *out borrowed, bytes_t what)
{
	text_put(out, what);
	return text_fits(out);
}

static bool output_tab(struct line_discipline *l borrowed, struct text *out borrowed)
{
	u32 width = TAB_WIDTH - l->column % TAB_WIDTH;

	l->column += width;
	if ((l->termios.output & XTABS) == XTABS)
		return output_fits(out, bytes_first(STR("        "), width));
	text_char(out, '\t');
	return text_fits(out);
}

bool line_output(struct line_discipline *l borrowed, u8 c, struct text *out borrowed)
{
	u32 flags = l->termios.output;

	if (flags & OPOST) {
		if (c == '\n' && (flags & ONLCR)) {
			l->column = 0;
			return output_fits(out, STR("\r\n"));
		}
		if (c == '\r' && (flags & ONOCR) && l->column == 0)
			return true;
		if (c == '\r' && (flags & OCRNL))
			c = '\n';
		if (c == '\t')
			return output_tab(l, out);
		if ((flags & OLCUC) && c >= 'a' && c <= 'z')
			c -= 32;
	}
	if (c == '\r' || (c == '\n' && (flags & ONLRET)))
		l->column = 0;
	else if (c == '\b')
		l->column -= l->column > 0;
	else if (c >= 32 && c != 127 && !is_continuation(l, c))
		l->column++;
	text_char(out, c);
	return text_fits(out);
}
