// SPDX-License-Identifier: MPL-2.0
// The shell on the console, started again whenever it ends.
#pragma once

#include <sys/types.h>

// Starts a shell on the device that the last console= of the command line names (else /dev/console),
// in a session of its own. => its process, or -1
pid_t console_start(void);
