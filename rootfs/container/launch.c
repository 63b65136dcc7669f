// SPDX-License-Identifier: MPL-2.0
// Theory: the child cannot be told apart from the container once it has run execve, so all talk is
// before. Parent and child share a socket pair of packets, closed by execve:
//
//   parent                                child (in new namespaces)
//   puts the child into its cgroup
//   "go"                          ->      unshare(CLONE_NEWCGROUP): its root is now that cgroup
//                                         builds its world, opens its terminal
//                                 <-      the terminal's master (SCM_RIGHTS), if there is one
//                                         drops what it may not keep, execve
//                                 <-      end of file: it runs; or a packet: errno and a sentence
//
// A parent that dies takes the child along: the child waits for "go", and later has PR_SET_PDEATHSIG.
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../control/descriptor_pass.h"
#include "cgroup.h"
#include "command.h"
#include "identity.h"
#include "terminal.h"
#include "world.h"

// A packet from the child: what went wrong, or (error 0) that a descriptor comes with it.
struct report {
	int error;
	char text[FAULT_TEXT_SIZE];
};

static void send_report(int channel, int error, const char *text, int descriptor)
{
	struct report report = {.error = error};

	snprintf(report.text, sizeof(report.text), "%s", text);
	descriptor_send(channel, &report, sizeof(report), descriptor);
}

static int place_stdio(const struct launch_stdio *stdio, struct fault *fault)
{
	const int wanted[3] = {stdio->input, stdio->output, stdio->error};
	int copies[3];

	// Copies above 2 first, so that no dup2 overwrites a descriptor that is still needed.
	for (int i = 0; i < 3; i++) {
		copies[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, 3);
		if (copies[i] < 0)
			return fault_errno(fault, "cannot copy a standard descriptor");
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(copies[i], i) < 0)
			return fault_errno(fault, "cannot place a standard descriptor");
	}
	return 0;
}

static int open_stdio(const struct unit *unit, const struct launch_stdio *stdio,
		      const struct identity *identity, int channel, struct fault *fault)
{
	int master, error;

	if ((unit->flags & UNIT_TERMINAL) == 0)
		return place_stdio(stdio, fault);
	error = terminal_open_console(identity->uid, &master, fault);
	if (error != 0)
		return error;
	send_report(channel, 0, "", master);
	close(master);
	return 0;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < 65; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int become_container(const struct unit *unit, const struct launch_stdio *stdio,
			    int channel, struct fault *fault)
{
	struct identity identity;
	int error;

	if (unshare(CLONE_NEWCGROUP) < 0)
		return fault_errno(fault, "cannot make a control group namespace");
	if (setsid() < 0)
		return fault_errno(fault, "cannot make a session");
	error = world_enter(unit, fault);
	if (error == 0)
		error = identity_resolve(unit->user, &identity, fault);
	if (error == 0)
		error = open_stdio(unit, stdio, &identity, channel, fault);
	if (error == 0)
		error = world_seal(unit, fault);
	if (error == 0)
		error = identity_assume(unit, &identity, fault);
	if (error != 0)
		return error;
	// Changing identity clears this, so it comes after.
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	reset_signals();
	return command_exec(unit, unit->command, identity.home, fault);
}

static void child_main(const struct unit *unit, const struct launch_stdio *stdio, int channel)
{
	struct fault fault = {0};
	char go;
	int error;

	// Until execve the child holds the host's program open: nobody in the container may touch it.
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (recv(channel, &go, 1, 0) != 1)
		_exit(125);
	error = become_container(unit, stdio, channel, &fault);
	send_report(channel, error, fault.text, -1);
	_exit(125);
}

// Reads the child's packets until it runs or fails.
static int hear_child(int channel, struct launched *launched, struct fault *fault)
{
	for (;;) {
		struct report report;
		int descriptor = -1;
		ssize_t got = descriptor_receive(channel, &report, sizeof(report), &descriptor);

		if (got == 0)
			return 0;
		if (got != sizeof(report))
			return fault_set(fault, -EPROTO, "the container's process sent nonsense");
		if (report.error != 0)
			return fault_set(fault, report.error, "%s", report.text);
		if (launched->terminal >= 0)
			close(launched->terminal);
		launched->terminal = descriptor;
	}
}

static int guide_child(const struct unit *unit, int channel, struct launched *launched,
		       struct fault *fault)
{
	int error = cgroup_add(unit->name, launched->pid, fault);

	if (error != 0)
		return error;
	if (send(channel, "g", 1, MSG_NOSIGNAL) != 1)
		return fault_errno(fault, "the container's process is gone");
	return hear_child(channel, launched, fault);
}

static void abandon_child(struct launched *launched)
{
	kill(launched->pid, SIGKILL);
	while (waitpid(launched->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (launched->terminal >= 0)
		close(launched->terminal);
	launched->terminal = -1;
}

int launch(const struct unit *unit, const struct launch_stdio *stdio, struct launched *launched,
	   struct fault *fault)
{
	unsigned long namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
	int channel[2];
	int error;

	if (unit->network == UNIT_NETWORK_NONE)
		namespaces |= CLONE_NEWNET;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return fault_errno(fault, "cannot make a socket pair");
	launched->terminal = -1;
	// Like fork(), but into new namespaces; the C library has no function for that.
	launched->pid = (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0);
	if (launched->pid == 0) {
		close(channel[0]);
		child_main(unit, stdio, channel[1]);
	}
	close(channel[1]);
	if (launched->pid < 0) {
		close(channel[0]);
		return fault_errno(fault, "cannot make the namespaces");
	}
	error = guide_child(unit, channel[0], launched, fault);
	close(channel[0]);
	if (error != 0)
		abandon_child(launched);
	return error;
}
