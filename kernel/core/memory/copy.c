// SPDX-License-Identifier: MPL-2.0
// The four functions that the compiler calls for copies and comparisons.
#include <core/types.h>

#ifndef CONFIG_HOSTED // there the C library has them

void *memcpy(void *to, const void *from, usize n);
void *memmove(void *to, const void *from, usize n);
void *memset(void *to, int value, usize n);
int memcmp(const void *a, const void *b, usize n);

static inline void copy_words_up(void **to, const void **from, usize n)
{
	asm volatile("rep movsq" : "+D"(*to), "+S"(*from), "+c"(n) : : "memory");
}

static inline void copy_bytes_up(void *to, const void *from, usize n)
{
	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

void *memcpy(void *to, const void *from, usize n)
{
	void *d = to;

	if (n >= 8)
		copy_words_up(&d, &from, n / 8);
	if (n & 7)
		copy_bytes_up(d, from, n & 7);
	return to;
}

void *memmove(void *to, const void *from, usize n)
{
	if ((u64)to - (u64)from >= n)
		return memcpy(to, from, n);
	u8 *d = (u8 *)to + n - 1;
	const u8 *s = (const u8 *)from + n - 1;

	asm volatile("std; rep movsb; cld" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
	return to;
}

void *memset(void *to, int value, usize n)
{
	void *d = to;
	usize words = n / 8, rest = n & 7;
	u64 pattern = 0x0101010101010101ul * (u8)value;

	asm volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	asm volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(pattern) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, usize n)
{
	const u8 *x = a, *y = b;

	for (; n >= 8; n -= 8, x += 8, y += 8) {
		u64 p = *(const u64 *)(const void *)x, q = *(const u64 *)(const void *)y;

		if (p != q) {
			p = __builtin_bswap64(p);
			q = __builtin_bswap64(q);
			return p < q ? -1 : 1;
		}
	}
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}
#endif
