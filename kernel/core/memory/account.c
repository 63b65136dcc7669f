// SPDX-License-Identifier: MPL-2.0
// Accounts of kernel memory.
//
// Theory: an allocation's header has room for the number of the account that paid. Groups count pages, allocations are
// bytes: each CPU has a stock of bytes of one account, whole pages of which are charged already, so that most charges touch
// this CPU's stock only. Bytes that come back to another account's stock are `loose`: they gather in the account until
// they make whole pages. So of every account
//	pages charged to the group = bytes in use + bytes in stocks + loose bytes,
// and when the last allocation is gone and the stocks have been emptied, the loose bytes are exactly the pages left.
//
// Bytes in use by kind travel the same way, as differences. Differences are told to the group before the bytes go back, so
// while somebody tells, something is still charged and the group is held. The reference is taken when the first page
// is charged and dropped with the last one: by a kernel thread if it may be the group's last, since that runs its release.
#include <core/arch/core_memory.h>
#include <core/lock.h>
#include <core/print.h>
#include <core/work.h>
#include "core/memory/account.h"
#include "core/memory/page/page_allocator.h"

enum {
	ACCOUNTS_PER_CHUNK = 32,
	CHUNK_COUNT = 4096,
	BATCH_PAGES = 4,
	STOCK_BYTES_MAX = 8 * PAGE_SIZE,
	LOOSE_BYTES_MAX = 4 * PAGE_SIZE,
};

struct account {
	struct object *group;		// guarded by table_lock; NULL: free
	s64 pages;			// atomic
	s64 loose;			// atomic
	s64 delta[MEMORY_ACCOUNT_KIND_COUNT];	// atomic
	struct account *next;		// guarded by table_lock: free ones, or those with drops
	u32 number;			// immutable
	u32 is_retired;			// atomic
	u32 drops;			// atomic: references to be dropped by the kernel thread
	u32 pad;
};
_Static_assert(sizeof(struct account) * ACCOUNTS_PER_CHUNK <= PAGE_SIZE, "a chunk is a page");

struct stock {
	struct spinlock lock;
	u32 account;			// guarded by lock, as is the rest; 0: none
	s64 bytes;
	s64 delta[MEMORY_ACCOUNT_KIND_COUNT];
} __attribute__((aligned(64)));

static struct stock stocks[ARCH_CPU_MAX] = { [0 ... ARCH_CPU_MAX - 1] = { .lock = SPINLOCK_INIT(RANK_IRQ_LEAF) } };
static struct spinlock table_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);
static struct account *chunks[CHUNK_COUNT];	// atomic; set once each
static u32 chunk_count;				// guarded by table_lock, as are the following
static struct account *free_accounts;
static struct account *to_drop;
static const struct memory_account_ops *account_ops; // immutable once registered

struct account_dropper {
	struct work base;
};
static void account_dropper_release(struct account_dropper *d)
{
	(void)d;
}
DEFINE_DERIVED(account_dropper, work, account_dropper_release)
static struct account_dropper *dropper;		// immutable once registered

static struct account *account_of(u32 number)
{
	return &__atomic_load_n(&chunks[number / ACCOUNTS_PER_CHUNK], __ATOMIC_ACQUIRE)[number % ACCOUNTS_PER_CHUNK];
}

// A reference, or NULL when the group is gone.
static struct object *account_group(struct account *a)
{
	irq_guard(&table_lock);
	return a->group && __object_try_get(a->group) ? a->group : NULL;
}

static void drop_all(struct work *w)
{
	(void)w;
	for (;;) {
		struct object *group;
		u32 drops;
		{
			irq_guard(&table_lock);
			struct account *a = to_drop;

			if (!a)
				return;
			to_drop = a->next;
			a->next = NULL;
			group = a->group;
			drops = __atomic_exchange_n(&a->drops, 0, __ATOMIC_ACQ_REL);
		}
		while (drops--)
			object_put(group);
	}
}

// Drops a reference without ever running a release here.
static void group_drop(struct account *a, struct object *group)
{
	u32 n = object_references(group);

	while (n > 1)
		if (__atomic_compare_exchange_n(&group->__references, &n, n - 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return;
	{
		irq_guard(&table_lock);
		if (__atomic_fetch_add(&a->drops, 1, __ATOMIC_ACQ_REL))
			return;
		a->next = to_drop;
		to_drop = a;
	}
	work_schedule(&dropper->base);
}

// --- giving back -----------------------------------------------------------------------------------

static void pages_return(struct account *a, s64 pages)
{
	struct object *group = a->group;	// held: these pages are charged

	account_ops->uncharge(group, (u64)pages);
	if (!__atomic_sub_fetch(&a->pages, pages, __ATOMIC_ACQ_REL))
		group_drop(a, group);
}

static void bytes_return(struct account *a, s64 bytes)
{
	s64 limit = __atomic_load_n(&a->is_retired, __ATOMIC_ACQUIRE) ? PAGE_SIZE : LOOSE_BYTES_MAX;
	s64 loose = __atomic_add_fetch(&a->loose, bytes, __ATOMIC_ACQ_REL);

	while (loose >= limit)
		if (__atomic_compare_exchange_n(&a->loose, &loose, loose % PAGE_SIZE, 0, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED)) {
			pages_return(a, loose / PAGE_SIZE);
			return;
		}
}

static void deltas_tell(struct account *a)
{
	for (u32 kind = 0; kind < MEMORY_ACCOUNT_KIND_COUNT; kind++) {
		s64 bytes = __atomic_load_n(&a->delta[kind], __ATOMIC_RELAXED);

		if (bytes)
			bytes = __atomic_exchange_n(&a->delta[kind], 0, __ATOMIC_ACQ_REL);
		if (bytes)
			account_ops->count(a->group, kind, bytes);
	}
}

static void delta_add(struct account *a, enum memory_account_kind kind, s64 bytes)
{
	s64 now = __atomic_add_fetch(&a->delta[kind], bytes, __ATOMIC_ACQ_REL);

	if (now > LOOSE_BYTES_MAX || now < -LOOSE_BYTES_MAX || __atomic_load_n(&a->is_retired, __ATOMIC_ACQUIRE))
		deltas_tell(a);
}

// What was in a stock; the lock is not held.
static void stock_return(const struct stock *old)
{
	if (!old->account)
		return;
	struct account *a = account_of(old->account);

	for (u32 kind = 0; kind < MEMORY_ACCOUNT_KIND_COUNT; kind++)
		if (old->delta[kind])
			__atomic_add_fetch(&a->delta[kind], old->delta[kind], __ATOMIC_ACQ_REL);
	if (!old->bytes)
		return;
	deltas_tell(a);
	bytes_return(a, old->bytes);
}

static void stock_clear(struct stock *s)
{
	s->account = 0;
	s->bytes = 0;
	for (u32 kind = 0; kind < MEMORY_ACCOUNT_KIND_COUNT; kind++)
		s->delta[kind] = 0;
}

// --- charging ----------------------------------------------------------------------------------------

static bool stock_take(u32 number, s64 bytes, enum memory_account_kind kind)
{
	u64 saved = arch_interrupts_save();
	struct stock *s = &stocks[arch_cpu_index()];

	spin_lock(&s->lock);
	bool fits = s->account == number && s->bytes >= bytes;

	if (__likely(fits)) {
		s->bytes -= bytes;
		s->delta[kind] += bytes;
	}
	spin_unlock(&s->lock);
	arch_interrupts_restore(saved);
	return fits;
}

// `bytes` of what was charged are in use, the rest goes to this CPU's stock.
static void stock_install(struct account *a, s64 charged, s64 bytes, enum memory_account_kind kind)
{
	struct stock old = { .account = 0 };
	u64 saved = arch_interrupts_save();
	struct stock *s = &stocks[arch_cpu_index()];

	spin_lock(&s->lock);
	bool is_retired = __atomic_load_n(&a->is_retired, __ATOMIC_ACQUIRE);

	if (!is_retired) {
		if (s->account != a->number) {
			old = *s;
			stock_clear(s);
			s->account = a->number;
		}
		s->bytes += charged - bytes;
		s->delta[kind] += bytes;
	}
	spin_unlock(&s->lock);
	arch_interrupts_restore(saved);
	stock_return(&old);
	if (is_retired) {
		delta_add(a, kind, bytes);
		bytes_return(a, charged - bytes);
	}
}

static no_inline bool account_refill(u32 number, usize bytes, enum memory_account_kind kind, u32 *owner)
{
	struct account *a = account_of(number);
	struct object *group = account_group(a);

	if (!group)
		return true;	// the task has moved, and its old group is gone: nobody pays
	u64 need = page_round_up(bytes) >> PAGE_SHIFT;
	bool is_single = __atomic_load_n(&a->is_retired, __ATOMIC_ACQUIRE);
	u64 pages = account_ops->charge(group, need, is_single ? need : need + BATCH_PAGES);

	// The first page takes over the reference.
	if (!pages || __atomic_fetch_add(&a->pages, (s64)pages, __ATOMIC_ACQ_REL))
		group_drop(a, group);
	if (!pages)
		return false;
	stock_install(a, (s64)(pages << PAGE_SHIFT), (s64)bytes, kind);
	*owner = number;
	return true;
}

bool account_charge(u32 account, usize bytes, enum memory_account_kind kind, u32 *owner)
{
	if (!stock_take(account, (s64)bytes, kind))
		return account_refill(account, bytes, kind, owner);
	*owner = account;
	return true;
}

void account_uncharge_owner(u32 owner, usize bytes, enum memory_account_kind kind)
{
	s64 excess = 0;
	u64 saved = arch_interrupts_save();
	struct stock *s = &stocks[arch_cpu_index()];

	spin_lock(&s->lock);
	bool is_ours = s->account == owner;

	if (is_ours) {
		s->bytes += (s64)bytes;
		s->delta[kind] -= (s64)bytes;
		if (s->bytes > STOCK_BYTES_MAX) {
			excess = (s64)page_round_down((u64)s->bytes - STOCK_BYTES_MAX / 2);
			s->bytes -= excess;
		}
	}
	spin_unlock(&s->lock);
	arch_interrupts_restore(saved);
	struct account *a = account_of(owner);

	if (excess)
		pages_return(a, excess >> PAGE_SHIFT);
	if (is_ours)
		return;
	delta_add(a, kind, -(s64)bytes);
	bytes_return(a, (s64)bytes);
}

// --- accounts ------------------------------------------------------------------------------------------

void memory_account_register(const struct memory_account_ops *ops)
{
	dropper = account_dropper_alloc();
	if (!dropper)
		panic("no memory for accounts");
	dropper->base.run = drop_all;
	__atomic_store_n(&account_ops, ops, __ATOMIC_RELEASE);
}

// False when there are enough.
static bool accounts_add(struct account *chunk)
{
	irq_guard(&table_lock);
	if (free_accounts || chunk_count == CHUNK_COUNT)
		return false;
	for (u32 i = 0; i < ACCOUNTS_PER_CHUNK; i++) {
		chunk[i].number = chunk_count * ACCOUNTS_PER_CHUNK + i;
		if (!chunk[i].number)
			continue;	// nobody's
		chunk[i].next = free_accounts;
		free_accounts = &chunk[i];
	}
	__atomic_store_n(&chunks[chunk_count++], chunk, __ATOMIC_RELEASE);
	return true;
}

// A chunk of accounts more. False without memory, or when there are enough.
static bool accounts_grow(void)
{
	struct account *chunk = kernel_pages_alloc(0);

	if (!chunk)
		return false;
	bool is_used = accounts_add(chunk);

	if (is_used)
		memory_use_add(MEMORY_USE_SLAB, 1);
	else
		kernel_pages_free(chunk, 0);
	irq_guard(&table_lock);
	return free_accounts;
}

u32 memory_account_open(struct object *group)
{
	for (;;) {
		{
			irq_guard(&table_lock);
			struct account *a = free_accounts;

			if (a) {
				free_accounts = a->next;
				a->next = NULL;
				a->group = group;
				__atomic_store_n(&a->is_retired, 0, __ATOMIC_RELEASE);
				return a->number;
			}
		}
		if (!accounts_grow())
			return 0;
	}
}

// Empties the stocks of every CPU of one account.
static void stocks_empty(u32 number)
{
	for (u32 i = 0; i < ARCH_CPU_MAX; i++) {
		struct stock old = { .account = 0 };
		{
			irq_guard(&stocks[i].lock);
			if (stocks[i].account == number) {
				old = stocks[i];
				stock_clear(&stocks[i]);
			}
		}
		stock_return(&old);
	}
}

void memory_account_retire(u32 account)
{
	if (!account)
		return;
	struct account *a = account_of(account);

	__atomic_store_n(&a->is_retired, 1, __ATOMIC_SEQ_CST);
	stocks_empty(account);
	deltas_tell(a);
	bytes_return(a, 0);	// what is loose
}

void memory_account_close(u32 account)
{
	if (!account)
		return;
	struct account *a = account_of(account);

	irq_guard(&table_lock);
	a->group = NULL;
	if (__atomic_load_n(&a->pages, __ATOMIC_ACQUIRE) || __atomic_load_n(&a->loose, __ATOMIC_ACQUIRE))
		return;		// never: charges hold the group. Its number is not used again
	a->next = free_accounts;
	free_accounts = a;
}

void memory_account_flush(u32 account)
{
	if (!account)
		return;
	struct account *a = account_of(account);

	for (u32 i = 0; i < ARCH_CPU_MAX; i++) {
		irq_guard(&stocks[i].lock);
		for (u32 kind = 0; kind < MEMORY_ACCOUNT_KIND_COUNT && stocks[i].account == account; kind++) {
			__atomic_add_fetch(&a->delta[kind], stocks[i].delta[kind], __ATOMIC_ACQ_REL);
			stocks[i].delta[kind] = 0;
		}
	}
	deltas_tell(a);
}

void task_set_memory_account(struct task *t borrowed, u32 account)
{
	__atomic_store_n(&t->__account, account, __ATOMIC_RELAXED);
}

// A count beside the account, which may change meanwhile: the task may be moved to another group.
void memory_account_suspend(void)
{
	struct task *t = arch_current_task();

	if (t)
		t->__account_suspended++;
}

void memory_account_resume(void)
{
	struct task *t = arch_current_task();

	if (t)
		t->__account_suspended--;
}

void memory_account_borrow(const struct object *like borrowed)
{
	struct task *t = arch_current_task();

	if (t)
		t->__account_borrowed = like->__owner ? like->__owner : ACCOUNT_NOBODY;
}

void memory_account_return(void)
{
	struct task *t = arch_current_task();

	if (t)
		t->__account_borrowed = 0;
}

bool memory_account_is_borrowed(void)
{
	const struct task *t = arch_current_task();

	return t && t->__account_borrowed;
}

struct object *memory_object_payer(const struct object *o borrowed)
{
	return o->__owner ? account_of(o->__owner)->group : NULL;
}
