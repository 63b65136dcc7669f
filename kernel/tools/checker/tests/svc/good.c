// SPDX-License-Identifier: MPL-2.0
// Ordinary service code, all of it allowed.
#include "node.h"

static exclusive_access void node_release(struct node *n)
{
	buf_free(take(n->data));
	n->size = 0;
}
DEFINE_OBJECT(node, node_release)

static exclusive_access struct node *node_create(u32 uid) owned;
static exclusive_access struct node *node_create(u32 uid)
{
	struct node *n object_auto(node) = node_alloc();
	if (!n)
		return NULL;
	spin_init(&n->lock, RANK_INODE);
	mutex_init(&n->data_lock, RANK_INODE_DATA);
	n->link_count = 1;
	n->uid = uid;
	return take(n);
}

static struct node *folder_find(struct folder *f borrowed, bytes_t name) REQUIRES(f->lock)
{
	list_for_each(node_list, n, &f->children)
		if (bytes_equal(bytes_first(array_bytes(n->name), 4), name))
			return n;
	return NULL;
}

maybe_unused static err_t folder_add(struct folder *f borrowed, bytes_t name)
{
	if (bytes_len(name) >= 32)
		return -ENAMETOOLONG;
	struct node *n object_auto(node) = node_create(3);
	if (!n)
		return -ENOMEM;
	span_copy(array_span(n->name), name);
	spin_guard(&f->lock);
	if (folder_find(f, name))
		return -EEXIST;
	node_list_push(&f->children, take(n));
	f->count++;
	return OK;
}

maybe_unused static err_t node_write(struct node *n, u64 offset, bytes_t from)
{
	u64 end;
	if (__builtin_add_overflow(offset, bytes_len(from), &end) || end > BUF_MAX)
		return -EFBIG;
	mutex_guard(&n->data_lock);
	if (!n->data || end > buf_len(n->data)) {
		struct buf *b buf_auto = buf_alloc(end);
		if (!b)
			return -ENOMEM;
		if (n->data) {
			(void)span_copy_some(buf_span(b), buf_bytes(n->data));
			buf_free(take(n->data));
		}
		n->data = take(b);
	}
	span_copy(span_slice(buf_span(n->data), offset, bytes_len(from)), from);
	n->size = max(n->size, end);
	return OK;
}

// Pointers that a caller lent may be held in locals, and handed on.
maybe_unused static u32 lent(struct node *a borrowed, struct node *b borrowed, u32 which)
{
	struct node *chosen = which ? a : b;
	u32 out = 0;
	if (node_stat(chosen, &out))
		return 0;
	chosen = a;
	return chosen->uid + out;
}

// A view of what was lent may be returned.
maybe_unused static bytes_t word_next(bytes_t *rest borrowed)
{
	usize length = bytes_find(*rest, ' ');
	bytes_t word = bytes_first(*rest, length);
	return word;
}

static err_t node_read(struct node *n, struct iobuf *to borrowed)
{
	mutex_guard(&n->data_lock);
	return n->data && iobuf_put(to, buf_bytes(n->data)) ? OK : -EIO;
}
static err_t node_first(struct node *dir, struct node **out borrowed)
{
	*out = node_get(dir->parent);
	return OK;
}
static u32 node_touch(struct node *n) { return ++n->uid; }
static const struct node_ops ops = { .read = node_read, .find = node_first, .touch = node_touch };

maybe_unused static err_t through_ops(struct node *dir, struct iobuf *to borrowed)
{
	struct node *found object_auto(node) = NULL;
	err_t err = ops.find(dir, &found);
	if (err)
		return err;
	{
		irq_guard(&found->lock);
		node_bump(found);
		found->link_count++;
	}
	return ops.read(found, to);
}

maybe_unused static err_t report(user_addr_t to, u32 number)
{
	struct record r = { .number = number };
	span_fill(array_span(r.label), 0);
	log_info("record %u\n", number);
	return user_copy_out_object(to, &r);
}

union address {
	u32 word;
	u8 octets[4];
};
maybe_unused static u32 octet_sum(union address a) { return (u32)a.octets[0] + a.octets[3]; }

static struct spinlock table_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static u32 table_count GUARDED_BY(table_lock);
maybe_unused static void table_grow(void)
{
	spin_guard(&table_lock);
	table_count++;
}

enum colour { RED, GREEN };
maybe_unused static u32 colour_value(enum colour c)
{
	switch (c) {
	case RED: {
		u32 shade = 3;
		return shade;
	}
	case GREEN:
		return 1;
	}
	return 0;
}

struct stack_only walk {
	struct node *base lent_field;
	u32 depth;
};
static u32 walk_depth(const struct walk *w borrowed) { return w->depth + w->base->uid; }
maybe_unused static u32 walk_from(struct node *n borrowed)
{
	struct walk w = { .base = n };
	w.base = n;
	return walk_depth(&w);
}
