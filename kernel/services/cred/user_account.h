// SPDX-License-Identifier: MPL-2.0
// What one user (kernel uid) has in use, over all its processes: the base of per-user limits.
// source: getrlimit(2) RLIMIT_NPROC, RLIMIT_SIGPENDING
#pragma once
#include <core/atomic.h>
#include <core/lock.h>
#include <core/object.h>

struct user_account {
	struct object object;
	struct list_link link;		// guarded by the table's lock
	u32 uid;			// immutable
	struct atomic_u64 processes;	// threads, as Linux counts
	struct atomic_u64 pending_signals;
	struct atomic_u64 locked_bytes;	// RLIMIT_MEMLOCK of shared memory
	struct atomic_u64 message_bytes;
	struct atomic_u64 inotify_instances, inotify_watches;
	struct atomic_u64 keys, key_bytes;
	struct atomic_u64 files_in_flight;	// sent through AF_UNIX sockets, not received yet
};
DECLARE_OBJECT(user_account)
// The user's account; made when it does not exist yet. NULL without memory.
struct user_account *user_account_of(u32 uid) owned;
// The account with the lowest uid from `least` on, to walk all of them. NULL: no more.
struct user_account *user_account_from_uid(u64 least) owned;
