// SPDX-License-Identifier: MPL-2.0
// The main program of hosted unit tests: PROGRAM [TEST ...] runs all tests or those named, each in a
// child process. Prints each failure with the command that repeats it, and "N passed, N failed".
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_PER_TEST = 60, EXIT_FAILED = 1, EXIT_TRAPPED = 77 };

// The same layout as in <lib/test.h>, which is written in the kernel's vocabulary.
struct test_case {
	const char *name, *file;
	void (*run)(void);
	struct test_case *next;
};

static struct test_case *first;
static unsigned failures;

void test_register(struct test_case *test);
void test_fail(const char *file, unsigned line, const char *expression);
unsigned test_rounds(void);
_Bool test_traps(void (*body)(void));

void test_register(struct test_case *test)
{
	struct test_case **place = &first;

	while (*place && strcmp((*place)->name, test->name) < 0)
		place = &(*place)->next;
	test->next = *place;
	*place = test;
}

unsigned test_rounds(void)
{
	const char *given = getenv("FUZZ_ROUNDS");

	return given ? (unsigned)strtoul(given, NULL, 10) : 300;
}

void test_fail(const char *file, unsigned line, const char *expression)
{
	failures++;
	fprintf(stderr, "%s:%u: not true: %s\n", file, line, expression);
}

// What the core does at a broken invariant; a hosted core may bring its own.
__attribute__((weak, noreturn)) void core_trap(void)
{
	fprintf(stderr, "core_trap()\n");
	_exit(EXIT_TRAPPED);
}

_Bool test_traps(void (*body)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		freopen("/dev/null", "w", stderr);
		body();
		_exit(0);
	}
	return waitpid(child, &status, 0) == child && (WIFSIGNALED(status) || WEXITSTATUS(status) == EXIT_TRAPPED);
}

static int run_in_child(const struct test_case *test)
{
	int status = -1;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		alarm(SECONDS_PER_TEST);
		test->run();
		fflush(NULL);
		_exit(failures ? EXIT_FAILED : 0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return status;
}

static int is_wanted(const struct test_case *test, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], test->name))
			return 1;
	return count == 0;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;

	for (struct test_case *test = first; test; test = test->next) {
		if (!is_wanted(test, argc - 1, argv + 1))
			continue;
		int status = run_in_child(test);
		if (status == 0) {
			passed++;
			if (argc > 1)
				printf("ok %s\n", test->name);
			continue;
		}
		failed++;
		if (WIFSIGNALED(status))
			printf("FAILED %s (%s): signal %d\n", test->name, test->file, WTERMSIG(status));
		else
			printf("FAILED %s (%s)\n", test->name, test->file);
		printf("  alone: make test-host-programs && %s %s\n", argv[0], test->name);
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? EXIT_FAILED : 0;
}
