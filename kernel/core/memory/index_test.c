// SPDX-License-Identifier: MPL-2.0
#include <core/arch/core_memory.h>
#include <core/list.h>
#include <lib/test.h>
#include "core/memory/page/page_allocator.h"

struct entry {
	u64 at;
};
DEFINE_INDEX(entry_index, entry)

enum { ENTRIES = 400 };
static struct entry entries[ENTRIES];
static u32 seed = 3;

static u64 next_random(void)
{
	seed = seed * 1103515245u + 12345u;
	return seed >> 8;
}

// Against a plain array as the model.
TEST(index_behaves_like_an_array)
{
	struct entry_index x = { 0 };
	u32 count = 0;

	for (u32 round = 0; round < 20000; round++) {
		u64 i = next_random() % ENTRIES, at = i * (i % 3 ? 1 : 77777777777ul);
		struct entry *e = &entries[i];

		EXPECT(entry_index_at(&x, at) == (e->at ? e : NULL));
		if (e->at) {
			entry_index_remove(&x, at);
			e->at = 0;
			count--;
		} else {
			REQUIRE(entry_index_set(&x, at, e) == 0);
			e->at = at + 1;
			count++;
		}
		REQUIRE(entry_index_count(&x) == count);
	}
	u64 at = 0, last = 0;
	u32 walked = 0;

	for (struct entry *e = entry_index_next(&x, &at); e; at++, e = entry_index_next(&x, &at), walked++) {
		EXPECT(e->at == at + 1 && (!walked || at > last));
		last = at;
	}
	EXPECT(walked == count);
	entry_index_clear(&x);
	EXPECT(entry_index_count(&x) == 0 && !entry_index_at(&x, 0));
}

TEST(index_takes_the_largest_key)
{
	struct entry_index x = { 0 };
	u64 at = 1;

	REQUIRE(entry_index_set(&x, U64_MAX, &entries[1]) == 0 && entry_index_set(&x, 0, &entries[0]) == 0);
	EXPECT(entry_index_next(&x, &at) == &entries[1] && at == U64_MAX);
	entry_index_remove(&x, U64_MAX);
	entry_index_remove(&x, 0);
	EXPECT(entry_index_count(&x) == 0 && x.__x.__root == NULL);
}

// Whatever allocation fails, the index stays as it was.
TEST(index_survives_lack_of_memory)
{
	for (u32 n = 1; n < 14; n++) {
		struct entry_index x = { 0 };

		REQUIRE(entry_index_set(&x, 5, &entries[5]) == 0);
		memory_fail_after(n);
		s32 e = entry_index_set(&x, U64_MAX, &entries[1]);

		memory_fail_after(0);
		EXPECT(entry_index_at(&x, 5) == &entries[5]);
		EXPECT(entry_index_at(&x, U64_MAX) == (e == 0 ? &entries[1] : NULL));
		EXPECT(entry_index_count(&x) == (e == 0 ? 2 : 1));
		entry_index_clear(&x);
	}
}
