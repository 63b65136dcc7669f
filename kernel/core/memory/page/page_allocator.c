// SPDX-License-Identifier: MPL-2.0
// The physical allocator.
//
// Theory: page records form one array indexed by frame number, in the direct map. Single pages come
// from a stock of this CPU, touched with interrupts off and without a lock; stocks are filled from and
// emptied into the buddy in batches. Runs go to the buddy directly. A small part of memory is kept
// for requests that cannot wait (interrupts, reclaim itself).
#include <core/arch/boot_info.h>
#include <core/arch/core_memory.h>
#include <core/arch/cpu.h>
#include <core/arch/paging.h>
#include <core/lock.h>
#include <core/memory.h>
#include <core/print.h>
#include "core/memory/page/page_allocator.h"

enum {
	STOCK_SIZE = 64,
	STOCK_BATCH = 32,
	RESERVE_DIVISOR = 512,
	KERNEL_SHARE_DIVISOR = 8,
};

struct page_stock {
	u32 count;
	struct page *pages[STOCK_SIZE];
} __attribute__((aligned(64)));

static struct spinlock allocator_lock = SPINLOCK_INIT(RANK_PAGE_ALLOCATOR);
static struct buddy buddy;				// guarded by allocator_lock
static struct page_stock stocks[ARCH_CPU_MAX][PAGE_KIND_COUNT]; // this CPU only, interrupts off
static u64 reserve_pages;				// immutable after memory_init
static u64 total_pages, reserved_pages;			// guarded by allocator_lock
static s64 uses[MEMORY_USE_COUNT];			// atomic

#ifdef CONFIG_DEBUG
static s64 fail_countdown;				// atomic

void memory_fail_after(u64 allocations)
{
	__atomic_store_n(&fail_countdown, (s64)allocations, __ATOMIC_RELAXED);
}

bool memory_should_fail(void)
{
	if (__likely(__atomic_load_n(&fail_countdown, __ATOMIC_RELAXED) <= 0))
		return false;
	return __atomic_fetch_sub(&fail_countdown, 1, __ATOMIC_RELAXED) == 1;
}
#endif

void *page_address(const struct page *p)
{
	return physical_to_virtual((u64)(p - buddy.records) << PAGE_SHIFT);
}

bool page_frame_exists(u64 frame)
{
	return frame < buddy.frame_count;
}

struct page *page_of_frame(u64 frame)
{
	if (__unlikely(frame >= buddy.frame_count))
		core_trap();
	return buddy.records + frame;
}

u64 page_frame_number(const struct page *p)
{
	return (u64)(p - buddy.records);
}

u64 page_dma_address(const struct page *p)
{
	return page_frame_number(p) << PAGE_SHIFT;
}

void memory_words_zero(void *to, usize bytes)
{
	usize words = bytes / 8;

	asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0ul) : "memory");
}

// --- start-up ---------------------------------------------------------------------------------

// Cuts `bytes` off the end of the largest free range that the direct map covers; 0 if none has room.
static u64 early_take(struct boot_range *ranges, u32 count, u64 bytes)
{
	struct boot_range *best = NULL;

	for (u32 i = 0; i < count; i++)
		if (!best || ranges[i].end - ranges[i].start > best->end - best->start)
			best = &ranges[i];
	if (!best || best->end - best->start < bytes)
		return 0;
	best->end -= bytes;
	return best->end;
}

void memory_init(void)
{
	static struct boot_range ranges[BOOT_RANGE_MAX];
	const struct boot_info *info = boot_info();
	u64 frames = info->memory_end >> PAGE_SHIFT;
	u64 blocks = (frames + 511) >> BUDDY_BLOCK_ORDER;
	u64 bytes = page_round_up(frames * sizeof(struct page)) + page_round_up(blocks);

	for (u32 i = 0; i < info->free_count; i++)
		ranges[i] = info->free[i];
	u64 at = early_take(ranges, info->free_count, bytes);

	if (!at)
		panic("not enough memory for %lu page records", frames);
	u8 *records = physical_to_virtual(at);

	memory_words_zero(records, bytes);
	u8 *kinds = records + page_round_up(frames * sizeof(struct page));

	buddy_init(&buddy, (struct page *)(void *)records, frames, kinds);
	for (u32 i = 0; i < info->free_count; i++) {
		buddy_add(&buddy, ranges[i].start >> PAGE_SHIFT, ranges[i].end >> PAGE_SHIFT);
		total_pages += (ranges[i].end - ranges[i].start) >> PAGE_SHIFT;
	}
	reserved_pages = (info->memory_bytes >> PAGE_SHIFT) - total_pages;
	reserve_pages = max(64ul, total_pages / RESERVE_DIVISOR);
	buddy.kernel_blocks_min = (total_pages >> BUDDY_BLOCK_ORDER) / KERNEL_SHARE_DIVISOR;
}

void memory_add_range(u64 start, u64 end)
{
	irq_guard(&allocator_lock);
	start = page_round_up(start) >> PAGE_SHIFT;
	end >>= PAGE_SHIFT;
	if (start >= end)
		return;
	buddy_add(&buddy, start, end);
	total_pages += end - start;
	reserved_pages -= min(reserved_pages, end - start);
}

// --- taking and giving ----------------------------------------------------------------------------

static u64 frame_limit(u32 flags)
{
	return flags & PAGE_ALLOC_DMA32 ? 1ul << 20 : U64_MAX;
}

static bool may_use_reserve(u32 flags)
{
	return flags & (PAGE_ALLOC_ATOMIC | PAGE_ALLOC_RECLAIM_OFF);
}

static u64 free_pages_locked(void)
{
	return buddy.free_pages[PAGE_KIND_NONE] + buddy.free_pages[PAGE_KIND_KERNEL] + buddy.free_pages[PAGE_KIND_DATA];
}

// Interrupts are off. Leaves the stock empty when memory is short.
static no_inline void stock_fill(struct page_stock *s, enum page_kind kind, u32 flags)
{
	spin_lock(&allocator_lock);
	u64 keep = may_use_reserve(flags) ? 0 : reserve_pages;
	u32 want = free_pages_locked() > keep + STOCK_BATCH ? STOCK_BATCH : 1;

	if (free_pages_locked() > keep) {
		while (s->count < want) {
			struct page *p = buddy_take(&buddy, kind, 0, U64_MAX);

			if (!p)
				break;
			s->pages[s->count++] = p;
		}
	}
	spin_unlock(&allocator_lock);
}

static struct page *single_take(enum page_kind kind, u32 flags)
{
	u64 saved = arch_interrupts_save();
	struct page_stock *s = &stocks[arch_cpu_index()][kind];
	struct page *p = NULL;

	if (__unlikely(!s->count))
		stock_fill(s, kind, flags);
	if (__likely(s->count))
		p = s->pages[--s->count];
	arch_interrupts_restore(saved);
	return p;
}

static no_inline struct page *run_take(enum page_kind kind, u32 order, u32 flags)
{
	irq_guard(&allocator_lock);
	if (free_pages_locked() < (1ul << order) + (may_use_reserve(flags) ? 0 : reserve_pages))
		return NULL;
	return buddy_take(&buddy, kind, order, frame_limit(flags));
}

struct page *page_take(enum page_kind kind, u32 order, u32 flags)
{
	if (memory_should_fail())
		return NULL;
	if (__likely(!order && !(flags & PAGE_ALLOC_DMA32)))
		return single_take(kind, flags);
	return run_take(kind, order, flags);
}

static no_inline void stock_empty(struct page_stock *s)
{
	spin_lock(&allocator_lock);
	while (s->count > STOCK_SIZE - STOCK_BATCH)
		buddy_give(&buddy, s->pages[--s->count], 0);
	spin_unlock(&allocator_lock);
}

static no_inline void run_give(struct page *first, u32 order)
{
	irq_guard(&allocator_lock);
	buddy_give(&buddy, first, order);
}

void page_give(struct page *first, u32 order)
{
	if (order) {
		run_give(first, order);
		return;
	}
	u64 saved = arch_interrupts_save();
	u32 kind = first->__kind;

	if (__unlikely(kind != PAGE_KIND_KERNEL && kind != PAGE_KIND_DATA))
		core_trap();
	struct page_stock *s = &stocks[arch_cpu_index()][kind];

	if (__unlikely(s->count == STOCK_SIZE))
		stock_empty(s);
	s->pages[s->count++] = first;
	arch_interrupts_restore(saved);
}

void memory_use_add(enum memory_use use, s64 pages)
{
	__atomic_fetch_add(&uses[use], pages, __ATOMIC_RELAXED);
}

struct page_counts page_counts_read(void)
{
	struct page_counts c = { 0 };
	u64 stocked = 0, stocked_data = 0;

	for (u32 i = 0; i < ARCH_CPU_MAX; i++) {
		stocked_data += stocks[i][PAGE_KIND_DATA].count;
		stocked += stocks[i][PAGE_KIND_KERNEL].count;
	}
	irq_guard(&allocator_lock);
	c.total = total_pages;
	c.reserved = reserved_pages;
	c.free = free_pages_locked() + stocked + stocked_data;
	c.data = buddy.typed_blocks[PAGE_KIND_DATA] << BUDDY_BLOCK_ORDER;
	c.data -= buddy.free_pages[PAGE_KIND_DATA] + stocked_data;
	return c;
}

struct memory_totals memory_read_totals(void)
{
	struct page_counts c = page_counts_read();

	return (struct memory_totals){
		.total_pages = c.total,
		.free_pages = c.free,
		.data_pages = c.data,
		.reserved_pages = c.reserved,
		.slab_pages = (u64)__atomic_load_n(&uses[MEMORY_USE_SLAB], __ATOMIC_RELAXED),
		.stack_pages = (u64)__atomic_load_n(&uses[MEMORY_USE_STACK], __ATOMIC_RELAXED),
		.page_table_pages = (u64)__atomic_load_n(&uses[MEMORY_USE_PAGE_TABLE], __ATOMIC_RELAXED),
		.buffer_pages = (u64)__atomic_load_n(&uses[MEMORY_USE_BUFFER], __ATOMIC_RELAXED),
	};
}
