// SPDX-License-Identifier: MPL-2.0
// What becomes of a user thread that met a bug of the kernel.
#pragma once

// From now on such a thread's process is killed as by SIGKILL instead of stopping the machine.
void process_crash_init(void);
