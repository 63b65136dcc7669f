// SPDX-License-Identifier: MPL-2.0
// Checks for the unit tests of this folder: a failed one says where and what, and counts.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned checks_failed;

#define CHECK(condition)                                                                      \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			checks_failed++;                                                      \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
		}                                                                             \
	} while (0)

#define CHECK_TEXT(found, expected)                                                           \
	do {                                                                                  \
		const char *text_found = (found);                                             \
		if (text_found == NULL || strcmp(text_found, (expected)) != 0) {              \
			checks_failed++;                                                      \
			fprintf(stderr, "%s:%d: %s is '%s', not '%s'\n", __FILE__, __LINE__,  \
				#found, text_found != NULL ? text_found : "NULL", (expected)); \
		}                                                                             \
	} while (0)

// The same numbers at every run (xorshift).
static inline uint32_t check_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static inline int check_result(const char *name)
{
	printf("%s: %s\n", name, checks_failed == 0 ? "ok" : "FAILED");
	return checks_failed == 0 ? 0 : 1;
}
