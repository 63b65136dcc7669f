// SPDX-License-Identifier: MPL-2.0
// What init waits for: descriptors, each with what to call when something has happened to it. Waiting
// costs the same however many there are (epoll), and so a container more is no cost for the others.
#pragma once

#include <signal.h>
#include <stdint.h>

struct event_source {
	int fd;					// -1: none; owned by whoever added it
	void (*heard)(struct event_source *source);
	void *owner;				// for heard()
};

// => 0 or a negative errno
int events_open(void);

// Calls heard() whenever the descriptor is readable or its other side is gone. => 0 or a negative errno
int events_add(struct event_source *source);

// Waits for room to write instead of for bytes, and back.
enum events_wanted { EVENTS_READ, EVENTS_WRITE };
void events_want(struct event_source *source, enum events_wanted wanted);

// Forgets and closes the descriptor; heard() is not called any more, not even for what has been collected.
void events_close(struct event_source *source);

// Sleeps with the signals of `asleep` blocked, until something happens or the time is over (-1: no limit),
// and calls heard() for what has happened.
void events_wait(int64_t timeout_ms, const sigset_t *asleep);
