// SPDX-License-Identifier: MPL-2.0
// filter: the program that keel makes decides every call as libseccomp's, which it replaces, did. An interpreter of
// its instructions (seccomp(2)) runs it here; that a container's kernel obeys it is seen in tests/containers.
#include "../container/bundle/filter.h"

#include <string.h>

#include "../container/bundle/filter_program.h"
#include "check.h"
#include "filter_decisions.h"

enum { NUMBERS = 513, STEPS_MAX = 40, TRIES = 20000 };

#define X86_64 0xc000003eu
#define I386 0x40000003u

// The data as words of 32 bits: number, machine, instruction pointer, six arguments.
struct call {
	uint32_t words[16];
};

static size_t compile_for(const char *name, struct filter_instruction *program)
{
	uint8_t decisions[FILTER_NUMBERS];
	capability_set set = 0;

	if (strcmp(name, "default") == 0)
		set = capability_default_set();
	else if (strcmp(name, "all") == 0)
		set = ~(capability_set)0;
	else if (strcmp(name, "none") != 0)
		set = (capability_set)1 << capability_parse(name);
	filter_decide(set, decisions);
	return filter_compile(decisions, program);
}

static int is_true(const struct filter_instruction *at, uint32_t value)
{
	switch (at->code) {
	case 0x15:
		return value == at->value;
	case 0x35:
		return value >= at->value;
	default:
		CHECK(at->code == 0x45);
		return (value & at->value) != 0;
	}
}

static uint32_t run(const struct filter_instruction *program, size_t length, const struct call *call)
{
	uint32_t value = 0;
	size_t at = 0;

	for (int step = 0; step < STEPS_MAX && at < length; step++, at++) {
		const struct filter_instruction *now = &program[at];

		if (now->code == 0x06)
			return now->value;
		if (now->code == 0x20) {
			CHECK(now->value % 4 == 0 && now->value < sizeof(call->words));
			value = call->words[now->value / 4];
		} else {
			at += is_true(now, value) ? now->jump_true : now->jump_false;
		}
	}
	CHECK(!"the program answers in time");
	return ~0u;
}

static uint32_t ask(const struct filter_instruction *program, size_t length, uint32_t machine, uint32_t number,
		    uint64_t first, uint64_t third)
{
	struct call call = {{number, machine}};

	call.words[4] = (uint32_t)first;
	call.words[5] = (uint32_t)(first >> 32);
	call.words[8] = (uint32_t)third;
	call.words[9] = (uint32_t)(third >> 32);
	return run(program, length, &call);
}

static void expect_numbers(const char *name, uint32_t *expected)
{
	for (size_t i = 0; i < sizeof(by_number) / sizeof(by_number[0]); i++) {
		if (strcmp(by_number[i].capabilities, name) != 0)
			continue;
		for (uint32_t number = by_number[i].first; number <= by_number[i].last; number++)
			expected[number] = by_number[i].answer;
	}
}

static void test_numbers(const char *name)
{
	struct filter_instruction program[FILTER_PROGRAM_MAX];
	uint32_t expected[NUMBERS];
	size_t length = compile_for(name, program);

	CHECK(length > 0);
	memset(expected, 0xff, sizeof(expected));
	expect_numbers("none", expected);
	expect_numbers(name, expected);
	for (uint32_t number = 0; number < NUMBERS; number++) {
		uint32_t answer = ask(program, length, X86_64, number, 0, 0);

		if (answer != expected[number])
			fprintf(stderr, "%s: %u gives %x, not %x\n", name, number, answer, expected[number]);
		CHECK(answer == expected[number]);
		CHECK(ask(program, length, I386, number, 0, 0) == KILL);
		CHECK(ask(program, length, X86_64, 0x40000000u + number, 0, 0) == KILL);
	}
	CHECK(ask(program, length, X86_64, 0x3fffffffu, 0, 0) == ERRNO(ENOSYS));
	CHECK(ask(program, length, X86_64, 0x80000000u, 0, 0) == KILL);
	CHECK(ask(program, length, X86_64, 0xfffffffeu, 0, 0) == KILL);
	CHECK(ask(program, length, X86_64, 0xffffffffu, 0, 0) == ERRNO(ENOSYS));
}

static void test_arguments(void)
{
	struct filter_instruction program[FILTER_PROGRAM_MAX];

	for (size_t i = 0; i < sizeof(by_argument) / sizeof(by_argument[0]); i++) {
		size_t length = compile_for(by_argument[i].capabilities, program);
		uint32_t answer = ask(program, length, X86_64, by_argument[i].number, by_argument[i].arguments[0],
				      by_argument[i].arguments[1]);

		if (answer != by_argument[i].answer)
			fprintf(stderr, "%s: %u of row %zu\n", by_argument[i].capabilities, by_argument[i].number, i);
		CHECK(answer == by_argument[i].answer);
	}
}

// What the kernel cuts off an int hides nothing (libseccomp compared all 64 bits).
static void test_upper_halves(void)
{
	struct filter_instruction program[FILTER_PROGRAM_MAX];
	size_t length = compile_for("none", program);

	CHECK(ask(program, length, X86_64, 41, (1ULL << 32) + 16, (7ULL << 32) + 9) == ERRNO(EINVAL));
	CHECK(ask(program, length, X86_64, 135, (1ULL << 32) + 0x40000, 0) == ERRNO(ENOSYS));
	CHECK(ask(program, length, X86_64, 56, (1ULL << 32) + 0x10000000, 0) == ERRNO(EPERM));
}

// Every set of capabilities has a program that ends, and a text of it; a list without any order has none.
static void test_any_set(void)
{
	static char text[FILTER_TEXT_SIZE];
	struct filter_instruction program[FILTER_PROGRAM_MAX];
	uint8_t decisions[FILTER_NUMBERS];
	uint32_t state = 1;

	for (int i = 0; i < TRIES / 10; i++) {
		capability_set set = (capability_set)check_random(&state) << 16 ^ check_random(&state);

		filter_decide(set, decisions);
		CHECK(filter_compile(decisions, program) > 0);
		CHECK(filter_text(set, text) == 0 && strlen(text) % 4 == 0);
	}
	for (int number = 0; number < FILTER_NUMBERS; number++)
		decisions[number] = number % 2 == 0 ? FILTER_ALLOW : FILTER_REFUSE;
	CHECK(filter_compile(decisions, program) == 0);
}

int main(void)
{
	static const char *const names[] = {
		"none", "default", "all", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "CAP_SYS_CHROOT",
		"CAP_SYS_MODULE", "CAP_SYS_BOOT", "CAP_SYS_PACCT", "CAP_SYS_RAWIO", "CAP_SYS_TIME",
		"CAP_SYS_TTY_CONFIG", "CAP_SYS_NICE", "CAP_SYSLOG", "CAP_AUDIT_WRITE",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		test_numbers(names[i]);
	test_arguments();
	test_upper_halves();
	test_any_set();
	return check_result("filter_test");
}
