// SPDX-License-Identifier: MPL-2.0
/* Which ranges a file lock may have. fcntl(2) */
#include "support.h"

#include <limits.h>

static int try_lock(int command, long start, long length)
{
	struct flock range = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
	int fd = CHECK_OK(open("ranges", O_RDWR | O_CREAT, 0600));
	int error = fcntl(fd, command, &range) == 0 ? 0 : errno;
	CHECK_OK(close(fd));
	return error;
}

TEST(ranges_at_the_ends_of_numbers)
{
	static const int commands[] = {F_SETLK, F_SETLKW, F_GETLK, F_OFD_SETLK};
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		CHECK_EQ(try_lock(commands[i], LONG_MIN, -1), EINVAL);
		CHECK_EQ(try_lock(commands[i], LONG_MIN + 5, -10), EINVAL);
		CHECK_EQ(try_lock(commands[i], 0, LONG_MIN), EINVAL);
		CHECK_EQ(try_lock(commands[i], LONG_MIN, LONG_MIN), EINVAL);
		CHECK_EQ(try_lock(commands[i], -1, 10), EINVAL);
		CHECK_EQ(try_lock(commands[i], 5, -10), EINVAL);
		CHECK_EQ(try_lock(commands[i], LONG_MAX, 2), EOVERFLOW);
		CHECK_EQ(try_lock(commands[i], 10, -10), 0);
		CHECK_EQ(try_lock(commands[i], LONG_MAX, 1), 0);
		CHECK_EQ(try_lock(commands[i], LONG_MAX, 0), 0);
	}
}
