// SPDX-License-Identifier: MPL-2.0
// Counted references over type-stable slabs. A count that reaches 2^31 stays there: the object is
// never freed, which is safe; a get after the last put traps.
#include <core/arch/core_memory.h>
#include <core/object.h>
#include "core/memory/account.h"

#define REFERENCES_SATURATED 0x80000000u
#define REFERENCES_STUCK 0xc0000000u

void *__object_alloc(const struct object_type *type)
{
	u32 owner;

	if (__unlikely(!account_charge_current(type->__size, MEMORY_ACCOUNT_SLAB, &owner)))
		return NULL;
	struct object *o = slab_alloc(type->__cache, type->__name, type->__size);

	if (__unlikely(!o)) {
		account_uncharge(owner, type->__size, MEMORY_ACCOUNT_SLAB);
		return NULL;
	}
	o->__type = type;
	o->__owner = owner;
	__atomic_store_n(&o->__references, 1, __ATOMIC_RELEASE);
	return o;
}

void __object_get_odd(struct object *o, u32 before)
{
	if (!before)
		core_trap();
	__atomic_store_n(&o->__references, REFERENCES_STUCK, __ATOMIC_RELAXED);
}

static void object_release(struct object *o)
{
	const struct object_type *type = o->__type;

	type->__release(o);
	u32 owner = o->__owner;

	slab_free(type->__cache, o);
	account_uncharge(owner, type->__size, MEMORY_ACCOUNT_SLAB);
}

void __object_put_odd(struct object *o, u32 before)
{
	if (before == 1)
		object_release(o);
	else if (!before)
		core_trap();
	else
		__atomic_store_n(&o->__references, REFERENCES_STUCK, __ATOMIC_RELAXED);
}

bool __object_try_get(struct object *o)
{
	u32 n = __atomic_load_n(&o->__references, __ATOMIC_RELAXED);

	while (n && n < REFERENCES_SATURATED - 1)
		if (__atomic_compare_exchange_n(&o->__references, &n, n + 1, 1, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	return n;
}

struct object *object_get(struct object *o)
{
	__object_get(o);
	return o;
}

void object_put(struct object *o)
{
	__object_put(o);
}

void object_auto_put(struct object **o borrowed)
{
	if (*o)
		__object_put(*o);
}
