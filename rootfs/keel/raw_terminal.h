// SPDX-License-Identifier: MPL-2.0
// Puts the terminal that keel runs on into raw mode while a container's terminal is shown there.
#pragma once

// Does nothing where `fd` is no terminal. It is put back by raw_terminal_end(), also called at exit.
void raw_terminal_begin(int fd);
void raw_terminal_end(void);
