// SPDX-License-Identifier: MPL-2.0
// core/page_table.h: changing and reading single entries and ranges of a user page table.
//
// Ranges are worked on one leaf table (2 MiB) at a time with the lock held, so that interrupts are
// never off for long; a full batch is flushed in between, without the lock.
#include "core/arch/x86_64/paging/table.h"
#include "core/arch/x86_64/smp/flush.h"

static bool address_is_user(u64 address)
{
	return address < USER_TOP && page_offset(address) == 0;
}

static void page_link(struct page *p)
{
	(void)page_get(p);
	atomic_u32_add(&p->map_count, 1);
}

static void entry_drop(u64 entry, struct tlb_batch *b)
{
	struct page *page = entry_page(entry);
	atomic_u32_sub(&page->map_count, 1);
	batch_add_page(b, page);
}

err_t page_table_map(struct page_table *t, u64 address, struct page *p, u32 protection)
{
	struct table_stock stock = { 0 };
	err_t e = OK;
	bool done = false;
	if (!address_is_user(address))
		return -EINVAL;
	while (!done && e == OK) {
		{
			irq_guard(&t->lock);
			u64 *entry = table_reach(t, address, &stock);
			if (entry && entry_is_mapped(entry_load(entry))) {
				e = -EEXIST;
			} else if (entry) {
				page_link(p);
				leaf_fill(t, entry, entry_make(page_dma_address(p), protection));
				done = true;
			}
		}
		if (!done && e == OK)
			e = table_stock_fill(&stock);
	}
	table_stock_drop(&stock);
	return e;
}

// The whole group under one lock; false when the stock was too small.
static bool map_group(struct page_table *t, u64 address, struct page_group *g, u32 count, u32 protection,
		      struct table_stock *stock)
{
	irq_guard(&t->lock);
	u64 *entry = table_reach(t, address, stock);
	if (!entry)
		return false;
	for (u32 i = 0; i < count; i++, entry++) {
		struct page *p = g->page[i];
		if (!p || entry_is_mapped(entry_load(entry)))
			continue;
		g->page[i] = NULL;              // the slot's reference becomes the mapping's
		atomic_u32_add(&p->map_count, 1);
		leaf_fill(t, entry, entry_make(page_dma_address(p), protection) & ~ENTRY_ACCESSED);
	}
	return true;
}

err_t page_table_map_group(struct page_table *t, u64 address, struct page_group *g, u32 count, u32 protection)
{
	struct table_stock stock = { 0 };
	err_t e = OK;
	if (count > PAGE_GROUP_MAX)
		count = PAGE_GROUP_MAX;
	u64 end = address + count * PAGE_SIZE;
	if (!address_is_user(address) || end > USER_TOP || leaf_end(address, end) != end)
		e = -EINVAL;
	while (e == OK && !map_group(t, address, g, count, protection, &stock))
		e = table_stock_fill(&stock);
	table_stock_drop(&stock);
	for (u32 i = 0; i < count; i++)
		if (g->page[i])
			page_put(take(g->page[i]));
	return e;
}

err_t page_table_replace(struct page_table *t, u64 address, const struct page *expected, struct page *p,
			 u32 protection, struct tlb_batch *b)
{
	if (!address_is_user(address))
		return -EINVAL;
	if (batch_is_full(b))
		batch_flush(b);
	u64 new = entry_make(page_dma_address(p), protection);
	irq_guard(&t->lock);
	u64 *entry = table_find(t, address);
	if (!entry || !entry_is_mapped(entry_load(entry)) || entry_page(entry_load(entry)) != expected)
		return -EAGAIN;
	page_link(p);
	u64 old = __atomic_exchange_n(entry, new, __ATOMIC_SEQ_CST);
	t->mapped[entry_kind(old)]--;
	t->mapped[entry_kind(new)]++;
	if (old & ENTRY_PRESENT)
		batch_add_range(b, address, address + PAGE_SIZE);
	entry_drop(old, b);
	return OK;
}

// The next leaf table's part; stops early when the batch is full. Returns where to go on.
static u64 unmap_leaf(struct page_table *t, u64 address, u64 end, struct tlb_batch *b)
{
	irq_guard(&t->lock);
	u64 *entry = table_next(t, &address, end);
	if (!entry)
		return end;
	end = leaf_end(address, end);
	struct leaf_totals totals = { 0 };
	u64 last = address, *leaf = entry;
	for (; address < end && !batch_is_full(b); address += PAGE_SIZE, entry++) {
		if (!entry_is_mapped(entry_load(entry)))
			continue;
		u64 old = __atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
		leaf_totals_note(&totals, old);
		if (old & ENTRY_PRESENT)
			batch_add_range(b, address, address + PAGE_SIZE);
		entry_drop(old, b);
		last = address;
	}
	if (totals.entries && leaf_totals_subtract(t, leaf, &totals)) {
		table_prune(t, last, b);
		return end;
	}
	return address;
}

bool page_table_unmap_page(struct page_table *t, u64 address, const struct page *p, struct tlb_batch *b)
{
	if (!address_is_user(address))
		return false;
	if (batch_is_full(b))
		batch_flush(b);
	irq_guard(&t->lock);
	u64 *entry = table_find(t, address), old;
	if (!entry || !entry_is_mapped(entry_load(entry)) || entry_page(entry_load(entry)) != p)
		return false;
	bool empty = leaf_clear(t, entry, &old);
	if (old & ENTRY_PRESENT)
		batch_add_range(b, address, address + PAGE_SIZE);
	entry_drop(old, b);
	if (empty)
		table_prune(t, address, b);
	return true;
}

static bool range_is_user(u64 start, u64 end)
{
	return start <= end && end <= USER_TOP && page_offset(start) == 0 && page_offset(end) == 0;
}

void page_table_unmap(struct page_table *t, u64 start, u64 end, struct tlb_batch *b)
{
	if (!range_is_user(start, end))
		return;
	while (start < end) {
		if (batch_is_full(b))
			batch_flush(b);
		start = unmap_leaf(t, start, end, b);
	}
}

static void protect_entry(u64 *entry, u64 address, u32 clear, u32 set, struct tlb_batch *b)
{
	u64 old = entry_load(entry), new;
	u32 protection;
	do {
		protection = (entry_protection(old) & ~clear) | set;
		new = entry_make(old & ENTRY_ADDRESS, protection);
		new = (new & ~ENTRY_ACCESSED) | (old & (ENTRY_ACCESSED | ENTRY_DIRTY));
	} while (!__atomic_compare_exchange_n(entry, &old, new, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	// More rights need no flush: a stale entry faults once and is walked again.
	u64 lost = (old & (ENTRY_PRESENT | ENTRY_WRITE)) & ~new;
	if ((old & ENTRY_PRESENT) && (lost || (new & ~old & ENTRY_NO_EXECUTE)))
		batch_add_range(b, address, address + PAGE_SIZE);
}

void page_table_protect(struct page_table *t, u64 start, u64 end, u32 clear, u32 set, struct tlb_batch *b)
{
	if (!range_is_user(start, end))
		return;
	while (start < end) {
		irq_guard(&t->lock);
		u64 *entry = table_next(t, &start, end), stop = leaf_end(start, end);
		for (; entry && start < stop; start += PAGE_SIZE, entry++)
			if (entry_is_mapped(entry_load(entry)))
				protect_entry(entry, start, clear, set, b);
	}
}

static struct page_entry entry_describe(u64 entry)
{
	if (!entry_is_mapped(entry))
		return (struct page_entry){ 0 };
	return (struct page_entry){
		.page = entry_page(entry),
		.protection = entry_protection(entry),
		.is_dirty = (entry & ENTRY_DIRTY) != 0,
		.is_accessed = (entry & ENTRY_ACCESSED) != 0,
	};
}

struct page_entry page_table_query(struct page_table *t, u64 address)
{
	if (address >= USER_TOP)
		return (struct page_entry){ 0 };
	irq_guard(&t->lock);
	u64 *entry = table_find(t, address);
	return entry_describe(entry ? entry_load(entry) : 0);
}

struct page *page_table_get_page(struct page_table *t, u64 address, u32 *protection)
{
	*protection = 0;
	if (address >= USER_TOP)
		return NULL;
	irq_guard(&t->lock);
	u64 *entry = table_find(t, address);
	u64 value = entry ? entry_load(entry) : 0;
	if (!entry_is_mapped(value))
		return NULL;
	*protection = entry_protection(value);
	return page_get(entry_page(value));
}

u64 page_table_next(struct page_table *t, u64 address, u64 end)
{
	address = page_round_down(address);
	if (end > USER_TOP)
		end = USER_TOP;
	while (address < end) {
		irq_guard(&t->lock);
		u64 *entry = table_next(t, &address, end), stop = leaf_end(address, end);
		for (; entry && address < stop; address += PAGE_SIZE, entry++)
			if (entry_is_mapped(entry_load(entry)))
				return address;
	}
	return end;
}

u64 page_table_collect(struct page_table *t, u64 address, u64 end, struct page_entries *out)
{
	address = page_round_down(address);
	if (end > USER_TOP)
		end = USER_TOP;
	out->count = 0;
	while (address < end && out->count < PAGE_ENTRIES_MAX) {
		irq_guard(&t->lock);
		u64 *entry = table_next(t, &address, end), stop = leaf_end(address, end);
		for (; entry && address < stop && out->count < PAGE_ENTRIES_MAX; address += PAGE_SIZE, entry++)
			if (entry_is_mapped(entry_load(entry)))
				out->entries[out->count++] = entry_describe(entry_load(entry));
	}
	return address;
}

struct page_entry page_table_harvest(struct page_table *t, u64 address, u32 clear_dirty, u32 clear_accessed)
{
	u64 clear = (clear_dirty ? ENTRY_DIRTY : 0) | (clear_accessed ? ENTRY_ACCESSED : 0), old = 0;
	if (!address_is_user(address))
		return (struct page_entry){ 0 };
	{
		irq_guard(&t->lock);
		u64 *entry = table_find(t, address);
		if (entry && entry_is_mapped(entry_load(entry)))
			old = __atomic_fetch_and(entry, ~clear, __ATOMIC_SEQ_CST);
	}
	// A cached dirty mark would swallow the next write's; a cached accessed mark only delays.
	if (old & clear & ENTRY_DIRTY)
		flush_table(t, address, address + PAGE_SIZE);
	return entry_describe(old);
}
