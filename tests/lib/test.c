// SPDX-License-Identifier: MPL-2.0
/*
 * The runner inside a test program. It asks little of a kernel, because it is the first thing to
 * run on one: write, fork, wait4, kill, exit. Time limits use alarm(); where that is missing the
 * runner outside, which watches for progress, ends the machine instead.
 *
 * Protocol on standard output, one line each, in one write:
 *	# NAME                     the case starts (so that a panic has a name)
 *	ok N NAME
 *	ok N NAME # skip: REASON
 *	not ok N NAME: REASON
 *	N passed, N failed, N skipped
 */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REASON_SIZE = 400, LINE_SIZE = 700 };

/* Shared with the children, so that a case can say why it ends. */
struct verdict {
	char reason[REASON_SIZE];
};

struct tally {
	int number, passed, failed, skipped;
};

static struct test_case *first_case, **last_link = &first_case;
static struct verdict private_verdict, *verdict = &private_verdict;
static const char *group = "";
static volatile sig_atomic_t running_child;
static volatile sig_atomic_t timed_out;

void test_register(struct test_case *test)
{
	*last_link = test;
	last_link = &test->next;
}

static void print_line(const char *format, ...)
{
	char line[LINE_SIZE];
	va_list args;
	va_start(args, format);
	int length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (length >= (int)sizeof(line))
		length = (int)sizeof(line) - 1;
	line[length - 1] = '\n';
	for (int done = 0; done < length;) {
		ssize_t count = write(STDOUT_FILENO, line + done, (size_t)(length - done));
		if (count <= 0)
			return;
		done += (int)count;
	}
}

const char *test_errno_name(int number)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
#define NAME(e) {e, #e}
		NAME(EPERM), NAME(ENOENT), NAME(ESRCH), NAME(EINTR), NAME(EIO), NAME(ENXIO),
		NAME(E2BIG), NAME(ENOEXEC), NAME(EBADF), NAME(ECHILD), NAME(EAGAIN), NAME(ENOMEM),
		NAME(EACCES), NAME(EFAULT), NAME(EBUSY), NAME(EEXIST), NAME(EXDEV), NAME(ENODEV),
		NAME(ENOTDIR), NAME(EISDIR), NAME(EINVAL), NAME(ENFILE), NAME(EMFILE), NAME(ENOTTY),
		NAME(ETXTBSY), NAME(EFBIG), NAME(ENOSPC), NAME(ESPIPE), NAME(EROFS), NAME(EMLINK),
		NAME(EPIPE), NAME(ERANGE), NAME(EDEADLK), NAME(ENAMETOOLONG), NAME(ENOSYS),
		NAME(ENOTEMPTY), NAME(ELOOP), NAME(EOVERFLOW), NAME(ENOTSOCK), NAME(EMSGSIZE),
		NAME(EOPNOTSUPP), NAME(EADDRINUSE), NAME(ENOTCONN), NAME(ECONNREFUSED),
		NAME(ECONNRESET), NAME(ETIMEDOUT), NAME(EALREADY), NAME(EINPROGRESS), NAME(ENODATA),
#undef NAME
	};
	static char text[24];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	snprintf(text, sizeof(text), "%d", number);
	return text;
}

unsigned test_patience(void)
{
	const char *text = getenv("TEST_PATIENCE");
	int patience = text ? atoi(text) : 1;
	return patience > 1 ? (unsigned)patience : 1;
}

void test_fail(const char *file, int line, const char *format, ...)
{
	if (verdict->reason[0])
		_exit(1); /* a child of the case has told the cause */
	const char *slash = strrchr(file, '/');
	int length = snprintf(verdict->reason, REASON_SIZE, "%s:%d: ", slash ? slash + 1 : file, line);
	va_list args;
	va_start(args, format);
	vsnprintf(verdict->reason + length, (size_t)(REASON_SIZE - length), format, args);
	va_end(args);
	if (verdict == &private_verdict)
		print_line("# %s\n", verdict->reason); /* nobody else will tell */
	_exit(1);
}

void test_skip(const char *reason)
{
	snprintf(verdict->reason, REASON_SIZE, "%s", reason);
	_exit(TEST_SKIPPED);
}

static void limit_expired(int signal_number)
{
	(void)signal_number;
	timed_out = 1;
	if (running_child > 0)
		kill(-(pid_t)running_child, SIGKILL), kill((pid_t)running_child, SIGKILL);
}

/* Removes what a case left in its directory; does not cross into other file systems' roots. */
static void remove_tree(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	while (directory && (entry = readdir(directory))) {
		char child[512];
		struct stat info;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) >= (int)sizeof(child))
			continue;
		if (!lstat(child, &info) && S_ISDIR(info.st_mode))
			remove_tree(child);
		else
			(void)unlink(child);
	}
	if (directory)
		closedir(directory);
	(void)rmdir(path);
}

static _Noreturn void child_main(const struct test_case *test, const char *directory)
{
	setpgid(0, 0);
	(void)signal(SIGALRM, SIG_DFL);
	if (mkdir(directory, 0777) == 0 && chdir(directory) != 0)
		_exit(3);
	umask(022);
	test->run();
	fflush(NULL);
	_exit(0);
}

/* Returns the wait status, or -1 if no child could be made. */
static int run_in_child(const struct test_case *test, const char *directory)
{
	timed_out = 0;
	pid_t child = fork();
	if (child < 0)
		return -1;
	if (child == 0)
		child_main(test, directory);
	running_child = child;
	(void)alarm(test->seconds * test_patience());
	int status = -1;
	while (wait4(child, &status, 0, NULL) < 0 && errno == EINTR)
		continue;
	(void)alarm(0);
	running_child = 0;
	(void)kill(-child, SIGKILL); /* what the case left behind */
	while (wait4(-1, NULL, WNOHANG, NULL) > 0)
		continue;
	return status;
}

static void report(const struct test_case *test, int status, struct tally *tally)
{
	int number = ++tally->number;
	const char *reason = verdict->reason;
	char text[64];
	if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		tally->passed++;
		print_line("ok %d %s%s\n", number, group, test->name);
		return;
	}
	if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == TEST_SKIPPED) {
		tally->skipped++;
		print_line("ok %d %s%s # skip: %s\n", number, group, test->name, reason);
		return;
	}
	tally->failed++;
	if (status < 0)
		snprintf(text, sizeof(text), "fork or wait4 failed (%s)", test_errno_name(errno));
	else if (timed_out)
		snprintf(text, sizeof(text), "not finished after %u s", test->seconds * test_patience());
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "killed by signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "exit code %d", WEXITSTATUS(status));
	print_line("not ok %d %s%s: %s%s%s\n", number, group, test->name, text,
		   reason[0] ? ": " : "", reason);
}

static void run_case(const struct test_case *test, struct tally *tally)
{
	const char *base = getenv("TEST_FOLDER");
	char directory[128];
	verdict->reason[0] = 0;
	print_line("# %s%s\n", group, test->name);
	snprintf(directory, sizeof(directory), "%s/test-%d-%d", base ? base : "/tmp", (int)getpid(), tally->number);
	int status = run_in_child(test, directory);
	report(test, status, tally);
	remove_tree(directory);
}

/* Without fork the first failure ends the program, but what passed before it has been printed. */
static void run_case_here(const struct test_case *test, struct tally *tally)
{
	print_line("# %s%s\n", group, test->name);
	test->run();
	report(test, 0, tally);
}

static int is_selected(const struct test_case *test, char **names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], test->name) == 0)
			return 1;
	return count == 0;
}

static void prepare(void)
{
	void *shared = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared != MAP_FAILED)
		verdict = shared;
	struct sigaction action = {.sa_handler = limit_expired};
	(void)sigaction(SIGALRM, &action, NULL);
}

static int list_cases(void)
{
	for (const struct test_case *test = first_case; test; test = test->next)
		print_line("%s%s\n", group, test->name);
	return 0;
}

int main(int argc, char **argv)
{
	enum { FORKED, HERE } mode = FORKED;
	int at = 1;
	struct tally tally = {0};
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (!strcmp(argv[at], "-1"))
			mode = HERE;
		else if (!strcmp(argv[at], "-l"))
			return list_cases();
		else if (!strcmp(argv[at], "-g") && at + 1 < argc)
			group = argv[++at];
	}
	if (mode == FORKED)
		prepare();
	for (const struct test_case *test = first_case; test; test = test->next) {
		if (!is_selected(test, argv + at, argc - at))
			continue;
		if (mode == HERE)
			run_case_here(test, &tally);
		else
			run_case(test, &tally);
	}
	print_line("%d passed, %d failed, %d skipped\n", tally.passed, tally.failed, tally.skipped);
	return tally.failed != 0;
}
