// SPDX-License-Identifier: MPL-2.0
// The kernel command line as words: `name` or `name=value`, separated by blanks, with "double quotes"
// around a value (or a whole word) that holds blanks. As in Linux, the last use of a name wins and
// '-' equals '_' in names.
#pragma once

#include <stddef.h>

enum {
	KERNEL_WORDS_MAX = 128,
	KERNEL_LINE_SIZE = 4096,
};

struct kernel_word {
	const char *name;
	const char *value;	// NULL for a word without '='
};

struct kernel_words {
	char line[KERNEL_LINE_SIZE];	// the text that the words point into
	size_t count;
	struct kernel_word word[KERNEL_WORDS_MAX];
};

// Splits `line`; words past the limits are dropped, as the kernel itself would do.
void kernel_words_parse(struct kernel_words *words, const char *line);

// Reads /proc/cmdline. Returns 0 or a negative errno.
int kernel_words_read(struct kernel_words *words);

// The last word of that name, or NULL.
const struct kernel_word *kernel_words_find(const struct kernel_words *words, const char *name);

// The last value of that name, or `otherwise` where the word is missing or has no value.
const char *kernel_words_value(const struct kernel_words *words, const char *name,
			       const char *otherwise);

// A non-negative decimal number, or `otherwise` where the word is missing or not a number.
long kernel_words_number(const struct kernel_words *words, const char *name, long otherwise);
