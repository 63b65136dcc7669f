// SPDX-License-Identifier: MPL-2.0
// The page cache of one file (or block device): index -> page. The one copy of file content that
// read, write, mmap and execve share. The cache holds one reference on each of its pages.
// Locks: a page's content is brought in and written out under page_lock(); the index under the
// mapping's own lock. Dirty pages are written back by a kernel thread, by sync, and by reclaim.
#pragma once
#include <core/iobuf.h>
#include <core/lock.h>
#include <core/page.h>
#include <core/page_table.h>
#include <core/wait.h>

enum page_flag {
	PAGE_LOCKED = 1 << 0,	// page_lock()
	PAGE_UPTODATE = 1 << 1,	// content valid
	PAGE_DIRTY = 1 << 2,	// newer than the disk
	PAGE_WRITEBACK = 1 << 3,
	PAGE_REFERENCED = 1 << 4,
	PAGE_ACTIVE = 1 << 5,
	PAGE_ERROR = 1 << 6,	// the last write failed
	PAGE_ANONYMOUS = 1 << 7,// of the vm service, not in a mapping
	PAGE_SHARED_MEMORY = 1 << 8 // in a mapping without a disk behind it (tmpfs, shared anonymous memory)
};
struct inode;
struct page_mapping;
DEFINE_POINTER_TABLE(page_batch, page)
struct page_mapping_ops {
	// Fills the locked page; sets nothing itself. NULL: pages begin as zeros (tmpfs). => may sleep
	err_t (*read_page)(struct page_mapping *m, struct page *p);
	// Writes the locked page out. NULL: pages are never clean (tmpfs). => may sleep
	err_t (*write_page)(struct page_mapping *m, struct page *p);
	// Before a write to [offset, offset + length) of the locked page: reserve blocks; -ENOSPC, -EDQUOT.
	err_t (*begin_write)(struct page_mapping *m, struct page *p, u32 offset, u32 length);
	// A write's bytes, which end at `end` of the file, are in the locked page: moves the file's end there if it
	// lies before, so that who reads the page anew, once it is written and gone, reads them. NULL: the size is
	// fixed.
	void (*end_write)(struct page_mapping *m, u64 end);
	// A page is about to be added / was taken out (tmpfs accounting). May be NULL.
	err_t (*page_added)(struct page_mapping *m);
	void (*page_removed)(struct page_mapping *m, u64 count);
	// Read-ahead: fills `count` locked pages at consecutive indices in one go. An error leaves them all to
	// read_page. NULL: page by page. => may sleep
	err_t (*read_pages)(struct page_mapping *m, struct page_batch *batch, u32 count);
	// Write-back: writes `count` locked pages, their indices ascending, in one go. NULL: page by page. => may sleep
	err_t (*write_pages)(struct page_mapping *m, struct page_batch *batch, u32 count);
};
DECLARE_OBJECT(page_mapping)
// `host` is for the ops' owner, borrowed: the host owns the mapping. Before the host goes it must call
// page_mapping_truncate(m, 0), which waits for pages under I/O; ops are never called for a mapping without
// pages. Ops that are all NULL: memory of its own (tmpfs).
struct page_mapping *page_mapping_create(const struct page_mapping_ops *ops, struct inode *host) owned;
struct inode *page_mapping_host(const struct page_mapping *m borrowed);

// => may sleep
void page_lock(struct page *p);
bool page_try_lock(struct page *p);
void page_unlock(struct page *p);
// The page, unlocked and up to date, with a reference in *out. -EIO, -ENOMEM. => may sleep
err_t page_mapping_read_page(struct page_mapping *m, u64 index, struct page **out borrowed);
// Only if present and up to date; NULL otherwise.
struct page *page_mapping_find(struct page_mapping *m, u64 index) owned;
// The same for up to `count` consecutive pages: references or NULL in the first slots of g (fault-around).
void page_mapping_find_group(struct page_mapping *m, u64 index, u32 count, struct page_group *g borrowed);
// For writing: LOCKED, up to date unless `whole` says that all of it will be overwritten.
enum page_write_kind { PAGE_WRITE_PART, PAGE_WRITE_WHOLE };
err_t page_mapping_write_page(struct page_mapping *m, u64 index, enum page_write_kind kind, struct page **out borrowed);
void page_mark_dirty(struct page *p);
// The locked page of m need not be written any more.
void page_forget_dirty(struct page_mapping *m, struct page *p);
// For a shared mapping's first store: the locked page gets its blocks and is dirty. -ENOSPC ... begin_write runs
// without the inode's data_lock here. => may sleep
err_t page_mapping_make_writable(struct page_mapping *m, struct page *p);
// Who has stored to shared pages of files on disks waits here as writers do, now and then. No lock of a page or a
// space is held. => may sleep
void page_mapping_throttle_stores(void);
// Is it memory of its own, without a disk behind it (tmpfs, shared anonymous memory)?
bool page_mapping_is_memory(const struct page_mapping *m borrowed);
// Brings in the pages from index on that a sequential reader will want; `size` is the file's. Errors show later.
void page_mapping_read_ahead(struct page_mapping *m, u64 index, u64 size);

// read(2)/write(2) through the cache. read stops at `size`. Both advance *position; the count or an
// error if nothing was done. write calls begin_write and end_write page by page; of memory
// the caller updates the size.
ssize_r page_mapping_read(struct page_mapping *m, u64 size, u64 *position borrowed, struct iobuf *to borrowed);
ssize_r page_mapping_write(struct page_mapping *m, u64 *position borrowed, struct iobuf *from borrowed);
// The caller has set the file's new size before. Drops pages beyond `size` bytes and zeroes the tail of the last one;
// unmaps them from users first.
void page_mapping_truncate(struct page_mapping *m, u64 size);
// Drops [first, last] pages (hole punch, invalidation of clean ones).
void page_mapping_drop(struct page_mapping *m, u64 first_index, u64 last_index);
// Gives back those of [first, last] pages that are clean and not mapped (POSIX_FADV_DONTNEED). => may sleep
void page_mapping_forget_clean(struct page_mapping *m, u64 first_index, u64 last_index);
// Writes dirty pages of the byte range and waits; the first error since the last call.
err_t page_mapping_sync(struct page_mapping *m, u64 start, u64 end);
u64 page_mapping_page_count(struct page_mapping *m borrowed);
bool page_mapping_is_dirty(struct page_mapping *m borrowed);
// The next index at or after *index with a page (SEEK_DATA of tmpfs); false at the end.
bool page_mapping_next_page(struct page_mapping *m, u64 *index borrowed);

// Those who map the file's pages into user space (vm areas): told before pages go away.
struct page_mapping_user {
	struct object object;
	struct list_link link;			// guarded by the mapping
	u64 visit;				// guarded by the mapping: last invalidation that saw it
	const struct page_mapping_user_ops *ops;	// immutable
	u32 may_write;				// could store to the file's pages; immutable while it is a user
};
struct page_mapping_user_ops {
	// Remove user mappings of pages [first, last]. => may sleep; takes the space's lock
	void (*unmap)(struct page_mapping_user *u, u64 first_index, u64 last_index);
	// Write-protect the page before write-back. The page is locked: must not take the space's lock.
	void (*clean)(struct page_mapping_user *u, u64 index);
	// Reclaim: remove the page wherever it is mapped. Must not take the space's lock nor allocate.
	void (*unmap_page)(struct page_mapping_user *u, struct page *p);
};
DECLARE_OBJECT(page_mapping_user)
void page_mapping_add_user(struct page_mapping *m, struct page_mapping_user *u);
void page_mapping_remove_user(struct page_mapping *m, struct page_mapping_user *u);

// Does somebody have the pages mapped in a way that can write to them (F_SEAL_WRITE)?
bool page_mapping_has_writers(struct page_mapping *m);

// The write-back of everything (sync(2)) and the totals for /proc/meminfo.
void pagecache_sync_all(void);
// Frees up to `pages` clean pages, of `only` or of anybody (NULL). => may sleep unless PAGE_ALLOC_ATOMIC
u64 pagecache_reclaim(u64 pages, u32 flags, struct cgroup *only);
struct pagecache_totals {
	u64 file_pages, dirty_pages, writeback_pages, mapped_pages, shmem_pages, active_file, inactive_file;
};
struct pagecache_totals pagecache_read_totals(void);
void pagecache_init(void);
