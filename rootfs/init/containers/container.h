// SPDX-License-Identifier: MPL-2.0
// The containers that init knows, and their life cycle:
//
//   created -> starting -> running -> exited            restart: never, or told to stop
//                  \          \-> waiting -> starting   restart policy, after a pause that grows
//                   \-> exited | waiting                it could not be started
//
// Each running container has a supervisor process (container/supervise.h), a child of init. Nothing
// here blocks: the main loop calls container_reaped/_tick, and events.h what a supervisor says. A container
// that only runs costs nothing in all this, so that the thousandth starts like the first.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "../../container/supervise.h"
#include "../../lib/fault.h"
#include "../../lib/unit/unit.h"
#include "container_table.h"
#include "../events.h"

enum { CONTAINERS_MAX = 4096, CONTAINER_ID_SIZE = 65 };

enum container_state {
	CONTAINER_CREATED,
	CONTAINER_STARTING,
	CONTAINER_RUNNING,
	CONTAINER_WAITING,	// for its restart
	CONTAINER_EXITED,
};

enum container_origin { CONTAINER_FROM_UNIT, CONTAINER_FROM_RUN };

struct client;

struct container {
	struct unit *unit;
	struct container_links links;
	char id[CONTAINER_ID_SIZE];
	enum container_origin origin;
	enum container_state state;
	int stop_wanted;		// no restart any more
	int stopped_by_hand;		// and that by a person; it stays so over a boot
	pid_t supervisor;		// 0: none
	struct event_source channel;	// to the supervisor
	struct client *waiting;		// the connections that wait for a change of it; the server's
	pid_t pid;			// process 1 of the container while it runs
	int status;			// exit status of the last run; -1 before the first
	unsigned restarts;
	long pause_ms;			// before the next restart
	int64_t created_ms, changed_ms, started_ms;
	int64_t created_ns, begun_ns, ended_ns;	// by the clock on the wall, for people; 0: never
	int paused;
	int out_of_memory;		// that is how it ended
	int64_t restart_at_ms;		// 0: no restart is due
	int64_t kill_at_ms;		// 0: no kill is due
	unsigned kill_step;		// how hard it was told so far
	char trouble[FAULT_TEXT_SIZE];	// why it could not be started, or "oom"
	char said[FAULT_TEXT_SIZE];	// the trouble that the console has already seen
};

// Called when a container has started, failed to start or ended; the control socket answers then.
typedef void container_watcher(struct container *container);
void container_watch(container_watcher *watcher);

// Adds a container in state created; takes the unit, but where it fails. One that keel made, and that is to stay once
// it has ended, is recorded on disk. => -EEXIST, -ENFILE, -ENOMEM, or what the disk says, with a sentence
int container_add(struct unit *unit, enum container_origin origin, struct container **container,
		  struct fault *fault);

// Adds one that an earlier boot has recorded, as it was then. Takes the unit, as above.
struct record;
int container_recall(struct unit *unit, const struct record *record, struct container **container,
		     struct fault *fault);

// Does its policy start it when the machine boots? (`always`, and `unless-stopped` where nobody has stopped it)
int container_returns(const struct container *container);

struct container *container_find(const char *name);

// All of them, in the order of their adding; NULL past the last and before the first.
struct container *container_first(void);
struct container *container_last(void);
struct container *container_next(const struct container *container);
struct container *container_previous(const struct container *container);
int container_is_alive(const struct container *container);	// starting or running

// Starts it on behalf of a client (all -1: nobody). => a negative errno and a sentence
int container_start(struct container *container, const struct supervise_client *client,
		    struct fault *fault);

// Asks it to end: its stop signal now, SIGKILL after the time. No restart follows.
void container_stop(struct container *container, unsigned timeout_s);

// From now on nothing is started again that ends: the machine is switched off.
void container_end_restarts(void);

// Sends a signal to its process 1. => -ESRCH when it does not run
int container_signal(struct container *container, int number);

// Lends it the descriptors of one more client. => -ESRCH when it does not run, or what the channel says
int container_attach(struct container *container, enum supervise_attach how, const int fds[SUPERVISE_CLIENT_FDS]);

// Freezes it, or lets it go on. => -ESRCH when it does not run, -EALREADY, or what the kernel says
int container_pause(struct container *container);
int container_unpause(struct container *container);

// Forgets a container that is not alive, with its log.
void container_remove(struct container *container);

// The main loop's part.
int container_reaped(pid_t pid, int wait_status);	// => 1 if it was a supervisor
int64_t container_tick(int64_t now_ms);		// => when to call again, or 0
int64_t container_now_ms(void);
