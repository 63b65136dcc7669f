// SPDX-License-Identifier: MPL-2.0
// Theory: neighbouring numbers with one decision are a range, some sixty in all, and the program is a binary search
// over where ranges begin: six comparisons decide any call, where a list of rules asks some two hundred times. A leaf
// answers at once, or looks at arguments first. Of an argument only the lower half is looked at: that is all the
// kernel sees of an int.
#include "filter_program.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>

#include "filter.h"

enum {
	RANGES_MAX = 160,
	JUMP_MAX = 255,			// as far as a comparison reaches
	NETLINK_AUDIT_PROTOCOL = 9,
	PERSONALITY_LINUX32 = 8,
	PERSONALITY_QUERY_32 = 0x20000,
	NEW_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
			 CLONE_NEWNET,
};

// Of linux/bpf_common.h, linux/seccomp.h and linux/audit.h.
enum {
	CODE_LOAD = 0x20,		// of the data, at an absolute offset
	CODE_ANSWER = 0x06,
	CODE_IF_EQUAL = 0x15,
	CODE_IF_NOT_BELOW = 0x35,
	CODE_IF_ANY_BIT = 0x45,
	DATA_NUMBER = 0,
	DATA_MACHINE = 4,
	DATA_ARGUMENTS = 16,		// 8 bytes each, the lower half first
};
#define MACHINE_X86_64 0xc000003eu
#define ANSWER_KILL_THREAD 0u
#define ANSWER_ERRNO 0x00050000u
#define ANSWER_ALLOW 0x7fff0000u
#define FOREIGN_FIRST 0x40000000u	// numbers of the x32 machine
#define FOREIGN_END UINT32_MAX		// a call that a tracer has taken away

struct range {
	uint32_t first;
	uint8_t decision;
};

struct program {
	struct filter_instruction *code;
	size_t length;
	int is_full;
};

static void emit(struct program *program, uint16_t code, uint8_t jump_true, uint8_t jump_false, uint32_t value)
{
	if (program->length == FILTER_PROGRAM_MAX)
		program->is_full = 1;
	else
		program->code[program->length++] = (struct filter_instruction){code, jump_true, jump_false, value};
}

static void emit_answer(struct program *program, uint32_t answer)
{
	emit(program, CODE_ANSWER, 0, 0, answer);
}

static void emit_errno(struct program *program, int error)
{
	emit_answer(program, ANSWER_ERRNO | (uint32_t)error);
}

static void emit_load(struct program *program, size_t offset)
{
	emit(program, CODE_LOAD, 0, 0, (uint32_t)offset);
}

static void emit_argument(struct program *program, size_t index)
{
	emit_load(program, DATA_ARGUMENTS + index * 8);
}

static void emit_equal(struct program *program, uint32_t value, uint8_t jump_true, uint8_t jump_false)
{
	emit(program, CODE_IF_EQUAL, jump_true, jump_false, value);
}

static void emit_clone(struct program *program)
{
	emit_argument(program, 0);
	emit(program, CODE_IF_ANY_BIT, 0, 1, NEW_NAMESPACES);
	emit_errno(program, EPERM);
	emit_answer(program, ANSWER_ALLOW);
}

// Other personalities switch protections off.
static void emit_personality(struct program *program)
{
	emit_argument(program, 0);
	emit_equal(program, 0, 4, 0);
	emit_equal(program, PERSONALITY_LINUX32, 3, 0);
	emit_equal(program, PERSONALITY_QUERY_32, 2, 0);
	emit_equal(program, PERSONALITY_QUERY_32 | PERSONALITY_LINUX32, 1, 0);
	emit_equal(program, UINT32_MAX, 0, 1);
	emit_answer(program, ANSWER_ALLOW);
	emit_errno(program, ENOSYS);
}

static void emit_socket(struct program *program)
{
	emit_argument(program, 0);
	emit_equal(program, AF_NETLINK, 0, 2);
	emit_argument(program, 2);
	emit_equal(program, NETLINK_AUDIT_PROTOCOL, 1, 0);
	emit_answer(program, ANSWER_ALLOW);
	emit_errno(program, EINVAL);
}

static void emit_leaf(struct program *program, uint8_t decision)
{
	switch (decision) {
	case FILTER_ALLOW:
		emit_answer(program, ANSWER_ALLOW);
		break;
	case FILTER_REFUSE:
		emit_errno(program, EPERM);
		break;
	case FILTER_CLONE:
		emit_clone(program);
		break;
	case FILTER_PERSONALITY:
		emit_personality(program);
		break;
	case FILTER_SOCKET:
		emit_socket(program);
		break;
	case FILTER_FOREIGN:
		emit_answer(program, ANSWER_KILL_THREAD);
		break;
	default:
		emit_errno(program, ENOSYS);
	}
}

// What is below the middle comes first, and the comparison jumps over it.
static void emit_search(struct program *program, const struct range *ranges, size_t count)
{
	size_t half = count / 2, comparison = program->length, distance;

	if (count == 1) {
		emit_leaf(program, ranges[0].decision);
		return;
	}
	emit(program, CODE_IF_NOT_BELOW, 0, 0, ranges[half].first);
	emit_search(program, ranges, half);
	distance = program->length - comparison - 1;
	if (program->is_full || distance > JUMP_MAX) {
		program->is_full = 1;
		return;
	}
	program->code[comparison].jump_true = (uint8_t)distance;
	emit_search(program, ranges + half, count - half);
}

// => how many, or 0: there are too many
static size_t find_ranges(const uint8_t *decisions, struct range *ranges)
{
	size_t count = 0;

	for (uint32_t number = 0; number < FILTER_NUMBERS; number++) {
		if (count > 0 && ranges[count - 1].decision == decisions[number])
			continue;
		if (count == RANGES_MAX - 3)
			return 0;
		ranges[count++] = (struct range){number, decisions[number]};
	}
	ranges[count++] = (struct range){FILTER_NUMBERS, FILTER_UNKNOWN};
	ranges[count++] = (struct range){FOREIGN_FIRST, FILTER_FOREIGN};
	ranges[count++] = (struct range){FOREIGN_END, FILTER_UNKNOWN};
	return count;
}

size_t filter_compile(const uint8_t *decisions, struct filter_instruction code[FILTER_PROGRAM_MAX])
{
	struct program program = {.code = code};
	struct range ranges[RANGES_MAX];
	size_t count = find_ranges(decisions, ranges);

	if (count == 0)
		return 0;
	emit_load(&program, DATA_MACHINE);
	emit_equal(&program, MACHINE_X86_64, 1, 0);
	emit_leaf(&program, FILTER_FOREIGN);
	emit_load(&program, DATA_NUMBER);
	emit_search(&program, ranges, count);
	return program.is_full ? 0 : program.length;
}

static void encode(const uint8_t *bytes, size_t length, char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t at = 0; at < length; at += 3) {
		size_t left = length - at;
		uint32_t three = (uint32_t)bytes[at] << 16 | (left > 1 ? (uint32_t)bytes[at + 1] << 8 : 0) |
				 (left > 2 ? bytes[at + 2] : 0);

		*text++ = digits[three >> 18];
		*text++ = digits[three >> 12 & 63];
		*text++ = left > 1 ? digits[three >> 6 & 63] : '=';
		*text++ = left > 2 ? digits[three & 63] : '=';
	}
	*text = '\0';
}

int filter_text(capability_set capabilities, char text[FILTER_TEXT_SIZE])
{
	struct filter_instruction program[FILTER_PROGRAM_MAX];
	uint8_t decisions[FILTER_NUMBERS];
	size_t length;

	filter_decide(capabilities, decisions);
	length = filter_compile(decisions, program);
	if (length == 0)
		return -E2BIG;
	encode((const uint8_t *)program, length * sizeof(program[0]), text);
	return 0;
}
