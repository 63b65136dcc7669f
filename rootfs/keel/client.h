// SPDX-License-Identifier: MPL-2.0
// One exchange with init.
#pragma once

#include <stddef.h>

#include "../lib/unit/unit.h"

// Connects, or complains and returns -1.
int client_connect(void);

// Waits for one reply. "ok..." : 0, `*text` (to be freed) is what follows "ok". "exit N": returns N,
// with `*text` empty. "error STATUS TEXT": complains and returns STATUS, with `*text` NULL.
int client_hear(int socket, char **text);

// The whole exchange: connect, send, hear. `*text` may be passed as NULL to drop it.
int client_ask(const char *request, char **text);

// Sends "VERB NAME REST" for each name; the status of the last failure, or 0. With `echo` set to
// CLIENT_ECHO each name that went well is printed.
enum client_echo { CLIENT_QUIET, CLIENT_ECHO };
int client_ask_each(const char *verb, const char *rest, char **names, enum client_echo echo);

// What init knows about a container: `facts` are its "key: value" lines, `unit` its unit. Complains and returns a
// status where there is none. Both are to be freed.
int client_read(const char *name, char **facts, struct unit **unit);
int client_read_unit(const char *name, struct unit **unit);

// The value of a fact in `value`, or "" where there is none.
void client_fact(const char *facts, const char *key, char *value, size_t size);
