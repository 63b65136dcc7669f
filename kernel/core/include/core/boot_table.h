// SPDX-License-Identifier: MPL-2.0
// A table whose length is chosen once at start-up, by the machine's memory, and that lives for ever: the buckets of
// a hash. Rows are zeroed; what is in them is synchronised by their own locks.
//
//   DEFINE_BOOT_TABLE(dentry_buckets, struct dentry_bucket);
//   static struct dentry_buckets buckets;	// dentry_buckets_make(&buckets, rows); ..._at(&buckets, hash)
#pragma once
#include <core/types.h>

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
