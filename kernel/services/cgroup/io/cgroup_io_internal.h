// SPDX-License-Identifier: MPL-2.0
// What a group knows of one disk: shared by the counts and limits (cgroup_io.c) and the queue (cgroup_io_queue.c,
// cgroup_io_turn.c).
#pragma once
#include <services/cgroup/cgroup_hierarchy.h>
#include <services/cgroup/cgroup_io.h>

DECLARE_TREE(cgroup_io_places)
struct cgroup_io_device {
	struct object object;
	u64 number;				// immutable
	// reference: the parent group's for this disk; NULL: the root's; immutable
	struct cgroup_io_device *parent;
	struct list_link link;			// guarded by the group's io_lock
	struct atomic_u64 bytes[CGROUP_IO_DIRECTIONS], requests[CGROUP_IO_DIRECTIONS];
	// A second, CGROUP_MAX: none; and when the next may begin: of bytes, then of requests, by direction.
	struct atomic_u64 rate[2 * CGROUP_IO_DIRECTIONS], next_ns[2 * CGROUP_IO_DIRECTIONS];
	struct atomic_u32 weight;		// in effect: own_weight, or the group's io.weight
	struct atomic_u32 own_weight;		// of a line of io.weight; 0: none
	struct cgroup_io_queue *queue;		// the disk's, borrowed: disks are never removed; NULL until it was used
	// Guarded by the queue's lock, all that follows: see cgroup_io_turn.c.
	struct cgroup_io_job_list jobs;		// waiting, in order, each with one reference
	// Without references, children with something waiting, by `start`, and those that may be back soon, by
	// `finish`.
	struct cgroup_io_places ready, expected;
	struct tree_link place_link;		// in one of the two of the parent
	u32 is_ready, is_expected;
	u64 begun;				// jobs of it and below that have begun and are not over
	u64 virtual_now;			// `start` of what was served last here
	u64 start, finish;			// of its next job in the parent's time; of its last one
	u64 jobs_start, jobs_finish;		// likewise of its own jobs, beside the children
	u64 idle_ns, pause_ns;			// since when it has nothing here; how long that usually lasts
	u64 expected_until_ns;			// once nothing of it has begun
};
DECLARE_OBJECT(cgroup_io_device)
DEFINE_TREE_OPS(cgroup_io_places, cgroup_io_device, place_link)

// The record of a disk, made when it is not there, with those of all groups above; NULL without memory.
struct cgroup_io_device *cgroup_io_obtain(struct cgroup *g, u64 number) owned;

// cgroup_io_queue.c: the last reference to d goes.
void cgroup_io_queue_forget(struct cgroup_io_queue *q, struct cgroup_io_device *d);
u64 cgroup_io_average(u64 average, u64 measured);

// cgroup_io_turn.c
void cgroup_io_turn_forget(struct cgroup_io_device *d);
// A job waits for d's turn.
void cgroup_io_turn_wait(struct cgroup_io_device *d, struct cgroup_io_job *j, u64 now);
// The next job, off its list; NULL: none, or somebody else is expected first, until *ask_again_ns if that is not 0.
struct cgroup_io_job *cgroup_io_turn_take(struct cgroup_io_device *root, u64 now, u64 *ask_again_ns borrowed) owned;
// A job of d has begun; it is over, and d's next is expected until then.
void cgroup_io_turn_begin(struct cgroup_io_device *d);
void cgroup_io_turn_end(struct cgroup_io_device *d, u64 now, u64 expected_until_ns);
