// SPDX-License-Identifier: MPL-2.0
// Data pages: physical pages that hold user memory and file content. Their memory never becomes a
// kernel object again, so a stale span can spoil data, never types. A page's record exists for ever;
// the fields in the second half belong to the services named.
#pragma once
#include <core/atomic.h>
#include <core/error.h>
#include <core/list.h>
#include <core/span.h>

struct page_mapping; // services/pagecache
struct cgroup;	     // services/cgroup

struct page {
	core_private u32 __references;
	core_private u32 __kind;
	// pagecache: set under the mapping's lock, immutable while in the index
	struct page_mapping *mapping;
	u64 index;
	struct list_link lru;		// guarded by the LRU lock; links free pages in the allocator
	struct atomic_u32 flags;	// enum page_flag
	struct atomic_u32 map_count;	// user page-table entries that name it
	struct cgroup *cgroup;		// who is charged; the charge is dropped by page_set_release_hook
};

enum page_alloc_flags {
	PAGE_ALLOC_ZERO = 1 << 0,
	PAGE_ALLOC_ATOMIC = 1 << 1,	// do not sleep or reclaim
	PAGE_ALLOC_RECLAIM_OFF = 1 << 2,// called from reclaim itself
	PAGE_ALLOC_DMA32 = 1 << 3,
	// page_alloc() only: charged to the current task's account (memory_account.h); NULL when that is refused
	PAGE_ALLOC_CHARGE = 1 << 4,
	PAGE_ALLOC_CHARGE_SOCKET = 1 << 5
};
// One page with one reference; NULL without memory (after reclaim and OOM policy, see memory.h).
struct page *page_alloc(u32 flags) owned;
struct page *page_get(struct page *p) owned;
void page_put(struct page *p consumes);
void page_auto_put(struct page **p borrowed);
#define page_auto auto_release(page_auto_put)
u32 page_references(const struct page *p borrowed);
// Takes a reference unless the page is already being freed.
bool page_try_get(struct page *p);

// The page's bytes, valid while the caller holds a reference.
span_t page_span(struct page *p borrowed);
static inline bytes_t page_bytes(struct page *p borrowed) { return bytes_of(page_span(p)); }
void page_zero(struct page *p borrowed);
void page_copy(struct page *to borrowed, struct page *from borrowed);
// Address that devices use.
u64 page_dma_address(const struct page *p borrowed);
u64 page_frame_number(const struct page *p borrowed);
// The one page of zeros, mapped read-only everywhere.
struct page *page_zero_shared(void);
// Physically contiguous run of 2^order pages (rings, DMA); record of the first; the others follow.
struct page *page_run_alloc(u32 order, u32 flags) owned;
void page_run_free(struct page *first consumes, u32 order);
span_t page_run_span(struct page *first borrowed, u32 order);
// Runs when the last reference goes (drop the cgroup charge). Registered once; must not sleep.
void page_set_release_hook(void (*hook)(struct page *p));
