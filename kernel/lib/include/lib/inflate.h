// SPDX-License-Identifier: MPL-2.0
// DEFLATE and gzip, decompression only (source: RFC 1951, RFC 1952). Pull style: the caller asks for bytes and
// gives the whole input and a window of INFLATE_WINDOW bytes at each call; the state holds no pointer.
#pragma once
#include <core/error.h>
#include <core/span.h>

#define INFLATE_WINDOW 32768u
#define INFLATE_FAST_BITS 9u

// A Huffman code: a table for codes of up to FAST_BITS, counts and symbols in order for longer ones.
struct inflate_code {
	u16 fast[1u << INFLATE_FAST_BITS];	// symbol << 4 | length; 0: longer or invalid
	u16 count[16];
	u16 symbol[288];
};
struct inflate {
	struct inflate_code literal, distance;
	u64 position;		// next byte of the input
	u64 bits;		// read ahead
	u64 produced;		// bytes given out
	u32 bit_count;
	u32 state;		// inflate.c's
	u32 is_last;		// block
	u32 stored_left;
	u32 match_left, match_distance;
	u32 crc;
};
// Begins at a gzip header at `position` of the input. -EINVAL when it is none.
err_t inflate_begin(struct inflate *z borrowed, bytes_t input, u64 position);
// Fills `out` as far as the stream goes: the count, 0 at the end (then z->position is behind the gzip trailer,
// whose checksum and length were right), -EINVAL for damaged data.
ssize_r inflate_read(struct inflate *z borrowed, bytes_t input, span_t window, span_t out);
