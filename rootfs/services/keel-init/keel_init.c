// SPDX-License-Identifier: MPL-2.0
// Process 1 inside a container whose unit says `init: true`. It runs one command, passes every signal on
// to it, reaps whatever is left to process 1, and ends with the command's status.
//
// A program that is process 1 itself gets no default action for signals, so that a plain server would
// ignore SIGTERM; under this one it behaves as it does anywhere else.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int run_command(char **command, const sigset_t *mask)
{
	setpgid(0, 0);
	// With a terminal the command's group is the one in the foreground; without one this fails.
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(STDIN_FILENO, getpid());
	signal(SIGTTOU, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(command[0], command);
	fprintf(stderr, "cannot run %s: %s\n", command[0], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Reaps all that has ended. => 1 once the command itself has, with its status
static int reap(pid_t command, int *status)
{
	int one;
	pid_t ended;
	int found = 0;

	while ((ended = waitpid(-1, &one, WNOHANG)) > 0) {
		if (ended == command) {
			*status = exit_status(one);
			found = 1;
		}
	}
	return found;
}

int main(int count, char **arguments)
{
	sigset_t all, before;
	pid_t command;

	if (count < 2) {
		fputs("usage: keel-init COMMAND...\n", stderr);
		return 125;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	command = fork();
	if (command == 0)
		_exit(run_command(arguments + 1, &before));
	if (command < 0) {
		fprintf(stderr, "cannot make a process: %s\n", strerror(errno));
		return 125;
	}
	for (;;) {
		int status = 0;
		int number = 0;

		if (sigwait(&all, &number) != 0)
			continue;
		if (number == SIGCHLD) {
			if (reap(command, &status))
				return status;
		} else {
			kill(command, number);
		}
	}
}
