// SPDX-License-Identifier: MPL-2.0
// A pointer that is set once at start-up and read without a lock for ever after: tables of operations that
// a higher layer registers, objects that live as long as the machine.
//
//   DEFINE_ONCE(pressure_cell, const struct pressure_ops);
//   static struct pressure_cell pressure;             // pressure_cell_set(&pressure, &ops); ..._get(&pressure)
#pragma once
#include <core/types.h>

#define DEFINE_ONCE(N, T) \
	struct synchronised N { \
		core_private T *__value; \
	}; \
	/* NULL until it is set. */ \
	maybe_unused static inline T *N##_get(const struct N *o borrowed) \
	{ \
		return __atomic_load_n(&o->__value, __ATOMIC_ACQUIRE); \
	} \
	/* Traps when it is set already; the value must live for ever. */ \
	maybe_unused static inline void N##_set(struct N *o borrowed, T *value) \
	{ \
		T *none = NULL; \
		if (__unlikely(!__atomic_compare_exchange_n( \
			    &o->__value, &none, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))) \
			core_trap(); \
	} \
	_Static_assert(sizeof(T) > 0, "a complete type")

// A table whose length is chosen once at start-up, by the machine's memory, and that lives for ever: the buckets of
// a hash. Rows are zeroed; what is in them is synchronised by their own locks.
//
//   DEFINE_BOOT_TABLE(dentry_buckets, struct dentry_bucket);
//   static struct dentry_buckets buckets;	// dentry_buckets_make(&buckets, rows); ..._at(&buckets, hash)
// A power of two, at most *count and at most what one run of pages holds; halved while memory has no such run.
void *__boot_table_alloc(usize row_bytes, u32 *count);

#define DEFINE_BOOT_TABLE(N, T) \
	struct synchronised N { \
		core_private T *__rows; \
		core_private u32 __mask; \
	}; \
	/* Once, before any other use, on the boot processor; traps without memory for one row. */ \
	maybe_unused static inline void N##_make(struct N *t borrowed, u32 count) \
	{ \
		if (__unlikely(t->__rows)) \
			core_trap(); \
		t->__rows = (T *)__boot_table_alloc(sizeof(T), &count); \
		t->__mask = count - 1; \
	} \
	maybe_unused static inline u32 N##_count(const struct N *t borrowed) { return t->__mask + 1; } \
	/* The row of a hash, by its low bits. */ \
	maybe_unused static inline T *N##_at(struct N *t borrowed, u64 hash) \
	{ \
		if (__unlikely(!t->__rows)) \
			core_trap(); \
		return &t->__rows[hash & t->__mask]; \
	} \
	_Static_assert(sizeof(T) > 0, "a complete type")
