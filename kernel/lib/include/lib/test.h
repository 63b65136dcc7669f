// SPDX-License-Identifier: MPL-2.0
// Unit tests that run as a Linux program (make test-host). They stand in NAME_test.c beside NAME.c:
//
//   TEST(list_pops_in_order) { EXPECT(...); }
//
// A test that fails an EXPECT goes on, so that one run shows all; REQUIRE ends the test. Each test
// runs in a process of its own: a trap, a sanitizer's finding or a hang fails that test alone.
#pragma once
#include <core/types.h>

struct test_case {
	const char *name;
	const char *file;
	void (*run)(void);
	struct test_case *next;
};

// Of the test program (kernel/tools/hosted/test_main.c).
void test_register(struct test_case *test);
void test_fail(const char *file, u32 line, const char *expression);
// Runs `body` and tells whether it ended in core_trap() or panic().
bool test_traps(void (*body)(void));

// How often a test with random input repeats itself: a few hundred times, or FUZZ_ROUNDS (make fuzz).
u32 test_rounds(void);
// Numbers that are the same in each run.
static inline u32 test_random(u32 *seed borrowed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

#define TEST(id)                                                                               \
	static void test_##id(void);                                                           \
	static struct test_case test_case_##id = { #id, __FILE__, test_##id, NULL };           \
	__ATTR(constructor) static void test_register_##id(void) { test_register(&test_case_##id); } \
	static void test_##id(void)

#define EXPECT(condition)                                                                      \
	do {                                                                                   \
		if (!(condition))                                                              \
			test_fail(__FILE__, __LINE__, #condition);                             \
	} while (0)

#define REQUIRE(condition)                                                                     \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			test_fail(__FILE__, __LINE__, #condition);                             \
			return;                                                                \
		}                                                                              \
	} while (0)

// `body` is a function without arguments that must trap.
#define EXPECT_TRAP(body) EXPECT(test_traps(body))
