// SPDX-License-Identifier: MPL-2.0
// Theory: init has a descriptor for each container, and a process that starts with copies of them all would cost
// the more the more containers there are. So the child shares init's memory and its descriptors until execve, while
// init waits for it, and takes nothing but the lowest descriptors along: those are kept free in init for what
// a supervisor gets. All that the child does is a few system calls on values that are ready.
// The unit goes as the first packet of the channel: its name, its container's id, a zero byte behind each, its YAML.
// It fits: a unit is shorter than what a socket takes (UNIT_PACKET_MAX), and nothing was sent before.
#include "supervisor_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../../control/control.h"
#include "../machine/boot.h"
#include "container.h"
#include "../limits.h"

enum {
	CHANNEL = 3,			// the supervisor's descriptors: this, and the client's behind it
	DESCRIPTORS = 1 + SUPERVISE_CLIENT_FDS,
	ABOVE = CHANNEL + DESCRIPTORS,
	UNIT_PACKET_MAX = CONTROL_FRAME_MAX + UNIT_NAME_SIZE + CONTAINER_ID_SIZE,
	STATUS_NO_PROGRAM = 125,
	CHILD_STACK_SIZE = 16 * 1024,
};

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif

static int nothing = -1;		// what keeps the places while nobody needs them

static void places_take(const int wanted[DESCRIPTORS])
{
	for (int i = 0; i < DESCRIPTORS; i++) {
		if (wanted[i] < 0)
			close(CHANNEL + i);
		else
			dup2(wanted[i], CHANNEL + i);
	}
}

static void places_keep(void)
{
	for (int i = 0; i < DESCRIPTORS; i++)
		dup3(nothing, CHANNEL + i, O_CLOEXEC);
}

int supervisor_spawn_prepare(void)
{
	int low = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (low < 0)
		return -1;
	nothing = fcntl(low, F_DUPFD_CLOEXEC, ABOVE);
	if (nothing < 0) {
		int error = errno;

		close(low);
		errno = error;
		return -1;
	}
	places_keep();
	if (low >= ABOVE)
		close(low);
	return 0;
}

static int become_supervisor(void *unused)
{
	static char *const arguments[] = {"keel-supervise", SUPERVISOR_WORD, NULL};

	(void)unused;
	limits_restore();
	// What is above goes at execve in any case; this way it is not even copied.
	syscall(SYS_close_range, (unsigned)ABOVE, ~0U, CLOSE_RANGE_UNSHARE);
	execv(BOOT_PROTECTED_INIT, arguments);
	_exit(STATUS_NO_PROGRAM);
}

static pid_t start_process(const int wanted[DESCRIPTORS])
{
	static char stack[CHILD_STACK_SIZE] __attribute__((aligned(16)));
	pid_t pid;

	places_take(wanted);
	pid = clone(become_supervisor, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, NULL);
	places_keep();
	return pid;
}

static int send_unit(int channel, const struct unit *unit, const char *id)
{
	struct iovec parts[3] = {{(char *)unit->name, strlen(unit->name) + 1},
				 {(char *)id, strlen(id) + 1},
				 {unit->text, strlen(unit->text)}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};

	return sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int supervisor_spawn(const struct unit *unit, const char *id, const struct supervise_client *client,
		     struct spawned *spawned, struct fault *fault)
{
	int channel[2], wanted[DESCRIPTORS];
	pid_t pid;
	int error;

	if (nothing < 0) {
		fault_set(fault, -EMFILE, "init could not keep descriptors for supervisors when it started");
		return -EMFILE;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return fault_errno(fault, "cannot make a socket pair");
	fcntl(channel[0], F_SETFL, O_NONBLOCK);		// init waits for nobody
	error = send_unit(channel[0], unit, id);
	if (error != 0) {
		fault_set(fault, error, "cannot hand %s over: %s", unit->name, strerror(-error));
		close(channel[0]);
		close(channel[1]);
		return error;
	}
	wanted[0] = channel[1];
	wanted[1] = client->input;
	wanted[2] = client->output;
	wanted[3] = client->error;
	wanted[4] = client->lifeline;
	pid = start_process(wanted);
	close(channel[1]);
	if (pid < 0) {
		close(channel[0]);
		return fault_errno(fault, "cannot make a process for %s", unit->name);
	}
	*spawned = (struct spawned){pid, channel[0]};
	return 0;
}

static struct unit *receive_unit(char id[CONTAINER_ID_SIZE], struct fault *fault)
{
	char *packet = malloc(UNIT_PACKET_MAX + 1);
	ssize_t got = packet != NULL ? recv(CHANNEL, packet, UNIT_PACKET_MAX, 0) : -1;
	struct unit *unit = NULL;

	if (got > 0) {
		const char *end = packet + got, *name = packet, *text;

		packet[got] = '\0';
		text = name + strlen(name) + 1;
		if (text < end) {
			snprintf(id, CONTAINER_ID_SIZE, "%s", text);
			text += strlen(text) + 1;
		}
		if (text < end)
			unit_parse(text, (size_t)(end - text), name, &unit, fault);
	}
	free(packet);
	return unit;
}

// A descriptor that init left out is not open here.
static int inherited(int fd)
{
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	return fd;
}

_Noreturn void supervisor_main(void)
{
	struct supervise_client client = {inherited(CHANNEL + 1), inherited(CHANNEL + 2), inherited(CHANNEL + 3),
					  inherited(CHANNEL + 4)};
	static char id[CONTAINER_ID_SIZE];
	struct fault fault = {0};
	struct unit *unit;

	setsid();		// signals to groups, and the kernel's bookkeeping of them, stay its own
	if (inherited(CHANNEL) < 0) {
		fputs("init: a supervisor is started by init alone\n", stderr);
		_exit(STATUS_NO_PROGRAM);
	}
	unit = receive_unit(id, &fault);
	if (unit == NULL)
		_exit(STATUS_NO_PROGRAM);
	supervise(unit, id, &client, CHANNEL);
}
