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
