// SPDX-License-Identifier: MPL-2.0
/*
 * A small test library for user programs.
 *
 * A program is a list of cases. Each case runs in a forked child, in a fresh empty directory, in a
 * process group of its own, with a time limit; the child's exit tells whether it passed. The same
 * static binary runs on the development machine, on Debian's Linux (the oracle) and on Keelson.
 *
 *	TEST(pipe_is_empty_at_start) { ... CHECK_EQ(avail, 0); }
 *
 * Usage: PROGRAM [-1] [-l] [-g GROUP] [CASE...]
 *	-1  run the cases in this very process: for a kernel that cannot fork yet
 *	-l  list the names
 *	-g  the prefix printed before each name (the suite and program, "syscalls/pipe/")
 * The folders of the cases are made in $TEST_FOLDER, else in /tmp.
 */
#ifndef KEELSON_TESTS_LIB_TEST_H
#define KEELSON_TESTS_LIB_TEST_H

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* By what limits of time are to be multiplied: the host of the test machine is that busy. At least 1. */
unsigned test_patience(void);

enum { TEST_SECONDS = 30, TEST_SKIPPED = 77 };

struct test_case {
	const char *name;
	void (*run)(void);
	unsigned seconds; /* time limit */
	struct test_case *next;
};

void test_register(struct test_case *test);

#define TEST_LIMIT(case_name, limit_seconds)                                                       \
	static void test_##case_name(void);                                                        \
	static struct test_case case_##case_name = {                                               \
		.name = #case_name, .run = test_##case_name, .seconds = (limit_seconds)};          \
	__attribute__((constructor)) static void register_##case_name(void)                        \
	{                                                                                          \
		test_register(&case_##case_name);                                                  \
	}                                                                                          \
	static void test_##case_name(void)

#define TEST(case_name) TEST_LIMIT(case_name, TEST_SECONDS)

/* Ends the case as failed; the text is the reason that the runner shows. */
_Noreturn void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Ends the case as skipped: the machine lacks what it needs (not: the kernel lacks it). */
_Noreturn void test_skip(const char *reason);

/* Text of an errno without the C library's tables: "ENOENT" for the common ones. */
const char *test_errno_name(int number);

/* The case goes on only if the condition holds. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			test_fail(__FILE__, __LINE__, "%s (errno %s)", #condition,                 \
				  test_errno_name(errno));                                         \
	} while (0)

#define CHECK_EQ(got, wanted)                                                                      \
	do {                                                                                       \
		long long got_ = (long long)(got), wanted_ = (long long)(wanted);                  \
		if (got_ != wanted_)                                                               \
			test_fail(__FILE__, __LINE__, "%s is %lld, wanted %s = %lld", #got, got_,  \
				  #wanted, wanted_);                                               \
	} while (0)

#define CHECK_STR(got, wanted)                                                                     \
	do {                                                                                       \
		const char *got_ = (got), *wanted_ = (wanted);                                     \
		if (strcmp(got_, wanted_) != 0)                                                    \
			test_fail(__FILE__, __LINE__, "%s is \"%s\", wanted \"%s\"", #got, got_,   \
				  wanted_);                                                        \
	} while (0)

/* The call returns -1 (or MAP_FAILED) with this errno. */
#define CHECK_ERR(call, wanted)                                                                    \
	do {                                                                                       \
		errno = 0;                                                                         \
		long long got_ = (long long)(call);                                                \
		if (got_ != -1 || errno != (wanted))                                               \
			test_fail(__FILE__, __LINE__, "%s gave %lld %s, wanted %s", #call, got_,   \
				  test_errno_name(errno), #wanted);                                \
	} while (0)

/* The call returns anything but -1; the value of the expression is what it returned. */
#define CHECK_OK(call)                                                                             \
	({                                                                                         \
		errno = 0;                                                                         \
		typeof(call) got_ = (call);                                                        \
		if ((long long)got_ == -1)                                                         \
			test_fail(__FILE__, __LINE__, "%s gave %s", #call,                         \
				  test_errno_name(errno));                                         \
		got_;                                                                              \
	})

#endif
