// SPDX-License-Identifier: MPL-2.0
// Pseudo terminals of containers.
#pragma once

#include <sys/types.h>

#include "../lib/fault.h"

// Opens a fresh terminal of the devpts at /dev/pts, gives it to the user, makes it the calling
// session's controlling terminal and its descriptors 0, 1 and 2.
int terminal_open(uid_t owner, int *master, char path[32], struct fault *fault);

// The same, and the terminal is also bound to /dev/console.
int terminal_open_console(uid_t owner, int *master, struct fault *fault);

// Copies the window size from one terminal to another; nothing happens where one has none.
void terminal_copy_size(int from, int to);
