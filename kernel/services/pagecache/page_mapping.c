// SPDX-License-Identifier: MPL-2.0
// The index of a file's pages.
//
// A page enters the index locked-free and, unless its mapping is memory, not yet up to date; whoever needs
// its content locks it and reads it in (page_mapping_fill). It leaves the index under its own lock
// (page_mapping_remove), with `mapping` set to NULL: who holds a reference and locks the page sees that and
// starts again. The index holds one reference on each page.
#include <services/pagecache/page_charge.h>
#include <services/pagecache/page_mapping_internal.h>

static exclusive_access void page_mapping_release(struct page_mapping *m)
{
	u64 index = 0;

	// The host has truncated it; a mapping without a host (shared memory) is emptied here.
	for (;;) {
		struct page *p = page_index_next(&m->pages, &index);

		if (!p)
			break;
		page_mapping_remove(m, p);
	}
	page_index_clear(&m->pages);
}
DEFINE_OBJECT(page_mapping, page_mapping_release)

struct page_mapping *page_mapping_create(const struct page_mapping_ops *ops, struct inode *host)
{
	struct page_mapping *m object_auto(page_mapping) = page_mapping_alloc();

	if (!m)
		return NULL;
	m->ops = ops;
	m->host = host;
	spin_init(&m->lock, RANK_PAGE_INDEX);
	mutex_init(&m->users_lock, RANK_PAGE_MAPPING);
	mutex_init(&m->invalidate_lock, RANK_PAGE_INVALIDATE);
	return take(m);
}

struct inode *page_mapping_host(const struct page_mapping *m borrowed)
{
	return m->host;
}

bool page_mapping_is_memory(const struct page_mapping *m borrowed)
{
	return !m->ops->read_page;
}

static struct page *page_mapping_look_up(struct page_mapping *m, u64 index) owned;
static struct page *page_mapping_look_up(struct page_mapping *m, u64 index)
{
	spin_guard(&m->lock);
	struct page *p = page_index_at(&m->pages, index);

	return p ? page_get(p) : NULL;
}

struct page *page_mapping_find(struct page_mapping *m, u64 index)
{
	struct page *p page_auto = page_mapping_look_up(m, index);

	if (!p || !(atomic_u32_load(&p->flags) & PAGE_UPTODATE))
		return NULL;
	page_mark_accessed(p);
	return take(p);
}

void page_mapping_find_group(struct page_mapping *m, u64 index, u32 count, struct page_group *g borrowed)
{
	u64 at = index;

	for (u32 i = 0; i < PAGE_GROUP_MAX; i++)
		g->page[i] = NULL;
	spin_guard(&m->lock);
	for (;;) {
		struct page *p = page_index_next(&m->pages, &at);

		if (!p || at - index >= min(count, (u32)PAGE_GROUP_MAX))
			return;
		if (atomic_u32_load(&p->flags) & PAGE_UPTODATE) {
			struct page *r page_auto = page_get(p);

			g->page[at - index] = take(r);
		}
		at++;
	}
}

// A page that is not in any index yet, charged.
static struct page *page_mapping_new_page(struct page_mapping *m) owned;
static struct page *page_mapping_new_page(struct page_mapping *m)
{
	bool is_memory = page_mapping_is_memory(m);
	struct page *p page_auto = page_alloc(is_memory ? PAGE_ALLOC_ZERO : 0);

	if (!p)
		return NULL;
	atomic_u32_store_relaxed(&p->flags, is_memory ? PAGE_UPTODATE | PAGE_DIRTY | PAGE_SHARED_MEMORY : 0);
	// A device's own pages are wanted by file systems under their locks.
	if (page_charge(p, m->host || is_memory ? PAGE_CHARGE_LIMITED : PAGE_CHARGE_AT_ONCE))
		return NULL;
	return take(p);
}

// Puts p at index unless another page is there already: then that one, with a reference, in *other.
static err_t page_mapping_insert(struct page_mapping *m, u64 index, struct page *p, struct page **other borrowed)
{
	spin_guard(&m->lock);
	struct page *present = page_index_at(&m->pages, index);

	if (present) {
		struct page *r page_auto = page_get(present);

		*other = take(r);
		return OK;
	}
	if (page_index_set(&m->pages, index, p))
		return -ENOMEM;
	struct page *r page_auto = page_get(p);

	p->mapping = m;
	p->index = index;
	page_lru_add(p);
	(void)take(r); // the index's
	return OK;
}

err_t page_mapping_obtain(struct page_mapping *m, u64 index, struct page **out borrowed)
{
	struct page *found page_auto = page_mapping_look_up(m, index);

	if (found) {
		*out = take(found);
		return OK;
	}
	if (m->ops->page_added) {
		err_t e = m->ops->page_added(m);

		if (e)
			return e;
	}
	struct page *p page_auto = page_mapping_new_page(m);
	struct page *other page_auto = NULL;
	err_t e = p ? page_mapping_insert(m, index, p, &other) : -ENOMEM;

	if (e || other) {
		if (m->ops->page_removed)
			m->ops->page_removed(m, 1);
		*out = take(other);
		return e;
	}
	*out = take(p);
	return OK;
}

err_t page_mapping_fill(struct page_mapping *m, struct page *p)
{
	if (atomic_u32_load(&p->flags) & PAGE_UPTODATE)
		return OK;
	page_lock(p);
	err_t e = OK;

	if (p->mapping != m)
		e = -EAGAIN;
	else if (!(atomic_u32_load(&p->flags) & PAGE_UPTODATE)) {
		e = m->ops->read_page(m, p);
		if (!e)
			atomic_u32_or(&p->flags, PAGE_UPTODATE);
	}
	page_unlock(p);
	return e;
}

err_t page_mapping_read_page(struct page_mapping *m, u64 index, struct page **out borrowed)
{
	for (;;) {
		struct page *p page_auto = NULL;
		err_t e = page_mapping_obtain(m, index, &p);

		if (e)
			return e;
		e = page_mapping_fill(m, p);
		if (e == -EAGAIN)
			continue;
		if (e)
			return e;
		page_mark_accessed(p);
		*out = take(p);
		return OK;
	}
}

err_t page_mapping_write_page(struct page_mapping *m, u64 index, enum page_write_kind kind, struct page **out borrowed)
{
	for (;;) {
		struct page *p page_auto = NULL;
		err_t e = page_mapping_obtain(m, index, &p);

		if (e)
			return e;
		page_lock(p);
		if (p->mapping != m) {
			page_unlock(p);
			continue;
		}
		if (kind == PAGE_WRITE_PART && !(atomic_u32_load(&p->flags) & PAGE_UPTODATE)) {
			e = m->ops->read_page(m, p);
			if (e) {
				page_unlock(p);
				return e;
			}
			atomic_u32_or(&p->flags, PAGE_UPTODATE);
		}
		page_mark_accessed(p);
		*out = take(p);
		return OK;
	}
}

err_t page_mapping_make_writable(struct page_mapping *m, struct page *p)
{
	if (m->ops->begin_write) {
		err_t e = m->ops->begin_write(m, p, 0, PAGE_SIZE);

		if (e)
			return e;
	}
	page_mark_dirty(p);
	return OK;
}

void page_mapping_remove(struct page_mapping *m, struct page *p)
{
	page_forget_dirty(m, p);
	{
		spin_guard(&m->lock);
		page_index_remove(&m->pages, p->index);
		p->mapping = NULL;
	}
	// Not before: reclaim that holds p puts it back on the lists as long as p belongs to m.
	page_lru_remove(p);
	struct page *cached page_auto = p; // the index's reference
}

u64 page_mapping_page_count(struct page_mapping *m borrowed)
{
	spin_guard(&m->lock);
	return page_index_count(&m->pages);
}

bool page_mapping_is_dirty(struct page_mapping *m borrowed)
{
	spin_guard(&m->lock);
	return m->dirty_count;
}

bool page_mapping_next_page(struct page_mapping *m, u64 *index borrowed)
{
	spin_guard(&m->lock);
	return page_index_next(&m->pages, index);
}
