// SPDX-License-Identifier: MPL-2.0
// Pages, objects, buffers and tables, from several CPUs at once.
#include <core/buf.h>
#include <core/memory.h>
#include <core/page.h>
#include <core/time.h>
#include <core/wait.h>
#include "core/ktest/tests.h"

struct thing {
	struct object object;
	u64 words[9];
};
static struct atomic_u32 released, bad;

static void thing_release(struct thing *t)
{
	atomic_u32_add(&released, 1);
}
DECLARE_OBJECT(thing)
DEFINE_OBJECT(thing, thing_release)
DEFINE_POINTER_TABLE(thing_table, thing)
struct thing_index_entry;
DEFINE_INDEX(thing_index, thing)

enum { ROUNDS = 2000, HELD = 40 };

static void object_rounds(void)
{
	struct thing *held[HELD] = { NULL };

	for (u32 i = 0; i < ROUNDS; i++) {
		struct thing **slot = &held[i * 7 % HELD];

		if (*slot)
			thing_put(*slot);
		*slot = thing_alloc();
		if (!*slot)
			continue;
		for (u32 w = 0; w < 9; w++) {
			if ((*slot)->words[w])
				atomic_u32_add(&bad, 1); // not zeroed, or owned twice
			(*slot)->words[w] = i + 1;
		}
	}
	for (u32 i = 0; i < HELD; i++)
		if (held[i])
			thing_put(held[i]);
}

static bool objects_are_zeroed_and_released_once(void)
{
	atomic_u32_store(&released, 0);
	atomic_u32_store(&bad, 0);
	return threads_run(6, object_rounds) && !atomic_u32_load(&bad) && atomic_u32_load(&released) == 6 * ROUNDS;
}

static void page_rounds(void)
{
	struct page *held[HELD] = { NULL };

	for (u32 i = 0; i < ROUNDS; i++) {
		u32 n = i * 11 % HELD;

		if (held[n]) {
			if (bytes_get_u64le(page_bytes(held[n]), 8) != n)
				atomic_u32_add(&bad, 1);
			page_put(held[n]);
		}
		held[n] = page_alloc(PAGE_ALLOC_ZERO);
		if (!held[n])
			continue;
		if (bytes_get_u64le(page_bytes(held[n]), 8))
			atomic_u32_add(&bad, 1);
		span_put_u64le(page_span(held[n]), 8, n);
	}
	for (u32 n = 0; n < HELD; n++)
		if (held[n])
			page_put(held[n]);
}

static bool pages_are_owned_once(void)
{
	u64 before = memory_read_totals().free_pages;

	atomic_u32_store(&bad, 0);
	bool ok = threads_run(6, page_rounds) && !atomic_u32_load(&bad);
	u64 after = memory_read_totals().free_pages;

	// Stacks of the crowd stay with the kernel; data pages must all be back.
	return ok && after + 6 * 8 + 64 >= before;
}

static bool runs_of_every_order(void)
{
	u64 before = memory_read_totals().data_pages;

	for (u32 order = 0; order <= 10; order++) {
		struct page *p = page_run_alloc(order, PAGE_ALLOC_ZERO);

		if (!p)
			return false;
		if (page_dma_address(p) & ((PAGE_SIZE << order) - 1))
			return false;
		if (span_len(page_run_span(p, order)) != PAGE_SIZE << order)
			return false;
		page_run_free(p, order);
	}
	return memory_read_totals().data_pages == before;
}

static bool buffers_of_every_size(void)
{
	for (usize n = 0; n <= 70000; n = n * 5 / 4 + 1) {
		struct buf *b = buf_alloc(n);

		if (!b || buf_len(b) != n)
			return false;
		for (usize i = 0; i < n; i++)
			if (byte_at(buf_bytes(b), i))
				return false;
		span_fill(buf_span(b), 0xa5);
		buf_free(b);
	}
	return true;
}

static bool tables_and_indices(void)
{
	struct thing_index x = { 0 };
	struct thing_table *t = thing_table_alloc(1000);
	struct thing *a = thing_alloc();
	u64 at = 3;
	bool ok = t && a && thing_table_count(t) == 1000 && !t->slot[999];

	ok = ok && thing_index_set(&x, 5, a) == 0 && thing_index_set(&x, 1ul << 40, a) == 0;
	ok = ok && thing_index_at(&x, 5) == a && !thing_index_at(&x, 6) && thing_index_count(&x) == 2;
	ok = ok && thing_index_next(&x, &at) == a && at == 5;
	at = 6;
	ok = ok && thing_index_next(&x, &at) == a && at == 1ul << 40;
	thing_index_remove(&x, 5);
	ok = ok && !thing_index_at(&x, 5) && thing_index_count(&x) == 1;
	thing_index_clear(&x);
	thing_table_free(t);
	if (a)
		thing_put(a);
	return ok;
}

enum { STORM = 20000 };
DEFINE_POINTER_TABLE(storm_table, thing)

// Twenty thousand objects come and go; what is left behind are a few pages. Those that stay are as they were.
static bool slabs_of_a_storm_are_given_back(void)
{
	struct storm_table *t = storm_table_alloc(STORM);
	bool ok = t;

	(void)memory_give_back();
	u64 before = memory_read_totals().free_pages;

	for (u32 round = 0; round < 3 && ok; round++) {
		for (u32 i = 0; i < STORM && ok; i++) {
			if (!t->slot[i])
				t->slot[i] = thing_alloc();
			ok = t->slot[i] && (!t->slot[i]->words[3] || i % 1000 == 0);
			if (ok)
				t->slot[i]->words[3] = i;
		}
		ok = ok && memory_read_totals().free_pages + 300 < before;
		for (u32 i = 0; i < STORM && ok; i++)
			if (i % 1000 || round == 2)
				thing_put(take(t->slot[i]));
		ok = ok && memory_give_back() > 300;
		for (u32 i = 0; i < STORM && ok && round < 2; i += 1000)
			ok = t->slot[i]->words[3] == i;
	}
	(void)memory_give_back();
	ok = ok && memory_read_totals().free_pages + 32 >= before;
	storm_table_free(t);
	return ok;
}

static void nap(void)
{
	(void)task_sleep_until(clock_monotonic_ns() + 200 * NS_PER_MS, WAIT_UNINTERRUPTIBLE);
}

static struct atomic_u64 most_stack_pages;

// Looks before the first one ends: from then on idle stacks may go at any moment.
static void look_and_nap(void)
{
	u64 now = memory_read_totals().stack_pages;

	for (u64 most = atomic_u64_load(&most_stack_pages); now > most; most = atomic_u64_load(&most_stack_pages))
		if (atomic_u64_compare_exchange(&most_stack_pages, most, now))
			break;
	nap();
}

static bool stacks_of_a_crowd_are_given_back(void)
{
	atomic_u64_store(&most_stack_pages, 0);
	if (!threads_run(64, look_and_nap))
		return false;
	nap(); // the last ones are on their way out
	(void)memory_give_back();
	u64 most = atomic_u64_load(&most_stack_pages), after = memory_read_totals().stack_pages;

	return most >= 64 * 4 && after + 40 * 4 <= most;
}

const struct ktest memory_ktests[] = {
	{ "slabs_of_a_storm_are_given_back", slabs_of_a_storm_are_given_back },
	{ "stacks_of_a_crowd_are_given_back", stacks_of_a_crowd_are_given_back },
	{ "objects_are_zeroed_and_released_once", objects_are_zeroed_and_released_once },
	{ "pages_are_owned_once", pages_are_owned_once },
	{ "runs_of_every_order", runs_of_every_order },
	{ "buffers_of_every_size", buffers_of_every_size },
	{ "tables_and_indices", tables_and_indices },
};
const u32 memory_ktest_count = array_len(memory_ktests);
