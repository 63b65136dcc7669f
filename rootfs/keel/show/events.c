// SPDX-License-Identifier: MPL-2.0
// keel events: what the file of events says (container/journal.h), from a time on, and what comes.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../container/journal.h"
#include "../../lib/json/json_reader.h"
#include "../commands.h"
#include "../text.h"

enum { LINE_SIZE = 8192, FILTERS_MAX = 16, PAUSE_MS = 100 };

enum events_flags { EVENTS_JSON = 1 << 0, EVENTS_ONCE = 1 << 1 };

struct wanted {
	unsigned flags;
	time_t since, until;		// 0: no such end
	size_t filters_count;
	const char *filters[FILTERS_MAX];	// "key=value"
};

// A date, seconds since 1970, or how long ago ("10m", "1h30m").
static time_t parse_moment(const char *text)
{
	static const struct {
		char name;
		long seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	time_t moment = text_parse_time(text), ago = 0;
	char *end;

	if (moment != 0)
		return moment;
	while (*text != '\0') {
		double number = strtod(text, &end);
		size_t unit = 0;

		if (end == text)
			return 0;
		if (*end == '\0')
			return ago == 0 ? (time_t)number : 0;
		while (unit < sizeof(units) / sizeof(units[0]) && units[unit].name != *end)
			unit++;
		if (unit == sizeof(units) / sizeof(units[0]))
			return 0;
		ago += (time_t)(number * (double)units[unit].seconds);
		text = end + 1;
	}
	return time(NULL) - ago;
}

// Several filters of one key are alternatives.
static int passes_key(const struct wanted *wanted, const char *key, const char *const *values)
{
	int asked = 0;

	for (size_t i = 0; i < wanted->filters_count; i++) {
		const char *filter = wanted->filters[i];
		size_t length = strlen(key);

		if (strncmp(filter, key, length) != 0 || filter[length] != '=')
			continue;
		asked = 1;
		for (const char *const *value = values; *value != NULL; value++) {
			if (strcmp(filter + length + 1, *value) == 0)
				return 1;
		}
	}
	return !asked;
}

static const char *text_of(const struct json_node *event, const char *key)
{
	const char *text = json_find_string(event, key);

	return text != NULL ? text : "";
}

static int passes(const struct wanted *wanted, const struct json_node *event)
{
	const char *type = text_of(event, "Type");
	int of_image = strcmp(type, "image") == 0;
	const char *const own[] = {text_of(event, "Name"), text_of(event, "ID"), NULL};
	const char *const nothing[] = {NULL};

	return passes_key(wanted, "type", (const char *const[]){type, NULL}) &&
	       passes_key(wanted, "event", (const char *const[]){text_of(event, "Status"), NULL}) &&
	       passes_key(wanted, "container", of_image ? nothing : own) &&
	       passes_key(wanted, "image", of_image ? own : (const char *const[]){text_of(event, "Image"), NULL});
}

// "2026-11-21T08:00:00.1Z" as "2026-11-21 08:00:00.1 +0000 UTC"
static void print_plain(const struct json_node *event)
{
	const char *moment = text_of(event, "Time"), *image = json_find_string(event, "Image");
	size_t day = strcspn(moment, "T"), hour = strcspn(moment + day, "Z");

	printf("%.*s %.*s +0000 UTC %s %s %s (", (int)day, moment, hour > 0 ? (int)hour - 1 : 0, moment + day + 1,
	       text_of(event, "Type"), text_of(event, "Status"), text_of(event, "ID"));
	if (image != NULL)
		printf("image=%s, ", image);
	printf("name=%s)\n", text_of(event, "Name"));
}

// => 1 once the time to stop is reached
static int take_line(const struct wanted *wanted, const char *line)
{
	struct json_document *document;
	struct fault fault = {0};
	const struct json_node *event;
	time_t moment;
	int late;

	if (json_parse(line, strlen(line), &document, &fault) != 0)
		return 0;
	event = json_root(document);
	moment = text_parse_time(text_of(event, "Time"));
	late = wanted->until != 0 && moment > wanted->until;
	if (!late && moment >= wanted->since && passes(wanted, event)) {
		if ((wanted->flags & EVENTS_JSON) != 0)
			printf("%s\n", line);
		else
			print_plain(event);
	}
	json_destroy(document);
	fflush(stdout);
	return late;
}

// Takes the whole lines that are there; one that is being written stays. => 1 at the time to stop
static int take_lines(const struct wanted *wanted, FILE *file)
{
	char line[LINE_SIZE];
	long start = ftell(file);

	while (fgets(line, sizeof(line), file) != NULL) {
		size_t length = strlen(line);

		if (length == 0 || line[length - 1] != '\n')
			break;
		line[length - 1] = '\0';
		start = ftell(file);
		if (take_line(wanted, line))
			return 1;
	}
	fseek(file, start, SEEK_SET);
	return 0;
}

// Is the file that was opened still the one of that name?
static int is_current(FILE *file)
{
	struct stat held, named;

	return fstat(fileno(file), &held) != 0 || stat(JOURNAL_PATH, &named) != 0 || held.st_ino == named.st_ino;
}

static int stream(const struct wanted *wanted, FILE *file)
{
	static const struct timespec pause = {0, PAUSE_MS * 1000000L};

	for (;;) {
		int current = is_current(file);

		if (take_lines(wanted, file))
			break;
		if ((wanted->flags & EVENTS_ONCE) != 0 || (wanted->until != 0 && time(NULL) > wanted->until))
			break;
		if (!current)
			file = freopen(JOURNAL_PATH, "re", file);
		if (file == NULL)
			return complain("events: cannot open " JOURNAL_PATH ": %s", strerror(errno));
		nanosleep(&pause, NULL);
	}
	fclose(file);
	return 0;
}

static int show(const struct wanted *wanted)
{
	FILE *older = fopen(JOURNAL_PATH ".1", "re"), *file;
	int fd = open(JOURNAL_PATH, O_RDONLY | O_CREAT | O_CLOEXEC, 0600), done = 0;

	if (fd < 0 || (file = fdopen(fd, "r")) == NULL)
		return complain("events: cannot open " JOURNAL_PATH ": %s", strerror(errno));
	if (older != NULL) {
		done = wanted->since != 0 ? take_lines(wanted, older) : 0;
		fclose(older);
	}
	// Without a time to begin at, only what comes counts.
	if (wanted->since == 0 && (wanted->flags & EVENTS_ONCE) == 0)
		fseek(file, 0, SEEK_END);
	return done ? 0 : stream(wanted, file);
}

static int take_option(struct wanted *wanted, int option, const char *value)
{
	if (option == 's' || option == 'u') {
		time_t moment = parse_moment(value);

		if (moment == 0)
			return complain("events: '%s' is no time (10m, 1700000000, 2026-11-21T08:00:00Z)", value);
		*(option == 's' ? &wanted->since : &wanted->until) = moment;
	} else if (option == 'f') {
		if (strchr(value, '=') == NULL || wanted->filters_count == FILTERS_MAX)
			return complain("events: '%s' is no filter (type=, event=, container=, image=)", value);
		wanted->filters[wanted->filters_count++] = value;
	} else if (option == 'F') {
		if (strcmp(value, "json") != 0 && strcmp(value, "{{json .}}") != 0)
			return complain("events: the only --format is json");
		wanted->flags |= EVENTS_JSON;
	} else if (option == 'S') {
		if (value != NULL && strcmp(value, "false") == 0)
			wanted->flags |= EVENTS_ONCE;
	} else {
		return STATUS_FAILED;
	}
	return 0;
}

int command_events(int count, char **arguments)
{
	static const struct option options[] = {
		{"since", required_argument, NULL, 's'}, {"until", required_argument, NULL, 'u'},
		{"filter", required_argument, NULL, 'f'}, {"format", required_argument, NULL, 'F'},
		{"stream", optional_argument, NULL, 'S'}, {0}};
	struct wanted wanted = {0};
	int option;

	while ((option = getopt_long(count, arguments, "f:", options, NULL)) != -1) {
		if (take_option(&wanted, option, optarg) != 0)
			return STATUS_FAILED;
	}
	// All that was, when nothing else is asked for.
	if ((wanted.flags & EVENTS_ONCE) != 0 && wanted.since == 0)
		wanted.since = 1;
	return show(&wanted);
}
