// SPDX-License-Identifier: MPL-2.0
#include "container.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../container/cgroup.h"
#include "../../container/journal.h"
#include "../../container/log.h"
#include "../../control/descriptor_pass.h"
#include "../../root/root.h"
#include "../message.h"
#include "record.h"
#include "supervisor_spawn.h"

enum {
	PAUSE_FIRST_MS = 100,
	PAUSE_MAX_MS = 30000,
	STABLE_AFTER_MS = 10000,	// a run this long makes the next pause short again
	KILL_PATIENCE_MS = 3000,	// between SIGKILL and harder means
	STATUS_SUPERVISOR_LOST = 125,
	STATUS_MACHINE_LOST = 255,
};

static size_t containers_count;
static int64_t tick_at_ms;		// nothing is due before this; 0: nothing is
static container_watcher *watcher;
static int restarts_ended;

int64_t container_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void tell(const struct container *container, const char *status)
{
	journal_write(&(struct journal_entry){.type = "container", .status = status, .id = container->id,
				    .name = container->unit->name, .image = container->unit->image,
				    .exit_code = strcmp(status, "died") == 0 ? container->status : JOURNAL_NO_CODE});
}

void container_watch(container_watcher *wanted)
{
	watcher = wanted;
}

void container_end_restarts(void)
{
	restarts_ended = 1;
}

struct container *container_first(void)
{
	return container_table_first();
}

struct container *container_last(void)
{
	return container_table_last();
}

struct container *container_next(const struct container *container)
{
	return container->links.next;
}

struct container *container_previous(const struct container *container)
{
	return container->links.previous;
}

// By its name, or else by the first digits of its id, if they are those of no other.
struct container *container_find(const char *name)
{
	struct container *found = container_table_find(CONTAINER_KEY_NAME, name);
	size_t length = strlen(name);
	int several = 0;

	if (found == NULL)
		found = container_table_find(CONTAINER_KEY_ID, name);
	if (found != NULL || length == 0 || strspn(name, "0123456789abcdef") != length)
		return found;
	for (struct container *at = container_first(); at != NULL; at = container_next(at)) {
		if (strncmp(at->id, name, length) != 0)
			continue;
		several = found != NULL;
		found = at;
	}
	return several ? NULL : found;
}

static int is_recorded(const struct container *container)
{
	return container->origin == CONTAINER_FROM_RUN && (container->unit->flags & UNIT_AUTO_REMOVE) == 0;
}

static enum record_state recorded_state(const struct container *container)
{
	if (container->state == CONTAINER_CREATED)
		return RECORD_CREATED;
	return container_is_alive(container) ? RECORD_RUNNING : RECORD_EXITED;
}

// What the next boot has to know. The unit's own text is kept: it is what keel has completed.
static int record(const struct container *container, struct fault *fault)
{
	struct record record = {
		.state = recorded_state(container), .stopped = container->stopped_by_hand,
		.status = container->status, .restarts = container->restarts,
		.out_of_memory = container->out_of_memory, .created_ns = container->created_ns,
		.begun_ns = container->begun_ns, .ended_ns = container->ended_ns, .text = container->unit->text,
	};

	if (!is_recorded(container))
		return 0;
	memcpy(record.id, container->id, sizeof(record.id));
	return record_write(&record, fault);
}

static void record_change(const struct container *container)
{
	struct fault fault = {0};

	if (record(container, &fault) != 0)
		message("container %s: %s", container->unit->name, fault.text);
}

int container_is_alive(const struct container *container)
{
	return container->state == CONTAINER_STARTING || container->state == CONTAINER_RUNNING;
}

static void make_id(char id[CONTAINER_ID_SIZE])
{
	unsigned char bytes[(CONTAINER_ID_SIZE - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) != sizeof(bytes)) {
		// Too early for randomness: the time is unique enough for a name.
		int64_t now_ms = container_now_ms();

		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, &now_ms, sizeof(now_ms));
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static int allocate(struct unit *unit, enum container_origin origin, struct container **container,
		    struct fault *fault)
{
	struct container *fresh;

	if (container_table_find(CONTAINER_KEY_NAME, unit->name) != NULL)
		return fault_set(fault, -EEXIST, "there is already a container named %s",
				 unit->name);
	if (containers_count == CONTAINERS_MAX)
		return fault_set(fault, -ENFILE, "there are already %d containers",
				 CONTAINERS_MAX);
	fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return fault_set(fault, -ENOMEM, "no memory for another container");
	fresh->unit = unit;
	fresh->origin = origin;
	fresh->channel = (struct event_source){.fd = -1};
	fresh->status = -1;
	fresh->pause_ms = PAUSE_FIRST_MS;
	fresh->created_ms = fresh->changed_ms = container_now_ms();
	fresh->created_ns = wall_ns();
	*container = fresh;
	return 0;
}

int container_add(struct unit *unit, enum container_origin origin, struct container **container,
		  struct fault *fault)
{
	int error = allocate(unit, origin, container, fault);

	if (error != 0)
		return error;
	make_id((*container)->id);
	error = record(*container, fault);
	if (error != 0) {
		free(*container);
		return error;
	}
	containers_count++;
	container_table_add(*container);
	tell(*container, "create");
	return 0;
}

// Times of the wall become those of this boot's clock, so that ages are right; a clock that was set back has none
// in the future.
static int64_t since_boot_ms(int64_t then_ns)
{
	int64_t age_ms = (wall_ns() - then_ns) / 1000000;

	return container_now_ms() - (age_ms > 0 ? age_ms : 0);
}

int container_recall(struct unit *unit, const struct record *record, struct container **container,
		     struct fault *fault)
{
	struct container *known;
	int error = allocate(unit, CONTAINER_FROM_RUN, container, fault);

	if (error != 0)
		return error;
	known = *container;
	memcpy(known->id, record->id, sizeof(known->id));
	known->state = record->state == RECORD_CREATED ? CONTAINER_CREATED : CONTAINER_EXITED;
	known->stopped_by_hand = record->stopped;
	// The machine was lost while it ran, and nobody has seen it end.
	known->status = record->state == RECORD_RUNNING ? STATUS_MACHINE_LOST : record->status;
	known->restarts = record->restarts;
	known->out_of_memory = record->out_of_memory;
	known->created_ns = record->created_ns;
	known->begun_ns = record->begun_ns;
	known->ended_ns = record->ended_ns;
	known->created_ms = since_boot_ms(record->created_ns);
	known->changed_ms = record->ended_ns != 0 ? since_boot_ms(record->ended_ns) : known->created_ms;
	containers_count++;
	container_table_add(known);
	return 0;
}

int container_returns(const struct container *container)
{
	if (container->state == CONTAINER_CREATED)
		return 0;
	return container->unit->restart == UNIT_RESTART_ALWAYS ||
	       (container->unit->restart == UNIT_RESTART_UNLESS_STOPPED && !container->stopped_by_hand);
}

// In a process of its own, because there may be much of it; nobody waits for it.
static void remove_root(const struct container *container)
{
	if (container->unit->rootfs != NULL || !root_is_there(container->id) || fork() != 0)
		return;
	root_remove(container->id);
	_exit(0);
}

void container_remove(struct container *container)
{
	containers_count--;
	container_table_remove(container);
	events_close(&container->channel);
	tell(container, "remove");
	log_remove(container->unit->name);
	// First: a root without a record is swept at the next boot, a record without its root would start afresh.
	record_remove(container->id);
	remove_root(container);
	unit_destroy(container->unit);
	free(container);
}

static void set_state(struct container *container, enum container_state state)
{
	container->state = state;
	container->changed_ms = container_now_ms();
}

static void hear(struct event_source *channel);

// A time at which something has to be done for a container; 0 calls it off. What is called off may still make
// container_tick() look once in vain.
static void set_due(int64_t *due_ms, int64_t when_ms)
{
	*due_ms = when_ms;
	if (when_ms != 0 && (tick_at_ms == 0 || when_ms < tick_at_ms))
		tick_at_ms = when_ms;
}

int container_start(struct container *container, const struct supervise_client *client,
		    struct fault *fault)
{
	struct spawned spawned;
	int error;

	if (container->supervisor != 0)
		return fault_set(fault, -EBUSY, "%s is running", container->unit->name);
	error = supervisor_spawn(container->unit, container->id, client, &spawned, fault);
	if (error != 0)
		return error;
	container->channel = (struct event_source){spawned.channel, hear, container};
	error = events_add(&container->channel);
	if (error != 0) {
		events_close(&container->channel);	// at which the supervisor gives up
		return fault_set(fault, error, "cannot watch over %s: %s", container->unit->name,
				 strerror(-error));
	}
	container->supervisor = spawned.pid;
	container_table_add_supervisor(container);
	container->stop_wanted = 0;
	container->stopped_by_hand = 0;
	container->restart_at_ms = 0;
	container->kill_at_ms = 0;
	container->kill_step = 0;
	container->trouble[0] = '\0';
	container->out_of_memory = 0;
	container->started_ms = container_now_ms();
	set_state(container, CONTAINER_STARTING);
	record_change(container);
	return 0;
}

static int send_packet(struct container *container, enum supervise_event event, int value)
{
	struct supervise_packet packet = {.event = event, .value = value};

	if (container->channel.fd < 0 ||
	    send(container->channel.fd, &packet, sizeof(packet), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -ESRCH;
	return 0;
}

int container_signal(struct container *container, int number)
{
	if (container->state != CONTAINER_RUNNING)
		return -ESRCH;
	return send_packet(container, SUPERVISE_SIGNAL, number);
}

static int move(struct container *container, enum cgroup_motion motion)
{
	int error;

	if (container->state != CONTAINER_RUNNING)
		return -ESRCH;
	if (container->paused == (motion == CGROUP_FROZEN))
		return -EALREADY;
	error = cgroup_freeze(container->unit->name, motion);
	if (error != 0)
		return error;
	container->paused = motion == CGROUP_FROZEN;
	tell(container, container->paused ? "pause" : "unpause");
	return 0;
}

int container_pause(struct container *container)
{
	return move(container, CGROUP_FROZEN);
}

int container_unpause(struct container *container)
{
	return move(container, CGROUP_THAWED);
}

int container_attach(struct container *container, enum supervise_attach how, const int fds[SUPERVISE_CLIENT_FDS])
{
	struct supervise_packet packet = {.event = SUPERVISE_ATTACH, .value = how};

	if (container->state != CONTAINER_RUNNING || container->channel.fd < 0)
		return -ESRCH;
	return descriptors_send(container->channel.fd, &packet, sizeof(packet), fds, SUPERVISE_CLIENT_FDS);
}

// Which signal that is the supervisor knows: an image may say it.
static void ask_to_end(struct container *container)
{
	if (container->state == CONTAINER_RUNNING)
		send_packet(container, SUPERVISE_STOP, 0);
}

void container_stop(struct container *container, unsigned timeout_s)
{
	container->stop_wanted = 1;
	container->restart_at_ms = 0;
	// The end of the machine is not the wish of a person.
	if (!restarts_ended && !container->stopped_by_hand && container->state != CONTAINER_CREATED) {
		container->stopped_by_hand = 1;
		record_change(container);
	}
	if (container->state == CONTAINER_WAITING)
		set_state(container, CONTAINER_EXITED);
	if (!container_is_alive(container))
		return;
	// A frozen one could not end.
	if (container->paused && container_unpause(container) != 0)
		message("cannot let the paused container %s go on", container->unit->name);
	ask_to_end(container);
	container->kill_step = 0;
	set_due(&container->kill_at_ms, container_now_ms() + (int64_t)timeout_s * 1000);
}

// Ever harder: SIGKILL through the supervisor; then everything in the group, and the supervisor
// itself, which may hang on a client's terminal.
static void kill_harder(struct container *container, int64_t now_ms)
{
	if (container->kill_step++ == 0) {
		container_signal(container, SIGKILL);
		set_due(&container->kill_at_ms, now_ms + KILL_PATIENCE_MS);
		return;
	}
	container->kill_at_ms = 0;
	cgroup_kill(container->unit->name);
	kill(container->supervisor, SIGKILL);
}

static void schedule_restart(struct container *container)
{
	int64_t now_ms = container_now_ms();

	if (now_ms - container->started_ms >= STABLE_AFTER_MS)
		container->pause_ms = PAUSE_FIRST_MS;
	set_due(&container->restart_at_ms, now_ms + container->pause_ms);
	container->pause_ms *= 2;
	if (container->pause_ms > PAUSE_MAX_MS)
		container->pause_ms = PAUSE_MAX_MS;
	set_state(container, CONTAINER_WAITING);
}

static void finish(struct container *container)
{
	enum unit_restart restart = container->unit->restart;

	container->pid = 0;
	container->kill_at_ms = 0;
	container->paused = 0;
	container->ended_ns = wall_ns();
	tell(container, "died");
	if (!container->stop_wanted && !restarts_ended &&
	    (restart == UNIT_RESTART_ALWAYS || restart == UNIT_RESTART_UNLESS_STOPPED ||
	     (restart == UNIT_RESTART_ON_FAILURE && container->status != 0 &&
	      (container->unit->restarts_max == 0 || container->restarts < container->unit->restarts_max))))
		schedule_restart(container);
	else
		set_state(container, CONTAINER_EXITED);
	record_change(container);
	if (watcher != NULL)
		watcher(container);
	if (container->state == CONTAINER_EXITED &&
	    (container->unit->flags & UNIT_AUTO_REMOVE) != 0)
		container_remove(container);
}

// Whoever said `keel run` is told by keel; for a unit there is only the console, and it is told once,
// however often the unit is tried again.
static void say_trouble(struct container *container)
{
	if (container->origin != CONTAINER_FROM_UNIT ||
	    strcmp(container->trouble, container->said) == 0)
		return;
	strcpy(container->said, container->trouble);
	message("container %s cannot start: %s", container->unit->name, container->trouble);
}

static void take_packet(struct container *container, const struct supervise_packet *packet)
{
	switch (packet->event) {
	case SUPERVISE_STARTED:
		container->pid = packet->value;
		container->begun_ns = wall_ns();
		set_state(container, CONTAINER_RUNNING);
		tell(container, "start");
		if (container->stop_wanted)
			ask_to_end(container);
		if (watcher != NULL)
			watcher(container);
		break;
	case SUPERVISE_FAILED:
		container->status = packet->value;
		snprintf(container->trouble, sizeof(container->trouble), "%s", packet->text);
		say_trouble(container);
		break;
	case SUPERVISE_ENDED:
		container->status = WIFSIGNALED(packet->value) ? 128 + WTERMSIG(packet->value)
							       : WEXITSTATUS(packet->value);
		snprintf(container->trouble, sizeof(container->trouble), "%s", packet->text);
		container->out_of_memory = packet->text[0] != '\0';
		if (packet->text[0] != '\0')
			message("container %s ran out of memory", container->unit->name);
		break;
	default:
		break;
	}
}

// Takes every packet that is there; forgets the channel once the supervisor has closed its end.
static void hear(struct event_source *channel)
{
	struct supervise_packet packet;
	ssize_t got;

	while ((got = recv(channel->fd, &packet, sizeof(packet), MSG_DONTWAIT)) == sizeof(packet)) {
		packet.text[sizeof(packet.text) - 1] = '\0';
		take_packet(channel->owner, &packet);
	}
	if (got >= 0 || (errno != EAGAIN && errno != EINTR))
		events_close(channel);
}

int container_reaped(pid_t pid, int wait_status)
{
	struct container *container = container_table_find_supervisor(pid);

	if (container == NULL)
		return 0;
	if (container->channel.fd >= 0)
		hear(&container->channel);
	events_close(&container->channel);
	container_table_remove_supervisor(container);
	container->supervisor = 0;
	if (WIFSIGNALED(wait_status)) {
		// It did not clean up after itself. Its container dies with it.
		container->status = STATUS_SUPERVISOR_LOST;
		if (!container->stop_wanted)
			message("the supervisor of container %s was killed by signal %d",
				container->unit->name, WTERMSIG(wait_status));
		cgroup_kill(container->unit->name);
	}
	finish(container);
	return 1;
}

static void restart(struct container *container)
{
	static const struct supervise_client nobody = {-1, -1, -1, -1};
	struct fault fault = {0};

	container->restart_at_ms = 0;
	container->restarts++;
	if (container_start(container, &nobody, &fault) != 0) {
		message("container %s cannot start: %s", container->unit->name, fault.text);
		schedule_restart(container);
	}
}

int64_t container_tick(int64_t now_ms)
{
	struct container *container;

	if (tick_at_ms == 0 || now_ms < tick_at_ms)
		return tick_at_ms;
	tick_at_ms = 0;
	for (container = container_first(); container != NULL; container = container_next(container)) {
		if (container->restart_at_ms != 0 && now_ms >= container->restart_at_ms)
			restart(container);
		if (container->kill_at_ms != 0 && now_ms >= container->kill_at_ms)
			kill_harder(container, now_ms);
		set_due(&container->restart_at_ms, container->restart_at_ms);
		set_due(&container->kill_at_ms, container->kill_at_ms);
	}
	return tick_at_ms;
}
