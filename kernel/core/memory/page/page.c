// SPDX-License-Identifier: MPL-2.0
// Data pages with references, and the core's own kernel pages.
#include <core/arch/core_memory.h>
#include <core/arch/paging.h>
#include <core/cpu.h>
#include <core/print.h>
#include "core/memory/account.h"
#include "core/memory/page/page_allocator.h"

static void (*release_hook)(struct page *p);	// immutable once registered
static struct page *zero_page;			// immutable after the first request

static u32 context_flags(u32 flags)
{
	return cpu_is_atomic() ? flags | PAGE_ALLOC_ATOMIC : flags;
}

static no_inline struct page *page_take_slow(enum page_kind kind, u32 order, u32 flags)
{
	flags = context_flags(flags);
	struct page *p = page_take(kind, order, flags);

	for (u32 attempt = 0; !p && memory_pressure_relieve(order, flags, attempt); attempt++)
		p = page_take(kind, order, flags);
	return p;
}

// Gives back what a single page is charged as.
static void page_uncharge_owner(struct page *p, enum memory_account_kind kind)
{
	u32 owner = p->__kind >> PAGE_OWNER_SHIFT;

	if (p->__kind & PAGE_OWNER_SOCKET)
		kind = MEMORY_ACCOUNT_SOCKET;
	p->__kind &= PAGE_OWNER_SOCKET - 1;
	account_uncharge(owner, PAGE_SIZE, kind);
}

static no_inline struct page *page_alloc_charged(u32 flags)
{
	bool is_socket = flags & PAGE_ALLOC_CHARGE_SOCKET;
	enum memory_account_kind kind = is_socket ? MEMORY_ACCOUNT_SOCKET : MEMORY_ACCOUNT_PAGES;
	u32 owner;

	if (!account_charge_current(PAGE_SIZE, kind, &owner))
		return NULL;
	struct page *p = page_alloc(flags & ~(u32)(PAGE_ALLOC_CHARGE | PAGE_ALLOC_CHARGE_SOCKET));

	if (!p)
		account_uncharge(owner, PAGE_SIZE, kind);
	else if (owner)
		p->__kind |= owner << PAGE_OWNER_SHIFT | (is_socket ? PAGE_OWNER_SOCKET : 0);
	return p;
}

struct page *page_alloc(u32 flags)
{
	if (flags & (PAGE_ALLOC_CHARGE | PAGE_ALLOC_CHARGE_SOCKET))
		return page_alloc_charged(flags);
	struct page *p = page_take(PAGE_KIND_DATA, 0, flags);

	if (__unlikely(!p)) {
		p = page_take_slow(PAGE_KIND_DATA, 0, flags);
		if (!p)
			return NULL;
	}
	__atomic_store_n(&p->__references, 1, __ATOMIC_RELEASE);
	if (flags & PAGE_ALLOC_ZERO)
		memory_words_zero(page_address(p), PAGE_SIZE);
	return p;
}

struct page *page_get(struct page *p)
{
	u32 before = __atomic_fetch_add(&p->__references, 1, __ATOMIC_RELAXED);

	if (__unlikely(before - 1 >= 0x7ffffffe))
		core_trap();
	return p;
}

bool page_try_get(struct page *p)
{
	u32 n = __atomic_load_n(&p->__references, __ATOMIC_RELAXED);

	while (n)
		if (__atomic_compare_exchange_n(&p->__references, &n, n + 1, 1, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	return false;
}

// The record is as new for the next owner; a page still on a list is trapped by the allocator.
static no_inline void page_release(struct page *p)
{
	if (release_hook)
		release_hook(p);
	p->mapping = NULL;
	p->index = 0;
	p->cgroup = NULL;
	atomic_u32_store_relaxed(&p->flags, 0);
	atomic_u32_store_relaxed(&p->map_count, 0);
	if (__unlikely(p->__kind >> PAGE_OWNER_SHIFT))
		page_uncharge_owner(p, MEMORY_ACCOUNT_PAGES);
	page_give(p, 0);
}

void page_put(struct page *p)
{
	u32 before = __atomic_fetch_sub(&p->__references, 1, __ATOMIC_ACQ_REL);

	if (__likely(before > 1 && before <= 0x7fffffff))
		return;
	if (__unlikely(before != 1))
		core_trap();
	page_release(p);
}

void page_auto_put(struct page **p borrowed)
{
	if (*p)
		page_put(*p);
}

u32 page_references(const struct page *p borrowed)
{
	return __atomic_load_n(&p->__references, __ATOMIC_RELAXED);
}

span_t page_span(struct page *p)
{
	return (span_t){ page_address(p), PAGE_SIZE };
}

void page_zero(struct page *p)
{
	memory_words_zero(page_address(p), PAGE_SIZE);
}

void page_copy(struct page *to, struct page *from)
{
	void *d = page_address(to);
	const void *s = page_address(from);
	usize words = PAGE_SIZE / 8;

	asm volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
}

struct page *page_zero_shared(void)
{
	struct page *p = __atomic_load_n(&zero_page, __ATOMIC_ACQUIRE), *none = NULL;

	if (__likely(p))
		return p;
	p = page_alloc(PAGE_ALLOC_ZERO);
	if (!p)
		panic("no memory for the page of zeros");
	if (!__atomic_compare_exchange_n(&zero_page, &none, p, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		page_put(p);
		return none;
	}
	return p;
}

struct page *page_run_alloc(u32 order, u32 flags)
{
	if (order > BUDDY_ORDER_MAX)
		return NULL;
	struct page *p = page_take_slow(PAGE_KIND_DATA, order, flags);

	if (!p)
		return NULL;
	p->__references = 1;
	if (flags & PAGE_ALLOC_ZERO)
		memory_words_zero(page_address(p), PAGE_SIZE << order);
	return p;
}

void page_run_free(struct page *first, u32 order)
{
	u32 before = __atomic_fetch_sub(&first->__references, 1, __ATOMIC_ACQ_REL);

	if (__unlikely(before != 1))
		core_trap();
	page_give(first, order); // traps when the run has another order
}

span_t page_run_span(struct page *first, u32 order)
{
	if (__unlikely(order > BUDDY_ORDER_MAX || first->__kind != PAGE_RUN(PAGE_KIND_DATA, order)))
		core_trap();
	return (span_t){ page_address(first), PAGE_SIZE << order };
}

void page_set_release_hook(void (*hook)(struct page *p))
{
	release_hook = hook;
}

// --- kernel pages -----------------------------------------------------------------------------

void *kernel_pages_alloc(u32 order)
{
	struct page *p = page_take(PAGE_KIND_KERNEL, order, context_flags(0));

	if (!p)
		p = page_take_slow(PAGE_KIND_KERNEL, order, PAGE_ALLOC_RECLAIM_OFF);
	if (!p)
		return NULL;
	memory_words_zero(page_address(p), PAGE_SIZE << order);
	return page_address(p);
}

void kernel_pages_free(void *pages, u32 order)
{
	page_give(page_of_frame(virtual_to_physical(pages) >> PAGE_SHIFT), order);
}

u64 core_table_page_allocate(void)
{
	void *p = kernel_pages_alloc(0);

	if (!p)
		return ~0ul;
	memory_use_add(MEMORY_USE_PAGE_TABLE, 1);
	return virtual_to_physical(p);
}

u64 core_user_table_page_allocate(void)
{
	u32 owner;

	if (!account_charge_current(PAGE_SIZE, MEMORY_ACCOUNT_PAGE_TABLE, &owner))
		return ~0ul;
	u64 physical = core_table_page_allocate();

	if (physical == ~0ul)
		account_uncharge(owner, PAGE_SIZE, MEMORY_ACCOUNT_PAGE_TABLE);
	else
		page_of_frame(physical >> PAGE_SHIFT)->__kind |= owner << PAGE_OWNER_SHIFT;
	return physical;
}

void core_table_page_free(u64 physical)
{
	struct page *p = page_of_frame(physical >> PAGE_SHIFT);

	memory_use_add(MEMORY_USE_PAGE_TABLE, -1);
	page_uncharge_owner(p, MEMORY_ACCOUNT_PAGE_TABLE);
	page_give(p, 0);
}
