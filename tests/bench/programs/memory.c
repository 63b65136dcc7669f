// SPDX-License-Identifier: MPL-2.0
/* Mappings and page faults. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, FAULT_PAGES = 256 };

static void touch(char *memory, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		((volatile char *)memory)[i * PAGE] = 1;
}

static char *map_pages(size_t pages)
{
	return mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int64_t map_touch_unmap(long rounds, size_t pages)
{
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++) {
		char *memory = TRY(map_pages(pages));
		touch(memory, pages);
		TRY(munmap(memory, pages * PAGE));
	}
	return bench_now_ns() - start;
}

static int64_t bench_map_4k(long rounds)
{
	return map_touch_unmap(rounds, 1);
}

static int64_t bench_map_64k(long rounds)
{
	return map_touch_unmap(rounds, 16);
}

/* The rounds of the fault benchmarks are faults; the mapping around them is not timed. */
static int64_t bench_fault_anonymous(long rounds)
{
	char *memory = TRY(map_pages((size_t)rounds));
	int64_t start = bench_now_ns();
	touch(memory, (size_t)rounds);
	int64_t time = bench_now_ns() - start;
	munmap(memory, (size_t)rounds * PAGE);
	return time;
}

static int64_t bench_fault_file(long rounds)
{
	static char block[PAGE];
	volatile char sink;
	int fd = TRY(open("faults", O_RDWR | O_CREAT | O_TRUNC, 0644));
	for (long i = 0; i < rounds; i++)
		TRY(write(fd, block, PAGE));
	char *memory = TRY(mmap(NULL, (size_t)rounds * PAGE, PROT_READ, MAP_SHARED, fd, 0));
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		sink = memory[i * PAGE];
	(void)sink;
	int64_t time = bench_now_ns() - start;
	munmap(memory, (size_t)rounds * PAGE);
	close(fd);
	unlink("faults");
	return time;
}

static int64_t bench_fault_copy(long rounds)
{
	char *memory = TRY(map_pages((size_t)rounds));
	touch(memory, (size_t)rounds);
	int ends[2];
	TRY(pipe(ends));
	pid_t child = fork(); /* keeps the pages shared until told to end */
	if (child == 0) {
		char byte;
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) < 0);
	}
	TRY(child);
	int64_t start = bench_now_ns();
	touch(memory, (size_t)rounds);
	int64_t time = bench_now_ns() - start;
	close(ends[0]);
	close(ends[1]);
	TRY(waitpid(child, NULL, 0));
	munmap(memory, (size_t)rounds * PAGE);
	return time;
}

static int64_t bench_mprotect_64k(long rounds)
{
	char *memory = TRY(map_pages(16));
	touch(memory, 16);
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(mprotect(memory, (size_t)16 * PAGE, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ));
	int64_t time = bench_now_ns() - start;
	munmap(memory, (size_t)16 * PAGE);
	return time;
}

const struct bench memory[] = {
	{"mmap_touch_munmap_4k", bench_map_4k, 300},
	{"mmap_touch_munmap_64k", bench_map_64k, 100},
	{"fault_anonymous", bench_fault_anonymous, FAULT_PAGES},
	{"fault_file", bench_fault_file, FAULT_PAGES},
	{"fault_copy_on_write", bench_fault_copy, FAULT_PAGES},
	{"mprotect_64k", bench_mprotect_64k, 500},
	{0},
};
