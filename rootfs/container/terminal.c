// SPDX-License-Identifier: MPL-2.0
#include "terminal.h"

#include <sys/ioctl.h>

void terminal_copy_size(int from, int to)
{
	struct winsize size;

	if (ioctl(from, TIOCGWINSZ, &size) == 0)
		ioctl(to, TIOCSWINSZ, &size);
}

void terminal_read_size(int fd, unsigned short *rows, unsigned short *columns)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
		*rows = size.ws_row;
		*columns = size.ws_col;
	}
}
