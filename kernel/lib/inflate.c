// SPDX-License-Identifier: MPL-2.0
// A state machine over blocks. Bits are taken from a 64-bit reservoir, least significant first; a code is looked
// up in a 512-entry table and, when it is longer, walked canonically. Output goes through the window, so that
// a match may reach back into bytes of earlier calls.
#include <lib/crc32.h>
#include <lib/inflate.h>

enum { STATE_BLOCK, STATE_STORED, STATE_CODES, STATE_MATCH, STATE_TRAILER, STATE_END };
#define SYMBOL_END 256u
#define SYMBOL_INVALID 0xffffu

static void refill(struct inflate *z, bytes_t input)
{
	while (z->bit_count <= 56 && z->position < bytes_len(input)) {
		z->bits |= (u64)byte_at(input, z->position) << z->bit_count;
		z->position++;
		z->bit_count += 8;
	}
}

// Takes n (<= 16) bits; false when the input ends before.
static bool take_bits(struct inflate *z, bytes_t input, u32 n, u32 *out)
{
	if (z->bit_count < n)
		refill(z, input);
	if (z->bit_count < n)
		return false;
	*out = (u32)(z->bits & ((1ul << n) - 1));
	z->bits >>= n;
	z->bit_count -= n;
	return true;
}

static u32 reverse(u32 code, u32 length)
{
	u32 r = 0;

	for (u32 i = 0; i < length; i++)
		r |= (code >> i & 1) << (length - 1 - i);
	return r;
}

// Builds the tables from code lengths. False for an over-subscribed set.
static bool code_build(struct inflate_code *c, const u8 *length, u32 n)
{
	u32 offset[16] = { }, code = 0;
	s32 left = 1;

	for (u32 i = 0; i < 16; i++)
		c->count[i] = 0;
	for (u32 i = 0; i < (1u << INFLATE_FAST_BITS); i++)
		c->fast[i] = 0;
	for (u32 i = 0; i < n; i++)
		c->count[length[i]]++;
	c->count[0] = 0;
	for (u32 i = 1; i < 16; i++) {
		left = (left << 1) - c->count[i];
		if (left < 0)
			return false;
		offset[i] = offset[i - 1] + c->count[i - 1];
	}
	for (u32 i = 0; i < n; i++)
		if (length[i])
			c->symbol[offset[length[i]]++] = (u16)i;
	for (u32 bits = 1, index = 0; bits <= INFLATE_FAST_BITS; bits++, code <<= 1)
		for (u32 k = 0; k < c->count[bits]; k++, code++, index++)
			for (u32 slot = reverse(code, bits); slot < (1u << INFLATE_FAST_BITS); slot += 1u << bits)
				c->fast[slot] = (u16)(c->symbol[index] << 4 | bits);
	return true;
}

static u32 code_read_long(struct inflate *z, const struct inflate_code *c)
{
	s32 code = 0, first = 0, index = 0;

	for (u32 bits = 1; bits < 16 && bits <= z->bit_count; bits++) {
		code |= (s32)(z->bits >> (bits - 1) & 1);
		s32 count = c->count[bits];
		if (code - count < first) {
			z->bits >>= bits;
			z->bit_count -= bits;
			return c->symbol[index + (code - first)];
		}
		index += count;
		first = (first + count) << 1;
		code <<= 1;
	}
	return SYMBOL_INVALID;
}

static u32 code_read(struct inflate *z, bytes_t input, const struct inflate_code *c)
{
	u32 entry;

	if (z->bit_count < 15)
		refill(z, input);
	entry = c->fast[z->bits & ((1u << INFLATE_FAST_BITS) - 1)];
	if (!entry || (entry & 15) > z->bit_count)
		return code_read_long(z, c);
	z->bits >>= entry & 15;
	z->bit_count -= entry & 15;
	return entry >> 4;
}

static bool codes_fixed(struct inflate *z)
{
	u8 length[288];

	for (u32 i = 0; i < 288; i++)
		length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	if (!code_build(&z->literal, length, 288))
		return false;
	for (u32 i = 0; i < 30; i++)
		length[i] = 5;
	return code_build(&z->distance, length, 30);
}

// Reads the code lengths of both codes, themselves coded with z->literal.
static bool lengths_read(struct inflate *z, bytes_t input, u8 *length, u32 total)
{
	u32 i = 0;

	while (i < total) {
		u32 symbol = code_read(z, input, &z->literal), repeat = 1, extra = 0;
		u8 value = (u8)symbol;

		if (symbol > 18)
			return false;
		if (symbol >= 16) {
			static const u8 width[3] = { 2, 3, 7 }, base[3] = { 3, 3, 11 };

			if ((symbol == 16 && i == 0) || !take_bits(z, input, width[symbol - 16], &extra))
				return false;
			repeat = base[symbol - 16] + extra;
			value = symbol == 16 ? length[i - 1] : 0;
		}
		if (repeat > total - i)
			return false;
		while (repeat--)
			length[i++] = value;
	}
	return true;
}

static bool codes_dynamic(struct inflate *z, bytes_t input)
{
	static const u8 order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
	u32 literals, distances, count, bits;
	u8 length[320] = { };

	if (!take_bits(z, input, 5, &literals) || !take_bits(z, input, 5, &distances) ||
		!take_bits(z, input, 4, &count))
		return false;
	literals += 257;
	distances += 1;
	if (literals > 286 || distances > 30)
		return false;
	for (u32 i = 0; i < count + 4; i++) {
		if (!take_bits(z, input, 3, &bits))
			return false;
		length[order[i]] = (u8)bits;
	}
	if (!code_build(&z->literal, length, 19))
		return false;
	for (u32 i = 0; i < 320; i++)
		length[i] = 0;
	if (!lengths_read(z, input, length, literals + distances) || length[SYMBOL_END] == 0)
		return false;
	return code_build(&z->literal, length, literals) && code_build(&z->distance, length + literals, distances);
}

static bool block_begin(struct inflate *z, bytes_t input)
{
	u32 type, low, high;

	if (z->is_last) {
		z->state = STATE_TRAILER;
		return true;
	}
	if (!take_bits(z, input, 1, &z->is_last) || !take_bits(z, input, 2, &type))
		return false;
	if (type == 0) {
		z->bits >>= z->bit_count % 8;
		z->bit_count -= z->bit_count % 8;
		if (!take_bits(z, input, 16, &low) || !take_bits(z, input, 16, &high) || low != (~high & 0xffff))
			return false;
		z->stored_left = low;
		z->state = STATE_STORED;
		return true;
	}
	z->state = STATE_CODES;
	return type == 1 ? codes_fixed(z) : type == 2 && codes_dynamic(z, input);
}

static bool match_begin(struct inflate *z, bytes_t input, u32 symbol)
{
	static const u16 length_base[29] = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59,
		67, 83, 99, 115, 131, 163, 195, 227, 258 };
	static const u8 length_extra[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5,
		5, 5, 5, 0 };
	static const u16 distance_base[30] = { 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513,
		769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };
	u32 extra;

	symbol -= 257;
	if (symbol >= 29 || !take_bits(z, input, length_extra[symbol], &extra))
		return false;
	z->match_left = length_base[symbol] + extra;
	symbol = code_read(z, input, &z->distance);
	if (symbol >= 30 || !take_bits(z, input, symbol < 2 ? 0 : symbol / 2 - 1, &extra))
		return false;
	z->match_distance = distance_base[symbol] + extra;
	z->state = STATE_MATCH;
	return z->match_distance <= z->produced && z->match_distance <= INFLATE_WINDOW;
}

static void emit(struct inflate *z, span_t window, span_t out, usize *filled, u8 c)
{
	span_at(window, z->produced % INFLATE_WINDOW) = c;
	span_at(out, *filled) = c;
	z->produced++;
	*filled += 1;
}

// One symbol of a compressed block.
static bool symbol_step(struct inflate *z, bytes_t input, span_t window, span_t out, usize *filled)
{
	u32 symbol = code_read(z, input, &z->literal);

	if (symbol < 256) {
		emit(z, window, out, filled, (u8)symbol);
		return true;
	}
	if (symbol == SYMBOL_END) {
		z->state = STATE_BLOCK;
		return true;
	}
	return symbol != SYMBOL_INVALID && match_begin(z, input, symbol);
}

static bool trailer_check(struct inflate *z, bytes_t input)
{
	u64 at = z->position - z->bit_count / 8;

	z->bits = z->bit_count = 0;
	if (bytes_len(input) - at < 8)
		return false;
	z->position = at + 8;
	z->state = STATE_END;
	return bytes_get_u32le(input, at) == z->crc && bytes_get_u32le(input, at + 4) == (u32)z->produced;
}

static bool step(struct inflate *z, bytes_t input, span_t window, span_t out, usize *filled)
{
	u32 byte;

	switch (z->state) {
	case STATE_BLOCK:
		return block_begin(z, input);
	case STATE_STORED:
		if (z->stored_left == 0) {
			z->state = STATE_BLOCK;
			return true;
		}
		z->stored_left--;
		if (!take_bits(z, input, 8, &byte))
			return false;
		emit(z, window, out, filled, (u8)byte);
		return true;
	case STATE_MATCH:
		while (z->match_left > 0 && *filled < span_len(out)) {
			emit(z, window, out, filled,
				span_at(window, (z->produced - z->match_distance) % INFLATE_WINDOW));
			z->match_left--;
		}
		if (z->match_left == 0)
			z->state = STATE_CODES;
		return true;
	default:
		return symbol_step(z, input, window, out, filled);
	}
}

ssize_r inflate_read(struct inflate *z, bytes_t input, span_t window, span_t out)
{
	usize filled = 0;

	while (filled < span_len(out) && z->state != STATE_END) {
		if (z->state == STATE_TRAILER) {
			z->crc = crc32(z->crc, bytes_of(span_first(out, filled)));
			return trailer_check(z, input) ? (ssize_r)filled : (ssize_r)-EINVAL;
		}
		if (!step(z, input, window, out, &filled))
			return -EINVAL;
	}
	z->crc = crc32(z->crc, bytes_of(span_first(out, filled)));
	return (ssize_r)filled;
}

// Skips a zero-terminated field of the header.
static bool skip_text(bytes_t input, u64 *at)
{
	while (*at < bytes_len(input))
		if (byte_at(input, (*at)++) == 0)
			return true;
	return false;
}

err_t inflate_begin(struct inflate *z, bytes_t input, u64 position)
{
	enum { HEADER_CRC = 2, HEADER_EXTRA = 4, HEADER_NAME = 8, HEADER_COMMENT = 16 };
	u64 at = position + 10;
	u8 flags;

	if (bytes_len(input) < 18 || position > bytes_len(input) - 18 || byte_at(input, position) != 0x1f ||
	    byte_at(input, position + 1) != 0x8b || byte_at(input, position + 2) != 8)
		return -EINVAL;
	flags = byte_at(input, position + 3);
	if (flags & HEADER_EXTRA)
		at += 2 + bytes_get_u16le(input, at);
	if (((flags & HEADER_NAME) && !skip_text(input, &at)) || ((flags & HEADER_COMMENT) && !skip_text(input, &at)))
		return -EINVAL;
	if (flags & HEADER_CRC)
		at += 2;
	if (at >= bytes_len(input))
		return -EINVAL;
	z->position = at;
	z->bits = z->bit_count = z->state = z->is_last = z->stored_left = z->match_left = z->crc = 0;
	z->produced = 0;
	return OK;
}
