// SPDX-License-Identifier: MPL-2.0
// Inside epoll: one watch of one file by one instance.
#pragma once
#include <services/event/epoll.h>

struct epoll;
struct epoll_item;
#define EPOLL_QUEUES_MAX 4u		// a file names its queues: at most so many

struct epoll_entry {
	struct wait_entry base;
	struct epoll_item *item;	// outlives the subscription; immutable
};

struct epoll_item {
	struct poll_request base;
	struct tree_link tree;		// epoll->lock
	struct list_link ready_link;	// epoll->ready_lock
	struct list_link watch_link;	// the watch set's lock
	struct epoll *epoll;		// borrowed: the instance outlives its items; immutable
	struct file *file;		// borrowed: a file takes its watches along; immutable
	struct epoll_watch_set *set;	// reference; immutable
	u32 fd;				// immutable
	struct atomic_u32 events;	// wished for; 0 of POLL_*: a one-shot that has fired
	struct atomic_u64 data;
	struct atomic_u32 is_dead;	// set once, under epoll->ready_lock
	u32 failed;			// epoll->mutex: a queue could not be joined
	u32 entry_count;		// epoll->mutex while it is added; then immutable
	struct epoll_entry *entries[EPOLL_QUEUES_MAX];	// references; likewise
};
DECLARE_OBJECT(epoll_item)
DEFINE_TREE(epoll_item_tree, epoll_item, tree)
DEFINE_LIST(epoll_ready_list, epoll_item, ready_link)
DEFINE_LIST(epoll_watch_list, epoll_item, watch_link)

// Who watches a file; hangs off the file.
struct epoll_watch_set {
	struct object object;
	struct spinlock lock;
	struct epoll_watch_list watches GUARDED_BY(lock);	// no references: see epoll_item_remove
};
DECLARE_OBJECT(epoll_watch_set)

struct epoll {
	struct file base;
	struct mutex mutex;		// one epoll_ctl at a time
	struct spinlock lock;
	struct epoll_item_tree items GUARDED_BY(lock);	// by descriptor; with references
	struct spinlock ready_lock;	// taken inside the queues of the watched files
	struct epoll_ready_list ready GUARDED_BY(ready_lock);
	struct atomic_u32 ready_count;	// of the list; written under ready_lock
	struct wait_queue event;
};
struct epoll *epoll_of_file(struct file *f);	// NULL when it is none
// A new item of f that is in no collection yet.
err_t epoll_item_create(struct epoll *e, struct file *f, u32 fd, struct epoll_item **out borrowed);
// Puts it into the instance and the file's set, joins the file's queues, queues it if it is ready.
err_t epoll_item_add(struct epoll *e, struct epoll_item *i, struct file *f);
// Takes it out of all; afterwards nothing is notified any more. Caller: holds a reference on the file, or the
// teardown lock.
void epoll_item_remove(struct epoll *e, struct epoll_item *i);
void epoll_item_queue(struct epoll *e, struct epoll_item *i);
// -ELOOP when `watcher` watching `watched` makes a ring or too long a chain.
err_t epoll_check_nesting(struct epoll *watcher, struct epoll *watched);
