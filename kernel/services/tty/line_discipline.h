// SPDX-License-Identifier: MPL-2.0
// The terminal's line discipline: what arrives from the keyboard becomes editable lines, signals and
// echo; what programs write becomes what the screen needs. Pure state machine: the tty that embeds
// it holds its lock, sends the signals and writes the output that are collected in a line_effect.
#pragma once
#include <core/buf.h>
#include <core/text.h>
#include <services/tty/termios.h>

#define LINE_BUFFER 4096u

struct line_discipline {
	struct termios termios;
	struct buf *ring;		// LINE_BUFFER bytes; positions run freely, taken modulo the size
	u64 delimiters[LINE_BUFFER / 64];	// bit: this byte ends a line (or is the end-of-file mark)
	u32 head;			// next byte is stored here
	u32 line_start;			// first byte of the line being edited (== end of finished lines)
	u32 tail;			// next byte to be read
	u32 column;			// of the cursor
	u32 line_column;		// column at which the line being edited began
	u32 literal_next;		// ^V was typed
	u32 output_stopped;		// ^S
};
// What processing input asks the tty to do afterwards, outside the lock.
struct stack_only line_effect {
	struct text echo;		// receives what must be written to the screen
	u32 signal;			// SIGINT, SIGQUIT, SIGTSTP or 0: to the foreground group
	u32 flush_output;
	u32 line_ready;			// readers should look
};
err_t line_init(struct line_discipline *l borrowed);
void line_fini(struct line_discipline *l borrowed);
// One byte of input.
void line_receive(struct line_discipline *l borrowed, u8 c, struct line_effect *effect borrowed);
// Bytes that read(2) could get now; in canonical mode only finished lines count.
u32 line_readable(const struct line_discipline *l borrowed);
// Is a read to return now (a line or end of file is there, or, raw, at least `minimum` bytes)?
bool line_has_input(const struct line_discipline *l borrowed, u32 minimum);
// Takes up to span_len(out) bytes; in canonical mode at most one line. *is_eof: an end-of-file mark
// was met and consumed.
usize line_take(struct line_discipline *l borrowed, span_t out, bool *is_eof borrowed);
// Room for input; a writer (pty master) waits when it is 0.
u32 line_room(const struct line_discipline *l borrowed);
void line_flush_input(struct line_discipline *l borrowed);
// New settings; lines in the buffer stay readable when canonical mode changes.
void line_set_termios(struct line_discipline *l borrowed, const struct termios *t borrowed);
// Output processing of one byte (OPOST); false if the result does not fit `out` (nothing done).
bool line_output(struct line_discipline *l borrowed, u8 c, struct text *out borrowed);
