// SPDX-License-Identifier: MPL-2.0
// Inside services/fs/mqueue.
#pragma once
#include <core/buf.h>
#include <services/fs/mqueue/mqueue.h>
#include <services/process/pid.h>
#include <services/vfs/superblock.h>

// Settings and counts of a namespace: its tables and its superblock share it.
struct mqueue_space {
	struct object object;
	struct atomic_u32 setting[MQUEUE_SETTING_COUNT];
	struct atomic_u32 queues;
};
DECLARE_OBJECT(mqueue_space)

struct mqueue_superblock {
	struct superblock base;
	struct mqueue_space *space;	// reference; immutable
	struct atomic_u64 numbers;
};

struct mqueue_message {
	struct object object;
	struct tree_link link;		// the queue's lock
	struct buf *text;		// owned, or NULL: empty; immutable
	u32 priority;			// immutable
};
DEFINE_TREE(mqueue_message_tree, mqueue_message, link)

struct mqueue_entry {
	struct object object;
	struct list_link link;		// the folder's directory_lock
	struct buf *name;		// owned; immutable
	struct inode *inode;		// reference; immutable
	u64 place;			// immutable
};
DECLARE_OBJECT(mqueue_entry)
DEFINE_LIST(mqueue_entry_list, mqueue_entry, link)

// The folder, or a queue.
struct mqueue_inode {
	struct inode base;
	struct mqueue_entry_list entries;	// directory_lock; with references
	u64 next_place;				// directory_lock

	struct mqueue_space *space;	// reference; of a queue that is counted; immutable, as are:
	struct user_account *account;	// reference: charged
	u64 charge;			// bytes
	u64 message_limit, message_size;
	struct wait_queue senders, receivers;
	struct mutex queue_lock;
	struct mqueue_message_tree messages GUARDED_BY(queue_lock);	// highest priority first; with references
	u64 bytes GUARDED_BY(queue_lock);
	u32 waiting_receivers GUARDED_BY(queue_lock);
	struct pid *notify_owner GUARDED_BY(queue_lock);	// reference, or NULL
	struct mqueue_notice notice GUARDED_BY(queue_lock);
};
struct mqueue_inode *mqueue_inode_of(struct inode *i);
extern const struct file_ops mqueue_file_ops;
// Sets up a queue's own part; a = 0: defaults. -EINVAL, -ENOSPC, -EMFILE, -ENOMEM
err_t mqueue_queue_set_up(struct mqueue_inode *q, struct mqueue_space *space, struct mqueue_attributes a);
void mqueue_queue_tear_down(struct mqueue_inode *q);

// The name and attributes of a new queue travel through entry_make_node() as a device number.
#define MQUEUE_ATTRIBUTES_GIVEN (1ul << 63)
static inline u64 mqueue_attributes_encode(const struct mqueue_attributes *a borrowed)
{
	const bool fits = a->messages > 0 && a->messages <= (s64)MQUEUE_MESSAGES_HARD && a->message_size > 0 &&
		a->message_size <= (s64)MQUEUE_MESSAGE_SIZE_HARD;
	return MQUEUE_ATTRIBUTES_GIVEN | (fits ? (u64)a->messages << 32 | (u64)a->message_size : 0);
}
