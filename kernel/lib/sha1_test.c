// SPDX-License-Identifier: MPL-2.0
#include <lib/sha1.h>
#include <lib/test.h>

static bool digest_starts(bytes_t data, u32 first, u32 last)
{
	u8 out[SHA1_SIZE];

	sha1(data, array_span(out));
	return bytes_get_u32be(array_bytes(out), 0) == first && bytes_get_u32be(array_bytes(out), 16) == last;
}

TEST(sha1_known_digests)
{
	EXPECT(digest_starts(STR(""), 0xda39a3ee, 0xafd80709));
	EXPECT(digest_starts(STR("abc"), 0xa9993e36, 0x9cd0d89d));
	EXPECT(digest_starts(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), 0x84983e44, 0xe54670f1));
}

TEST(sha1_of_every_length_around_a_block)
{
	u8 zeros[130] = {};

	for (usize n = 50; n < 130; n++) {
		u8 out[SHA1_SIZE], other[SHA1_SIZE];
		sha1(bytes_first(array_bytes(zeros), n), array_span(out));
		sha1(bytes_first(array_bytes(zeros), n - 1), array_span(other));
		EXPECT(!bytes_equal(array_bytes(out), array_bytes(other)));
	}
}
