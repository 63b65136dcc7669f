// SPDX-License-Identifier: MPL-2.0
// Pressure: how much of the time tasks of a group could not go on for want of the processor, memory or the disk.
// "some": at least one could not; "full": nobody could, and the time was lost. Each group of tasks (group.h) has it of
// itself and all below; the root's is the machine's. source: the kernel's Documentation/accounting/psi.rst
#pragma once
#include <core/atomic.h>
#include <core/lock.h>
#include <core/object.h>
#include <core/span.h>
#include <core/task.h>
#include <core/text.h>
#include <core/wait.h>

enum pressure_resource { PRESSURE_IO, PRESSURE_MEMORY, PRESSURE_CPU, PRESSURE_RESOURCES };
enum pressure_kind { PRESSURE_SOME, PRESSURE_FULL, PRESSURE_KINDS };
enum { PRESSURE_VALUES = PRESSURE_RESOURCES * PRESSURE_KINDS, PRESSURE_AVERAGES = 3 };
#define PRESSURE_ONE 2048u	// fixed point: 1 % in an average

struct sched_group;
struct pressure_cpu;
DECLARE_LIST(pressure_trigger_list, pressure_trigger)
struct pressure {
	struct pressure_cpu *cpu[CPU_COUNT_MAX];	// references; immutable; NULL where there is no processor
	struct atomic_u32 is_off;			// cgroup.pressure 0
	// Guarded by pressure_average.c's lock: the sum of each value, by resource and kind; and what it was when the
	// averages, in per cent times PRESSURE_ONE over 10, 60 and 300 seconds, were made.
	u64 total_ns[PRESSURE_VALUES];
	u64 averaged_ns[PRESSURE_VALUES];
	u64 average[PRESSURE_VALUES * PRESSURE_AVERAGES];
	u64 updated_ns, next_ns;
	struct pressure_trigger_list triggers;		// no references
};

struct pressure_report {
	u64 average[PRESSURE_AVERAGES];
	u64 total_ns;
};
struct pressure_report pressure_read(
	struct sched_group *g, enum pressure_resource resource, enum pressure_kind kind);	// as of now
// On again: it begins anew, what was summed stays.
void pressure_switch(struct sched_group *g, u32 is_off);

// The two lines of a file.
void pressure_show(struct sched_group *g, enum pressure_resource resource, struct text *out borrowed);

// A trigger: tells when a value has grown by more than a threshold within a window, at most once a window.
struct pressure_trigger;
DECLARE_OBJECT(pressure_trigger)
// "some 150000 1000000": kind, threshold and window (half a second to ten) in microseconds. -EINVAL, -ENOMEM. `owner`,
// which g is part of, is kept alive by the trigger.
enum pressure_trigger_flag { PRESSURE_TRIGGER_UNPRIVILEGED = 1 /* windows of whole periods of two seconds */ };
err_t pressure_trigger_create(struct sched_group *g, struct object *owner, enum pressure_resource resource, bytes_t text,
	u32 flags, struct object **out borrowed);
// Has it gone off since the last question?
bool pressure_trigger_take(struct pressure_trigger *t);
struct wait_queue *pressure_trigger_event(struct pressure_trigger *t);	// lives as long as the trigger
struct pressure_trigger *pressure_trigger_of(struct object *o);		// borrowed; traps for another type

// Starts the averages. After the first group was made, once. -ENOMEM
err_t pressure_start(void);
// The current task stalls for want of memory from now on (1) or no more (-1); calls nest.
void pressure_memory_stall(s32 delta);
