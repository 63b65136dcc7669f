// SPDX-License-Identifier: MPL-2.0
/* Round trips between two processes. */
#include "bench.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void answer(int from, int to, long rounds)
{
	char byte;
	for (long i = 0; i < rounds; i++)
		if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
			_exit(1);
}

static int64_t ask(int to, int from, long rounds)
{
	char byte = 0;
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++) {
		TRY(write(to, &byte, 1));
		TRY(read(from, &byte, 1));
	}
	return bench_now_ns() - start;
}

static int64_t bench_pipe(long rounds)
{
	int there[2], back[2];
	TRY(pipe(there));
	TRY(pipe(back));
	TRY(CHILD(answer(there[0], back[1], rounds)));
	int64_t time = ask(there[1], back[0], rounds);
	wait(NULL);
	for (int i = 0; i < 2; i++) {
		close(there[i]);
		close(back[i]);
	}
	return time;
}

static int64_t bench_unix(long rounds)
{
	int fds[2];
	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	TRY(CHILD(answer(fds[1], fds[1], rounds)));
	int64_t time = ask(fds[0], fds[0], rounds);
	wait(NULL);
	close(fds[0]);
	close(fds[1]);
	return time;
}

const struct bench messages[] = {
	{"pipe_round_trip", bench_pipe, 500},
	{"unix_round_trip", bench_unix, 500},
	{0},
};
