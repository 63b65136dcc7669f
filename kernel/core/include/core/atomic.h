// SPDX-License-Identifier: MPL-2.0
// Atomic integers. Default order is sequentially consistent; `_relaxed` where only the value matters.
#pragma once
#include <core/types.h>

#define __DEFINE_ATOMIC(T, N) \
	struct synchronised N { \
		core_private T __v; \
	}; \
	static inline T N##_load(const struct N *a borrowed) { return __atomic_load_n(&a->__v, __ATOMIC_ACQUIRE); } \
	static inline T N##_load_relaxed(const struct N *a borrowed) \
	{ \
		return __atomic_load_n(&a->__v, __ATOMIC_RELAXED); \
	} \
	static inline void N##_store(struct N *a borrowed, T v) { __atomic_store_n(&a->__v, v, __ATOMIC_SEQ_CST); } \
	static inline void N##_store_relaxed(struct N *a borrowed, T v) \
	{ \
		__atomic_store_n(&a->__v, v, __ATOMIC_RELAXED); \
	} \
	/* The following return the value BEFORE the change. */ \
	static inline T N##_add(struct N *a borrowed, T v) \
	{ \
		return __atomic_fetch_add(&a->__v, v, __ATOMIC_SEQ_CST); \
	} \
	static inline T N##_sub(struct N *a borrowed, T v) \
	{ \
		return __atomic_fetch_sub(&a->__v, v, __ATOMIC_SEQ_CST); \
	} \
	static inline T N##_or(struct N *a borrowed, T v) { return __atomic_fetch_or(&a->__v, v, __ATOMIC_SEQ_CST); } \
	static inline T N##_and(struct N *a borrowed, T v) \
	{ \
		return __atomic_fetch_and(&a->__v, v, __ATOMIC_SEQ_CST); \
	} \
	static inline T N##_exchange(struct N *a borrowed, T v) \
	{ \
		return __atomic_exchange_n(&a->__v, v, __ATOMIC_SEQ_CST); \
	} \
	/* True when `expected` was there and `desired` is now. */ \
	static inline bool N##_compare_exchange(struct N *a borrowed, T expected, T desired) \
	{ \
		return __atomic_compare_exchange_n( \
			&a->__v, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	}
__DEFINE_ATOMIC(u32, atomic_u32)
__DEFINE_ATOMIC(u64, atomic_u64)
__DEFINE_ATOMIC(s64, atomic_s64)
#define ATOMIC_INIT(v) { (v) }

static inline void memory_barrier(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
