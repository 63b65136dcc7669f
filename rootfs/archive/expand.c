// SPDX-License-Identifier: MPL-2.0
#include "expand.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static const struct form {
	const char *name;
	const char *magic;
	size_t length;
	const char *const *words;	// NULL: refused
} forms[] = {
	{"gzip", "\x1f\x8b", 2, (const char *const[]){"/bin/busybox", "gzip", "-dc", NULL}},
	{"zstd", "\x28\xb5\x2f\xfd", 4, (const char *const[]){"/usr/bin/zstd", "zstd", "-dcq", NULL}},
	{"bzip2", "BZh", 3, NULL},
	{"xz", "\xfd" "7zXZ", 5, NULL},
};

static const struct form *find_form(int fd)
{
	char start[8];
	ssize_t got = pread(fd, start, sizeof(start), 0);

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (got >= (ssize_t)forms[i].length && memcmp(start, forms[i].magic, forms[i].length) == 0)
			return &forms[i];
	}
	return NULL;
}

static _Noreturn void become_program(const struct form *form, int from, int to)
{
	sigset_t none;

	for (int number = 1; number < 65; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	from = fcntl(from, F_DUPFD_CLOEXEC, 3);
	to = fcntl(to, F_DUPFD_CLOEXEC, 3);
	if (from < 0 || to < 0 || dup2(from, 0) < 0 || dup2(to, 1) < 0)
		_exit(125);
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			       setresuid(NOBODY, NOBODY, NOBODY) < 0))
		_exit(125);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	execv(form->words[0], (char *const *)form->words + 1);
	_exit(127);
}

int expand_begin(int fd, struct expansion *expansion, struct fault *fault)
{
	const struct form *form = find_form(fd);
	int ends[2];

	*expansion = (struct expansion){.fd = -1};
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fault_errno(fault, "cannot read from the start");
	if (form == NULL) {
		expansion->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		return expansion->fd >= 0 ? 0 : fault_errno(fault, "cannot copy a descriptor");
	}
	if (form->words == NULL)
		return fault_set(fault, -EOPNOTSUPP, "compression by %s is not supported", form->name);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fault_errno(fault, "cannot make a pipe");
	expansion->pid = fork();
	if (expansion->pid == 0)
		become_program(form, fd, ends[1]);
	close(ends[1]);
	if (expansion->pid < 0) {
		close(ends[0]);
		expansion->pid = 0;
		return fault_errno(fault, "cannot make a process");
	}
	expansion->fd = ends[0];
	return 0;
}

static int wait_program(struct expansion *expansion, int *status)
{
	pid_t got;

	close(expansion->fd);
	expansion->fd = -1;
	*status = 0;
	if (expansion->pid == 0)
		return 0;
	do {
		got = waitpid(expansion->pid, status, 0);
	} while (got < 0 && errno == EINTR);
	expansion->pid = 0;
	return got < 0 ? -errno : 0;
}

int expand_end(struct expansion *expansion, struct fault *fault)
{
	int status;

	if (wait_program(expansion, &status) != 0)
		return fault_errno(fault, "cannot wait for the program that expands");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return fault_set(fault, -ENOENT, "the program that expands this is not installed");
	return status == 0 ? 0 : fault_set(fault, -EINVAL, "the compressed data is damaged");
}

void expand_abort(struct expansion *expansion)
{
	int status;

	if (expansion->fd < 0)
		return;
	if (expansion->pid > 0)
		kill(expansion->pid, SIGKILL);
	if (wait_program(expansion, &status) != 0) {
		// It is gone either way.
	}
}
