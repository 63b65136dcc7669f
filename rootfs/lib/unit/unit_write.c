// SPDX-License-Identifier: MPL-2.0
#include "unit_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

void unit_write_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '"':
			fputs("\\\"", out);
			break;
		case '\\':
			fputs("\\\\", out);
			break;
		case '\n':
			fputs("\\n", out);
			break;
		case '\r':
			fputs("\\r", out);
			break;
		default:
			fputc(*text, out);
		}
	}
	fputc('"', out);
}

static void print_text(FILE *out, const char *name, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	fprintf(out, "%s: ", name);
	unit_write_quoted(out, text);
	fputc('\n', out);
}

static void print_list(FILE *out, const char *name, const char *const *texts)
{
	if (texts[0] == NULL)
		return;
	fprintf(out, "%s: [", name);
	for (; *texts != NULL; texts++) {
		unit_write_quoted(out, *texts);
		fputs(", ", out);
	}
	fputs("]\n", out);
}

static void print_flags(FILE *out, unsigned flags)
{
	static const struct {
		unsigned flag;
		const char *name;
	} known[] = {
		{UNIT_READ_ONLY, "readonly"}, {UNIT_INIT, "init"}, {UNIT_TERMINAL, "terminal"}, {UNIT_STDIN, "stdin"},
		{UNIT_NEW_PRIVILEGES, "new_privileges"}, {UNIT_AUTO_REMOVE, "remove"}, {UNIT_ALL_DEVICES, "privileged"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if ((flags & known[i].flag) != 0)
			fprintf(out, "%s: true\n", known[i].name);
	}
	if ((flags & UNIT_NO_FILTER) != 0)
		fputs("seccomp: unconfined\n", out);
}

static void print_mount(FILE *out, const struct unit_mount *mount)
{
	fputs("  - {destination: ", out);
	unit_write_quoted(out, mount->destination);
	if (mount->type != UNIT_MOUNT_TMPFS) {
		fputs(", source: ", out);
		unit_write_quoted(out, mount->source);
	} else {
		fprintf(out, ", type: tmpfs, mode: \"%o\"", (unsigned)mount->mode);
		if (mount->size_bytes != 0)
			fprintf(out, ", size: \"%" PRIu64 "\"", mount->size_bytes);
	}
	fprintf(out, ", options: [%s, %s, %s, %s]}\n", mount->flags & MS_RDONLY ? "ro" : "rw",
		mount->flags & MS_NOSUID ? "nosuid" : "suid", mount->flags & MS_NODEV ? "nodev" : "dev",
		mount->flags & MS_NOEXEC ? "noexec" : "exec");
}

static void print_amount(FILE *out, const char *name, uint64_t amount, const char *unit)
{
	if (amount != 0)
		fprintf(out, "%s: \"%" PRIu64 "%s\", ", name, amount, unit);
}

static void print_resources(FILE *out, const struct unit_resources *resources)
{
	fputs("resources: {", out);
	print_amount(out, "memory", resources->memory_bytes, "");
	print_amount(out, "swap", resources->swap_bytes, "");
	print_amount(out, "pids", resources->pids, "");
	print_amount(out, "cpu", resources->cpu_milli, "m");
	print_amount(out, "cpu_weight", resources->cpu_weight, "");
	fputs("}\n", out);
}

static void print_capabilities(FILE *out, const struct unit *unit)
{
	if ((unit->flags & UNIT_CAPABILITIES_LISTED) == 0)
		return;
	fputs("capabilities: [", out);
	for (int number = 0; number <= CAPABILITY_LAST; number++) {
		if ((unit->capabilities >> number & 1) != 0)
			fprintf(out, "%s, ", capability_name(number));
	}
	fputs("]\n", out);
}

static void print_policy(FILE *out, const struct unit *unit)
{
	fprintf(out, "network: %s\n", unit->network == UNIT_NETWORK_HOST ? "host" : "none");
	fprintf(out, "restart: %s", unit_restart_name(unit->restart));
	if (unit->restarts_max != 0)
		fprintf(out, ":%u", unit->restarts_max);
	fprintf(out, "\nuserns: %s\nstop_timeout: %u\n", unit->userns == UNIT_USERNS_AUTO ? "auto" : "host",
		unit->stop_timeout_s);
	if (unit->log_bytes_max != 0)
		fprintf(out, "log_max_size: \"%" PRIu64 "\"\n", unit->log_bytes_max);
	if (unit->stop_signal != 0)
		fprintf(out, "stop_signal: %d\n", unit->stop_signal);
}

char *unit_write(const struct unit *unit)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		return NULL;
	print_text(out, "name", unit->name);
	print_text(out, "hostname", unit->hostname);
	print_text(out, "image", unit->image);
	print_text(out, "image_id", unit->image_id);
	if ((unit->flags & UNIT_ENTRYPOINT) != 0 && unit->entrypoint[0] == NULL)
		fputs("entrypoint: []\n", out);
	print_list(out, "entrypoint", unit->entrypoint);
	print_list(out, "command", unit->command);
	print_list(out, "env", unit->environment);
	print_list(out, "labels", unit->labels);
	print_text(out, "workdir", unit->directory);
	print_text(out, "user", unit->user);
	print_flags(out, unit->flags);
	if (unit->mounts_count > 0)
		fputs("mounts:\n", out);
	for (size_t i = 0; i < unit->mounts_count; i++)
		print_mount(out, &unit->mounts[i]);
	print_policy(out, unit);
	print_resources(out, &unit->resources);
	print_capabilities(out, unit);
	return fclose(out) == 0 ? text : NULL;
}
