// SPDX-License-Identifier: MPL-2.0
// SHA-256 (FIPS 180-4) of bytes that come piece by piece.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_TEXT_SIZE = 2 * SHA256_SIZE + 1 };

struct sha256 {
	uint32_t state[8];
	uint64_t length;		// bytes so far
	unsigned char block[64];	// what is not yet a whole block
};

void sha256_begin(struct sha256 *sum);
void sha256_add(struct sha256 *sum, const void *bytes, size_t length);

// The sum as 64 small hexadecimal digits. The struct may not be used further.
void sha256_end(struct sha256 *sum, char text[SHA256_TEXT_SIZE]);
