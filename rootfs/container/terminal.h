// SPDX-License-Identifier: MPL-2.0
// Pseudo terminals of containers.
#pragma once

// Copies the window size from one terminal to another; nothing happens where one has none.
void terminal_copy_size(int from, int to);

// The window size of a terminal; nothing happens where there is none.
void terminal_read_size(int fd, unsigned short *rows, unsigned short *columns);
