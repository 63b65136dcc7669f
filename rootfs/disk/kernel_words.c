// SPDX-License-Identifier: MPL-2.0
#include "kernel_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/file.h"

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

// Copies one word from `from` to `to` without its quotes; returns where the word ended.
static const char *copy_word(const char *from, char **to, char **equals)
{
	int quoted = 0;

	*equals = NULL;
	for (; *from != '\0' && (quoted || !is_blank(*from)); from++) {
		if (*from == '"') {
			quoted = !quoted;
			continue;
		}
		if (*from == '=' && *equals == NULL)
			*equals = *to;
		*(*to)++ = *from;
	}
	*(*to)++ = '\0';
	return from;
}

void kernel_words_parse(struct kernel_words *words, const char *line)
{
	// Removing quotes and merging blanks only shortens, so the copy fits where the line does.
	char source[KERNEL_LINE_SIZE - 1];
	const char *from = source;
	char *to = words->line;

	snprintf(source, sizeof(source), "%s", line);
	words->count = 0;
	while (words->count < KERNEL_WORDS_MAX) {
		struct kernel_word *word = &words->word[words->count];
		char *equals;

		while (is_blank(*from))
			from++;
		if (*from == '\0')
			break;
		word->name = to;
		from = copy_word(from, &to, &equals);
		word->value = equals != NULL ? equals + 1 : NULL;
		if (equals != NULL)
			*equals = '\0';
		words->count++;
	}
}

int kernel_words_read(struct kernel_words *words)
{
	char *line;
	size_t length;
	int error = file_read_all("/proc/cmdline", KERNEL_LINE_SIZE, &line, &length);

	if (error != 0) {
		words->count = 0;
		return error;
	}
	kernel_words_parse(words, line);
	free(line);
	return 0;
}

static int names_equal(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++) {
		char x = *a == '-' ? '_' : *a;
		char y = *b == '-' ? '_' : *b;

		if (x != y)
			return 0;
	}
	return *a == *b;
}

const struct kernel_word *kernel_words_find(const struct kernel_words *words, const char *name)
{
	for (size_t i = words->count; i > 0; i--) {
		if (names_equal(words->word[i - 1].name, name))
			return &words->word[i - 1];
	}
	return NULL;
}

const char *kernel_words_value(const struct kernel_words *words, const char *name,
			       const char *otherwise)
{
	const struct kernel_word *word = kernel_words_find(words, name);

	return word != NULL && word->value != NULL ? word->value : otherwise;
}

long kernel_words_number(const struct kernel_words *words, const char *name, long otherwise)
{
	const char *value = kernel_words_value(words, name, NULL);
	char *end;
	long number;

	if (value == NULL || *value == '\0')
		return otherwise;
	errno = 0;
	number = strtol(value, &end, 10);
	return errno == 0 && *end == '\0' && number >= 0 ? number : otherwise;
}
