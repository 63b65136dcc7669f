// SPDX-License-Identifier: MPL-2.0
#include "raw_terminal.h"

#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static int changed_fd = -1;

void raw_terminal_begin(int fd)
{
	struct termios raw;

	if (changed_fd >= 0 || tcgetattr(fd, &before) < 0)
		return;
	raw = before;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return;
	changed_fd = fd;
	atexit(raw_terminal_end);
}

void raw_terminal_end(void)
{
	if (changed_fd >= 0)
		tcsetattr(changed_fd, TCSADRAIN, &before);
	changed_fd = -1;
}
