// SPDX-License-Identifier: MPL-2.0
// Sparse arrays: a radix tree with 64 places a node. Height 0 holds at most the entry 0, in the root
// itself; a tree of height h covers the indices below 64^h. Empty nodes are freed at once.
#include <core/arch/core_memory.h>
#include <core/error.h>
#include <core/list.h>
#include "core/memory/account.h"

enum {
	NODE_SHIFT = 6,
	NODE_SLOTS = 1 << NODE_SHIFT,
	HEIGHT_MAX = 11,	// 66 bits
};

struct index_node {
	u64 used;	// a bit for each slot that is not NULL
	void *slot[NODE_SLOTS];
	u32 owner;	// the account that pays
};

static struct slab_cache node_cache;

static void node_set(struct index_node *n, u32 slot, void *value)
{
	n->slot[slot] = value;
	if (value)
		n->used |= 1ul << slot;
	else
		n->used &= ~(1ul << slot);
}

static struct index_node *node_alloc(void)
{
	u32 owner;

	if (!account_charge_current(sizeof(struct index_node), MEMORY_ACCOUNT_SLAB, &owner))
		return NULL;
	struct index_node *n = slab_alloc(&node_cache, "index_node", sizeof(struct index_node));

	if (n)
		n->owner = owner;
	else
		account_uncharge(owner, sizeof(struct index_node), MEMORY_ACCOUNT_SLAB);
	return n;
}

static void node_free(struct index_node *n)
{
	account_uncharge(n->owner, sizeof(struct index_node), MEMORY_ACCOUNT_SLAB);
	slab_free(&node_cache, n);
}

static bool index_covers(const struct __index *x, u64 i)
{
	u32 bits = x->__height * NODE_SHIFT;

	return bits >= 64 || !(i >> bits);
}

static u32 slot_of(u64 i, u32 level)
{
	return (u32)(i >> (level * NODE_SHIFT)) & (NODE_SLOTS - 1);
}

void *__index_get(const struct __index *x, u64 i)
{
	void *p = x->__root;

	if (!index_covers(x, i))
		return NULL;
	for (u32 level = x->__height; level && p; level--)
		p = ((struct index_node *)p)->slot[slot_of(i, level - 1)];
	return p;
}

// Adds levels until `i` is covered.
static err_t index_raise(struct __index *x, u64 i)
{
	while (!index_covers(x, i)) {
		if (x->__root) {
			struct index_node *n = node_alloc();

			if (!n)
				return (err_t)-ENOMEM;
			node_set(n, 0, x->__root);
			x->__root = n;
		}
		x->__height++;
	}
	return OK;
}

// path[level] is the node whose slots are chosen by digit `level`, NULL where none was made; empty ones go, from below.
static void index_free_path(struct __index *x, struct index_node **path, u64 i)
{
	for (u32 level = 0; level < x->__height; level++) {
		struct index_node *n = path[level];

		if (!n)
			continue;
		if (n->used)
			break;
		node_free(n);
		if (level + 1 == x->__height)
			x->__root = NULL;
		else
			node_set(path[level + 1], slot_of(i, level + 1), NULL);
	}
	if (!x->__root)
		x->__height = 0;
}

static void index_remove(struct __index *x, u64 i)
{
	struct index_node *path[HEIGHT_MAX + 1] = { NULL };
	void *p = x->__root;

	if (!index_covers(x, i) || !p)
		return;
	for (u32 level = x->__height; level; level--) {
		struct index_node *n = p;

		path[level - 1] = n;
		p = n->slot[slot_of(i, level - 1)];
		if (!p)
			return;
	}
	x->__count--;
	if (!x->__height) {
		x->__root = NULL;
		return;
	}
	node_set(path[0], slot_of(i, 0), NULL);
	index_free_path(x, path, i);
}

// The node of `level` on the way to i, made when there is none; `parent` is NULL for the uppermost.
static struct index_node *node_obtain(struct __index *x, struct index_node *parent, u64 i, u32 level)
{
	struct index_node *n = parent ? parent->slot[slot_of(i, level)] : x->__root;

	if (n)
		return n;
	n = node_alloc();
	if (n && parent)
		node_set(parent, slot_of(i, level), n);
	else if (n)
		x->__root = n;
	return n;
}

static err_t index_insert(struct __index *x, u64 i, void *value)
{
	struct index_node *path[HEIGHT_MAX + 1] = { NULL }, *parent = NULL;
	err_t e = index_raise(x, i);

	for (u32 level = x->__height; level && e == OK; level--) {
		path[level - 1] = node_obtain(x, parent, i, level);
		if (path[level - 1])
			parent = path[level - 1];
		else
			e = (err_t)-ENOMEM;
	}
	if (e != OK) {
		index_free_path(x, path, i);	// what was made so far and stayed empty
		return e;
	}
	if (!(parent ? parent->slot[slot_of(i, 0)] : x->__root))
		x->__count++;
	if (parent)
		node_set(parent, slot_of(i, 0), value);
	else
		x->__root = value;
	return OK;
}

s32 __index_set(struct __index *x, u64 i, void *value)
{
	if (value)
		return index_insert(x, i, value);
	index_remove(x, i);
	return OK;
}

// The first value below `n` (of height `level`, at least 1) at or after *i; *i is relative to the node's start.
static void *node_next(const struct index_node *n, u32 level, u64 *i)
{
	u32 shift = (level - 1) * NODE_SHIFT, first = (u32)(*i >> shift);

	if (first >= NODE_SLOTS)
		return NULL;
	for (u64 left = n->used >> first << first; left; left &= left - 1) {
		u32 s = (u32)__builtin_ctzl(left);
		u64 at = s == first ? *i & ((1ul << shift) - 1) : 0;
		void *v = level == 1 ? n->slot[s] : node_next(n->slot[s], level - 1, &at);

		if (v) {
			*i = ((u64)s << shift) + at;
			return v;
		}
	}
	return NULL;
}

void *__index_next(const struct __index *x, u64 *i)
{
	if (!index_covers(x, *i))
		return NULL;
	if (!x->__height || !x->__root)
		return x->__root;
	return node_next(x->__root, x->__height, i);
}

static void node_clear(void *p, u32 level)
{
	struct index_node *n = p;

	if (!level || !p)
		return;
	for (u32 s = 0; s < NODE_SLOTS && level > 1; s++)
		node_clear(n->slot[s], level - 1);
	node_free(n);
}

void __index_clear(struct __index *x)
{
	node_clear(x->__root, x->__height);
	*x = (struct __index){ 0 };
}
