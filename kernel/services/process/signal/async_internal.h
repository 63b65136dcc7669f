// SPDX-License-Identifier: MPL-2.0
// Inside signal-driven I/O: what a file keeps of its owner and its subscriptions.
#pragma once
#include <services/process/file_async.h>

#define ASYNC_QUEUES_MAX 2u	// readers' and writers'
// Bits 1 << POLL_* of siginfo: what has happened and is not yet told. source: sigaction(2), si_code for SIGIO
enum async_reason { ASYNC_IN = 1, ASYNC_OUT = 2, ASYNC_ERROR = 4, ASYNC_HANGUP = 6, ASYNC_URGENT = 7 /* SIGURG */ };

struct file_async;
struct async_entry {
	struct wait_entry base;
	struct file_async *async;	// outlives the subscription; immutable
	u32 index;			// which queue: immutable
};
struct file_async {
	struct poll_request base;
	struct file *file;		// borrowed: it takes its subscriptions along; immutable
	struct mutex joining;		// one subscription at a time
	u32 entry_count;		// guarded by joining; so are the two that follow
	u32 failed;			// a queue could not be joined
	struct async_entry *entries[ASYNC_QUEUES_MAX];	// references
	struct atomic_u32 reasons;	// not yet told
	struct list_link due_link;	// the list of due ones; its lock
	struct atomic_u32 fd;
	struct spinlock lock;
	struct pid *pid GUARDED_BY(lock);	// reference or NULL
	struct file_owner owner GUARDED_BY(lock);
};
DECLARE_OBJECT(file_async)
DEFINE_LIST(file_async_list, file_async, due_link)

// f's, made at the first use; NULL without memory.
struct file_async *file_async_of(struct file *f) owned;
// Joins the file's queues, once. -ENOMEM.
err_t file_async_join(struct file_async *a, struct file *f);
// Sends the signals for `reasons` (bits). => no lock held
void file_async_tell(struct file_async *a, u32 reasons);
