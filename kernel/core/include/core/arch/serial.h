// SPDX-License-Identifier: MPL-2.0
// The first serial port as an output of last resort: polled, usable from the first instruction in C.
#pragma once

#include <core/types.h>

// True if a port answered. Output without a port is dropped.
bool arch_serial_present(void);
void arch_serial_write(const char *bytes, usize length);
