// SPDX-License-Identifier: MPL-2.0
// 16550 serial port (source: National Semiconductor PC16550D data sheet).
#pragma once
#include <core/error.h>

// Finds the port and registers ttyS0; -ENODEV when there is none. => may sleep; once, at start-up
err_t serial_init(void);
