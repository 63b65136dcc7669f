// SPDX-License-Identifier: MPL-2.0
// The commands of keel. Each gets its own arguments (arguments[0] is the command's name) and returns the
// exit status: 0, the container's own, or 125 with a message for a failure of keel itself.
#pragma once

enum {
	STATUS_FAILED = 125,
	STATUS_NOT_RUNNABLE = 126,
	STATUS_NOT_FOUND = 127,
};

int command_run(int count, char **arguments);
int command_ps(int count, char **arguments);
int command_logs(int count, char **arguments);
int command_exec_in(int count, char **arguments);
int command_start(int count, char **arguments);
int command_stop(int count, char **arguments);
int command_kill(int count, char **arguments);
int command_rm(int count, char **arguments);
int command_wait(int count, char **arguments);
int command_inspect(int count, char **arguments);
int command_create(int count, char **arguments);
int command_pause(int count, char **arguments);
int command_restart(int count, char **arguments);
int command_stats(int count, char **arguments);
int command_events(int count, char **arguments);
int command_load(int count, char **arguments);
int command_images(int count, char **arguments);
int command_tag(int count, char **arguments);
int command_rmi(int count, char **arguments);
int command_save(int count, char **arguments);
int command_volume(int count, char **arguments);
int command_cp(int count, char **arguments);
int command_attach(int count, char **arguments);
int command_top(int count, char **arguments);

// Prints "keel: ..." on standard error and returns STATUS_FAILED.
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
