// SPDX-License-Identifier: MPL-2.0
#include "unit_values.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CPU_MILLI_MIN = 10, CPU_MILLI_MAX = 1024 * 1000 };

// Digits only: strtoull would also take blanks, signs and nothing.
static int parse_digits(const char *text, uint64_t *value, const char **rest)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	*rest = end;
	return errno == 0 ? 0 : -EINVAL;
}

int unit_value_bytes(const char *text, uint64_t *bytes)
{
	static const char units[] = "kmgt";
	const char *rest, *unit;
	uint64_t number;
	unsigned shift = 0;

	if (parse_digits(text, &number, &rest) != 0)
		return -EINVAL;
	unit = *rest != '\0' ? strchr(units, tolower((unsigned char)*rest)) : NULL;
	if (unit != NULL) {
		shift = 10 * (unsigned)(unit - units + 1);
		rest++;
		if (strcmp(rest, "iB") == 0 || strcasecmp(rest, "i") == 0)
			rest += strlen(rest);
	}
	if (*rest != '\0' || (number << shift) >> shift != number || number > (uint64_t)INT64_MAX >> shift)
		return -EINVAL;
	*bytes = number << shift;
	return 0;
}

int unit_value_cpu(const char *text, uint64_t *milli)
{
	const char *rest;
	uint64_t whole, fraction = 0;

	if (parse_digits(text, &whole, &rest) != 0 || whole > CPU_MILLI_MAX)
		return -EINVAL;
	if (strcmp(rest, "m") == 0) {
		*milli = whole;
	} else {
		if (*rest == '.') {
			unsigned scale = 100;

			for (rest++; isdigit((unsigned char)*rest); rest++, scale /= 10)
				fraction += (unsigned)(*rest - '0') * scale;
		}
		if (*rest != '\0')
			return -EINVAL;
		*milli = whole * 1000 + fraction;
	}
	return *milli >= CPU_MILLI_MIN && *milli <= CPU_MILLI_MAX ? 0 : -EINVAL;
}

int unit_value_count(const char *text, uint64_t max, uint64_t *count)
{
	const char *rest;

	if (parse_digits(text, count, &rest) != 0 || *rest != '\0' || *count == 0 || *count > max)
		return -EINVAL;
	return 0;
}

int unit_value_signal(const char *text)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"KILL", SIGKILL},
		{"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"TERM", SIGTERM}, {"CONT", SIGCONT},
		{"STOP", SIGSTOP}, {"WINCH", SIGWINCH}, {"ABRT", SIGABRT}, {"ALRM", SIGALRM},
	};
	uint64_t number;

	if (unit_value_count(text, 64, &number) == 0)
		return (int)number;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (strcasecmp(text, signals[i].name) == 0)
			return signals[i].number;
	}
	return -EINVAL;
}

int unit_value_truth(const char *text)
{
	if (strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0)
		return 1;
	if (strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0)
		return 0;
	return -EINVAL;
}
