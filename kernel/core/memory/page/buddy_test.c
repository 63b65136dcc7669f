// SPDX-License-Identifier: MPL-2.0
#include <lib/test.h>
#include "core/memory/page/buddy.h"

enum { FRAMES = 8192, BLOCKS = FRAMES / 512, HELD = 300 }; // 32 MiB

static struct page records[FRAMES];
static u8 kinds[BLOCKS], owner[FRAMES];
static struct buddy buddy;
static u32 seed = 7;

static u32 next_random(void)
{
	seed = seed * 1103515245u + 12345u;
	return seed >> 8;
}

static u64 all_free(void)
{
	return buddy.free_pages[PAGE_KIND_NONE] + buddy.free_pages[PAGE_KIND_KERNEL] + buddy.free_pages[PAGE_KIND_DATA];
}

static void begin(u64 start, u64 end)
{
	buddy_init(&buddy, records, FRAMES, kinds);
	buddy_add(&buddy, start, end);
}

struct held {
	struct page *page;
	u32 order;
};

// Every page has one owner at a time, a block one kind for ever, and nothing is lost.
TEST(buddy_random_walk)
{
	static struct held held[HELD];
	u8 kind_was[BLOCKS] = { 0 };
	u64 total = FRAMES - 3 - 517;

	begin(3, FRAMES - 517);
	EXPECT(all_free() == total);
	for (u32 round = 0; round < 50000; round++) {
		struct held *h = &held[next_random() % HELD];

		if (h->page) {
			for (u64 i = 0; i < 1ul << h->order; i++)
				owner[buddy_frame(&buddy, h->page) + i] = 0;
			buddy_give(&buddy, h->page, h->order);
			h->page = NULL;
			continue;
		}
		u32 kind = next_random() % 2 ? PAGE_KIND_KERNEL : PAGE_KIND_DATA;

		h->order = next_random() % 100 ? next_random() % 4 : next_random() % 11;
		h->page = buddy_take(&buddy, kind, h->order, U64_MAX);
		if (!h->page)
			continue;
		u64 frame = buddy_frame(&buddy, h->page);

		REQUIRE((frame & ((1ul << h->order) - 1)) == 0 && frame >= 3 &&
			frame + (1ul << h->order) <= FRAMES - 517);
		for (u64 i = 0; i < 1ul << h->order; i++) {
			REQUIRE(!owner[frame + i]);
			owner[frame + i] = 1;
			u8 *was = &kind_was[(frame + i) / 512];

			REQUIRE(*was == 0 || *was == kind);
			*was = (u8)kind;
		}
	}
	for (u32 i = 0; i < HELD; i++)
		if (held[i].page)
			buddy_give(&buddy, held[i].page, held[i].order);
	EXPECT(all_free() == total);
}

TEST(buddy_merges_to_the_largest)
{
	struct page *p[1024];

	begin(0, 1024);
	for (u32 i = 0; i < 1024; i++)
		REQUIRE(p[i] = buddy_take(&buddy, PAGE_KIND_DATA, 0, U64_MAX));
	EXPECT(!buddy_take(&buddy, PAGE_KIND_DATA, 0, U64_MAX));
	for (u32 i = 0; i < 1024; i++)
		buddy_give(&buddy, p[i * 7 % 1024], 0);
	EXPECT(buddy_take(&buddy, PAGE_KIND_DATA, 10, U64_MAX));
}

TEST(buddy_keeps_blocks_for_the_kernel)
{
	begin(0, 4096); // 8 blocks
	buddy.kernel_blocks_min = 3;
	u32 pages = 0;

	while (buddy_take(&buddy, PAGE_KIND_DATA, 0, U64_MAX))
		pages++;
	EXPECT(pages == 5 * 512);
	for (pages = 0; buddy_take(&buddy, PAGE_KIND_KERNEL, 0, U64_MAX);)
		pages++;
	EXPECT(pages == 3 * 512);
}

TEST(buddy_respects_the_limit)
{
	begin(0, 4096);
	for (u32 i = 0; i < 512; i++)
		REQUIRE(buddy_frame(&buddy, buddy_take(&buddy, PAGE_KIND_DATA, 0, 2048)) < 2048);
}

static void free_twice(void)
{
	begin(0, 1024);
	struct page *p = buddy_take(&buddy, PAGE_KIND_DATA, 0, U64_MAX);

	buddy_give(&buddy, p, 0);
	buddy_give(&buddy, p, 0);
}

static void free_with_wrong_order(void)
{
	begin(0, 1024);
	buddy_give(&buddy, buddy_take(&buddy, PAGE_KIND_DATA, 1, U64_MAX), 2);
}

TEST(buddy_traps_misuse)
{
	EXPECT_TRAP(free_twice);
	EXPECT_TRAP(free_with_wrong_order);
}
