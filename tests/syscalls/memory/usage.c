// SPDX-License-Identifier: MPL-2.0
/* /proc/PID/smaps and smaps_rollup: what of each area is in memory, whose it is, and who shares it. */
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096
#define PAGES 16

/* The kilobytes, or whatever number, behind NAME in the record of the area that begins at `address`; -1: none. */
static long value_of(const char *text, const char *name)
{
	char wanted[40];
	snprintf(wanted, sizeof(wanted), "\n%s:", name);
	const char *line = strstr(text, wanted);
	return line ? strtol(line + strlen(wanted), NULL, 10) : -1;
}

static const char *record_of(pid_t pid, const void *address)
{
	static char text[65536];
	char path[40], start[24];
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)address);
	snprintf(text, sizeof(text), "%s", read_text(path));
	char *record = strstr(text, start);
	CHECK(record != NULL);
	char *flags = strstr(record, "VmFlags:");
	CHECK(flags != NULL);
	*strchrnul(flags, '\n') = '\0';
	return record;
}

static char *fresh(size_t pages, int how)
{
	char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS, -1, 0);
	CHECK((void *)memory != MAP_FAILED);
	return memory;
}

TEST(of_a_private_area)
{
	char *memory = fresh(PAGES, MAP_PRIVATE);
	CHECK_EQ(value_of(record_of(getpid(), memory), "Rss"), 0);
	memset(memory, 1, 4 * PAGE);
	const char *record = record_of(getpid(), memory);
	CHECK_EQ(value_of(record, "Size"), PAGES * 4);
	CHECK_EQ(value_of(record, "Rss"), 16);
	CHECK_EQ(value_of(record, "Pss"), 16);
	CHECK_EQ(value_of(record, "Private_Dirty"), 16);
	CHECK_EQ(value_of(record, "Private_Clean"), 0);
	CHECK_EQ(value_of(record, "Shared_Dirty"), 0);
	CHECK_EQ(value_of(record, "Referenced"), 16);
	CHECK_EQ(value_of(record, "Anonymous"), 16);
	CHECK_EQ(value_of(record, "Swap"), 0);
	CHECK_EQ(value_of(record, "Locked"), 0);
	CHECK(strstr(record, "VmFlags: rd wr mr mw me ") != NULL);
	CHECK_OK(mlock(memory, (size_t)PAGES * PAGE));
	record = record_of(getpid(), memory);
	CHECK_EQ(value_of(record, "Rss"), PAGES * 4);
	CHECK_EQ(value_of(record, "Locked"), PAGES * 4);
	CHECK(strstr(record, " lo ") != NULL);
	CHECK_OK(munlock(memory, (size_t)PAGES * PAGE));
	CHECK_OK(madvise(memory, (size_t)PAGES * PAGE, MADV_DONTFORK));
	CHECK(strstr(record_of(getpid(), memory), " dc ") != NULL);
}

/* After fork each page is mapped twice, until one of the two writes to it. */
TEST(of_pages_that_two_map)
{
	char *memory = fresh(PAGES, MAP_PRIVATE);
	int ready[2];
	char byte;
	CHECK_OK(pipe(ready));
	memset(memory, 1, (size_t)PAGES * PAGE);
	pid_t child = fork_checked();
	if (child == 0) {
		memset(memory, 2, 4 * PAGE);
		CHECK_EQ(write(ready[1], "x", 1), 1);
		pause();
		_exit(0);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	const char *record = record_of(child, memory);
	CHECK_EQ(value_of(record, "Rss"), PAGES * 4);
	CHECK_EQ(value_of(record, "Pss"), 16 + (PAGES * 4 - 16) / 2);
	CHECK_EQ(value_of(record, "Private_Dirty"), 16);
	CHECK_EQ(value_of(record, "Shared_Dirty") + value_of(record, "Shared_Clean"), PAGES * 4 - 16);
	CHECK_EQ(value_of(record, "Anonymous"), PAGES * 4);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(value_of(record_of(getpid(), memory), "Pss"), PAGES * 4);
}

TEST(of_a_file)
{
	int fd = CHECK_OK(memfd_create("pages", 0));
	CHECK_OK(ftruncate(fd, 8 * PAGE));
	char *memory = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK((void *)memory != MAP_FAILED);
	memset(memory, 1, 8 * PAGE);
	char *other = mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	CHECK((void *)other != MAP_FAILED);
	const char *record = record_of(getpid(), memory);
	CHECK_EQ(value_of(record, "Rss"), 32);
	CHECK_EQ(value_of(record, "Pss"), 16);		/* both are this process's: each has half */
	CHECK_EQ(value_of(record, "Private_Dirty"), 0);
	CHECK_EQ(value_of(record, "Shared_Dirty"), 32);
	CHECK_EQ(value_of(record, "Anonymous"), 0);
	CHECK(strstr(record, "VmFlags: rd wr sh mr mw me ms ") != NULL);
}

TEST(of_all_areas)
{
	char *memory = fresh(PAGES, MAP_PRIVATE);
	memset(memory, 1, (size_t)PAGES * PAGE);
	const char *text = read_text("/proc/self/smaps_rollup");
	CHECK(strstr(text, " ---p 00000000 00:00 0 ") != NULL);
	CHECK(strstr(text, " [rollup]\n") != NULL);
	CHECK(value_of(text, "Rss") >= PAGES * 4);
	CHECK(value_of(text, "Pss_Anon") >= PAGES * 4);
	CHECK(value_of(text, "Pss") <= value_of(text, "Rss"));
	long shares = value_of(text, "Pss_Anon") + value_of(text, "Pss_File") + value_of(text, "Pss_Shmem");
	CHECK(shares <= value_of(text, "Pss") && shares >= value_of(text, "Pss") - 3);
	CHECK_EQ(value_of(text, "Size"), -1);
	CHECK_EQ(value_of(text, "Shared_Clean") + value_of(text, "Shared_Dirty") + value_of(text, "Private_Clean") +
		 value_of(text, "Private_Dirty"), value_of(text, "Rss"));
}
