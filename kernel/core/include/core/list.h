// SPDX-License-Identifier: MPL-2.0
// Typed intrusive collections. Only objects of the named type, through the named member, can be on
// them; every inconsistency traps (double insert, removal from the wrong list). The caller provides
// locking, and holds a reference for as long as an object is linked.
//
//   struct task_list { LIST_HEAD(task) ; }  is made by  DEFINE_LIST(task_list, task, sibling)
#pragma once
#include <core/types.h>

struct list_link {
	core_private void *__next, *__prev, *__owner;
};

// DEFINE_LIST needs the complete type; where a struct holds a list of its own kind, say
// DECLARE_LIST(L, T) before it and DEFINE_LIST_OPS(L, T, member) after it.
#define DEFINE_LIST(L, T, member) DECLARE_LIST(L, T) DEFINE_LIST_OPS(L, T, member)
//
// An element remembers its list. That the heads are lent (`borrowed`) hides it from the optimiser, which would take
// for granted that nothing remembers a list on the stack: what is stored and compared is the address as the
// empty statement hands it out.
static inline __ATTR(always_inline) void *__list_owner(const void *list)
{
	__asm__("" : "+r"(list) : : "memory");
	return (void *)list;
}
#define DECLARE_LIST(L, T)                                                                     \
	struct L {                                                                             \
		core_private struct T *__first, *__last;                                       \
		core_private usize __count;                                                    \
	};
#define DEFINE_LIST_OPS(L, T, member) \
	maybe_unused static inline struct T *L##_first(const struct L *l borrowed) { return l->__first; } \
	maybe_unused static inline struct T *L##_last(const struct L *l borrowed) { return l->__last; } \
	maybe_unused static inline usize L##_count(const struct L *l borrowed) { return l->__count; } \
	maybe_unused static inline bool L##_is_empty(const struct L *l borrowed) { return !l->__first; } \
	maybe_unused static inline struct T *L##_next(const struct T *e borrowed) \
	{ \
		return (struct T *)e->member.__next; \
	} \
	maybe_unused static inline struct T *L##_prev(const struct T *e borrowed) \
	{ \
		return (struct T *)e->member.__prev; \
	} \
	/* Is e on this list (in O(1))? */ \
	maybe_unused static inline bool L##_has(const struct L *l borrowed, const struct T *e borrowed) \
	{ \
		return e->member.__owner == __list_owner(l); \
	} \
	maybe_unused static inline bool L##_is_linked(const struct T *e borrowed) { return e->member.__owner; } \
	/* Inserts after `after`, or first when it is NULL. */ \
	maybe_unused static inline void L##_insert_after(struct L *l borrowed, struct T *after, struct T *e) \
	{ \
		void *owner = __list_owner(l); \
		if (__unlikely(e->member.__owner || (after && after->member.__owner != owner))) \
			core_trap(); \
		struct T *next = after ? (struct T *)after->member.__next : l->__first; \
		e->member.__owner = owner; \
		e->member.__prev = (void *)after; \
		e->member.__next = (void *)next; \
		if (after) \
			after->member.__next = (void *)e; \
		else \
			l->__first = e; \
		if (next) \
			next->member.__prev = (void *)e; \
		else \
			l->__last = e; \
		l->__count++; \
	} \
	maybe_unused static inline void L##_push(struct L *l borrowed, struct T *e) { L##_insert_after(l, NULL, e); } \
	maybe_unused static inline void L##_append(struct L *l borrowed, struct T *e) \
	{ \
		L##_insert_after(l, l->__last, e); \
	} \
	maybe_unused static inline void L##_remove(struct L *l borrowed, struct T *e) \
	{ \
		struct T *next = (struct T *)e->member.__next, *prev = (struct T *)e->member.__prev; \
		if (__unlikely(e->member.__owner != __list_owner(l))) \
			core_trap(); \
		if (prev) \
			prev->member.__next = (void *)next; \
		else \
			l->__first = next; \
		if (next) \
			next->member.__prev = (void *)prev; \
		else \
			l->__last = prev; \
		e->member = (struct list_link){ NULL, NULL, NULL }; \
		l->__count--; \
	} \
	maybe_unused static inline struct T *L##_pop(struct L *l borrowed) \
	{ \
		struct T *e = l->__first; \
		if (e) \
			L##_remove(l, e); \
		return e; \
	}

// The body must not remove `it`; to remove while walking use list_for_each_safe.
#define list_for_each(L, it, list) for (__typeof__(L##_first(list)) it = L##_first(list); it; it = L##_next(it))
#define list_for_each_safe(L, it, list)                                                        \
	for (__typeof__(L##_first(list)) it = L##_first(list), __CAT(__next_, __LINE__) = it ? L##_next(it) : NULL; \
	     it; it = __CAT(__next_, __LINE__), __CAT(__next_, __LINE__) = it ? L##_next(it) : NULL)

// --- ordered trees keyed by a u64 (duplicates allowed, later ones after earlier) -------------
struct tree_link {
	core_private struct tree_link *__left, *__right, *__parent;
	core_private u64 __key;
	core_private void *__owner;
	core_private s64 __balance;
};
struct __tree {
	struct tree_link *root;
	struct tree_link *first;
	usize count;
};
void __tree_insert(struct __tree *t, struct tree_link *e, u64 key);
void __tree_remove(struct __tree *t, struct tree_link *e);
struct tree_link *__tree_first(const struct __tree *t);
struct tree_link *__tree_last(const struct __tree *t);
struct tree_link *__tree_next(const struct tree_link *e);
struct tree_link *__tree_prev(const struct tree_link *e);
struct tree_link *__tree_at_most(const struct __tree *t, u64 key);
struct tree_link *__tree_at_least(const struct __tree *t, u64 key);

//   DEFINE_TREE(area_tree, vm_area, link): area_tree_insert(&t, a, a->start); ...
#define __TREE_ENTRY(T, member, e)                                                             \
	({                                                                                     \
		struct tree_link *__e = (e);                                                   \
		__e ? (struct T *)((u8 *)__e - __builtin_offsetof(struct T, member)) : (struct T *)NULL; \
	})
#define DEFINE_TREE(R, T, member) DECLARE_TREE(R) DEFINE_TREE_OPS(R, T, member)
#define DECLARE_TREE(R)                                                                        \
	struct R {                                                                             \
		core_private struct __tree __t;                                                \
	};
#define DEFINE_TREE_OPS(R, T, member) \
	maybe_unused static inline void R##_insert(struct R *r borrowed, struct T *e, u64 key) \
	{ \
		__tree_insert(&r->__t, &e->member, key); \
	} \
	maybe_unused static inline void R##_remove(struct R *r borrowed, struct T *e) \
	{ \
		__tree_remove(&r->__t, &e->member); \
	} \
	maybe_unused static inline bool R##_is_linked(const struct T *e borrowed) { return e->member.__owner; } \
	maybe_unused static inline bool R##_is_empty(const struct R *r borrowed) { return !r->__t.root; } \
	maybe_unused static inline usize R##_count(const struct R *r borrowed) { return r->__t.count; } \
	maybe_unused static inline u64 R##_key(const struct T *e borrowed) { return e->member.__key; } \
	maybe_unused static inline struct T *R##_first(const struct R *r borrowed) \
	{ \
		return __TREE_ENTRY(T, member, __tree_first(&r->__t)); \
	} \
	maybe_unused static inline struct T *R##_last(const struct R *r borrowed) \
	{ \
		return __TREE_ENTRY(T, member, __tree_last(&r->__t)); \
	} \
	maybe_unused static inline struct T *R##_next(const struct T *e borrowed) \
	{ \
		return __TREE_ENTRY(T, member, __tree_next(&e->member)); \
	} \
	maybe_unused static inline struct T *R##_prev(const struct T *e borrowed) \
	{ \
		return __TREE_ENTRY(T, member, __tree_prev(&e->member)); \
	} \
	/* The entry with the greatest key <= key (or least >= key); NULL if there is none. */ \
	maybe_unused static inline struct T *R##_at_most(const struct R *r borrowed, u64 key) \
	{ \
		return __TREE_ENTRY(T, member, __tree_at_most(&r->__t, key)); \
	} \
	maybe_unused static inline struct T *R##_at_least(const struct R *r borrowed, u64 key) \
	{ \
		return __TREE_ENTRY(T, member, __tree_at_least(&r->__t, key)); \
	}

// --- sparse arrays: u64 index -> struct T * (radix tree) --------------------------------------
struct __index {
	core_private void *__root;
	core_private u32 __height;
	core_private u32 __pad;
	core_private usize __count;
};
// -ENOMEM without memory for a node; a NULL value clears. No reference is taken.
s32 __index_set(struct __index *x, u64 i, void *value);
void *__index_get(const struct __index *x, u64 i);
// The first entry at or after *i; stores its place. NULL at the end.
void *__index_next(const struct __index *x, u64 *i);
void __index_clear(struct __index *x);
#define DEFINE_INDEX(X, T) \
	struct X { \
		core_private struct __index __x; \
	}; \
	maybe_unused [[nodiscard]] static inline s32 X##_set(struct X *x borrowed, u64 i, struct T *v) \
	{ \
		return __index_set(&x->__x, i, v); \
	} \
	maybe_unused static inline void X##_remove(struct X *x borrowed, u64 i) \
	{ \
		(void)__index_set(&x->__x, i, NULL); \
	} \
	maybe_unused static inline struct T *X##_at(const struct X *x borrowed, u64 i) \
	{ \
		return (struct T *)__index_get(&x->__x, i); \
	} \
	maybe_unused static inline struct T *X##_next(const struct X *x borrowed, u64 *i borrowed) \
	{ \
		return (struct T *)__index_next(&x->__x, i); \
	} \
	maybe_unused static inline usize X##_count(const struct X *x borrowed) { return x->__x.__count; } \
	/* Frees the inner nodes; the values are the caller's. */ \
	maybe_unused static inline void X##_clear(struct X *x borrowed) { __index_clear(&x->__x); }
