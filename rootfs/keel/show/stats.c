// SPDX-License-Identifier: MPL-2.0
// keel stats: what containers use, by the files of their control groups.
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../container/cgroup.h"
#include "../../control/control.h"
#include "../../lib/file.h"
#include "../../lib/json/json_writer.h"
#include "../client.h"
#include "../commands.h"
#include "../text.h"

enum { SAMPLES_MAX = 2048, FILE_SIZE_MAX = 65536, INTERVAL_S = 5, ID_WIDTH = 12, FIELD_SIZE = 64 };

enum stats_flags { STATS_ONCE = 1 << 0, STATS_JSON = 1 << 1, STATS_NO_RESET = 1 << 2 };

struct sample {
	char id[ID_WIDTH + 1], name[UNIT_NAME_SIZE];
	uint64_t cpu_us, memory_bytes, limit_bytes, pids, read_bytes, written_bytes, received_bytes, sent_bytes;
	double age_s;			// of the container's run
	int has_network;
};

// The CPU time that a container had at the last look.
struct earlier {
	char name[UNIT_NAME_SIZE];
	uint64_t cpu_us;
};

struct view {
	unsigned flags;
	char **names;			// none: all that run
	size_t earlier_count;
	struct earlier earlier[SAMPLES_MAX];
	double elapsed_s;		// since then; 0 at the first look
};

static char *read_group_file(const char *name, const char *file)
{
	char path[PATH_MAX];
	char *text;
	size_t length;

	snprintf(path, sizeof(path), CGROUP_CONTAINERS "/%s/%s", name, file);
	return file_read_all(path, FILE_SIZE_MAX, &text, &length) == 0 ? text : NULL;
}

static uint64_t read_number(const char *name, const char *file, uint64_t otherwise)
{
	char *text = read_group_file(name, file);
	uint64_t number = text != NULL && text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : otherwise;

	free(text);
	return number;
}

// The sum of all numbers that follow the key.
static uint64_t sum_after(const char *text, const char *key)
{
	uint64_t sum = 0;

	for (const char *at = text; at != NULL && (at = strstr(at, key)) != NULL; at += strlen(key))
		sum += strtoull(at + strlen(key), NULL, 10);
	return sum;
}

static uint64_t memory_of_machine(void)
{
	char *text;
	size_t length;
	uint64_t kib;

	if (file_read_all("/proc/meminfo", FILE_SIZE_MAX, &text, &length) != 0)
		return 0;
	kib = sum_after(text, "MemTotal:");
	free(text);
	return kib * 1024;
}

// Of every interface but the loopback: "NAME: RECEIVED 7 more SENT ...".
static void read_network(struct sample *sample, const char *pid)
{
	char path[64];
	char *text, *rest = NULL;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%s/net/dev", pid);
	if (file_read_all(path, FILE_SIZE_MAX, &text, &length) != 0)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		uint64_t received, sent;
		char name[32];

		if (sscanf(line, " %31[^:]: %" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64, name, &received,
			   &sent) != 3 ||
		    strcmp(name, "lo") == 0)
			continue;
		sample->has_network = 1;
		sample->received_bytes += received;
		sample->sent_bytes += sent;
	}
	free(text);
}

static void take_sample(struct sample *sample, char *columns[CONTROL_COLUMNS])
{
	const char *name = columns[COLUMN_NAME];
	char *text;

	*sample = (struct sample){.age_s = atof(columns[COLUMN_CHANGED_S])};
	snprintf(sample->id, sizeof(sample->id), "%s", columns[COLUMN_ID]);
	snprintf(sample->name, sizeof(sample->name), "%s", name);
	text = read_group_file(name, "cpu.stat");
	sample->cpu_us = text != NULL ? sum_after(text, "usage_usec ") : 0;
	free(text);
	text = read_group_file(name, "io.stat");
	sample->read_bytes = text != NULL ? sum_after(text, "rbytes=") : 0;
	sample->written_bytes = text != NULL ? sum_after(text, "wbytes=") : 0;
	free(text);
	sample->memory_bytes = read_number(name, "memory.current", 0);
	sample->limit_bytes = read_number(name, "memory.max", memory_of_machine());
	sample->pids = read_number(name, "pids.current", 0);
	read_network(sample, columns[COLUMN_PID]);
}

static double part(double amount, double whole)
{
	return whole > 0 ? 100 * amount / whole : 0;
}

// Since the last look, or at the first one since the start.
static double cpu_part(struct view *view, const struct sample *sample)
{
	double average = part((double)sample->cpu_us / 1e6, sample->age_s);

	for (size_t i = 0; i < view->earlier_count; i++) {
		struct earlier *earlier = &view->earlier[i];
		uint64_t before_us = earlier->cpu_us;

		if (strcmp(earlier->name, sample->name) != 0)
			continue;
		earlier->cpu_us = sample->cpu_us;
		return view->elapsed_s > 0 && sample->cpu_us >= before_us
			? part((double)(sample->cpu_us - before_us) / 1e6, view->elapsed_s) : average;
	}
	if (view->earlier_count < SAMPLES_MAX) {
		struct earlier *fresh = &view->earlier[view->earlier_count++];

		strcpy(fresh->name, sample->name);
		fresh->cpu_us = sample->cpu_us;
	}
	return average;
}

static void format_pair(char text[FIELD_SIZE], uint64_t a, uint64_t b)
{
	char first[TEXT_SIZE_SIZE], second[TEXT_SIZE_SIZE];

	text_format_amount(first, a);
	text_format_amount(second, b);
	snprintf(text, FIELD_SIZE, "%s / %s", first, second);
}

static void format_time(char text[FIELD_SIZE], uint64_t us)
{
	if (us >= 60 * 1000000ULL)
		snprintf(text, FIELD_SIZE, "%" PRIu64 "m%.6fs", us / 60000000, (double)(us % 60000000) / 1e6);
	else if (us >= 1000000)
		snprintf(text, FIELD_SIZE, "%.6fs", (double)us / 1e6);
	else
		snprintf(text, FIELD_SIZE, "%.3fms", (double)us / 1e3);
}

enum { FIELD_ID, FIELD_NAME, FIELD_CPU, FIELD_MEMORY, FIELD_MEMORY_PART, FIELD_NET, FIELD_BLOCK, FIELD_PIDS, FIELD_TIME,
       FIELD_AVERAGE, FIELDS };

static const struct {
	const char *heading, *key;
	int width;
} fields[FIELDS] = {
	{"ID", "id", 12}, {"NAME", "name", 16}, {"CPU %", "cpu_percent", 8}, {"MEM USAGE / LIMIT", "mem_usage", 20},
	{"MEM %", "mem_percent", 7}, {"NET IO", "net_io", 18}, {"BLOCK IO", "block_io", 18}, {"PIDS", "pids", 5},
	{"CPU TIME", "cpu_time", 12}, {"AVG CPU %", "avg_cpu", 9},
};

static void fill_fields(struct view *view, const struct sample *sample, char texts[FIELDS][FIELD_SIZE])
{
	strcpy(texts[FIELD_ID], sample->id);
	snprintf(texts[FIELD_NAME], FIELD_SIZE, "%s", sample->name);
	snprintf(texts[FIELD_CPU], FIELD_SIZE, "%.2f%%", cpu_part(view, sample));
	format_pair(texts[FIELD_MEMORY], sample->memory_bytes, sample->limit_bytes);
	snprintf(texts[FIELD_MEMORY_PART], FIELD_SIZE, "%.2f%%",
		 part((double)sample->memory_bytes, (double)sample->limit_bytes));
	strcpy(texts[FIELD_NET], "-- / --");
	if (sample->has_network)
		format_pair(texts[FIELD_NET], sample->received_bytes, sample->sent_bytes);
	format_pair(texts[FIELD_BLOCK], sample->read_bytes, sample->written_bytes);
	snprintf(texts[FIELD_PIDS], FIELD_SIZE, "%" PRIu64, sample->pids);
	format_time(texts[FIELD_TIME], sample->cpu_us);
	snprintf(texts[FIELD_AVERAGE], FIELD_SIZE, "%.2f%%", part((double)sample->cpu_us / 1e6, sample->age_s));
}

static void print_heading(void)
{
	for (int i = 0; i < FIELDS; i++)
		printf("%-*s%s", i + 1 < FIELDS ? fields[i].width : 0, fields[i].heading, i + 1 < FIELDS ? "  " : "\n");
}

static void print_sample(struct view *view, const struct sample *sample, struct json_writer *json)
{
	char texts[FIELDS][FIELD_SIZE];

	fill_fields(view, sample, texts);
	if ((view->flags & STATS_JSON) != 0) {
		json_begin_object(json, NULL);
		for (int i = 0; i < FIELDS; i++)
			json_string(json, fields[i].key, texts[i]);
		json_end_object(json);
		return;
	}
	for (int i = 0; i < FIELDS; i++)
		printf("%-*s%s", i + 1 < FIELDS ? fields[i].width : 0, texts[i], i + 1 < FIELDS ? "  " : "\n");
}

// A name that is asked for counts in whatever state, as all zeros.
static int is_asked_for(const struct view *view, char *columns[CONTROL_COLUMNS])
{
	const char *state = columns[COLUMN_STATE];

	for (char **name = view->names; *name != NULL; name++) {
		if (strcmp(*name, columns[COLUMN_NAME]) == 0 || strncmp(*name, columns[COLUMN_ID], strlen(*name)) == 0)
			return 1;
	}
	return view->names[0] == NULL && (strcmp(state, "running") == 0 || strcmp(state, "paused") == 0);
}

static int look_once(struct view *view)
{
	struct json_writer json = {.out = stdout};
	struct sample sample;
	char *text, *rest = NULL;
	int status = client_ask("list", &text);

	if (status != 0)
		return status;
	if ((view->flags & STATS_JSON) != 0)
		json_begin_list(&json, NULL);
	else
		print_heading();
	for (char *row = strtok_r(text, "\n", &rest); row != NULL; row = strtok_r(NULL, "\n", &rest)) {
		char *columns[CONTROL_COLUMNS];

		if (!text_split_row(row, columns, CONTROL_COLUMNS) || !is_asked_for(view, columns))
			continue;
		take_sample(&sample, columns);
		print_sample(view, &sample, &json);
	}
	if ((view->flags & STATS_JSON) != 0) {
		json_end_list(&json);
		putchar('\n');
	}
	free(text);
	fflush(stdout);
	return 0;
}

static int check_names(char **names)
{
	for (; *names != NULL; names++) {
		struct unit *unit;
		int status = client_read_unit(*names, &unit);

		if (status != 0)
			return status;
		unit_destroy(unit);
	}
	return 0;
}

static int look(struct view *view, unsigned interval_s)
{
	int status = check_names(view->names);

	while (status == 0) {
		if ((view->flags & (STATS_ONCE | STATS_JSON | STATS_NO_RESET)) == 0)
			fputs("\033[2J\033[H", stdout);
		status = look_once(view);
		if ((view->flags & STATS_ONCE) != 0)
			break;
		sleep(interval_s);
		view->elapsed_s = interval_s;
	}
	return status;
}

int command_stats(int count, char **arguments)
{
	enum { NO_STREAM = 256, FORMAT, NO_RESET };
	static const struct option options[] = {
		{"no-stream", no_argument, NULL, NO_STREAM}, {"no-reset", no_argument, NULL, NO_RESET},
		{"all", no_argument, NULL, 'a'}, {"interval", required_argument, NULL, 'i'},
		{"format", required_argument, NULL, FORMAT}, {0}};
	static struct view view;
	unsigned interval_s = INTERVAL_S;
	int option;

	while ((option = getopt_long(count, arguments, "ai:", options, NULL)) != -1) {
		if (option == '?')
			return STATUS_FAILED;
		if (option == FORMAT && strcmp(optarg, "json") != 0)
			return complain("stats: the only --format is json");
		if (option == 'i')
			interval_s = (unsigned)atoi(optarg);
		view.flags |= option == NO_STREAM ? STATS_ONCE : option == FORMAT ? STATS_JSON
			      : option == NO_RESET ? STATS_NO_RESET : 0;
	}
	if (interval_s == 0)
		return complain("stats: the interval is a number of seconds");
	view.names = arguments + optind;
	return look(&view, interval_s);
}
