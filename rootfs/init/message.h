// SPDX-License-Identifier: MPL-2.0
// What init has to say, on the console.
#pragma once

// One line, "keelson: ..." .
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));
