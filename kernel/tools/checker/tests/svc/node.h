// SPDX-License-Identifier: MPL-2.0
// The types that the checker's samples work on.
#pragma once
#include <core/iobuf.h>
#include <core/lock.h>
#include <core/object.h>
#include <core/print.h>
#include <core/user.h>
#include <core/wait.h>

struct node {
	struct object object;
	struct spinlock lock;
	struct mutex data_lock;
	struct list_link link;
	u32 link_count GUARDED_BY(lock);
	u32 uid;
	u64 size GUARDED_BY(data_lock);
	struct buf *data GUARDED_BY(data_lock);
	u8 name[32];
	struct node *parent;
};
DECLARE_OBJECT(node)
DEFINE_LIST(node_list, node, link)
struct folder {
	struct object object;
	struct spinlock lock;
	struct node_list children GUARDED_BY(lock);
	u32 count GUARDED_BY(lock);
};
struct node_ops {
	err_t (*read)(struct node *n, struct iobuf *to borrowed);
	err_t (*find)(struct node *dir, struct node **out borrowed);
	u32 (*touch)(struct node *n);
};
struct record {
	u32 number;
	u32 flags;
	u64 offset;
	u8 label[16];
};
struct holed {
	u32 number;
	u64 offset;
};
struct pointing {
	u64 number;
	struct node *node;
};
void node_keep(struct node *n);
void node_bump(struct node *n) REQUIRES(n->lock);
err_t node_stat(struct node *n borrowed, u32 *out borrowed);
struct node *node_find(u32 number) owned;
u32 *number_shared(void);
