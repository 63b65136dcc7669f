// SPDX-License-Identifier: MPL-2.0
// Inside the page cache: the mapping itself and what its files offer each other.
#pragma once
#include <core/atomic.h>
#include <core/list.h>
#include <services/cgroup/cgroup_pages.h>
#include <services/pagecache/page_mapping.h>

DEFINE_INDEX(page_index, page)
DEFINE_LIST(page_mapping_user_list, page_mapping_user, link)

struct page_mapping {
	struct object object;
	const struct page_mapping_ops *ops;	// immutable
	struct inode *host;			// immutable
	struct spinlock lock;
	struct page_index pages GUARDED_BY(lock);	// each with one reference
	// Dirty pages lie in [dirty_first, dirty_last]; the range shrinks only when none is left.
	u64 dirty_count GUARDED_BY(lock);
	u64 dirty_first GUARDED_BY(lock);
	u64 dirty_last GUARDED_BY(lock);
	struct list_link dirty_link;		// guarded by the list of dirty mappings (page_writeback.c)
	u64 dirty_since_ns;			// likewise
	struct cgroup *dirty_payer;		// likewise; whose page was made dirty last; reference while listed
	struct atomic_u32 error;		// first failed write since the last sync, as a positive number
	struct atomic_u64 read_next;		// read-ahead: the index where a sequential reader comes next
	struct atomic_u32 read_window;		// read-ahead: pages, doubles up to READ_AHEAD_MAX
	struct mutex users_lock;		// taken under a page's lock too
	struct page_mapping_user_list users GUARDED_BY(users_lock);	// each with one reference
	u64 visit GUARDED_BY(users_lock);	// number of the last invalidation
	struct mutex invalidate_lock;		// one invalidation at a time
};

// page_mapping.c: the page at index, made if it is not there (not up to date unless it is memory).
err_t page_mapping_obtain(struct page_mapping *m, u64 index, struct page **out borrowed);
// Brings a page up to date. -EIO; -EAGAIN when it was taken out of the mapping meanwhile.
err_t page_mapping_fill(struct page_mapping *m, struct page *p);
// Takes p out of the index and the LRU and drops the cache's reference; the page is locked or out of reach.
void page_mapping_remove(struct page_mapping *m, struct page *p);

// page_writeback.c
void page_writeback_kick(void);
void page_writeback_throttle(void);
// Waits a little for write-back to make clean pages. False: it made none.
bool page_writeback_wait_progress(void);
void page_writeback_init(void);
u64 page_writeback_dirty_pages(void);
u64 page_writeback_active_pages(void);

// page_lru.c
void page_lru_add(struct page *p);
void page_lru_remove(struct page *p);
// The first use leaves a mark, the second makes the page active; reclaim moves it when it meets it.
static inline void page_mark_accessed(struct page *p)
{
	u32 flags = atomic_u32_load_relaxed(&p->flags);

	if (!(flags & PAGE_REFERENCED))
		atomic_u32_or(&p->flags, PAGE_REFERENCED);
	else if (!(flags & PAGE_ACTIVE))
		atomic_u32_or(&p->flags, PAGE_ACTIVE);
}

// page_lock.c
void page_lock_init(void);

// page_users.c
void page_mapping_unmap_users(struct page_mapping *m, u64 first_index, u64 last_index);
void page_mapping_clean_users(struct page_mapping *m, struct page *p);
void page_mapping_try_unmap_page(struct page_mapping *m, struct page *p);
