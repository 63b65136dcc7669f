// SPDX-License-Identifier: MPL-2.0
// The power button, where the kernel shows it as an input device (Linux's ACPI button). Keelson's kernel
// sends SIGPWR instead, and then there is nothing here to open.
#pragma once

enum { POWER_BUTTON_MAX = 4 };

// Opens every /dev/input/event* that has a power key; `pressed` is called whenever it is.
void power_button_open(void (*pressed)(void));
