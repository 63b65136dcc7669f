// SPDX-License-Identifier: MPL-2.0
// The keys that let go of a container's terminal without ending what runs there, as podman and Docker write them.
#pragma once

#include <stddef.h>

#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

enum { DETACH_KEYS_MAX = 16 };

struct detach_keys {
	char keys[DETACH_KEYS_MAX];
	size_t count;		// 0: none, the terminal is never let go
	size_t matched;		// so many of them have been typed, and are held back
};

// "ctrl-p,ctrl-q" or "a,ctrl-]": characters, and ctrl- with a letter or one of @ [ \ ] ^ _. "": none.
// => -EINVAL for anything else and for too many
int detach_keys_parse(struct detach_keys *keys, const char *text);

// Takes what was typed and puts into `through` what is for the container: at most length + DETACH_KEYS_MAX bytes.
// `*pressed` is set once the keys were typed; what came behind them is dropped. => the length of `through`
size_t detach_keys_filter(struct detach_keys *keys, const char *typed, size_t length, char *through, int *pressed);
