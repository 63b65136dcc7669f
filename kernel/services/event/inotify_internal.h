// SPDX-License-Identifier: MPL-2.0
// Inside inotify: the queue that watches write and a file reads.
#pragma once
#include <core/buf.h>
#include <services/cred/user_account.h>
#include <services/event/inotify.h>

#define INOTIFY_NAME_INLINE 32u

struct inotify_event {
	struct object object;
	struct list_link link;		// the queue's lock
	u32 watch, mask, cookie;	// immutable; watch -1: an overflow
	u32 name_length;		// immutable; 0: no name
	struct buf *long_name;		// owned; NULL: in short_name; immutable
	u8 short_name[INOTIFY_NAME_INLINE];	// immutable
};
DECLARE_OBJECT(inotify_event)
DEFINE_LIST(inotify_event_list, inotify_event, link)

struct inotify_queue;
struct inotify_watch {
	struct notify_watch base;
	struct inotify_queue *queue;	// reference; immutable
	u32 number;			// immutable
	u64 inode_number, device;	// for fdinfo; immutable
	struct tree_link link;		// the queue's lock
};
DECLARE_OBJECT(inotify_watch)
DEFINE_TREE(inotify_watch_tree, inotify_watch, link)

// Outlives its file for as long as a watch is being called.
struct inotify_queue {
	struct object object;
	struct mutex add_lock;		// one inotify_add_watch at a time
	struct spinlock lock;
	struct inotify_watch_tree watches GUARDED_BY(lock);	// by number; with references
	u32 last_number GUARDED_BY(lock);
	struct inotify_event_list events GUARDED_BY(lock);	// with references
	u64 event_bytes GUARDED_BY(lock);
	struct inotify_event *overflow;	// reference; linked when events were lost; immutable
	u32 event_limit;		// immutable
	struct user_account *account;	// reference; immutable
	struct wait_queue event;
};
DECLARE_OBJECT(inotify_queue)

// NULL without memory.
struct inotify_queue *inotify_queue_create(struct user_account *account) owned;
// Appends an event, unless it is the same as the last one; at the limit or without memory an overflow.
void inotify_queue_put_event(struct inotify_queue *q, u32 watch, u32 mask, u32 cookie, bytes_t name);
// The next event if it takes at most `room` bytes: a reference in *out. -EAGAIN: none is there, -EINVAL: too long
err_t inotify_queue_take(struct inotify_queue *q, usize room, struct inotify_event **out borrowed);
bool inotify_queue_has_events(struct inotify_queue *q);
u64 inotify_queue_bytes(struct inotify_queue *q);
// As read(2) gives it: 16 bytes, then the name, padded with zeros to 16 bytes.
#define INOTIFY_EVENT_HEAD 16u
usize inotify_event_size(const struct inotify_event *e borrowed);
bytes_t inotify_event_name(const struct inotify_event *e borrowed);
