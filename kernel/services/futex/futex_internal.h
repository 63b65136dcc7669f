// SPDX-License-Identifier: MPL-2.0
// Sleepers, buckets and keys: what the kinds of futex operations share (futex_bucket.c).
#pragma once
#include <core/list.h>
#include <core/wait.h>
#include <services/futex/futex.h>
#include <services/pagecache/page_mapping.h>

// How a sleeper with priority inheritance stands to its lock.
enum futex_claim {
	FUTEX_CLAIM_NONE,	// not one of them
	FUTEX_CLAIM_WAITS,
	FUTEX_CLAIM_INHERITS	// the owner has died: it is the owner now and has to write that into the word
};
struct futex_sleeper {
	struct object object;
	struct list_link link;		// guarded by its bucket
	// What it waits for; changed by requeue under both buckets' locks.
	struct vm_space *space;		// private: compared only, the sleeper runs in it
	struct page_mapping *mapping;	// shared: reference
	struct page_mapping *first_mapping;	// reference: where it was before it was moved
	u64 address;			// in the space, or offset in the mapping
	u32 bits;			// immutable
	u32 is_woken;			// guarded by its bucket
	u32 claim;			// enum futex_claim; guarded by its bucket
	u32 number;			// of its thread, as it stands in the word; immutable
	struct task *owner;		// reference: whose lock it waits for; guarded by its bucket
	struct task *task;		// borrowed: the sleeper's own; it takes itself out before it goes
	struct atomic_u32 bucket;	// index
};
DECLARE_OBJECT(futex_sleeper)
DEFINE_LIST(futex_sleeper_list, futex_sleeper, link)

#define FUTEX_BUCKETS 256u
struct synchronised futex_bucket {
	struct spinlock lock;
	struct futex_sleeper_list sleepers GUARDED_BY(lock);	// the sleeper's own reference keeps it
};
struct futex_bucket *futex_bucket_at(u32 index);

struct futex_key {
	struct vm_space *space;
	struct page_mapping *mapping;	// reference or NULL
	u64 address;
	u32 bucket;
	u32 pad;
};
void futex_key_drop(struct futex_key *k borrowed);
#define futex_key_auto auto_release(futex_key_drop)
// -EINVAL, -EFAULT.
err_t futex_key_make(user_addr_t at, enum futex_scope scope, struct futex_key *k borrowed);
bool futex_key_matches(const struct futex_key *k borrowed, const struct futex_sleeper *s borrowed);
// A sleeper of the current task for k, whose mapping goes over to it; not queued. NULL without memory.
struct futex_sleeper *futex_sleeper_create(struct futex_key *k borrowed) owned;

// Queues s if the word still has the expected value, bringing its page in where needed. -EAGAIN, -EFAULT.
err_t futex_enqueue(struct futex_sleeper *s, user_addr_t at, u32 expected);
// Takes s out if it is still queued; true when somebody had woken it.
bool futex_dequeue(struct futex_sleeper *s);
bool futex_is_woken(struct futex_sleeper *s);
// Up to `count` sleepers of k whose bits meet `bits`, none of them with priority inheritance.
u32 futex_wake_locked(struct futex_bucket *b, const struct futex_key *k borrowed, u32 count, u32 bits)
	REQUIRES(b->lock);
