// SPDX-License-Identifier: MPL-2.0
/* The program of a container whose start is measured: says when its first line ran. */
#include <stdint.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	return write(STDOUT_FILENO, &now_ns, sizeof(now_ns)) != sizeof(now_ns);
}
