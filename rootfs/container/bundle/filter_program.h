// SPDX-License-Identifier: MPL-2.0
// Decisions about system calls as a program of seccomp(2).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../../lib/capability.h"

enum {
	FILTER_PROGRAM_MAX = 400,	// instructions
	FILTER_TEXT_SIZE = FILTER_PROGRAM_MAX * 8 / 3 * 4 + 8,
};

// One instruction as seccomp(2) takes it (struct sock_filter).
struct filter_instruction {
	uint16_t code;
	uint8_t jump_true, jump_false;	// how many instructions to leave out
	uint32_t value;
};

// => how many instructions, or 0: more than there is room for (no decisions of filter.c are so many)
size_t filter_compile(const uint8_t *decisions, struct filter_instruction program[FILTER_PROGRAM_MAX]);

// The program for these capabilities as the text in base64 that crun takes. => 0, or -E2BIG
int filter_text(capability_set capabilities, char text[FILTER_TEXT_SIZE]);
