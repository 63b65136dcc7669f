// SPDX-License-Identifier: MPL-2.0
// Deferred work: runs once, soon, in a kernel thread, where it may sleep. May be scheduled from
// interrupts. Scheduling an item that is already waiting does nothing.
#pragma once
#include <core/object.h>

struct work {
	struct object object;
	core_private struct list_link __link;
	core_private u32 __state;
	void (*run)(struct work *w); // immutable once scheduled
};
DECLARE_OBJECT(work)
// The queue holds a reference until `run` has returned.
void work_schedule(struct work *w);
// Waits until it is neither waiting nor running. => may sleep
void work_flush(struct work *w);
