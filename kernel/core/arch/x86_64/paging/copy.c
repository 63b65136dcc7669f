// SPDX-License-Identifier: MPL-2.0
// core/page_table.h: fork's copy of mappings, mremap's move.
#include "core/arch/x86_64/paging/table.h"

// Both sides lose the right to write and get the mark; the parent's stale rights are flushed.
static inline u64 share_entry(u64 *entry, u64 old, u64 address, struct tlb_batch *b)
{
	while (!__atomic_compare_exchange_n(entry, &old, (old & ~ENTRY_WRITE) | ENTRY_SOFT_COW, 0,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;                               // the processor set a mark meanwhile
	batch_add_range(b, address, address + PAGE_SIZE);
	return (old & ~ENTRY_WRITE) | ENTRY_SOFT_COW;
}

// The next leaf table's part, both trees locked; *start moves behind it. False: the stock was too small
// and nothing was copied.
static bool copy_leaf(struct page_table *to, struct page_table *from, u64 *start, u64 end, u32 copy_on_write,
		      struct table_stock *stock, struct tlb_batch *b)
{
	irq_guard(&from->lock);
	spin_guard_nested(&to->lock, 1);
	struct leaf_totals totals = { 0 };
	u64 *source = table_next(from, start, end), *target = NULL, address = *start;
	end = leaf_end(address, end);
	for (; source && address < end; address += PAGE_SIZE, source++, target = target ? target + 1 : NULL) {
		u64 entry = entry_load(source);
		if (!entry_is_mapped(entry))
			continue;
		if (!target)
			target = table_reach(to, address, stock);
		if (!target)
			return false;
		if (entry_is_mapped(entry_load(target)))
			continue;
		if (copy_on_write && (entry & ENTRY_WRITE))
			entry = share_entry(source, entry, address, b);
		struct page *page = page_get(entry_page(entry));
		atomic_u32_add(&page->map_count, 1);
		leaf_totals_note(&totals, entry);
		__atomic_store_n(target, entry & ~ENTRY_DIRTY, __ATOMIC_RELEASE);
	}
	if (totals.entries)
		leaf_totals_add(to, target - 1, &totals);
	*start = end;
	return true;
}

err_t page_table_copy(struct page_table *to, struct page_table *from, u64 start, u64 end, u32 copy_on_write,
		      struct tlb_batch *b)
{
	struct table_stock stock = { 0 };
	err_t e = OK;
	if (to == from || start > end || end > USER_TOP || page_offset(start) || page_offset(end))
		return -EINVAL;
	while (e == OK && start < end)
		if (!copy_leaf(to, from, &start, end, copy_on_write, &stock, b))
			e = table_stock_fill(&stock);
	table_stock_drop(&stock);
	return e;
}

// One entry. False: the stock was too small.
static bool move_entry(struct page_table *t, u64 from, u64 to, struct table_stock *stock, struct tlb_batch *b)
{
	irq_guard(&t->lock);
	u64 *target = table_reach(t, to, stock);
	if (!target)
		return false;
	u64 *source = table_find(t, from);
	if (!source || !entry_is_mapped(entry_load(source)) || entry_is_mapped(entry_load(target)))
		return true;
	u64 entry;
	bool empty = leaf_clear(t, source, &entry);
	if (entry & ENTRY_PRESENT)
		batch_add_range(b, from, from + PAGE_SIZE);
	leaf_fill(t, target, entry);
	if (empty)
		table_prune(t, from, b);
	return true;
}

err_t page_table_move(struct page_table *t, u64 from, u64 to, u64 length, struct tlb_batch *b)
{
	struct table_stock stock = { 0 };
	err_t e = OK;
	u64 end = from + length;
	if (length > USER_TOP || from > USER_TOP - length || to > USER_TOP - length || page_offset(from | to | length))
		return -EINVAL;
	u64 distance = to - from;
	while (e == OK && (from = page_table_next(t, from, end)) < end) {
		if (batch_is_full(b))
			batch_flush(b);
		if (move_entry(t, from, from + distance, &stock, b))
			from += PAGE_SIZE;
		else
			e = table_stock_fill(&stock);
	}
	table_stock_drop(&stock);
	return e;
}
