// SPDX-License-Identifier: MPL-2.0
// The power button, where the kernel shows it as an input device (Linux's ACPI button). Keelson's kernel
// sends SIGPWR instead, and then there is nothing here to open.
#pragma once

#include <poll.h>
#include <stddef.h>

enum { POWER_BUTTON_MAX = 4 };

// Opens every /dev/input/event* that has a power key.
void power_button_open(void);

// The main loop's part. => power_button_heard: 1 if the key was pressed
size_t power_button_poll_fds(struct pollfd *polled, size_t max);
int power_button_heard(const struct pollfd *polled, size_t count);
