// SPDX-License-Identifier: MPL-2.0
/* Making processes and threads, and switching between them. */
#include "bench.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const exit_words[] = {"init", "exit", NULL};
static char *const no_environment[] = {NULL};

static int64_t bench_fork(long rounds)
{
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(waitpid(TRY(CHILD((void)0)), NULL, 0));
	return bench_now_ns() - start;
}

static int64_t bench_fork_dirty(long rounds)
{
	enum { SIZE = 8 << 20 };
	char *memory = TRY(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memset(memory, 1, SIZE);
	int64_t time = bench_fork(rounds);
	munmap(memory, SIZE);
	return time;
}

static int64_t bench_fork_exec(long rounds)
{
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(waitpid(TRY(CHILD(execve("/exit", exit_words, no_environment))), NULL, 0));
	return bench_now_ns() - start;
}

static int64_t bench_vfork_exec(long rounds)
{
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++) {
		pid_t child = vfork();
		if (child == 0) {
			execve("/exit", exit_words, no_environment);
			_exit(1);
		}
		TRY(waitpid(TRY(child), NULL, 0));
	}
	return bench_now_ns() - start;
}

static void *return_null(void *unused)
{
	(void)unused;
	return NULL;
}

static int64_t bench_thread(long rounds)
{
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++) {
		pthread_t thread;
		int error = pthread_create(&thread, NULL, return_null, NULL);
		if (error)
			return -error;
		pthread_join(thread, NULL);
	}
	return bench_now_ns() - start;
}

/* One member of a ring: passes the token from one pipe to the next, `rounds` times. */
static void pass_on(int from, int to, long rounds)
{
	char token;
	for (long i = 0; i < rounds; i++)
		if (read(from, &token, 1) != 1 || write(to, &token, 1) != 1)
			_exit(1);
}

enum { RING_MAX = 16 };

/* A token goes round a ring of processes; a switch is one hop. */
static int64_t ring(long rounds, int size)
{
	int ends[RING_MAX][2];
	char token = 0;
	long turns = rounds / size;
	for (int i = 0; i < size; i++)
		TRY(pipe(ends[i]));
	for (int i = 1; i < size; i++)
		TRY(CHILD(pass_on(ends[i - 1][0], ends[i][1], turns)));
	int64_t start = bench_now_ns();
	for (long i = 0; i < turns; i++) {
		TRY(write(ends[0][1], &token, 1));
		TRY(read(ends[size - 1][0], &token, 1));
	}
	int64_t time = bench_now_ns() - start;
	for (int i = 0; i < size; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
	for (int i = 1; i < size; i++)
		wait(NULL);
	return turns ? time * rounds / (turns * size) : time;
}

static int64_t bench_ring_2(long rounds)
{
	return ring(rounds, 2);
}

static int64_t bench_ring_16(long rounds)
{
	return ring(rounds < RING_MAX ? RING_MAX : rounds, RING_MAX);
}

static void futex_until(volatile uint32_t *word, uint32_t other, uint32_t wanted)
{
	while (*word != wanted)
		syscall(SYS_futex, word, FUTEX_WAIT, other, NULL, NULL, 0);
}

static void futex_give(volatile uint32_t *word, uint32_t value)
{
	*word = value;
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void futex_answer(volatile uint32_t *word, long rounds)
{
	for (long i = 0; i < rounds; i++) {
		futex_until(word, 0, 1);
		futex_give(word, 0);
	}
}

static int64_t bench_futex(long rounds)
{
	volatile uint32_t *word = TRY(mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	pid_t child = TRY(CHILD(futex_answer(word, rounds)));
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++) {
		futex_give(word, 1);
		futex_until(word, 1, 0);
	}
	int64_t time = bench_now_ns() - start;
	TRY(waitpid(child, NULL, 0));
	munmap((void *)word, 4096);
	return time;
}

const struct bench processes[] = {
	{"fork_exit_wait", bench_fork, 60},
	{"fork_8_mib_dirty", bench_fork_dirty, 10},
	{"fork_exec_static", bench_fork_exec, 40},
	{"vfork_exec_static", bench_vfork_exec, 40},
	{"thread_create_join", bench_thread, 100},
	{"switch_ring_of_2", bench_ring_2, 1000},
	{"switch_ring_of_16", bench_ring_16, 1600},
	{"futex_ping_pong", bench_futex, 500},
	{0},
};
