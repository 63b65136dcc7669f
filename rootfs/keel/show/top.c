// SPDX-License-Identifier: MPL-2.0
// keel top: the processes of a container, as its control group lists them, with podman's columns.
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../container/cgroup.h"
#include "../../lib/file.h"
#include "../client.h"
#include "../commands.h"
#include "../text.h"

enum { TEXT_MAX = 1 << 20, NAME_SIZE = 64, COMMAND_SIZE = 256, TIME_SIZE = 64 };

struct process {
	uint32_t uid;
	long pid, parent;			// as the container sees them; 0: its parent is outside
	unsigned long long ticks, started_ticks;	// of its processor time; after the boot
	int terminal;
	char command[COMMAND_SIZE];
};

static double uptime_s(void)
{
	char line[64];

	return file_read_line("/proc/uptime", line, sizeof(line)) == 0 ? strtod(line, NULL) : 0;
}

// The last number of the line that begins with `key`: what the innermost namespace says. `*depth`: how many there are.
static long last_number(const char *status, const char *key, unsigned *depth)
{
	const char *line = strstr(status, key);
	long number = 0;

	*depth = 0;
	if (line == NULL)
		return 0;
	for (line += strlen(key); *line == ' ' || *line == '\t';) {
		char *end;

		number = strtol(line, &end, 10);
		if (end == line)
			break;
		line = end;
		++*depth;
	}
	return number;
}

static int read_file(long pid, const char *name, char **text, size_t *length)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/%s", pid, name);
	return file_read_all(path, TEXT_MAX, text, length);
}

// Behind the command's name, which may hold anything, the fields are numbers from the third on. Source: proc(5).
static int take_stat(struct process *process, const char *stat, long *parent)
{
	const char *rest = strrchr(stat, ')');
	unsigned long long user, system;

	if (rest == NULL || sscanf(rest + 1, " %*c %ld %*d %*d %d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d"
				   " %*d %llu", parent, &process->terminal, &user, &system,
				   &process->started_ticks) != 5)
		return -1;
	process->ticks = user + system;
	return 0;
}

// Its words, or its name where it has none.
static void take_command(struct process *process, long pid, const char *stat)
{
	const char *from = strchr(stat, '('), *to = strrchr(stat, ')');
	char *text = NULL;
	size_t length;

	if (read_file(pid, "cmdline", &text, &length) == 0 && length > 0) {
		for (size_t i = 0; i + 1 < length; i++) {
			if ((unsigned char)text[i] < ' ')
				text[i] = ' ';
		}
		snprintf(process->command, sizeof(process->command), "%s", text);
	} else if (from != NULL && to != NULL) {
		snprintf(process->command, sizeof(process->command), "[%.*s]", (int)(to - from - 1), from + 1);
	}
	free(text);
}

// The number of a parent in the namespace of that depth; 0: it is outside of it, as whoever started it is.
static long number_inside(long pid, unsigned wanted)
{
	unsigned depth;
	char *status;
	size_t length;
	long number;

	if (pid <= 0 || read_file(pid, "status", &status, &length) != 0)
		return 0;
	number = last_number(status, "\nNSpid:", &depth);
	free(status);
	return depth == wanted ? number : 0;
}

// => 0, or -1 for one that has ended meanwhile
static int read_process(long pid, struct process *process)
{
	char *stat, *status;
	unsigned depth;
	const char *uid;
	size_t length;
	long parent = 0;
	int error = read_file(pid, "stat", &stat, &length);

	*process = (struct process){0};
	if (error != 0)
		return -1;
	error = take_stat(process, stat, &parent);
	take_command(process, pid, stat);
	free(stat);
	if (error != 0 || read_file(pid, "status", &status, &length) != 0)
		return -1;
	uid = strstr(status, "\nUid:");
	process->uid = uid != NULL ? (uint32_t)strtoul(uid + 5, NULL, 10) : 0;
	process->pid = last_number(status, "\nNSpid:", &depth);
	free(status);
	process->parent = number_inside(parent, depth);
	return 0;
}

static void format_time(char text[TIME_SIZE], double seconds)
{
	unsigned long whole = (unsigned long)seconds;

	if (whole >= 3600)
		snprintf(text, TIME_SIZE, "%luh%lum%lus", whole / 3600, whole / 60 % 60, whole % 60);
	else if (whole >= 60)
		snprintf(text, TIME_SIZE, "%lum%lus", whole / 60, whole % 60);
	else
		snprintf(text, TIME_SIZE, "%lus", whole);
}

// The user as the container sees it: `base` is root there.
static void format_user(char text[NAME_SIZE], uint32_t uid, uint32_t base)
{
	if (uid == base)
		snprintf(text, NAME_SIZE, "root");
	else
		snprintf(text, NAME_SIZE, "%u", uid >= base ? uid - base : uid);
}

static void print_process(const struct process *process, uint32_t base)
{
	double ticks_s = (double)sysconf(_SC_CLK_TCK);
	double used_s = (double)process->ticks / ticks_s;
	double age_s = uptime_s() - (double)process->started_ticks / ticks_s;
	char user[NAME_SIZE], elapsed[TIME_SIZE], used[TIME_SIZE], terminal[16] = "?";

	format_user(user, process->uid, base);
	format_time(elapsed, age_s > 0 ? age_s : 0);
	format_time(used, used_s);
	if (process->terminal != 0)
		snprintf(terminal, sizeof(terminal), "pts/%d", process->terminal & 255);
	printf("%-11s %-11ld %-11ld %-11.3f %-13s %-11s %-11s %s\n", user, process->pid, process->parent,
	       age_s > 0 ? used_s / age_s * 100 : 0, elapsed, terminal, used, process->command);
}

// The first id outside of the container's user namespace.
static uint32_t user_base(const char *pid)
{
	unsigned inside = 0, outside = 0;
	char path[64], line[128];

	snprintf(path, sizeof(path), "/proc/%.16s/uid_map", pid);
	if (file_read_line(path, line, sizeof(line)) != 0 || sscanf(line, "%u %u", &inside, &outside) != 2)
		return 0;
	return outside;
}

static int print_group(const char *name, uint32_t base)
{
	char path[PATH_MAX];
	char *list, *rest = NULL;
	size_t length;

	snprintf(path, sizeof(path), CGROUP_CONTAINERS "/%s/cgroup.procs", name);
	if (file_read_all(path, TEXT_MAX, &list, &length) != 0)
		return complain("top: cannot read %s", path);
	printf("%-11s %-11s %-11s %-11s %-13s %-11s %-11s %s\n", "USER", "PID", "PPID", "%CPU", "ELAPSED", "TTY",
	       "TIME", "COMMAND");
	for (char *line = strtok_r(list, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		struct process process;

		if (read_process(strtol(line, NULL, 10), &process) == 0)
			print_process(&process, base);
	}
	free(list);
	return 0;
}

int command_top(int count, char **arguments)
{
	char state[32], pid[32];
	struct unit *unit;
	char *facts;
	int status;

	if (count != 2)
		return complain(count < 2 ? "top: which container?" : "top: columns cannot be chosen");
	status = client_read(arguments[1], &facts, &unit);
	if (status != 0)
		return status;
	client_fact(facts, "state", state, sizeof(state));
	client_fact(facts, "pid", pid, sizeof(pid));
	if (strcmp(state, "running") != 0 && strcmp(state, "paused") != 0)
		status = complain("container %s does not run", arguments[1]);
	else
		status = print_group(unit->name, user_base(pid));
	free(facts);
	unit_destroy(unit);
	return status;
}
