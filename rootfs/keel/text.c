// SPDX-License-Identifier: MPL-2.0
#include "text.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

void text_format_duration(char text[TEXT_AGE_SIZE], long seconds)
{
	static const struct {
		long below_s, unit_s;
		const char *name;
	} steps[] = {
		{MINUTE_S, 1, "seconds"}, {HOUR_S, MINUTE_S, "minutes"}, {2 * DAY_S, HOUR_S, "hours"},
		{14 * DAY_S, DAY_S, "days"}, {60L * DAY_S, 7 * DAY_S, "weeks"}, {730L * DAY_S, 30 * DAY_S, "months"},
	};

	if (seconds < 1)
		snprintf(text, TEXT_AGE_SIZE, "Less than a second");
	else if (seconds == 1)
		snprintf(text, TEXT_AGE_SIZE, "1 second");
	else if (seconds >= MINUTE_S && seconds < 2 * MINUTE_S)
		snprintf(text, TEXT_AGE_SIZE, "About a minute");
	else if (seconds >= HOUR_S && seconds < 2 * HOUR_S)
		snprintf(text, TEXT_AGE_SIZE, "About an hour");
	else
		snprintf(text, TEXT_AGE_SIZE, "%ld years", seconds / (365L * DAY_S));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && seconds > 1; i++) {
		if (seconds >= steps[i].below_s)
			continue;
		if (seconds >= 2 * steps[i].unit_s)
			snprintf(text, TEXT_AGE_SIZE, "%ld %s", seconds / steps[i].unit_s, steps[i].name);
		break;
	}
}

void text_format_age(char text[TEXT_AGE_SIZE], long seconds)
{
	text_format_duration(text, seconds);
	strncat(text, " ago", TEXT_AGE_SIZE - strlen(text) - 1);
}

void text_format_size(char text[TEXT_SIZE_SIZE], uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	snprintf(text, TEXT_SIZE_SIZE, "%.*f %s", unit == 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2, value,
		 units[unit]);
}

void text_format_amount(char text[TEXT_SIZE_SIZE], uint64_t bytes)
{
	char *blank;

	text_format_size(text, bytes);
	blank = strchr(text, ' ');
	if (blank != NULL)
		memmove(blank, blank + 1, strlen(blank));
}

void text_format_time(char text[TEXT_TIME_SIZE], int64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	struct tm parts;
	size_t used;

	gmtime_r(&seconds, &parts);
	used = strftime(text, TEXT_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + used, TEXT_TIME_SIZE - used, ".%09dZ", (int)(time_ns % 1000000000));
}

time_t text_parse_time(const char *text)
{
	struct tm parts = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
	int hours, minutes;
	char sign;

	if (rest == NULL)
		return 0;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) == 3)
		return timegm(&parts) + (sign == '-' ? 1 : -1) * (hours * HOUR_S + minutes * MINUTE_S);
	return timegm(&parts);
}

int text_split_row(char *row, char **columns, size_t count)
{
	size_t found = 0;

	while (found < count) {
		columns[found++] = row;
		row = strchr(row, '\t');
		if (row == NULL)
			break;
		*row++ = '\0';
	}
	return found == count;
}
