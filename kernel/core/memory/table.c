// SPDX-License-Identifier: MPL-2.0
// Tables of references: a slab cache for each type of table and power of two, so that the memory of a
// table is for ever a table of its type and at least as long as any count ever found in it.
#include <core/arch/core_memory.h>
#include <core/object.h>
#include "core/memory/account.h"
#include "core/memory/slab/slab.h"

enum { TABLE_CLASS_SHIFT_MIN = 6 };

struct table {
	u32 count;
	u32 owner;	// the account that pays
	void *slot[];
};

static u32 table_class(u32 count)
{
	usize bytes = sizeof(struct table) + (usize)count * sizeof(void *);
	u32 shift = bytes <= 64 ? TABLE_CLASS_SHIFT_MIN : 64 - (u32)__builtin_clzl(bytes - 1);

	return shift - TABLE_CLASS_SHIFT_MIN;
}

void *__table_alloc(struct table_type *type, u32 count)
{
	count = max(count, 1u);
	u32 class = table_class(count);

	if (class >= TABLE_CLASS_COUNT)
		return NULL;
	u32 owner;

	if (!account_charge_current(64ul << class, MEMORY_ACCOUNT_SLAB, &owner))
		return NULL;
	struct table *t = slab_alloc(&type->__classes[class], type->__name, 64ul << class);

	if (!t) {
		account_uncharge(owner, 64ul << class, MEMORY_ACCOUNT_SLAB);
		return NULL;
	}
	t->count = count;
	t->owner = owner;
	return t;
}

void __table_free(struct table_type *type, void *table)
{
	struct table *t = table;
	u32 count = __atomic_exchange_n(&t->count, 0, __ATOMIC_ACQ_REL);

	if (__unlikely(!count))
		core_trap(); // freed twice
	u32 class = table_class(count);

	account_uncharge(t->owner, 64ul << class, MEMORY_ACCOUNT_SLAB);
	// Each unit that uses a type of table has caches of its own; this one may be new to the size. Without
	// memory for its records the table is lost, which harms nothing else.
	if (slab_make_ready(&type->__classes[class], type->__name, 64ul << class))
		slab_free(&type->__classes[class], t);
}
