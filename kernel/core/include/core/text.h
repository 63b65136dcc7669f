// SPDX-License-Identifier: MPL-2.0
// Text output into a span, e.g. for files under /proc. Nothing is written past the end;
// `text_needed` tells the length that all of it would have taken.
// Formats: %d %u %x %X %o %c %lu %ld %lx with width, zero and minus flags; no %s, no %p:
// text is put with text_put().
#pragma once
#include <core/span.h>

struct stack_only text {
	core_private span_t __out;
	core_private usize __needed;
};
static inline struct text text_to(span_t out) { return (struct text){ out, 0 }; }
void text_put(struct text *t borrowed, bytes_t bytes);
void text_char(struct text *t borrowed, u8 c);
void text_printf(struct text *t borrowed, const char *format, ...) printf_like(2, 3);
// Puts bytes with the given characters (and backslash) as \ooo, as /proc/mounts does.
void text_put_escaped(struct text *t borrowed, bytes_t bytes, bytes_t special);
static inline usize text_needed(const struct text *t borrowed) { return t->__needed; }
static inline bool text_fits(const struct text *t borrowed) { return t->__needed <= t->__out.__n; }
// What was written.
static inline bytes_t text_bytes(const struct text *t borrowed)
{
	return (bytes_t){ t->__out.__p, t->__needed < t->__out.__n ? t->__needed : t->__out.__n };
}
