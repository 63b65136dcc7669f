// SPDX-License-Identifier: MPL-2.0
// Views of bytes: copies, comparisons, searches, numbers.
#include <core/span.h>

void span_copy(span_t dst, bytes_t src)
{
	if (__unlikely(src.__n > dst.__n))
		__builtin_trap();
	__builtin_memmove(dst.__p, src.__p, src.__n);
}

usize span_copy_some(span_t dst, bytes_t src)
{
	usize n = min(dst.__n, src.__n);

	__builtin_memmove(dst.__p, src.__p, n);
	return n;
}

void span_fill(span_t dst, u8 value)
{
	__builtin_memset(dst.__p, value, dst.__n);
}

bool bytes_equal(bytes_t a, bytes_t b)
{
	return a.__n == b.__n && !__builtin_memcmp(a.__p, b.__p, a.__n);
}

s32 bytes_compare(bytes_t a, bytes_t b)
{
	s32 c = __builtin_memcmp(a.__p, b.__p, min(a.__n, b.__n));

	return c ? c : a.__n < b.__n ? -1 : a.__n > b.__n;
}

bool bytes_start_with(bytes_t b, bytes_t prefix)
{
	return b.__n >= prefix.__n && !__builtin_memcmp(b.__p, prefix.__p, prefix.__n);
}

usize bytes_find(bytes_t b, u8 value)
{
	usize i = 0;

	while (i < b.__n && b.__p[i] != value)
		i++;
	return i;
}

usize bytes_string_len(bytes_t b)
{
	return bytes_find(b, 0);
}

static u32 digit_value(u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? c - 'a' + 10u : 99;
}

bool bytes_parse_u64(bytes_t b, u32 base, u64 *out borrowed)
{
	u64 v = 0;

	if (base == 0) {
		base = 10;
		if (b.__n > 2 && b.__p[0] == '0' && (b.__p[1] | 0x20) == 'x') {
			base = 16;
			b = bytes_from(b, 2);
		} else if (b.__n > 1 && b.__p[0] == '0') {
			base = 8;
			b = bytes_from(b, 1);
		}
	}
	if (!b.__n || base < 2 || base > 36)
		return false;
	for (usize i = 0; i < b.__n; i++) {
		u32 d = digit_value(b.__p[i]);

		if (d >= base || __builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, d, &v))
			return false;
	}
	*out = v;
	return true;
}

bool bytes_parse_s64(bytes_t b, u32 base, s64 *out borrowed)
{
	bool negative = b.__n && b.__p[0] == '-';
	u64 v = 0;

	if (b.__n && (negative || b.__p[0] == '+'))
		b = bytes_from(b, 1);
	if (!bytes_parse_u64(b, base, &v) || v > (u64)S64_MAX + negative)
		return false;
	*out = (s64)(negative ? 0 - v : v);
	return true;
}

static u64 mix(u64 h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ul;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ul;
	return h ^ h >> 32;
}

u64 bytes_hash(bytes_t b, u64 seed)
{
	u64 h = mix(seed + b.__n), word = 0;
	usize i = 0;

	for (; i + 8 <= b.__n; i += 8) {
		__builtin_memcpy(&word, b.__p + i, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15ul;
		h ^= h >> 29;
	}
	for (word = 0; i < b.__n; i++)
		word = word << 8 | b.__p[i];
	return mix(h ^ word);
}
