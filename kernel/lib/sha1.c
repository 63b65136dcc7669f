// SPDX-License-Identifier: MPL-2.0
#include <lib/sha1.h>

#define BLOCK 64u

static u32 rotate(u32 v, u32 by)
{
	return v << by | v >> (32 - by);
}

static void sha1_block(u32 h[5], bytes_t block)
{
	static const u32 constants[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
	u32 w[80];
	u32 a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	for (u32 n = 0; n < 16; n++)
		w[n] = bytes_get_u32be(block, (usize)n * 4);
	for (u32 n = 16; n < 80; n++)
		w[n] = rotate(w[n - 3] ^ w[n - 8] ^ w[n - 14] ^ w[n - 16], 1);
	for (u32 n = 0; n < 80; n++) {
		const u32 round = n / 20;
		const u32 f = round == 0 ? (b & c) | (~b & d) : round == 2 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
		const u32 next = rotate(a, 5) + f + e + constants[round] + w[n];

		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void sha1(bytes_t data, span_t out)
{
	u32 h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	const usize length = bytes_len(data), whole = length / BLOCK * BLOCK;
	u8 last[2 * BLOCK] = {};

	for (usize at = 0; at < whole; at += BLOCK)
		sha1_block(h, bytes_slice(data, at, BLOCK));
	// The rest, a one bit, zeros, and the length in bits at the end of a block.
	span_copy(array_span(last), bytes_from(data, whole));
	last[length - whole] = 0x80;
	const usize end = length - whole < BLOCK - 8 ? BLOCK : 2 * BLOCK;
	span_put_u64be(array_span(last), end - 8, (u64)length * 8);
	for (usize at = 0; at < end; at += BLOCK)
		sha1_block(h, bytes_slice(array_bytes(last), at, BLOCK));
	for (u32 n = 0; n < 5; n++)
		span_put_u32be(out, (usize)n * 4, h[n]);
}
