// SPDX-License-Identifier: MPL-2.0
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/file.h"

static int place_stdio(const struct runtime_stdio *stdio)
{
	const int wanted[3] = {stdio->input, stdio->output, stdio->error};
	int copies[3];

	// Copies above 2 first, so that no dup2 overwrites a descriptor that is still needed.
	for (int i = 0; i < 3; i++) {
		copies[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, 3);
		if (copies[i] < 0)
			return -errno;
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(copies[i], i) < 0)
			return -errno;
	}
	return 0;
}

// It ends with its caller: a runtime that outlived a killed supervisor would go on making what the next start, or
// a removal, has just cleaned away.
static void end_with(pid_t caller)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != caller)
		_exit(125);
}

static void become_runtime(const char *log, const char *const *words,
			   const struct runtime_stdio *stdio)
{
	const char *arguments[RUNTIME_WORDS_MAX + 8] = {
		"crun", "--root", RUNTIME_STATE, "--cgroup-manager", "cgroupfs", "--log", log};
	size_t count = 7;
	sigset_t none;

	for (size_t i = 0; words[i] != NULL && i < RUNTIME_WORDS_MAX; i++)
		arguments[count++] = words[i];
	arguments[count] = NULL;
	for (int number = 1; number < 65; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (place_stdio(stdio) == 0)
		execv(RUNTIME_PROGRAM, (char *const *)arguments);
	_exit(125);
}

// Its messages are "TIME: TEXT" lines; the last one says why it gave up.
static void read_message(const char *log, struct fault *fault)
{
	char *text, *line, *end, *start;
	size_t length;

	if (file_read_all(log, 65536, &text, &length) != 0)
		return;
	while (length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	line = strrchr(text, '\n');
	line = line != NULL ? line + 1 : text;
	start = strstr(line, "Z: ");
	start = start != NULL ? start + 3 : line;
	end = start + strlen(start);
	if (end != start)
		fault_set(fault, -EIO, "%s", start);
	free(text);
}

pid_t runtime_start(const char *log, const char *const *words, const struct runtime_stdio *stdio, struct fault *fault)
{
	pid_t caller = getpid(), pid;

	unlink(log);
	pid = fork();
	if (pid == 0) {
		end_with(caller);
		become_runtime(log, words, stdio);
	}
	return pid >= 0 ? pid : fault_errno(fault, "cannot make a process for the runtime");
}

int runtime_finish(pid_t pid, const char *log, struct fault *fault)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return fault_errno(fault, "cannot wait for the runtime");
	}
	status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (status != 0)
		read_message(log, fault);
	unlink(log);
	return status;
}

int runtime_run(const char *log, const char *const *words, const struct runtime_stdio *stdio,
		struct fault *fault)
{
	pid_t pid = runtime_start(log, words, stdio, fault);

	return pid < 0 ? pid : runtime_finish(pid, log, fault);
}

int runtime_error(const struct fault *fault)
{
	if (strstr(fault->text, "executable") == NULL)
		return -EIO;
	if (strstr(fault->text, strerror(ENOENT)) != NULL)
		return -ENOENT;
	// A folder, for one, is "not permitted".
	if (strstr(fault->text, strerror(EPERM)) != NULL)
		return -EACCES;
	return strstr(fault->text, strerror(EACCES)) != NULL ? -EACCES : -EIO;
}
