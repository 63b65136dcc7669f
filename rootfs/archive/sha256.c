// SPDX-License-Identifier: MPL-2.0
// Theory: section 6.2.2 of the standard, with the message schedule kept as a ring of 16 words.
#include "sha256.h"

#include <stdio.h>
#include <string.h>

static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t word, unsigned bits)
{
	return word >> bits | word << (32 - bits);
}

static uint32_t load_word(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void take_block(struct sha256 *sum, const unsigned char *block)
{
	uint32_t schedule[16], v[8];

	for (int i = 0; i < 16; i++)
		schedule[i] = load_word(block + 4 * i);
	memcpy(v, sum->state, sizeof(v));
	for (unsigned i = 0; i < 64; i++) {
		// Instead of moving the eight words by one at each round, the round moves over them.
		uint32_t *a = &v[-i % 8], *b = &v[(1 - i) % 8], *c = &v[(2 - i) % 8], *d = &v[(3 - i) % 8];
		uint32_t *e = &v[(4 - i) % 8], *f = &v[(5 - i) % 8], *g = &v[(6 - i) % 8], *h = &v[(7 - i) % 8];
		uint32_t word = schedule[i % 16], first, second;

		first = *h + (turn(*e, 6) ^ turn(*e, 11) ^ turn(*e, 25)) + ((*e & *f) ^ (~*e & *g)) +
			round_constants[i] + word;
		second = (turn(*a, 2) ^ turn(*a, 13) ^ turn(*a, 22)) + ((*a & *b) ^ (*a & *c) ^ (*b & *c));
		*d += first;
		*h = first + second;
		// The word of 16 rounds later, in the place of this one.
		first = schedule[(i + 1) % 16];
		second = schedule[(i + 14) % 16];
		schedule[i % 16] = word + (turn(first, 7) ^ turn(first, 18) ^ first >> 3) + schedule[(i + 9) % 16] +
				   (turn(second, 17) ^ turn(second, 19) ^ second >> 10);
	}
	for (int i = 0; i < 8; i++)
		sum->state[i] += v[i];
}

void sha256_begin(struct sha256 *sum)
{
	*sum = (struct sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
					 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(struct sha256 *sum, const void *bytes, size_t length)
{
	const unsigned char *next = bytes;
	size_t held = sum->length % sizeof(sum->block);

	sum->length += length;
	while (length > 0) {
		size_t part = sizeof(sum->block) - held;

		if (held == 0 && length >= sizeof(sum->block)) {
			take_block(sum, next);
			next += sizeof(sum->block);
			length -= sizeof(sum->block);
			continue;
		}
		part = part < length ? part : length;
		memcpy(sum->block + held, next, part);
		held = (held + part) % sizeof(sum->block);
		next += part;
		length -= part;
		if (held == 0)
			take_block(sum, sum->block);
	}
}

void sha256_end(struct sha256 *sum, char text[SHA256_TEXT_SIZE])
{
	static const unsigned char padding[64] = {0x80};
	uint64_t bits = sum->length * 8;
	size_t held = sum->length % sizeof(sum->block);
	unsigned char tail[8];

	for (int i = 0; i < 8; i++)
		tail[i] = (unsigned char)(bits >> (56 - 8 * i));
	sha256_add(sum, padding, held < 56 ? 56 - held : 120 - held);
	sha256_add(sum, tail, sizeof(tail));
	for (size_t i = 0; i < 8; i++)
		snprintf(text + 8 * i, 9, "%08x", (unsigned)sum->state[i]);
}
