// SPDX-License-Identifier: MPL-2.0
// read(2) and write(2) through the cache, and read-ahead.
//
// A copy to or from user memory may fault, and the fault may need the very page that is being written: so
// writes copy with preemption off, where a fault is a short copy, and touch the user's page outside the lock
// before trying again.
#include <core/cpu.h>
#include <services/pagecache/page_mapping_internal.h>

enum { READ_AHEAD_MIN = 4, READ_AHEAD_MAX = 32, THROTTLE_PAGES = 32 };

// Makes the pages [first, first + count) that are not there, locked, until one is; how many.
static u32 page_read_ahead_gather(struct page_mapping *m, struct page_batch *batch, u64 first, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		struct page *p page_auto = NULL;

		if (page_mapping_obtain(m, first + i, &p))
			return i;
		if (atomic_u32_load(&p->flags) & PAGE_UPTODATE || !page_try_lock(p))
			return i;
		if (p->mapping != m || atomic_u32_load(&p->flags) & PAGE_UPTODATE) {
			page_unlock(p);
			return i;
		}
		batch->slot[i] = take(p);
	}
	return count;
}

static void page_read_ahead_run(struct page_mapping *m, u64 first, u32 count)
{
	struct page_batch *batch auto_release(page_batch_auto_free) = page_batch_alloc(count);

	if (!batch)
		return;
	u32 n = page_read_ahead_gather(m, batch, first, count);
	err_t e = n ? m->ops->read_pages(m, batch, n) : OK;

	for (u32 i = 0; i < n; i++) {
		struct page *p page_auto = take(batch->slot[i]);

		if (!e)
			atomic_u32_or(&p->flags, PAGE_UPTODATE);
		page_unlock(p);
	}
}

// Called when `index` was not found. Sequential misses double the window.
void page_mapping_read_ahead(struct page_mapping *m, u64 index, u64 size)
{
	u64 pages = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	u32 window = READ_AHEAD_MIN;

	if (!m->ops->read_pages || index >= pages)
		return;
	if (atomic_u64_load_relaxed(&m->read_next) == index)
		window = min(atomic_u32_load_relaxed(&m->read_window) * 2, (u32)READ_AHEAD_MAX);
	window = max(window, (u32)READ_AHEAD_MIN);
	window = (u32)min((u64)window, pages - index);
	atomic_u32_store_relaxed(&m->read_window, window);
	atomic_u64_store_relaxed(&m->read_next, index + window);
	if (window > 1)
		page_read_ahead_run(m, index, window);
}

// The page for reading; NULL in *out for a hole of a memory mapping.
static err_t page_io_read_page(struct page_mapping *m, u64 index, u64 size, struct page **out borrowed)
{
	struct page *p page_auto = page_mapping_find(m, index);

	if (!p && page_mapping_is_memory(m))
		return OK;
	if (!p) {
		page_mapping_read_ahead(m, index, size);
		return page_mapping_read_page(m, index, out);
	}
	*out = take(p);
	return OK;
}

ssize_r page_mapping_read(struct page_mapping *m, u64 size, u64 *position borrowed, struct iobuf *to borrowed)
{
	u64 done = 0;

	while (iobuf_remaining(to) && *position < size) {
		struct page *p page_auto = NULL;
		u32 offset = page_offset(*position);
		usize length = min(PAGE_SIZE - offset, size - *position);

		length = min(length, iobuf_remaining(to));
		err_t e = page_io_read_page(m, *position >> PAGE_SHIFT, size, &p);

		if (e)
			return done ? (ssize_r)done : (ssize_r)e;
		usize n = p ? iobuf_put(to, bytes_slice(page_bytes(p), offset, length)) : iobuf_put_zeros(to, length);

		done += n;
		*position += n;
		if (n < length)
			return done ? (ssize_r)done : (ssize_r)-EFAULT;
	}
	return (ssize_r)done;
}

// A copy without page faults; what it took.
static usize page_io_copy(struct page *p, u32 offset, usize length, struct iobuf *from borrowed)
{
	preempt_guard();
	return iobuf_get(from, span_slice(page_span(p), offset, length));
}

static err_t page_io_begin(struct page_mapping *m, struct page *p, u32 offset, usize length)
{
	return m->ops->begin_write ? m->ops->begin_write(m, p, offset, (u32)length) : OK;
}

// A page without content is overwritten whole: it gets its blocks only when all of it is there. They would keep what
// their last owner left in them otherwise.
static ssize_r page_io_write_new(struct page_mapping *m, struct page *p, usize length, struct iobuf *from borrowed)
{
	const usize n = page_io_copy(p, 0, length, from);
	const err_t e = n < length ? OK : page_io_begin(m, p, 0, length);

	if (n < length || e) {
		iobuf_revert(from, n);
		return (ssize_r)e;
	}
	atomic_u32_or(&p->flags, PAGE_UPTODATE);
	page_mark_dirty(p);
	return (ssize_r)n;
}

// One piece of one page, locked. Bytes taken (0: the source must be touched first) or an error.
static ssize_r page_io_write_locked(
	struct page_mapping *m, struct page *p, u32 offset, usize length, struct iobuf *from borrowed)
{
	if (!(atomic_u32_load(&p->flags) & PAGE_UPTODATE))
		return page_io_write_new(m, p, length, from);
	const err_t e = page_io_begin(m, p, offset, length);

	if (e)
		return (ssize_r)e;
	const usize n = page_io_copy(p, offset, length, from);

	page_mark_dirty(p); // even if nothing was taken: its blocks may be new
	return (ssize_r)n;
}

static ssize_r page_io_write_piece(struct page_mapping *m, u64 position, usize length, struct iobuf *from borrowed)
{
	struct page *p page_auto = NULL;
	err_t e = page_mapping_write_page(m, position >> PAGE_SHIFT,
					  length == PAGE_SIZE ? PAGE_WRITE_WHOLE : PAGE_WRITE_PART, &p);

	if (e)
		return (ssize_r)e;
	ssize_r n = page_io_write_locked(m, p, page_offset(position), length, from);

	if (n > 0 && m->ops->end_write)
		m->ops->end_write(m, position + (u64)n);
	page_unlock(p);
	return n;
}

ssize_r page_mapping_write(struct page_mapping *m, u64 *position borrowed, struct iobuf *from borrowed)
{
	u64 done = 0;

	while (iobuf_remaining(from)) {
		usize length = min(PAGE_SIZE - page_offset(*position), iobuf_remaining(from));
		ssize_r n = page_io_write_piece(m, *position, length, from);

		if (n == 0) {
			err_t e = iobuf_prefault(from, length, 0);

			if (e)
				n = (ssize_r)e;
		}
		if (n < 0)
			return done ? (ssize_r)done : n;
		done += (u64)n;
		*position += (u64)n;
		if (m->ops->write_page && (done >> PAGE_SHIFT) % THROTTLE_PAGES == 0)
			page_writeback_throttle();
	}
	if (m->ops->write_page)
		page_writeback_throttle();
	return (ssize_r)done;
}
