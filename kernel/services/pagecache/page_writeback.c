// SPDX-License-Identifier: MPL-2.0
// Dirty pages and their way to the disk.
//
// A mapping with dirty pages is on one list of all, with a reference. A kernel thread writes those that have
// been dirty for half a minute, or all when more than a tenth of memory is dirty; writers wait when it is more
// than a fifth (writeback.h: the settings). The same parts hold of the room that a group's limit leaves for file
// pages: then the files that the group made dirty are written.
//
// Pages go to the file system in batches, which it turns into few large requests, several on their way at once. A page
// is written under its lock: first its users lose write permission, then the dirty mark goes, then the content is
// written, so that a store in between makes it dirty again through a page fault. A page that could not be written for
// want of memory stays dirty; the thread tries again, and so does a sync before it reports -ENOMEM. What write-back
// itself allocates is at nobody's cost: a group's limit would make its own pages stay.
#include <core/memory.h>
#include <core/memory_account.h>
#include <core/print.h>
#include <core/time.h>
#include <core/task.h>
#include <services/cgroup/cgroup_io.h>
#include <services/pagecache/page_mapping_internal.h>
#include <services/pagecache/writeback.h>

#define NS_PER_CENTISECOND (NS_PER_SECOND / 100)
#define THROTTLE_WAIT_NS (200 * NS_PER_MS)
#define SYNC_RETRY_NS (20 * NS_PER_MS)

enum { PROGRESS_PAGES = 16, WRITE_BATCH_PAGES = 256, THROTTLE_ROUNDS_MAX = 10, SYNC_TRIES_MAX = 50 };
DEFINE_LIST(dirty_mapping_list, page_mapping, dirty_link)

struct writeback_settings writeback_settings = { .background_percent = ATOMIC_INIT(10),
	.dirty_percent = ATOMIC_INIT(20), .expire_centiseconds = ATOMIC_INIT(3000),
	.period_centiseconds = ATOMIC_INIT(500) };

static struct spinlock dirty_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct dirty_mapping_list dirty_mappings GUARDED_BY(dirty_lock);
static struct atomic_u64 dirty_pages, active_pages, written_pages;
static struct atomic_u32 kicked, groups_kicked;
static struct wait_queue writeback_wait = WAIT_QUEUE_INIT;	// the thread
static struct wait_queue progress_wait = WAIT_QUEUE_INIT;	// throttled writers, reclaim

u64 page_writeback_dirty_pages(void) { return atomic_u64_load_relaxed(&dirty_pages); }
u64 page_writeback_active_pages(void) { return atomic_u64_load_relaxed(&active_pages); }

static void page_mapping_list_dirty(struct page_mapping *m, struct cgroup *payer)
{
	struct page_mapping *r object_auto(page_mapping) = page_mapping_get(m);
	struct cgroup *p object_auto(cgroup) = payer ? cgroup_get(payer) : NULL;
	bool is_first;
	{
		spin_guard(&dirty_lock);
		if (dirty_mapping_list_has(&dirty_mappings, m)) {
			if (m->dirty_payer == p)
				return;
			struct cgroup *last object_auto(cgroup) = take(m->dirty_payer);

			m->dirty_payer = take(p);
			p = take(last); // put after the lock
			return;
		}
		is_first = dirty_mapping_list_is_empty(&dirty_mappings);
		m->dirty_since_ns = clock_monotonic_ns();
		m->dirty_payer = take(p);
		dirty_mapping_list_append(&dirty_mappings, m);
		(void)take(r); // the list's
	}
	if (is_first)
		wait_queue_wake_all(&writeback_wait, ~0u);
}

static void page_mapping_unlist_dirty(struct page_mapping *m)
{
	struct page_mapping *r object_auto(page_mapping) = NULL;
	struct cgroup *payer object_auto(cgroup) = NULL;

	spin_guard(&m->lock);
	if (m->dirty_count)
		return;
	spin_guard(&dirty_lock);
	if (!dirty_mapping_list_has(&dirty_mappings, m))
		return;
	dirty_mapping_list_remove(&dirty_mappings, m);
	r = m; // the list's reference, dropped at the end
	payer = take(m->dirty_payer);
}

void page_mark_dirty(struct page *p)
{
	struct page_mapping *m = p->mapping;

	if (atomic_u32_load_relaxed(&p->flags) & PAGE_DIRTY || !m || !m->ops->write_page)
		return;
	{
		spin_guard(&m->lock);
		if (p->mapping != m || atomic_u32_or(&p->flags, PAGE_DIRTY) & PAGE_DIRTY)
			return;
		if (!m->dirty_count++) {
			m->dirty_first = p->index;
			m->dirty_last = p->index;
		}
		m->dirty_first = min(m->dirty_first, p->index);
		m->dirty_last = max(m->dirty_last, p->index);
	}
	atomic_u64_add(&dirty_pages, 1);
	cgroup_count_dirty(p->cgroup, 1, 0);
	page_mapping_list_dirty(m, p->cgroup);
}

static void page_mapping_count_clean(struct page_mapping *m, struct page *p, s64 writing)
{
	bool is_clean;
	{
		spin_guard(&m->lock);
		is_clean = !--m->dirty_count;
	}
	atomic_u64_sub(&dirty_pages, 1);
	cgroup_count_dirty(p->cgroup, -1, -writing);
	if (is_clean)
		page_mapping_unlist_dirty(m);
}

void page_forget_dirty(struct page_mapping *m, struct page *p)
{
	if (!m->ops->write_page)
		return;
	if (atomic_u32_and(&p->flags, ~(u32)PAGE_DIRTY) & PAGE_DIRTY)
		page_mapping_count_clean(m, p, 0);
}

// The locked page is about to be written: from here on a store makes it dirty again. False: there is nothing to write.
static bool page_begin_write_back(struct page_mapping *m, struct page *p)
{
	if (p->mapping != m || !(atomic_u32_load(&p->flags) & PAGE_DIRTY))
		return false;
	if (atomic_u32_load(&p->map_count))
		page_mapping_clean_users(m, p);
	atomic_u32_and(&p->flags, ~(u32)(PAGE_DIRTY | PAGE_ERROR));
	atomic_u32_or(&p->flags, PAGE_WRITEBACK);
	atomic_u64_add(&active_pages, 1);
	cgroup_count_dirty(p->cgroup, 0, 1);
	return true;
}

// The page is as dirty as before, unless a store has made it so again.
static void page_keep_dirty(struct page_mapping *m, struct page *p)
{
	const bool is_counted_twice = atomic_u32_or(&p->flags, PAGE_DIRTY) & PAGE_DIRTY;

	atomic_u32_and(&p->flags, ~(u32)PAGE_WRITEBACK);
	if (is_counted_twice)
		page_mapping_count_clean(m, p, 1);
	else
		cgroup_count_dirty(p->cgroup, 0, -1);
}

static void page_end_write_back(struct page_mapping *m, struct page *p, err_t e)
{
	atomic_u64_sub(&active_pages, 1);
	if (e == -ENOMEM) {
		page_keep_dirty(m, p);
		return;
	}
	if (e) {
		atomic_u32_or(&p->flags, PAGE_ERROR);
		(void)atomic_u32_compare_exchange(&m->error, 0, (u32)-e);
	}
	atomic_u32_and(&p->flags, ~(u32)PAGE_WRITEBACK);
	page_mapping_count_clean(m, p, 1);
	atomic_u64_add(&written_pages, 1);
}

static void page_writeback_tell_progress(void)
{
	if (!wait_queue_is_empty(&progress_wait))
		wait_queue_wake_all(&progress_wait, ~0u);
}

// -ENOMEM: it stays dirty. Other errors the mapping keeps for the next sync.
static err_t page_write_back(struct page_mapping *m, struct page *p)
{
	if (!page_begin_write_back(m, p))
		return OK;
	const err_t e = m->ops->write_page(m, p);

	page_end_write_back(m, p, e);
	page_writeback_tell_progress();
	return e == -ENOMEM ? e : OK;
}

// The next page that is dirty or being written, with a reference.
static struct page *page_mapping_next_dirty(struct page_mapping *m, u64 *index borrowed, u64 last) owned;
static struct page *page_mapping_next_dirty(struct page_mapping *m, u64 *index borrowed, u64 last)
{
	spin_guard(&m->lock);
	if (!m->dirty_count)
		return NULL;
	*index = max(*index, m->dirty_first);
	last = min(last, m->dirty_last);
	for (; *index <= last; (*index)++) {
		struct page *p = page_index_next(&m->pages, index);

		if (!p || *index > last)
			return NULL;
		if (atomic_u32_load(&p->flags) & (PAGE_DIRTY | PAGE_WRITEBACK))
			return page_get(p);
	}
	return NULL;
}

// Locks dirty pages from *index on and begins their write-back. It waits for the first only: waiting for more than one
// page's lock at a time could end in a circle. 0: no dirty page is left.
static u32 page_writeback_gather(struct page_mapping *m, struct page_batch *batch, u64 *index borrowed, u64 last)
{
	u32 count = 0;

	while (count < page_batch_count(batch)) {
		struct page *p page_auto = page_mapping_next_dirty(m, index, last);

		if (!p)
			break;
		if (!count)
			page_lock(p);
		else if (!page_try_lock(p))
			break;
		if (!page_begin_write_back(m, p))
			page_unlock(p);
		else
			batch->slot[count++] = take(p);
		if ((*index)++ == U64_MAX)
			break;
	}
	return count;
}

// As page_write_back().
static err_t page_writeback_run(struct page_mapping *m, struct page_batch *batch, u32 count)
{
	const err_t e = m->ops->write_pages(m, batch, count);

	for (u32 i = 0; i < count; i++) {
		struct page *p page_auto = take(batch->slot[i]);

		page_end_write_back(m, p, e);
		page_unlock(p);
	}
	page_writeback_tell_progress();
	return e == -ENOMEM ? e : OK;
}

// Page by page: there is no memory for more, or the mapping knows no better.
static err_t page_mapping_write_slowly(struct page_mapping *m, u64 first, u64 last)
{
	err_t result = OK;

	for (u64 index = first;; index++) {
		struct page *p page_auto = page_mapping_next_dirty(m, &index, last);

		if (!p)
			return result;
		page_lock(p);
		const err_t e = page_write_back(m, p);

		page_unlock(p);
		result = e ? e : result;
		if (index == U64_MAX)
			return result;
	}
}

static err_t page_mapping_write_batches(struct page_mapping *m, struct page_batch *batch, u64 first, u64 last)
{
	err_t result = OK;

	for (u64 index = first;;) {
		const u32 count = page_writeback_gather(m, batch, &index, last);

		if (!count)
			return result;
		const err_t e = page_writeback_run(m, batch, count);

		result = e ? e : result;
		if (index == 0)
			return result;	// went round: the last index there is
	}
}

// One try for each dirty page of the range. -ENOMEM: some stay.
static err_t page_mapping_write_range(struct page_mapping *m, u64 first, u64 last)
{
	memory_account_suspend();
	err_t e = -ENOMEM;
	{
		struct page_batch *batch auto_release(page_batch_auto_free) =
			m->ops->write_pages ? page_batch_alloc(WRITE_BATCH_PAGES) : NULL;

		if (batch)
			e = page_mapping_write_batches(m, batch, first, last);
		// Few pages at a time may do with what memory there is.
		if (e)
			e = page_mapping_write_slowly(m, first, last);
	}
	memory_account_resume();
	return e;
}

err_t page_mapping_sync(struct page_mapping *m, u64 start, u64 end)
{
	if (!m->ops->write_page || start >= end)
		return OK;
	const u64 first = start >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	err_t e = page_mapping_write_range(m, first, last);

	for (u32 tries = 1; e && tries < SYNC_TRIES_MAX; tries++) {
		if (task_sleep_until(clock_monotonic_ns() + SYNC_RETRY_NS, WAIT_KILLABLE))
			break;
		e = page_mapping_write_range(m, first, last);
	}
	const err_t kept = (err_t)-(s32)atomic_u32_exchange(&m->error, 0);

	return kept ? kept : e;
}

// The first mapping of the list that became dirty at `before` or earlier, moved to the end.
static struct page_mapping *dirty_mapping_next(u64 before_ns) owned;
static struct page_mapping *dirty_mapping_next(u64 before_ns)
{
	spin_guard(&dirty_lock);
	struct page_mapping *m = dirty_mapping_list_first(&dirty_mappings);

	if (!m || m->dirty_since_ns > before_ns)
		return NULL;
	dirty_mapping_list_remove(&dirty_mappings, m);
	m->dirty_since_ns = clock_monotonic_ns();
	dirty_mapping_list_append(&dirty_mappings, m);
	return page_mapping_get(m);
}

static void pagecache_write_older_than(u64 before_ns)
{
	for (;;) {
		struct page_mapping *m object_auto(page_mapping) = dirty_mapping_next(before_ns);

		if (!m)
			return;
		(void)page_mapping_write_range(m, 0, U64_MAX); // what stays dirty stays on the list
	}
}

// The first mapping from `from` on (NULL: of all) that a group made dirty which has too many dirty pages.
static struct page_mapping *dirty_mapping_of_full(struct page_mapping *from, u64 before_ns) owned;
static struct page_mapping *dirty_mapping_of_full(struct page_mapping *from, u64 before_ns)
{
	const u32 percent = atomic_u32_load_relaxed(&writeback_settings.background_percent);

	spin_guard(&dirty_lock);
	bool is_there = from && dirty_mapping_list_has(&dirty_mappings, from);
	struct page_mapping *m = is_there ? from : dirty_mapping_list_first(&dirty_mappings);

	for (; m && m->dirty_since_ns <= before_ns; m = dirty_mapping_list_next(m))
		if (m != from && cgroup_is_over_dirty(m->dirty_payer, percent))
			return page_mapping_get(m);
	return NULL;
}

// One round over the files of groups with too many dirty pages. The next is looked up before one is written: that
// takes it off the list.
static void pagecache_write_full_groups(u64 now_ns)
{
	struct page_mapping *m object_auto(page_mapping) = dirty_mapping_of_full(NULL, now_ns);

	while (m) {
		struct page_mapping *next object_auto(page_mapping) = dirty_mapping_of_full(m, now_ns);

		(void)page_mapping_write_range(m, 0, U64_MAX); // as above
		page_mapping_put(take(m));
		m = take(next);
	}
}

void pagecache_sync_all(void)
{
	pagecache_write_older_than(clock_monotonic_ns());
}

static bool page_writeback_is_over(const struct atomic_u32 *percent)
{
	return page_writeback_dirty_pages() > memory_read_totals().total_pages * atomic_u32_load_relaxed(percent) / 100;
}

void page_writeback_kick(void)
{
	if (!atomic_u32_exchange(&kicked, 1))
		wait_queue_wake_all(&writeback_wait, ~0u);
}

bool page_writeback_wait_progress(void)
{
	u64 seen = atomic_u64_load(&written_pages);

	// Some pages at a time: the last one written is still in the writer's hands.
	err_t e = wait_event(&progress_wait, WAIT_KILLABLE, clock_monotonic_ns() + THROTTLE_WAIT_NS,
		atomic_u64_load(&written_pages) >= seen + PROGRESS_PAGES || !page_writeback_dirty_pages());

	return e != -ERESTARTSYS && atomic_u64_load(&written_pages) != seen;
}

static void page_writeback_wait_debt(void)
{
	struct cgroup *g object_auto(cgroup) = cgroup_current();

	cgroup_io_wait_debt(g);
}

static void page_writeback_kick_groups(void)
{
	if (!atomic_u32_exchange(&groups_kicked, 1))
		wait_queue_wake_all(&writeback_wait, ~0u);
}

// The writer's group has a share of dirty pages, too.
static void page_writeback_throttle_group(void)
{
	struct cgroup *g object_auto(cgroup) = cgroup_current();

	if (!cgroup_is_over_dirty(g, atomic_u32_load_relaxed(&writeback_settings.background_percent)))
		return;
	page_writeback_kick_groups();
	for (u32 round = 0; round < THROTTLE_ROUNDS_MAX; round++) {
		if (!cgroup_is_over_dirty(g, atomic_u32_load_relaxed(&writeback_settings.dirty_percent)))
			return;
		if (!page_writeback_wait_progress())
			return;
		page_writeback_kick_groups();
	}
}

void page_writeback_throttle(void)
{
	page_writeback_wait_debt();
	page_writeback_throttle_group();
	if (!page_writeback_is_over(&writeback_settings.background_percent))
		return;
	page_writeback_kick();
	// Without progress the writer goes on all the same: the disk may be one that answers no more.
	for (u32 round = 0; round < THROTTLE_ROUNDS_MAX; round++) {
		if (!page_writeback_is_over(&writeback_settings.dirty_percent))
			return;
		if (!page_writeback_wait_progress())
			return;
		page_writeback_kick();
	}
}

void page_mapping_throttle_stores(void)
{
	page_writeback_throttle();
}

static u64 page_writeback_age_ns(void)
{
	return atomic_u32_load(&writeback_settings.expire_centiseconds) * NS_PER_CENTISECOND;
}

static void page_writeback_thread(struct task *self)
{
	for (;;) {
		bool is_idle;
		{
			spin_guard(&dirty_lock);
			is_idle = dirty_mapping_list_is_empty(&dirty_mappings);
		}
		const u64 period_ns = atomic_u32_load(&writeback_settings.period_centiseconds) * NS_PER_CENTISECOND;
		// A period of 0: only kicks and sync write.
		u64 deadline = is_idle || !period_ns ? DEADLINE_NEVER : clock_monotonic_ns() + period_ns;

		// Ends by a kick, the first dirty mapping, or the period: the work is the same.
		(void)wait_event(&writeback_wait, WAIT_INTERRUPTIBLE, deadline,
				 atomic_u32_load(&kicked) || atomic_u32_load(&groups_kicked) ||
				 (is_idle && page_writeback_dirty_pages()));
		u64 now = clock_monotonic_ns();

		if (atomic_u32_exchange(&groups_kicked, 0))
			pagecache_write_full_groups(now);
		if (atomic_u32_exchange(&kicked, 0))
			pagecache_write_older_than(now);
		else if (period_ns && now > page_writeback_age_ns())
			pagecache_write_older_than(now - page_writeback_age_ns());
	}
}

void page_writeback_init(void)
{
	if (kernel_thread_start(STR("writeback"), page_writeback_thread))
		log_error("no write-back thread: dirty pages are written by sync only\n");
}
