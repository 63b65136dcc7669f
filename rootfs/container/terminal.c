// SPDX-License-Identifier: MPL-2.0
#include "terminal.h"

#include <sys/ioctl.h>

void terminal_copy_size(int from, int to)
{
	struct winsize size;

	if (ioctl(from, TIOCGWINSZ, &size) == 0)
		ioctl(to, TIOCSWINSZ, &size);
}
