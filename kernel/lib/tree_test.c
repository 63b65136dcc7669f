// SPDX-License-Identifier: MPL-2.0
#include <core/list.h>
#include <lib/test.h>

struct item {
	struct tree_link link;
	u32 number;
	u32 in_tree;
};
DEFINE_TREE(item_tree, item, link)

enum { ITEMS = 600 };
static struct item items[ITEMS];
static u32 seed = 1;

static u32 next_random(void)
{
	seed = seed * 1103515245u + 12345u;
	return seed >> 8;
}

// Heights, order and links of a subtree; its height, or -1 when something is wrong.
static s64 check(const struct tree_link *e, const struct tree_link *parent)
{
	if (!e)
		return 0;
	s64 l = check(e->__left, e), r = check(e->__right, e);

	if (l < 0 || r < 0 || e->__parent != parent || l - r > 1 || r - l > 1 || e->__balance != max(l, r) + 1)
		return -1;
	if ((e->__left && e->__left->__key > e->__key) || (e->__right && e->__right->__key < e->__key))
		return -1;
	return max(l, r) + 1;
}

TEST(tree_stays_balanced_and_ordered)
{
	struct item_tree t = { 0 };
	u32 count = 0;

	for (u32 round = 0; round < 20000; round++) {
		struct item *i = &items[next_random() % ITEMS];

		if (i->in_tree)
			item_tree_remove(&t, i);
		else
			item_tree_insert(&t, i, next_random() % 300);
		i->in_tree = !i->in_tree;
		count += i->in_tree ? 1 : (u32)-1;
		if (round % 64 == 0)
			REQUIRE(check(t.__t.root, NULL) >= 0);
		REQUIRE(item_tree_count(&t) == count);
	}
	u32 walked = 0;
	u64 last = 0;

	for (struct item *i = item_tree_first(&t); i; i = item_tree_next(i), walked++) {
		EXPECT(item_tree_key(i) >= last);
		last = item_tree_key(i);
	}
	EXPECT(walked == count);
	for (struct item *i = item_tree_last(&t); i; i = item_tree_prev(i))
		walked--;
	EXPECT(walked == 0);
}

TEST(tree_keeps_insertion_order_of_equals)
{
	struct item_tree t = { 0 };
	struct item a[50] = { 0 };

	for (u32 n = 0; n < 50; n++) {
		a[n].number = n;
		item_tree_insert(&t, &a[n], n % 3);
	}
	u32 last[3] = { 0 };

	for (struct item *i = item_tree_first(&t); i; i = item_tree_next(i)) {
		EXPECT(i->number >= last[item_tree_key(i)]);
		last[item_tree_key(i)] = i->number;
	}
}

TEST(tree_finds_neighbours)
{
	struct item_tree t = { 0 };
	struct item a = { 0 }, b = { 0 };

	EXPECT(!item_tree_at_most(&t, 5) && !item_tree_first(&t) && !item_tree_last(&t));
	item_tree_insert(&t, &a, 10);
	item_tree_insert(&t, &b, 20);
	EXPECT(item_tree_at_most(&t, 9) == NULL && item_tree_at_most(&t, 10) == &a && item_tree_at_most(&t, 19) == &a);
	EXPECT(item_tree_at_least(&t, 11) == &b && item_tree_at_least(&t, 10) == &a && !item_tree_at_least(&t, 21));
}

static void insert_twice(void)
{
	struct item_tree t = { 0 };
	struct item a = { 0 };

	item_tree_insert(&t, &a, 1);
	item_tree_insert(&t, &a, 2);
}

static void remove_from_another(void)
{
	struct item_tree t = { 0 }, other = { 0 };
	struct item a = { 0 };

	item_tree_insert(&t, &a, 1);
	item_tree_remove(&other, &a);
}

TEST(tree_traps_misuse)
{
	EXPECT_TRAP(insert_twice);
	EXPECT_TRAP(remove_from_another);
}
