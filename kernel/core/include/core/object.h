// SPDX-License-Identifier: MPL-2.0
// Objects: memory from type-stable slabs, counted references, checked down-casts.
// An object's address is used for its type only, for ever; it is zeroed before reuse.
//
//   struct inode { struct object object; ... };        // `object` is the first member
//   DECLARE_OBJECT(inode)                              // header: inode_get, inode_put, inode_auto_put
//   DEFINE_OBJECT(inode, inode_release)                // one .c file: + static inode_alloc()
//   struct inode *i object_auto(inode) = inode_alloc();
//
// A derived type has its base as the first member, named `base`:
//   struct ext2_inode { struct inode base; ... };
//   DEFINE_DERIVED(ext2_inode, inode, ext2_inode_release)
//     -> static struct ext2_inode *ext2_inode_alloc(void) owned;
//        static struct ext2_inode *ext2_inode_from_inode(struct inode *)   traps for another type
//        static bool inode_is_ext2_inode(const struct inode *)
// inode_put() on the base releases the whole: the derived release runs (it calls the base's `_fini`
// helper itself, e.g. inode_fini(&n->base)), then the memory returns to the derived type's slab.
// A base that is only ever derived from uses DEFINE_BASE(T) (no alloc, no release of its own).
//
// Release functions take the last reference: mark them `exclusive_access`. They may sleep only where
// the type says so. Reference counts saturate; a get after the last put traps.
#pragma once
#include <core/error.h>
#include <core/list.h>

struct object_type {
	core_private const char *__name;
	core_private usize __size;
	core_private void (*__release)(void *object);
	core_private struct slab_cache *__cache;
};
struct object {
	core_private const struct object_type *__type;
	core_private u32 __references;
	core_private u32 __owner;	// the account that pays for it (memory_account.h)
};
struct synchronised slab_cache {
	core_private void *__impl[28];
};

void *__object_alloc(const struct object_type *type);
// Counts of 2^31 and more are stuck; 0 is nobody's object.
void __object_get_odd(struct object *o, u32 before);
void __object_put_odd(struct object *o, u32 before);
static inline void __object_get(struct object *o)
{
	u32 before = __atomic_fetch_add(&o->__references, 1, __ATOMIC_RELAXED);

	if (__unlikely(before - 1 >= 0x7fffffffu))
		__object_get_odd(o, before);
}
static inline void __object_put(struct object *o)
{
	u32 before = __atomic_fetch_sub(&o->__references, 1, __ATOMIC_ACQ_REL);

	if (before - 2 >= 0x7ffffffeu)
		__object_put_odd(o, before);
}
// Takes a reference unless the count has already reached zero (look-ups in weak tables).
bool __object_try_get(struct object *o);
// References kept without their type (`struct object *` fields, e.g. file.private_object).
struct object *object_get(struct object *o) owned;
void object_put(struct object *o consumes);
void object_auto_put(struct object **o borrowed);
#define object_ref_auto auto_release(object_auto_put)
static inline u32 object_references(const struct object *o borrowed)
{
	return __atomic_load_n(&o->__references, __ATOMIC_RELAXED);
}
static inline const char *__object_type_name(const struct object *o) { return o->__type->__name; }

#define DECLARE_OBJECT(T)                                                                      \
	struct T *T##_get(struct T *o) owned;                                                  \
	void T##_put(struct T *o consumes);                                                    \
	void T##_auto_put(struct T **o borrowed);                                              \
	/* NULL when the last reference is already gone. */                                    \
	struct T *T##_try_get(struct T *o) owned;

#define __DEFINE_REFERENCES(T)                                                                 \
	_Static_assert(__builtin_offsetof(struct T, object) == 0, "object is the first member"); \
	struct T *T##_get(struct T *o) { __object_get(&o->object); return o; }                 \
	void T##_put(struct T *o) { __object_put(&o->object); }                                \
	void T##_auto_put(struct T **o borrowed) { if (*o) __object_put(&(*o)->object); }      \
	struct T *T##_try_get(struct T *o) { return o && __object_try_get(&o->object) ? o : NULL; }

#define __DEFINE_TYPE(T, release)                                                              \
	static void __##T##_release(void *o) { release((struct T *)o); }                       \
	static struct slab_cache __##T##_cache;                                                \
	static const struct object_type __##T##_type = { #T, sizeof(struct T), __##T##_release, &__##T##_cache }; \
	static struct T *T##_alloc(void) owned;                                                \
	maybe_unused static struct T *T##_alloc(void) { return (struct T *)__object_alloc(&__##T##_type); } \
	/* Down-cast of a reference kept as `struct object *`; traps for another type. */      \
	maybe_unused static inline struct T *T##_from_object(struct object *o)                 \
	{                                                                                      \
		if (__unlikely(o->__type != &__##T##_type))                                    \
			core_trap();                                                           \
		return (struct T *)o;                                                          \
	}

#define DEFINE_OBJECT(T, release) __DEFINE_REFERENCES(T) __DEFINE_TYPE(T, release)
#define DEFINE_BASE(T) __DEFINE_REFERENCES(T)
#define __DEFINE_DERIVED_TYPE(D, B, release)                                                   \
	_Static_assert(__builtin_offsetof(struct D, base) == 0 &&                              \
		       __builtin_types_compatible_p(__typeof__(((struct D *)0)->base), struct B), "base first"); \
	__DEFINE_TYPE(D, release)                                                              \
	maybe_unused static inline bool B##_is_##D(const struct B *b borrowed)                 \
	{                                                                                      \
		return ((const struct object *)b)->__type == &__##D##_type;                    \
	}                                                                                      \
	maybe_unused static inline struct D *D##_from_##B(struct B *b)                         \
	{                                                                                      \
		if (__unlikely(!B##_is_##D(b)))                                                \
			core_trap();                                                           \
		return (struct D *)b;                                                          \
	}
#define DEFINE_DERIVED(D, B, release)                                                          \
	__DEFINE_DERIVED_TYPE(D, B, release)                                                   \
	maybe_unused static void D##_auto_put(struct D **o borrowed) { if (*o) __object_put((struct object *)*o); }
// A derived type whose references are handled outside its .c file too: DECLARE_OBJECT(D) in the header.
#define DEFINE_DERIVED_SHARED(D, B, release)                                                   \
	__DEFINE_DERIVED_TYPE(D, B, release)                                                   \
	struct D *D##_get(struct D *o) { __object_get((struct object *)o); return o; }         \
	void D##_put(struct D *o) { __object_put((struct object *)o); }                        \
	void D##_auto_put(struct D **o borrowed) { if (*o) __object_put((struct object *)*o); } \
	struct D *D##_try_get(struct D *o) { return o && __object_try_get((struct object *)o) ? o : NULL; }

// `struct T *x object_auto(T) = T_alloc();` drops the reference at the end of the block.
#define object_auto(T) auto_release(T##_auto_put)

// --- tables of references: `DEFINE_POINTER_TABLE(file_slots, file)` -------------------------
// A fixed-length array of `struct T *` on the heap; all NULL at first (at least one).
// alloc: NULL without memory.
// Memory of tables stays with their type and size class, like that of objects.
#define TABLE_CLASS_COUNT 17
struct synchronised table_type {
	core_private const char *__name;
	core_private struct slab_cache __classes[TABLE_CLASS_COUNT]; // 64 bytes ... 4 MiB
};
void *__table_alloc(struct table_type *type, u32 count);
void __table_free(struct table_type *type, void *table);
#define DEFINE_POINTER_TABLE(N, T) \
	struct N { \
		core_private u32 __count; \
		struct T *slot[] counted_by(__count); \
	}; \
	maybe_unused static struct table_type __##N##_type = { #N, {} }; \
	maybe_unused static inline struct N *N##_alloc(u32 count) \
	{ \
		return (struct N *)__table_alloc(&__##N##_type, count); \
	} \
	maybe_unused static inline void N##_free(struct N *t consumes) \
	{ \
		if (t) \
			__table_free(&__##N##_type, t); \
	} \
	maybe_unused static inline void N##_auto_free(struct N **t borrowed) \
	{ \
		if (*t) \
			__table_free(&__##N##_type, *t); \
	} \
	maybe_unused static inline u32 N##_count(const struct N *t borrowed) { return t->__count; }
