// SPDX-License-Identifier: MPL-2.0
// The io controller: what a group moves to and from each disk, how fast it may, and who comes first.
#pragma once
#include <core/list.h>
#include <services/cgroup/cgroup.h>

#define CGROUP_IO_WEIGHT_NORMAL 100u
#define CGROUP_IO_WEIGHT_MAX 10000u	// the least is 1

enum cgroup_io_direction { CGROUP_IO_READ, CGROUP_IO_WRITE, CGROUP_IO_DIRECTIONS };
struct cgroup_io_limits {
	u64 bytes[CGROUP_IO_DIRECTIONS];	// a second; CGROUP_MAX: no limit
	u64 requests[CGROUP_IO_DIRECTIONS];	// likewise
};
struct cgroup_io_counts {
	u64 bytes[CGROUP_IO_DIRECTIONS], requests[CGROUP_IO_DIRECTIONS];
};

// A request of g to the disk with this number. When its limits, and those of its ancestors, would let it begin: a
// point in monotonic time, possibly past. Who cannot wait goes on: the debt is the group's (cgroup_io_wait_debt).
u64 cgroup_io_charge(struct cgroup *g, u64 device, enum cgroup_io_direction direction, u64 bytes);
// A writer to files waits until what was written for its group is paid for. => may sleep
void cgroup_io_wait_debt(struct cgroup *g);

// --- io.weight: a disk's queue (io/cgroup_io_queue.c) ---------------------------------------------------
// What waits in it: the base of a request.
struct cgroup_io_device;
struct cgroup_io_job {
	struct object object;
	struct list_link link;			// the queue's
	// reference: whose turn it takes; NULL: nobody's. The queue's and its owner's
	struct cgroup_io_device *place;
	u32 cost;				// the queue's: what it takes of the disk; 0 until it enters
	u64 begin_ns;				// the queue's
};
DECLARE_OBJECT(cgroup_io_job)
DEFINE_LIST(cgroup_io_job_list, cgroup_io_job, link)
void cgroup_io_job_fini(struct cgroup_io_job *j borrowed);

struct cgroup_io_queue {
	struct spinlock lock;
	struct cgroup_io_device *root GUARDED_BY(lock);	// reference, or NULL before the first contest
	u64 waiting GUARDED_BY(lock);			// jobs
	u64 busy GUARDED_BY(lock);			// cost of the jobs that have begun and are not over
	u64 service_ns GUARDED_BY(lock);		// how long a job takes, on average
	u64 last_group GUARDED_BY(lock);		// who came last
	u64 contest_end_ns GUARDED_BY(lock);		// more than one group uses the disk until then
};
void cgroup_io_queue_init(struct cgroup_io_queue *q borrowed);
void cgroup_io_queue_fini(struct cgroup_io_queue *q borrowed);
// A job of g for the disk with this number. True: it may begin now. False: the queue keeps it until
// cgroup_io_queue_next() tells that it may. Whoever begins it says cgroup_io_queue_leave() when it is over. => may
// sleep
bool cgroup_io_queue_enter(struct cgroup_io_queue *q, struct cgroup *g, u64 device, struct cgroup_io_job *j, u32 bytes);
// True: others may begin now. => any context
bool cgroup_io_queue_leave(struct cgroup_io_queue *q, const struct cgroup_io_job *j borrowed);
// A job that may begin, with the queue's reference; NULL: none may, before *ask_again_ns if that is not 0. => any
// context
struct cgroup_io_job *cgroup_io_queue_next(struct cgroup_io_queue *q, u64 *ask_again_ns borrowed) owned;
