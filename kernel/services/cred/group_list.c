// SPDX-License-Identifier: MPL-2.0
#include <core/buf.h>
#include <services/cred/cred.h>

// Numbers are kept in a byte buffer, four bytes each, because there may be 65536 of them.
struct group_list {
	struct object object;
	u32 count;		// immutable after creation
	struct buf *numbers;	// owned; NULL when empty
};

static void group_list_release(struct group_list *g) exclusive_access
{
	buf_free(take(g->numbers));
}
DEFINE_OBJECT(group_list, group_list_release)

struct group_list *group_list_create(u32 count)
{
	struct group_list *g object_auto(group_list) = group_list_alloc();
	if (!g)
		return NULL;
	if (count) {
		struct buf *numbers buf_auto = buf_alloc((usize)count * 4);
		if (!numbers)
			return NULL;
		g->numbers = take(numbers);
	}
	g->count = count;
	return take(g);
}

u32 group_list_count(const struct group_list *g borrowed)
{
	return g->count;
}

u32 group_list_at(const struct group_list *g borrowed, u32 i)
{
	return bytes_get_u32le(buf_bytes(g->numbers), (usize)i * 4);
}

void group_list_set(struct group_list *g borrowed, u32 i, u32 kgid)
{
	span_put_u32le(buf_span(g->numbers), (usize)i * 4, kgid);
}

// Moves the entry at `root` down until the heap of `count` entries is in order again.
static void sift_down(struct group_list *g borrowed, u32 root, u32 count)
{
	for (;;) {
		u32 child = root * 2 + 1;
		if (child >= count)
			return;
		if (child + 1 < count && group_list_at(g, child) < group_list_at(g, child + 1))
			child++;
		u32 above = group_list_at(g, root), below = group_list_at(g, child);
		if (above >= below)
			return;
		group_list_set(g, root, below);
		group_list_set(g, child, above);
		root = child;
	}
}

void group_list_sort(struct group_list *g borrowed)
{
	for (u32 i = g->count / 2; i > 0; i--)
		sift_down(g, i - 1, g->count);
	for (u32 end = g->count; end > 1; end--) {
		u32 greatest = group_list_at(g, 0);
		group_list_set(g, 0, group_list_at(g, end - 1));
		group_list_set(g, end - 1, greatest);
		sift_down(g, 0, end - 1);
	}
}

static bool group_list_has(const struct group_list *g borrowed, u32 kgid)
{
	u32 low = 0, high = g->count;
	while (low < high) {
		u32 middle = low + (high - low) / 2, at = group_list_at(g, middle);
		if (at == kgid)
			return true;
		if (at < kgid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool cred_in_group(const struct cred *c borrowed, u32 kgid)
{
	return c->fsgid == kgid || group_list_has(c->groups, kgid);
}

bool cred_in_egroup(const struct cred *c borrowed, u32 kgid)
{
	return c->egid == kgid || group_list_has(c->groups, kgid);
}
