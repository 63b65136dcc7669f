// SPDX-License-Identifier: MPL-2.0
#include "support.h"

#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <time.h>

enum { TEXT_SIZE = 64 * 1024 };

siginfo_t caught_info;
volatile sig_atomic_t caught_count, caught_number;
static sigjmp_buf after_fault;

pid_t fork_checked(void)
{
	return CHECK_OK(fork());
}

static int wait_status(pid_t child)
{
	int status = 0;
	while (waitpid(child, &status, 0) < 0)
		CHECK_EQ(errno, EINTR);
	return status;
}

int wait_exit(pid_t child)
{
	int status = wait_status(child);
	if (!WIFEXITED(status))
		test_fail(__FILE__, __LINE__, "child ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

int wait_signal(pid_t child)
{
	int status = wait_status(child);
	if (!WIFSIGNALED(status))
		test_fail(__FILE__, __LINE__, "child exited with %d", WEXITSTATUS(status));
	return WTERMSIG(status);
}

static const char *read_all(int fd, const char *what)
{
	static char text[TEXT_SIZE];
	size_t length = 0;
	for (;;) {
		ssize_t count = read(fd, text + length, sizeof(text) - 1 - length);
		if (count < 0)
			test_fail(__FILE__, __LINE__, "read %s: %s", what, test_errno_name(errno));
		if (count == 0)
			break;
		length += (size_t)count;
	}
	text[length] = 0;
	return text;
}

const char *read_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		test_fail(__FILE__, __LINE__, "open %s: %s", path, test_errno_name(errno));
	const char *text = read_all(fd, path);
	close(fd);
	return text;
}

void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		test_fail(__FILE__, __LINE__, "create %s: %s", path, test_errno_name(errno));
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

int put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t count = write(fd, text, strlen(text));
	int error = errno;
	close(fd);
	errno = error;
	return count == (ssize_t)strlen(text) ? 0 : -1;
}

int make_file(const char *path)
{
	return CHECK_OK(open(path, O_RDWR | O_CREAT | O_TRUNC, 0644));
}

const char *output_of(char *const words[], char *const environment[])
{
	int ends[2];
	CHECK_OK(pipe(ends));
	pid_t child = fork_checked();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execve(words[0], words, environment);
		_exit(127);
	}
	close(ends[1]);
	const char *text = read_all(ends[0], words[0]);
	close(ends[0]);
	CHECK_EQ(wait_exit(child), 0);
	return text;
}

struct turn turn_create(void)
{
	int ends[2];
	CHECK_OK(pipe(ends));
	return (struct turn){.read_end = ends[0], .write_end = ends[1]};
}

void turn_give(struct turn turn)
{
	CHECK_EQ(write(turn.write_end, "", 1), 1);
}

void turn_take(struct turn turn)
{
	char byte;
	CHECK_EQ(read(turn.read_end, &byte, 1), 1);
}

void sleep_ms(long milliseconds)
{
	struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
	while (nanosleep(&left, &left) != 0)
		CHECK_EQ(errno, EINTR);
}

int64_t now_ns(clockid_t clock)
{
	struct timespec now;
	CHECK_OK(clock_gettime(clock, &now));
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static char state_in(const char *path)
{
	const char *bracket = strrchr(read_text(path), ')');
	CHECK(bracket != NULL);
	return bracket[2];
}

char process_state(pid_t pid)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return state_in(path);
}

char thread_state(pid_t tid)
{
	char path[48];
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	return state_in(path);
}

void private_mounts(void)
{
	CHECK_OK(unshare(CLONE_NEWNS));
	CHECK_OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

void become_nobody(void)
{
	CHECK_OK(chmod(".", 0777));
	CHECK_OK(setgroups(0, NULL));
	CHECK_OK(setresgid(NOBODY, NOBODY, NOBODY));
	CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
}

void *bad_address(void)
{
	void *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	return page;
}

void *kernel_address(void)
{
	return (void *)0xffff888000000000;
}

void *map_pages(size_t pages)
{
	void *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	return memory;
}

static void leave_fault(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	caught_info = *info;
	siglongjmp(after_fault, 1);
}

int raises_signal(int number, void (*body)(void *argument), void *argument)
{
	struct sigaction action = {.sa_sigaction = leave_fault, .sa_flags = SA_SIGINFO}, before;
	CHECK_OK(sigaction(number, &action, &before));
	volatile int raised = 0;
	if (sigsetjmp(after_fault, 1) == 0)
		body(argument);
	else
		raised = 1;
	CHECK_OK(sigaction(number, &before, NULL));
	return raised;
}

void handle_signal(int number, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
	CHECK_OK(sigaction(number, &action, NULL));
}

void count_signal(int number)
{
	caught_count++;
	caught_number = number;
}

void alarm_each_second(void)
{
	struct itimerval second = {{1, 0}, {1, 0}};
	CHECK_OK(setitimer(ITIMER_REAL, &second, NULL));
}
