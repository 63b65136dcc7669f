// SPDX-License-Identifier: MPL-2.0
// Integer types, page geometry and the annotation vocabulary of checked C.
// Every other core header includes this one. Rules behind the words: kernel/SAFETY.md.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long s64;
typedef unsigned long usize;

#define NULL ((void *)0)
#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul
#define U32_MAX 0xffffffffu
#define U64_MAX 0xfffffffffffffffful
#define S32_MAX 0x7fffffff
#define S64_MAX 0x7fffffffffffffffl

// --- what the checker reads ------------------------------------------------------------
#define __ATTR(x) __attribute__((x))
#define __note(s) __ATTR(annotate(s))
// Field: services may not name it.
#define core_private __note("svc.private")
// Type: values live on the stack only; never a field of a heap object, a global, a return value.
#define stack_only __note("svc.stackonly")
// Type: synchronises itself; may be a mutable global or an unguarded field.
#define synchronised __note("svc.sync")
// Function: returns a reference that the caller must give up.
#define owned __note("svc.owned") __ATTR(warn_unused_result)
// Parameter: takes over the caller's reference; pass take(x) or an owned result.
#define consumes __note("svc.consumes")
// Parameter: not stored by the callee; the only way to lend the address of a local.
#define borrowed __ATTR(noescape)
// Field of a stack-only struct: may hold a pointer that was lent, and reads as lent.
#define lent_field __note("svc.lent")
// Parameter: must point to an object made of integers only (it is read or written as bytes).
#define abi_only __note("svc.abi_only")
// Function: last reference; no other thread can reach the object (release callbacks only).
#define exclusive_access __note("svc.exclusive") __ATTR(no_thread_safety_analysis)
#define auto_release(f) __ATTR(cleanup(f))
#define counted_by(f) __ATTR(counted_by(f))
#define printf_like(f, a) __ATTR(format(printf, f, a))
#define no_return __ATTR(noreturn)
#define maybe_unused __ATTR(unused)
// Function: keeps its own stack frame (frames are limited to 1,024 bytes).
#define no_inline __ATTR(noinline)
// Field may be touched only while the lock field of the same object is held.
#define GUARDED_BY(l) __ATTR(guarded_by(&l))
// Function: the caller holds the lock (`x->lock`).
#define REQUIRES(l) __ATTR(requires_capability(l))
#define REQUIRES_SHARED(l) __ATTR(requires_shared_capability(l))

#define __CAT_(a, b) a##b
#define __CAT(a, b) __CAT_(a, b)
#define __likely(x) __builtin_expect(!!(x), 1)
#define __unlikely(x) __builtin_expect(!!(x), 0)

// --- small arithmetic ------------------------------------------------------------------
#define __PICK(a, op, b, n)                                                                    \
	({                                                                                     \
		__typeof__((a) + (b)) __CAT(__a, n) = (a), __CAT(__b, n) = (b);                \
		__CAT(__a, n) op __CAT(__b, n) ? __CAT(__a, n) : __CAT(__b, n);                \
	})
#define min(a, b) __PICK(a, <, b, __COUNTER__)
#define max(a, b) __PICK(a, >, b, __COUNTER__)
// Zero; does not compile for a pointer, whose size says nothing about what it points to.
#define __array_check(a) \
	(0 * sizeof(struct { \
		_Static_assert( \
			!__builtin_types_compatible_p(__typeof__(a), __typeof__(&(a)[0])), "an array, not a pointer"); \
		int __unused; \
	}))
#define array_len(a) (sizeof(a) / sizeof((a)[0]) + __array_check(a))
// Strict element pointer: traps for an index at or past the end. `a` is an array lvalue.
#define array_ptr(a, i)                                                                        \
	({                                                                                     \
		usize __i = (i);                                                               \
		if (__unlikely(__i >= array_len(a)))                                           \
			__builtin_trap();                                                      \
		&(a)[__i];                                                                     \
	})
// Hands an auto-released reference out of its scope.
#define take(v)                                                                                \
	({                                                                                     \
		__typeof__(v) __t = (v);                                                       \
		(v) = NULL;                                                                    \
		__t;                                                                           \
	})

static inline u64 page_round_down(u64 x) { return x & ~(PAGE_SIZE - 1); }
// Wraps to 0 for values in the last page of the address range; check first.
static inline u64 page_round_up(u64 x) { return (x + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1); }
static inline u32 page_offset(u64 x) { return (u32)(x & (PAGE_SIZE - 1)); }

// Stops the current task with a back trace where the rest can be proved intact, else panics.
no_return void core_trap(void);
