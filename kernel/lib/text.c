// SPDX-License-Identifier: MPL-2.0
// Formatted text into a span; counts what did not fit.
#include <core/text.h>
#include <lib/format.h>

void text_char(struct text *t borrowed, u8 c)
{
	if (t->__needed < t->__out.__n)
		t->__out.__p[t->__needed] = c;
	t->__needed++;
}

void text_put(struct text *t borrowed, bytes_t bytes)
{
	if (t->__needed < t->__out.__n)
		span_copy_some(span_from(t->__out, t->__needed), bytes);
	t->__needed += bytes_len(bytes);
}

void text_put_escaped(struct text *t borrowed, bytes_t bytes, bytes_t special)
{
	for (usize i = 0; i < bytes_len(bytes); i++) {
		u8 c = byte_at(bytes, i);

		if (c == '\\' || bytes_find(special, c) < bytes_len(special)) {
			text_char(t, '\\');
			text_char(t, (u8)('0' + (c >> 6)));
			text_char(t, (u8)('0' + (c >> 3 & 7)));
			text_char(t, (u8)('0' + (c & 7)));
		} else {
			text_char(t, c);
		}
	}
}

struct conversion {
	u32 width, precision;
	bool has_precision, minus, zero, is_long;
	u8 kind;
};

static void pad(struct text *t, u8 c, u32 width, usize used)
{
	for (; used < width; used++)
		text_char(t, c);
}

static void put_field(struct text *t, const struct conversion *c, bytes_t body)
{
	if (!c->minus)
		pad(t, ' ', c->width, bytes_len(body));
	text_put(t, body);
	if (c->minus)
		pad(t, ' ', c->width, bytes_len(body));
}

static void put_number(struct text *t, const struct conversion *c, u64 magnitude, bool negative)
{
	u8 digits[24] = { 0 };
	usize at = sizeof(digits);
	u32 base = c->kind == 'x' || c->kind == 'X' ? 16 : c->kind == 'o' ? 8 : 10;
	const char *letters = c->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";

	do {
		digits[--at] = (u8)letters[magnitude % base];
		magnitude /= base;
	} while (magnitude);
	bytes_t number = bytes_from(array_bytes(digits), at);
	usize length = bytes_len(number) + negative;

	if (!c->minus && !c->zero)
		pad(t, ' ', c->width, length);
	if (negative)
		text_char(t, '-');
	if (!c->minus && c->zero)
		pad(t, '0', c->width, length);
	text_put(t, number);
	if (c->minus)
		pad(t, ' ', c->width, length);
}

static void put_string(struct text *t, const struct conversion *c, const char *s)
{
	usize n = 0;

	if (!s)
		s = "(null)";
	while ((!c->has_precision || n < c->precision) && s[n])
		n++;
	put_field(t, c, (bytes_t){ (const u8 *)s, n });
}

static const char *parse_conversion(const char *f, struct conversion *c)
{
	for (;; f++) {
		if (*f == '-')
			c->minus = true;
		else if (*f == '0')
			c->zero = true;
		else
			break;
	}
	for (; *f >= '0' && *f <= '9' && c->width < 1000; f++)
		c->width = c->width * 10 + (u32)(*f - '0');
	if (*f == '.') {
		c->has_precision = true;
		for (f++; *f >= '0' && *f <= '9' && c->precision < 1000; f++)
			c->precision = c->precision * 10 + (u32)(*f - '0');
	}
	for (; *f == 'l' || *f == 'z'; f++)
		c->is_long = true;
	c->kind = (u8)*f;
	return *f ? f + 1 : f;
}

void text_vprintf(struct text *t borrowed, const char *format, __builtin_va_list arguments)
{
	while (*format) {
		struct conversion c = { 0 };
		s64 v;

		if (*format != '%') {
			text_char(t, (u8)*format++);
			continue;
		}
		format = parse_conversion(format + 1, &c);
		switch (c.kind) {
		case 'd':
			v = c.is_long ? __builtin_va_arg(arguments, s64) : __builtin_va_arg(arguments, s32);
			put_number(t, &c, v < 0 ? 0 - (u64)v : (u64)v, v < 0);
			break;
		case 'u':
		case 'x':
		case 'X':
		case 'o':
			put_number(t, &c,
				c.is_long ? __builtin_va_arg(arguments, u64) : __builtin_va_arg(arguments, u32), false);
			break;
		case 'c': {
			u8 one[1] = { (u8)__builtin_va_arg(arguments, s32) };

			put_field(t, &c, array_bytes(one));
			break;
		}
		case 's':
			put_string(t, &c, __builtin_va_arg(arguments, const char *));
			break;
		default: // "%%", and anything unknown as it stands
			text_char(t, c.kind ? c.kind : '%');
			break;
		}
	}
}

void text_printf(struct text *t borrowed, const char *format, ...)
{
	__builtin_va_list arguments;

	__builtin_va_start(arguments, format);
	text_vprintf(t, format, arguments);
	__builtin_va_end(arguments);
}
