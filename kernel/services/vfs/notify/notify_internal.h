// SPDX-License-Identifier: MPL-2.0
// Inside services/vfs/notify.
#pragma once
#include <services/vfs/notify.h>
#include <services/vfs/superblock.h>

DEFINE_TREE(notify_watch_tree, notify_watch, set_link)
DEFINE_LIST_OPS(notify_superblock_list, notify_watch, superblock_link)

struct notify_watch_set {
	struct object object;
	struct spinlock lock;
	struct notify_watch_tree watches GUARDED_BY(lock);	// by serial number; with references
	struct atomic_u32 mask;		// what any of them wants; written under `lock`
};
DECLARE_OBJECT(notify_watch_set)

struct stack_only notify_modification {
	enum notify_match (*match)(struct inode *i, const struct object *subject, u64 value);
	const struct object *subject;
	u64 value;
	bytes_t name;
};

// The watch after serial number *after, which moves on; a reference or NULL.
struct notify_watch *notify_set_next(struct notify_watch_set *s, u64 *after borrowed) owned;
