// SPDX-License-Identifier: MPL-2.0
// keel: containers at the prompt. Init owns them; keel asks it over its control socket.
#include <stdio.h>
#include <string.h>

#include "commands.h"

static const struct {
	const char *name;
	int (*run)(int count, char **arguments);
	const char *help;
} commands[] = {
	{"run", command_run, "[OPTIONS] IMAGE [COMMAND...] start a container (keel run --help)"},
	{"create", command_create, "[OPTIONS] IMAGE [COMMAND...] as run, but start it later"},
	{"ps", command_ps, "[-a] [-q] [--format json]    list containers"},
	{"logs", command_logs, "[-f] [-t] [--tail N] NAME        print what a container has written"},
	{"exec", command_exec_in, "[-d] [-it] [-u USER] [-w DIR] [-e NAME=VALUE] NAME COMMAND..."},
	{"attach", command_attach, "[--no-stdin] [--detach-keys KEYS] NAME   to the terminal of a container"},
	{"start", command_start, "[-a] NAME...                 start a container that was created or has ended"},
	{"restart", command_restart, "[-t SECONDS] NAME...        stop and start again"},
	{"pause", command_pause, "NAME...                      freeze every process of a container"},
	{"unpause", command_pause, "NAME...                    let them go on"},
	{"stats", command_stats, "[--no-stream] [NAME...]      what containers use"},
	{"events", command_events, "[--since T] [--format json] what happens"},
	{"stop", command_stop, "[-t SECONDS] NAME...         end containers"},
	{"kill", command_kill, "[-s SIGNAL] NAME...          send a signal"},
	{"rm", command_rm, "[-f] NAME...                 forget containers and their logs"},
	{"wait", command_wait, "NAME...                      wait for the end, print the status"},
	{"load", command_load, "[-i FILE|FOLDER]             take images from an archive or an OCI layout"},
	{"images", command_images, "[-q] [--format json]         list images"},
	{"tag", command_tag, "IMAGE NAME...                give an image another name"},
	{"rmi", command_rmi, "[-f] IMAGE...                remove images"},
	{"save", command_save, "[-o FILE] IMAGE...           write images as an archive that load takes back"},
	{"volume", command_volume, "create|ls|rm|inspect|exists ... folders with names that outlive containers"},
	{"cp", command_cp, "[-a] [NAME:]PATH [NAME:]PATH copy files into and out of containers"},
	{"top", command_top, "NAME                         the processes of a container"},
	{"inspect", command_inspect, "NAME|IMAGE...                print all there is to know, as JSON"},
};

static void usage(FILE *out)
{
	fputs("usage: keel COMMAND ...\n", out);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
}

int main(int count, char **arguments)
{
	if (count < 2) {
		usage(stderr);
		return STATUS_FAILED;
	}
	if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0 ||
	    strcmp(arguments[1], "help") == 0) {
		usage(stdout);
		return 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(arguments[1], commands[i].name) == 0)
			return commands[i].run(count - 1, arguments + 1);
	}
	return complain("unknown command '%s' (keel --help lists them)", arguments[1]);
}
