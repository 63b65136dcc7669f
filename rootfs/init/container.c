// SPDX-License-Identifier: MPL-2.0
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../container/cgroup.h"
#include "../container/log.h"
#include "../image/root.h"
#include "message.h"

enum {
	PAUSE_FIRST_MS = 100,
	PAUSE_MAX_MS = 30000,
	STABLE_AFTER_MS = 10000,	// a run this long makes the next pause short again
	KILL_PATIENCE_MS = 3000,	// between SIGKILL and harder means
	STATUS_SUPERVISOR_LOST = 125,
};

static struct container *containers[CONTAINERS_MAX];
static size_t containers_count;
static container_watcher *watcher;

int64_t container_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void container_watch(container_watcher *wanted)
{
	watcher = wanted;
}

struct container *container_at(size_t index)
{
	return index < containers_count ? containers[index] : NULL;
}

struct container *container_find(const char *name)
{
	for (size_t i = 0; i < containers_count; i++) {
		if (strcmp(containers[i]->unit->name, name) == 0 ||
		    strcmp(containers[i]->id, name) == 0)
			return containers[i];
	}
	return NULL;
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

		memcpy(bytes, &now_ms, sizeof(bytes));
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

int container_add(struct unit *unit, enum container_origin origin, struct container **container,
		  struct fault *fault)
{
	struct container *fresh;

	if (container_find(unit->name) != NULL)
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
	fresh->channel = -1;
	fresh->status = -1;
	fresh->pause_ms = PAUSE_FIRST_MS;
	fresh->created_ms = fresh->changed_ms = container_now_ms();
	make_id(fresh->id);
	containers[containers_count++] = fresh;
	*container = fresh;
	return 0;
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
	size_t index = 0;

	while (containers[index] != container)
		index++;
	containers_count--;
	memmove(&containers[index], &containers[index + 1],
		(containers_count - index) * sizeof(containers[0]));
	if (container->channel >= 0)
		close(container->channel);
	log_remove(container->unit->name);
	remove_root(container);
	unit_destroy(container->unit);
	free(container);
}

static void set_state(struct container *container, enum container_state state)
{
	container->state = state;
	container->changed_ms = container_now_ms();
}

// The supervisor's side of the fork: keeps its channel and client as descriptors 3 to 6, closes
// everything else of init's.
static void become_supervisor(const struct container *container,
			      const struct supervise_client *client, int channel)
{
	int kept[4] = {channel, client->input, client->output, client->error};

	for (int i = 0; i < 4; i++) {
		// Above the targets first, so that none is overwritten before it is copied.
		if (kept[i] >= 0)
			kept[i] = fcntl(kept[i], F_DUPFD_CLOEXEC, 16);
	}
	for (int i = 0; i < 4; i++) {
		close(3 + i);
		if (kept[i] >= 0)
			kept[i] = dup3(kept[i], 3 + i, O_CLOEXEC);
	}
	if (syscall(SYS_close_range, 7U, ~0U, 0) < 0) {
		for (int fd = 7; fd < 1024; fd++)
			close(fd);
	}
	supervise(container->unit, container->id, &(struct supervise_client){kept[1], kept[2], kept[3]}, kept[0]);
}

int container_start(struct container *container, const struct supervise_client *client,
		    struct fault *fault)
{
	int channel[2];
	pid_t pid;

	if (container->supervisor != 0)
		return fault_set(fault, -EBUSY, "%s is running", container->unit->name);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return fault_errno(fault, "cannot make a socket pair");
	pid = fork();
	if (pid == 0) {
		close(channel[0]);
		become_supervisor(container, client, channel[1]);
	}
	close(channel[1]);
	if (pid < 0) {
		close(channel[0]);
		return fault_errno(fault, "cannot make a process for %s", container->unit->name);
	}
	container->supervisor = pid;
	container->channel = channel[0];
	container->stop_wanted = 0;
	container->restart_at_ms = 0;
	container->kill_at_ms = 0;
	container->kill_step = 0;
	container->trouble[0] = '\0';
	container->started_ms = container_now_ms();
	set_state(container, CONTAINER_STARTING);
	return 0;
}

static int send_packet(struct container *container, enum supervise_event event, int value)
{
	struct supervise_packet packet = {.event = event, .value = value};

	if (container->channel < 0 ||
	    send(container->channel, &packet, sizeof(packet), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -ESRCH;
	return 0;
}

int container_signal(struct container *container, int number)
{
	if (container->state != CONTAINER_RUNNING)
		return -ESRCH;
	return send_packet(container, SUPERVISE_SIGNAL, number);
}

void container_resize(struct container *container)
{
	send_packet(container, SUPERVISE_RESIZE, 0);
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
	if (container->state == CONTAINER_WAITING || container->state == CONTAINER_CREATED)
		set_state(container, CONTAINER_EXITED);
	if (!container_is_alive(container))
		return;
	ask_to_end(container);
	container->kill_step = 0;
	container->kill_at_ms = container_now_ms() + (int64_t)timeout_s * 1000;
}

// Ever harder: SIGKILL through the supervisor; then everything in the group, and the supervisor
// itself, which may hang on a client's terminal.
static void kill_harder(struct container *container, int64_t now_ms)
{
	if (container->kill_step++ == 0) {
		container_signal(container, SIGKILL);
		container->kill_at_ms = now_ms + KILL_PATIENCE_MS;
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
	container->restart_at_ms = now_ms + container->pause_ms;
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
	if (!container->stop_wanted &&
	    (restart == UNIT_RESTART_ALWAYS || restart == UNIT_RESTART_UNLESS_STOPPED ||
	     (restart == UNIT_RESTART_ON_FAILURE && container->status != 0 &&
	      (container->unit->restarts_max == 0 || container->restarts < container->unit->restarts_max))))
		schedule_restart(container);
	else
		set_state(container, CONTAINER_EXITED);
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
		set_state(container, CONTAINER_RUNNING);
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
		if (packet->text[0] != '\0')
			message("container %s ran out of memory", container->unit->name);
		break;
	default:
		break;
	}
}

// Takes every packet that is there. => 0 once the supervisor has closed its end
static int hear(struct container *container)
{
	struct supervise_packet packet;
	ssize_t got;

	while ((got = recv(container->channel, &packet, sizeof(packet), MSG_DONTWAIT)) ==
	       sizeof(packet)) {
		packet.text[sizeof(packet.text) - 1] = '\0';
		take_packet(container, &packet);
	}
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

size_t container_poll_fds(struct pollfd *polled, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < containers_count && count < max; i++) {
		if (containers[i]->channel >= 0)
			polled[count++] = (struct pollfd){.fd = containers[i]->channel,
							  .events = POLLIN};
	}
	return count;
}

void container_heard(const struct pollfd *polled, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; polled[i].revents != 0 && j < containers_count; j++) {
			if (containers[j]->channel != polled[i].fd)
				continue;
			if (!hear(containers[j])) {
				close(containers[j]->channel);
				containers[j]->channel = -1;
			}
			break;
		}
	}
}

int container_reaped(pid_t pid, int wait_status)
{
	struct container *container = NULL;

	for (size_t i = 0; i < containers_count; i++) {
		if (containers[i]->supervisor == pid)
			container = containers[i];
	}
	if (container == NULL)
		return 0;
	if (container->channel >= 0) {
		hear(container);
		close(container->channel);
		container->channel = -1;
	}
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
	static const struct supervise_client nobody = {-1, -1, -1};
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
	int64_t next_ms = 0;

	for (size_t i = 0; i < containers_count; i++) {
		struct container *container = containers[i];
		const int64_t *due[2] = {&container->restart_at_ms, &container->kill_at_ms};

		if (container->restart_at_ms != 0 && now_ms >= container->restart_at_ms)
			restart(container);
		if (container->kill_at_ms != 0 && now_ms >= container->kill_at_ms)
			kill_harder(container, now_ms);
		for (int j = 0; j < 2; j++) {
			if (*due[j] != 0 && (next_ms == 0 || *due[j] < next_ms))
				next_ms = *due[j];
		}
	}
	return next_ms;
}
