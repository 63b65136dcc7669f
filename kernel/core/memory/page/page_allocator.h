// SPDX-License-Identifier: MPL-2.0
// The one physical allocator: a buddy behind a lock, and per-CPU stocks of single pages before it.
#pragma once

#include "core/memory/page/buddy.h"

enum memory_use {
	MEMORY_USE_SLAB,
	MEMORY_USE_STACK,
	MEMORY_USE_PAGE_TABLE,
	MEMORY_USE_BUFFER,
	MEMORY_USE_COUNT
};

// Without reclaim; the page has no reference and unknown content.
struct page *page_take(enum page_kind kind, u32 order, u32 flags);
void page_give(struct page *first, u32 order);
// May give a page back to other requests: returns true when asking again makes sense. => may sleep
bool memory_pressure_relieve(u32 order, u32 flags, u32 attempt);
void memory_use_add(enum memory_use use, s64 pages);

struct page_counts {
	u64 total, reserved, free, data;
};
struct page_counts page_counts_read(void);
void *page_address(const struct page *p);
void memory_words_zero(void *to, usize bytes);	// multiple of 8

#ifdef CONFIG_DEBUG
// Lets the n-th allocation from now on fail (0: never). For tests.
void memory_fail_after(u64 allocations);
bool memory_should_fail(void);
#else
static inline bool memory_should_fail(void) { return false; }
#endif
