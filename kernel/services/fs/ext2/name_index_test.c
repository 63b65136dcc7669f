// SPDX-License-Identifier: MPL-2.0
// Hosted tests of the index of a big folder's names.
#include <lib/test.h>
#include <services/fs/ext2/name_index.h>

enum { NAMES = 3000, BLOCKS = 40 };
static u32 block_of_name[NAMES];	// the model: block + 1, or 0

// Some names share a hash, and one hash in 64 is as high as can be.
static u32 hash_of_name(u32 name)
{
	return name % 64 ? (name / 3) * 2654435761u : U32_MAX - name / 1024;
}

static bool finds(const struct name_index *x, u32 name)
{
	u32 cursor = 0, block;

	while ((block = name_index_next(x, hash_of_name(name), &cursor)) != NAME_INDEX_NOWHERE) {
		if (block + 1 == block_of_name[name])
			return true;
	}
	return false;
}

TEST(name_index_behaves_like_a_table_of_names)
{
	struct name_index *x object_auto(name_index) = name_index_create(BLOCKS, 7);
	u64 random = 1;
	u32 count = 0;

	REQUIRE(x != NULL);
	for (u32 round = 0; round < 40000; round++) {
		random = random * 6364136223846793005ul + 1442695040888963407ul;
		const u32 name = (u32)(random >> 33) % NAMES;

		if (block_of_name[name]) {
			EXPECT(finds(x, name));
			name_index_remove(x, hash_of_name(name), block_of_name[name] - 1);
			block_of_name[name] = 0;
			count--;
		} else {
			const u32 block = (u32)(random >> 20) % BLOCKS;

			REQUIRE(name_index_add(x, hash_of_name(name), block) == OK);
			block_of_name[name] = block + 1;
			count++;
		}
		REQUIRE(x->used == count);
	}
	for (u32 name = 0; name < NAMES; name++)
		EXPECT(!block_of_name[name] || finds(x, name));
}

TEST(name_index_finds_the_first_block_with_room)
{
	struct name_index *x object_auto(name_index) = name_index_create(2, 7);

	REQUIRE(x != NULL);
	EXPECT(name_index_find_room(x, 12) == NAME_INDEX_NOWHERE);
	for (u32 block = 2; block < 500; block++)
		REQUIRE(name_index_add_block(x) == OK);
	name_index_set_room(x, 499, 4096);
	name_index_set_room(x, 3, 16);
	EXPECT(name_index_find_room(x, 12) == 3);
	EXPECT(name_index_find_room(x, 20) == 499);
	name_index_set_room(x, 3, 8);
	EXPECT(name_index_find_room(x, 12) == 499);
}

TEST(name_index_ends_a_search_for_what_is_not_there)
{
	struct name_index *x object_auto(name_index) = name_index_create(1, 7);
	u32 cursor = 0;

	REQUIRE(x != NULL);
	for (u32 round = 0; round < 5000; round++) {
		REQUIRE(name_index_add(x, round, 0) == OK);
		name_index_remove(x, round, 0);
	}
	EXPECT(name_index_next(x, 123456, &cursor) == NAME_INDEX_NOWHERE);
	EXPECT(buf_len(x->slots) == 2048);
}
