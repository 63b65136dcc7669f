// SPDX-License-Identifier: MPL-2.0
// The user page table object: its tree, and which processors have it loaded.
//
// Theory: four levels; table pages are made when a mapping needs them and go when their last entry
// goes (each table's page record counts its entries). The kernel's top-level slots are copied at
// creation and never change. A table page that leaves the tree may still be in some processor's walk
// cache, so it is freed with the batch, after the flush.
//
// A processor is in `cpus` from before it loads the root until after it has loaded another. A task
// without an address space runs on the table loaded before; the release of a table therefore tells
// the processors that still have it to take the kernel's own.
#include "core/arch/x86_64/paging/table.h"
#include "core/arch/x86_64/cpu/registers.h"
#include "core/arch/x86_64/paging/start.h"
#include "core/arch/x86_64/smp/flush.h"
#include <core/arch/core_memory.h>
#include <core/arch/cpu.h>
#include <core/task.h>

enum { LEVEL_TOP = 3, USER_SLOTS = ENTRY_COUNT / 2 };

exclusive_access static void page_table_release_object(struct page_table *t);
DEFINE_OBJECT(page_table, page_table_release_object)

struct page_table *page_table_create(void)
{
	struct page_table *t = page_table_alloc();
	if (!t)
		return NULL;
	t->root = core_user_table_page_allocate();
	if (t->root == ~0UL) {
		t->root = 0;
		page_table_put(t);
		return NULL;
	}
	spin_init(&t->lock, RANK_PAGE_TABLE);
	paging_copy_kernel(physical_to_virtual(t->root));
	t->pages = 1;
	return t;
}

u64 page_table_pages(const struct page_table *t)
{
	return __atomic_load_n(&t->pages, __ATOMIC_RELAXED);
}

u64 page_table_mapped(const struct page_table *t, u32 kind)
{
	return __atomic_load_n(&t->mapped[kind / PAGE_SOFT_FILE & 3], __ATOMIC_RELAXED);
}

u64 *table_find(struct page_table *t, u64 address)
{
	u64 *table = physical_to_virtual(t->root);
	for (u32 level = LEVEL_TOP; level > 0; level--) {
		u64 entry = table[level_index(address, level)];
		if (!(entry & ENTRY_PRESENT))
			return NULL;
		table = table_words(entry);
	}
	return &table[level_index(address, 0)];
}

u64 *table_reach(struct page_table *t, u64 address, struct table_stock *stock)
{
	u64 *table = physical_to_virtual(t->root);
	for (u32 level = LEVEL_TOP; level > 0; level--) {
		u64 *entry = &table[level_index(address, level)];
		if (!(*entry & ENTRY_PRESENT)) {
			if (stock->count == 0)
				return NULL;
			entry_fill(entry, stock->pages[--stock->count] | ENTRY_TABLE | ENTRY_USER);
			t->pages++;
		}
		table = table_words(*entry);
	}
	return &table[level_index(address, 0)];
}

err_t table_stock_fill(struct table_stock *stock)
{
	if (stock->count == TABLE_STOCK)
		return OK;
	u64 page = core_user_table_page_allocate();
	if (page == ~0UL)
		return -ENOMEM;
	stock->pages[stock->count++] = page;
	return OK;
}

void table_stock_drop(struct table_stock *stock)
{
	while (stock->count)
		core_table_page_free(stock->pages[--stock->count]);
}

u64 *table_next(struct page_table *t, u64 *address, u64 end)
{
	u64 at = *address;
	while (at < end) {
		u64 *table = physical_to_virtual(t->root);
		u32 level = LEVEL_TOP;
		while (level > 0 && (table[level_index(at, level)] & ENTRY_PRESENT))
			table = table_words(table[level_index(at, level--)]);
		if (level == 0) {
			*address = at;
			return &table[level_index(at, 0)];
		}
		at = (at & ~(level_size(level) - 1)) + level_size(level);
	}
	*address = end;
	return NULL;
}

void table_prune(struct page_table *t, u64 address, struct tlb_batch *b)
{
	// From the leaf up: each round takes out the lowest table if it is empty.
	for (u32 lowest = 0; lowest < LEVEL_TOP; lowest++) {
		u64 *table = physical_to_virtual(t->root), *parent = NULL;
		for (u32 level = LEVEL_TOP; level > lowest; level--) {
			parent = &table[level_index(address, level)];
			if (!(*parent & ENTRY_PRESENT))
				return;
			table = table_words(*parent);
		}
		if (atomic_u32_load_relaxed(&page_of_frame(virtual_to_physical(table) >> PAGE_SHIFT)->map_count))
			return;
		batch_add_table(b, *parent & ENTRY_ADDRESS);
		t->pages--;
		entry_clear(parent);
	}
}

static void subtree_free(u64 *table, u32 level)
{
	for (u32 i = 0; i < (level == LEVEL_TOP ? USER_SLOTS : ENTRY_COUNT); i++) {
		u64 entry = table[i];
		if (!entry_is_mapped(entry))
			continue;
		if (level == 0) {
			struct page *page = entry_page(entry);
			atomic_u32_sub(&page->map_count, 1);
			page_put(page);
			continue;
		}
		u64 *below = table_words(entry);
		subtree_free(below, level - 1);         // at most three deep
		atomic_u32_store_relaxed(&page_of_frame((entry & ENTRY_ADDRESS) >> PAGE_SHIFT)->map_count, 0);
		core_table_page_free(entry & ENTRY_ADDRESS);
	}
}

static void page_table_release_object(struct page_table *t)
{
	if (!t->root)
		return;
	flush_unload(t);
	subtree_free(physical_to_virtual(t->root), LEVEL_TOP);
	atomic_u32_store_relaxed(&page_of_frame(t->root >> PAGE_SHIFT)->map_count, 0);
	core_table_page_free(t->root);
}

static struct page_table *loaded(void)
{
	return cpu_word(struct page_table *, CPU_LOCAL_PAGE_TABLE);
}

static void load(struct page_table *t, u64 root)
{
	struct page_table *old = loaded();
	u64 bit = 1UL << arch_cpu_index();
	if (t)
		__atomic_fetch_or(&t->cpus, bit, __ATOMIC_SEQ_CST);
	cpu_word(struct page_table *, CPU_LOCAL_PAGE_TABLE) = t;
	cr3_write(root);
	if (old)
		__atomic_fetch_and(&old->cpus, ~bit, __ATOMIC_SEQ_CST);
}

void page_table_load(struct page_table *t)
{
	if (loaded() != t)
		load(t, t->root);
}

void page_table_unload(struct page_table *t)
{
	if (loaded() == t)
		load(NULL, paging_kernel_root());
}

void page_table_activate(struct page_table *t)
{
	struct task *task = arch_current_task();
	struct page_table *old = task->__page_table;
	if (t)
		(void)page_table_get(t);
	u64 flags = arch_interrupts_save();
	task->__page_table = t;
	if (t)
		page_table_load(t);
	else if (old)
		page_table_unload(old);
	arch_interrupts_restore(flags);
	if (old)
		page_table_put(old);
}

void page_table_release(struct task *task)
{
	struct page_table *old = task->__page_table;
	task->__page_table = NULL;
	if (old)
		page_table_put(old);
}
