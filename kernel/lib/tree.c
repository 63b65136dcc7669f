// SPDX-License-Identifier: MPL-2.0
// Ordered trees: AVL with parent links. `__balance` holds a node's height; the heights of two siblings
// differ by one at most, so the deepest path is shorter than 1.45 log2(n). The first entry is cached.
// Entries of one key stay in the order of insertion.
#include <core/list.h>

static s64 height(const struct tree_link *e)
{
	return e ? e->__balance : 0;
}

static void update(struct tree_link *e)
{
	s64 l = height(e->__left), r = height(e->__right);

	e->__balance = (l > r ? l : r) + 1;
}

// Puts `to` where `from` hangs.
static void replace_child(struct __tree *t, struct tree_link *from, struct tree_link *to)
{
	struct tree_link *p = from->__parent;

	if (!p)
		t->root = to;
	else if (p->__left == from)
		p->__left = to;
	else
		p->__right = to;
	if (to)
		to->__parent = p;
}

static struct tree_link *rotate_left(struct __tree *t, struct tree_link *e)
{
	struct tree_link *r = e->__right;

	replace_child(t, e, r);
	e->__right = r->__left;
	if (e->__right)
		e->__right->__parent = e;
	r->__left = e;
	e->__parent = r;
	update(e);
	update(r);
	return r;
}

static struct tree_link *rotate_right(struct __tree *t, struct tree_link *e)
{
	struct tree_link *l = e->__left;

	replace_child(t, e, l);
	e->__left = l->__right;
	if (e->__left)
		e->__left->__parent = e;
	l->__right = e;
	e->__parent = l;
	update(e);
	update(l);
	return l;
}

// Restores the rule from `e` up to the root, or to where nothing changes any more.
static void rebalance(struct __tree *t, struct tree_link *e)
{
	while (e) {
		s64 before = e->__balance, difference = height(e->__left) - height(e->__right);

		if (difference > 1) {
			if (height(e->__left->__left) < height(e->__left->__right))
				rotate_left(t, e->__left);
			e = rotate_right(t, e);
		} else if (difference < -1) {
			if (height(e->__right->__right) < height(e->__right->__left))
				rotate_right(t, e->__right);
			e = rotate_left(t, e);
		} else {
			update(e);
		}
		if (e->__balance == before)
			return;
		e = e->__parent;
	}
}

void __tree_insert(struct __tree *t, struct tree_link *e, u64 key)
{
	struct tree_link *parent = NULL, **at = &t->root;
	bool is_first = true;

	if (__unlikely(e->__owner))
		core_trap();
	while (*at) {
		parent = *at;
		if (key < parent->__key) {
			at = &parent->__left;
		} else {
			at = &parent->__right;
			is_first = false;
		}
	}
	*e = (struct tree_link){ .__parent = parent, .__key = key, .__owner = t, .__balance = 1 };
	*at = e;
	if (is_first)
		t->first = e;
	t->count++;
	rebalance(t, parent);
}

void __tree_remove(struct __tree *t, struct tree_link *e)
{
	struct tree_link *from;

	if (__unlikely(e->__owner != t))
		core_trap();
	if (t->first == e)
		t->first = __tree_next(e);
	if (e->__left && e->__right) {
		// The successor, which has no left child, takes e's place.
		struct tree_link *s = e->__right;

		while (s->__left)
			s = s->__left;
		from = s->__parent == e ? s : s->__parent;
		replace_child(t, s, s->__right);
		s->__left = e->__left;
		s->__left->__parent = s;
		s->__right = e->__right;
		if (s->__right)
			s->__right->__parent = s;
		s->__balance = e->__balance;
		replace_child(t, e, s);
	} else {
		from = e->__parent;
		replace_child(t, e, e->__left ? e->__left : e->__right);
	}
	t->count--;
	*e = (struct tree_link){ 0 };
	rebalance(t, from);
}

struct tree_link *__tree_first(const struct __tree *t)
{
	return t->first;
}

struct tree_link *__tree_last(const struct __tree *t)
{
	struct tree_link *e = t->root;

	while (e && e->__right)
		e = e->__right;
	return e;
}

struct tree_link *__tree_next(const struct tree_link *e)
{
	if (e->__right) {
		struct tree_link *n = e->__right;

		while (n->__left)
			n = n->__left;
		return n;
	}
	while (e->__parent && e->__parent->__right == e)
		e = e->__parent;
	return e->__parent;
}

struct tree_link *__tree_prev(const struct tree_link *e)
{
	if (e->__left) {
		struct tree_link *n = e->__left;

		while (n->__right)
			n = n->__right;
		return n;
	}
	while (e->__parent && e->__parent->__left == e)
		e = e->__parent;
	return e->__parent;
}

struct tree_link *__tree_at_most(const struct __tree *t, u64 key)
{
	struct tree_link *best = NULL;

	for (struct tree_link *e = t->root; e;) {
		if (e->__key <= key) {
			best = e;
			e = e->__right;
		} else {
			e = e->__left;
		}
	}
	return best;
}

struct tree_link *__tree_at_least(const struct __tree *t, u64 key)
{
	struct tree_link *best = NULL;

	for (struct tree_link *e = t->root; e;) {
		if (e->__key >= key) {
			best = e;
			e = e->__left;
		} else {
			e = e->__right;
		}
	}
	return best;
}
