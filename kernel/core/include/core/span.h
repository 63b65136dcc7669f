// SPDX-License-Identifier: MPL-2.0
// Views of bytes. A span_t may be written through, a bytes_t only read.
// Rules: both live on the stack only (never in a heap field, a global, a service's return value);
// every access is checked and traps out of bounds; the memory viewed must outlive the view.
// Integers in memory are read with the get/put functions below, never by reinterpreting.
#pragma once
#include <core/types.h>

struct stack_only span {
	core_private u8 *__p;
	core_private usize __n;
};
typedef struct span span_t;

struct stack_only bytes {
	core_private const u8 *__p;
	core_private usize __n;
};
typedef struct bytes bytes_t;

static inline usize span_len(span_t s) { return s.__n; }
static inline usize bytes_len(bytes_t b) { return b.__n; }

// One byte as an lvalue (span) or a value (bytes). Traps at i >= length.
#define span_at(s, i)                                                                          \
	(*({                                                                                   \
		span_t __s = (s);                                                              \
		usize __i = (i);                                                               \
		if (__unlikely(__i >= __s.__n))                                                \
			__builtin_trap();                                                      \
		__s.__p + __i;                                                                 \
	}))
static inline u8 byte_at(bytes_t b, usize i)
{
	if (__unlikely(i >= b.__n))
		__builtin_trap();
	return b.__p[i];
}

// The part [offset, offset + length). Traps when it is not inside.
// Is [offset, offset + length) inside [0, size)? Written so that no sum can wrap.
static inline bool __fits(usize size, usize offset, usize length)
{
	return offset <= size && length <= size - offset;
}
static inline span_t span_slice(span_t s, usize offset, usize length)
{
	if (__unlikely(!__fits(s.__n, offset, length)))
		__builtin_trap();
	return (span_t){ s.__p + offset, length };
}
static inline bytes_t bytes_slice(bytes_t b, usize offset, usize length)
{
	if (__unlikely(!__fits(b.__n, offset, length)))
		__builtin_trap();
	return (bytes_t){ b.__p + offset, length };
}
static inline span_t span_from(span_t s, usize offset)
{
	return span_slice(s, offset, s.__n - (offset > s.__n ? s.__n : offset));
}
static inline bytes_t bytes_from(bytes_t b, usize offset)
{
	return bytes_slice(b, offset, b.__n - (offset > b.__n ? b.__n : offset));
}
static inline span_t span_first(span_t s, usize length) { return span_slice(s, 0, length); }
static inline bytes_t bytes_first(bytes_t b, usize length) { return bytes_slice(b, 0, length); }
static inline bytes_t bytes_of(span_t s) { return (bytes_t){ s.__p, s.__n }; }
static inline span_t span_empty(void) { return (span_t){ NULL, 0 }; }
static inline bytes_t bytes_empty(void) { return (bytes_t){ NULL, 0 }; }

// A string literal's bytes without its terminating zero.
#define STR(literal) ((bytes_t){ (const u8 *)("" literal ""), sizeof(literal) - 1 })
// A u8 array lvalue (fixed size) as a whole.
#define array_span(a) ((span_t){ (a), array_len(a) + 0 * sizeof(char[sizeof((a)[0]) == 1 ? 1 : -1]) })
#define array_bytes(a) ((bytes_t){ (a), array_len(a) + 0 * sizeof(char[sizeof((a)[0]) == 1 ? 1 : -1]) })

// An object of integers only (checked by the plugin) as bytes: `object_span(&local)`.
// The view is another name of the object, which `borrowed` denies to the optimiser: it would end the object's
// life before the view is used (a tail call). The empty statement makes the address escape.
static inline __ATTR(always_inline) span_t __object_span(void *object abi_only borrowed, usize size)
{
	u8 *p = object;
	__asm__("" : "+r"(p) : : "memory");
	return (span_t){ p, size };
}
static inline __ATTR(always_inline) bytes_t __object_bytes(const void *object abi_only borrowed, usize size)
{
	const u8 *p = object;
	__asm__("" : "+r"(p) : : "memory");
	return (bytes_t){ p, size };
}
#define object_span(pointer) __object_span((pointer), sizeof(*(pointer)))
#define object_bytes(pointer) __object_bytes((pointer), sizeof(*(pointer)))

// Copies all of src to the beginning of dst; traps if dst is shorter. Overlap is allowed.
void span_copy(span_t dst, bytes_t src);
// Copies as much as fits; returns the number of bytes.
usize span_copy_some(span_t dst, bytes_t src);
void span_fill(span_t dst, u8 value);
bool bytes_equal(bytes_t a, bytes_t b);
// <0, 0, >0 by unsigned byte order, then by length.
s32 bytes_compare(bytes_t a, bytes_t b);
bool bytes_start_with(bytes_t b, bytes_t prefix);
// Index of the first `value`, or the length.
usize bytes_find(bytes_t b, u8 value);
// Length up to the first zero byte, or the whole length.
usize bytes_string_len(bytes_t b);
// Parses the whole of `b` as a number (base 0: 0x/0/decimal prefix); false on any other character
// or overflow.
bool bytes_parse_u64(bytes_t b, u32 base, u64 *out borrowed);
bool bytes_parse_s64(bytes_t b, u32 base, s64 *out borrowed);
// Hash for tables (not for secrets).
u64 bytes_hash(bytes_t b, u64 seed);

// Little-endian and big-endian integers at an offset; trap out of bounds.
#define __DEFINE_GET_PUT(T, name, conv)                                                        \
	static inline T bytes_get_##name(bytes_t b, usize offset)                              \
	{                                                                                      \
		bytes_t s = bytes_slice(b, offset, sizeof(T));                                 \
		T v;                                                                           \
		__builtin_memcpy(&v, s.__p, sizeof(T));                                        \
		return conv(v);                                                                \
	}                                                                                      \
	static inline void span_put_##name(span_t d, usize offset, T v)                        \
	{                                                                                      \
		span_t s = span_slice(d, offset, sizeof(T));                                   \
		v = conv(v);                                                                   \
		__builtin_memcpy(s.__p, &v, sizeof(T));                                        \
	}
#define __SAME(v) (v)
__DEFINE_GET_PUT(u16, u16le, __SAME)
__DEFINE_GET_PUT(u32, u32le, __SAME)
__DEFINE_GET_PUT(u64, u64le, __SAME)
__DEFINE_GET_PUT(u16, u16be, __builtin_bswap16)
__DEFINE_GET_PUT(u32, u32be, __builtin_bswap32)
__DEFINE_GET_PUT(u64, u64be, __builtin_bswap64)
