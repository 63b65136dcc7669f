// SPDX-License-Identifier: MPL-2.0
/* Mappings: made, moved, protected, removed; and what /proc says of them. */
#include "support.h"

#include <sys/mman.h>
#include <sys/syscall.h>

static char *map(size_t length, int protection, int flags, int fd, off_t offset)
{
	char *memory = mmap(NULL, length, protection, flags, fd, offset);
	CHECK(memory != MAP_FAILED);
	return memory;
}

static void read_byte(void *address)
{
	(void)*(volatile char *)address;
}

static void write_byte(void *address)
{
	*(volatile char *)address = 1;
}

static int faults(void (*body)(void *), void *address)
{
	return raises_signal(SIGSEGV, body, address);
}

static int file_of(const char *name, size_t pages)
{
	int fd = make_file(name);
	char block[PAGE];
	for (size_t i = 0; i < pages; i++) {
		memset(block, 'a' + (int)i, sizeof(block));
		CHECK_EQ(write(fd, block, sizeof(block)), PAGE);
	}
	return fd;
}

TEST(anonymous_memory_is_zero)
{
	char *memory = map((size_t)64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < (size_t)64 * PAGE; i++)
		CHECK(memory[i] == 0);
}

TEST(reading_then_writing_anonymous)
{
	char *memory = map_pages(4);
	CHECK_EQ(memory[PAGE], 0);
	memory[PAGE] = 3;
	CHECK_EQ(memory[PAGE], 3);
	CHECK_EQ(memory[0] + memory[2 * PAGE], 0);
}

TEST(file_shows_through)
{
	int fd = file_of("f", 3);
	char *memory = map((size_t)3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK_EQ(memory[0], 'a');
	CHECK_EQ(memory[2 * PAGE + 5], 'c');
}

TEST(file_offset)
{
	int fd = file_of("f", 3);
	CHECK_EQ(map(PAGE, PROT_READ, MAP_SHARED, fd, PAGE)[0], 'b');
}

TEST(private_writes_stay_private)
{
	int fd = file_of("f", 1);
	char *memory = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0), byte;
	memory[0] = 'X';
	CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	CHECK_EQ(byte, 'a');
}

TEST(shared_writes_reach_the_file)
{
	int fd = file_of("f", 1);
	char *memory = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), byte;
	memory[9] = 'X';
	CHECK_EQ(pread(fd, &byte, 1, 9), 1);
	CHECK_EQ(byte, 'X');
}

TEST(write_reaches_the_mapping)
{
	int fd = file_of("f", 1);
	char *memory = map(PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_EQ(memory[7], 'a');
	CHECK_EQ(pwrite(fd, "Y", 1, 7), 1);
	CHECK_EQ(memory[7], 'Y');
}

TEST(two_mappings_of_a_file_agree)
{
	int fd = file_of("f", 1);
	char *one = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *two = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	one[100] = 'Z';
	CHECK_EQ(two[100], 'Z');
}

TEST(tail_of_the_last_page_is_zero)
{
	int fd = make_file("f");
	CHECK_EQ(write(fd, "hello", 5), 5);
	char *memory = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_EQ(memory[5], 0);
	CHECK_EQ(memory[PAGE - 1], 0);
	memory[10] = 'x';
	struct stat info;
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_size, 5);
}

TEST(mapping_outlives_descriptor_and_name)
{
	int fd = file_of("f", 1);
	char *memory = map(PAGE, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	CHECK_OK(unlink("f"));
	CHECK_EQ(memory[0], 'a');
}

TEST(truncated_file_faults)
{
	int fd = file_of("f", 2);
	char *memory = map((size_t)2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_EQ(memory[PAGE], 'b');
	CHECK_OK(ftruncate(fd, PAGE));
	CHECK(raises_signal(SIGBUS, read_byte, memory + PAGE));
	CHECK_OK(ftruncate(fd, (off_t)2 * PAGE));
	CHECK_EQ(memory[PAGE], 0);
}

TEST(access_mode_must_fit)
{
	file_of("f", 1);
	int reader = CHECK_OK(open("f", O_RDONLY)), writer = CHECK_OK(open("f", O_WRONLY));
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0), EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0) != MAP_FAILED);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0), EACCES);
	char *memory = map(PAGE, PROT_READ, MAP_SHARED, reader, 0);
	CHECK_ERR(mprotect(memory, PAGE, PROT_READ | PROT_WRITE), EACCES);
}

TEST(bad_arguments)
{
	int fd = file_of("f", 1), ends[2];
	CHECK_OK(pipe(ends));
	CHECK_ERR((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 7), EINVAL);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0), ENODEV);
	CHECK_ERR((long)mmap(NULL, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	CHECK_ERR(syscall(SYS_munmap, 1, PAGE), EINVAL);
	CHECK_ERR(syscall(SYS_munmap, 0x10000, 0), EINVAL);
	CHECK_ERR(syscall(SYS_mprotect, 1, PAGE, PROT_READ), EINVAL);
}

TEST(fixed_replaces_what_is_there)
{
	char *memory = map_pages(3);
	memset(memory, 1, (size_t)3 * PAGE);
	CHECK(mmap(memory + PAGE, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory + PAGE);
	CHECK_EQ(memory[0], 1);
	CHECK_EQ(memory[PAGE], 0);
	CHECK_EQ(memory[2 * PAGE], 1);
}

TEST(fixed_noreplace_refuses)
{
	enum { NOREPLACE = 0x100000 };
	char *memory = map_pages(2);
	CHECK_ERR((long)mmap(memory, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | NOREPLACE, -1, 0),
		  EEXIST);
	CHECK_OK(munmap(memory + PAGE, PAGE));
	CHECK(mmap(memory + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | NOREPLACE, -1, 0) ==
	      memory + PAGE);
}

TEST(hint_is_taken_when_free)
{
	char *memory = map_pages(4);
	CHECK_OK(munmap(memory, (size_t)4 * PAGE));
	CHECK(mmap(memory, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == memory);
}

TEST(fixed_in_the_kernels_half_is_enomem)
{
	CHECK_ERR((long)mmap((void *)0xffff800000000000, PAGE, PROT_READ,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
	CHECK_ERR((long)mmap((void *)0x7ffffffff000, PAGE, PROT_READ,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
}

TEST(low_addresses_need_privilege)
{
	become_nobody();
	CHECK_ERR((long)mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EPERM);
}

TEST(munmap_splits)
{
	char *memory = map_pages(3);
	CHECK_OK(munmap(memory + PAGE, PAGE));
	memory[0] = memory[2 * PAGE] = 1;
	CHECK(faults(read_byte, memory + PAGE));
	CHECK_OK(munmap(memory, (size_t)3 * PAGE));
	CHECK(faults(read_byte, memory));
}

TEST(mprotect_takes_and_gives)
{
	char *memory = map_pages(3);
	memory[PAGE] = 5;
	CHECK_OK(mprotect(memory + PAGE, PAGE, PROT_READ));
	CHECK_EQ(memory[PAGE], 5);
	CHECK(faults(write_byte, memory + PAGE));
	memory[0] = memory[2 * PAGE] = 1;
	CHECK_OK(mprotect(memory + PAGE, PAGE, PROT_NONE));
	CHECK(faults(read_byte, memory + PAGE));
	CHECK_OK(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE));
	CHECK_EQ(memory[PAGE], 5);
	memory[PAGE] = 6;
}

TEST(mprotect_of_a_hole_is_enomem)
{
	char *memory = map_pages(3);
	CHECK_OK(munmap(memory + PAGE, PAGE));
	CHECK_ERR(mprotect(memory, (size_t)3 * PAGE, PROT_READ), ENOMEM);
}

TEST(executable_memory_executes)
{
	static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
	char *memory = map_pages(1);
	memcpy(memory, code, sizeof(code));
	CHECK_OK(mprotect(memory, PAGE, PROT_READ | PROT_EXEC));
	CHECK_EQ(((int (*)(void))(void *)memory)(), 42);
}

TEST(mremap_grows_and_moves)
{
	char *memory = map_pages(4);
	memset(memory, 7, PAGE);
	CHECK_ERR((long)mremap(memory, PAGE, (size_t)2 * PAGE, 0), ENOMEM);
	char *moved = mremap(memory, PAGE, (size_t)8 * PAGE, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED && moved != memory);
	CHECK_EQ(moved[PAGE - 1], 7);
	CHECK_EQ(moved[PAGE], 0);
	CHECK(faults(read_byte, memory));
}

TEST(mremap_shrinks_in_place)
{
	char *memory = map_pages(4);
	CHECK(mremap(memory, (size_t)4 * PAGE, PAGE, 0) == memory);
	CHECK(faults(read_byte, memory + PAGE));
}

TEST(mremap_fixed_replaces)
{
	char *from = map_pages(1), *to = map_pages(2);
	from[0] = 9;
	to[0] = 1;
	CHECK(mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK_EQ(to[0], 9);
	CHECK_ERR((long)mremap(to, PAGE, PAGE, MREMAP_FIXED, from), EINVAL);
	CHECK_ERR((long)mremap(to, (size_t)2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to), EINVAL);
}

TEST(mremap_of_nothing_is_efault)
{
	char *memory = map_pages(1);
	CHECK_OK(munmap(memory, PAGE));
	CHECK_ERR((long)mremap(memory, PAGE, (size_t)2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	CHECK_ERR((long)mremap(memory + 1, PAGE, PAGE, MREMAP_MAYMOVE), EINVAL);
}

TEST(dontneed_forgets_anonymous)
{
	char *memory = map_pages(2);
	memset(memory, 4, (size_t)2 * PAGE);
	CHECK_OK(madvise(memory, PAGE, MADV_DONTNEED));
	CHECK_EQ(memory[0], 0);
	CHECK_EQ(memory[PAGE], 4);
}

TEST(dontneed_rereads_a_private_file)
{
	int fd = file_of("f", 1);
	char *memory = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	memory[0] = 'X';
	CHECK_OK(madvise(memory, PAGE, MADV_DONTNEED));
	CHECK_EQ(memory[0], 'a');
}

TEST(madvise_bad_arguments)
{
	char *memory = map_pages(1);
	CHECK_ERR(madvise(memory, PAGE, 9999), EINVAL);
	CHECK_ERR(madvise(memory + 1, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_OK(munmap(memory, PAGE));
	CHECK_ERR(madvise(memory, PAGE, MADV_DONTNEED), ENOMEM);
}

TEST(fork_dontfork_and_wipe)
{
	char *hidden = map_pages(1), *wiped = map_pages(1);
	hidden[0] = wiped[0] = 1;
	CHECK_OK(madvise(hidden, PAGE, MADV_DONTFORK));
	CHECK_OK(madvise(wiped, PAGE, 18 /* MADV_WIPEONFORK */));
	pid_t child = fork_checked();
	if (child == 0)
		_exit(wiped[0] == 0 && faults(read_byte, hidden) ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(wiped[0], 1);
}

TEST(brk_moves_both_ways)
{
	uintptr_t start = (uintptr_t)syscall(SYS_brk, 0);
	CHECK_EQ(syscall(SYS_brk, start + 100), start + 100);
	*(volatile char *)(start + 99) = 1;
	CHECK_EQ(syscall(SYS_brk, start + 10 * PAGE), start + 10 * PAGE);
	CHECK_EQ(*(volatile char *)(start + 9 * PAGE), 0);
	CHECK_EQ(syscall(SYS_brk, start), start);
	CHECK_EQ(syscall(SYS_brk, 5), start);
}

TEST(msync_checks_its_range)
{
	int fd = file_of("f", 2);
	char *memory = map((size_t)2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memory[0] = 'q';
	CHECK_OK(msync(memory, (size_t)2 * PAGE, MS_SYNC));
	CHECK_OK(msync(memory, (size_t)2 * PAGE, MS_ASYNC));
	CHECK_ERR(msync(memory, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERR(msync(memory + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_OK(munmap(memory + PAGE, PAGE));
	CHECK_ERR(msync(memory, (size_t)2 * PAGE, MS_SYNC), ENOMEM);
}

TEST(mincore_tells_residence)
{
	unsigned char resident[2];
	char *memory = map_pages(2);
	memory[0] = 1;
	CHECK_OK(mincore(memory, (size_t)2 * PAGE, resident));
	CHECK_EQ(resident[0] & 1, 1);
	CHECK_EQ(resident[1] & 1, 0);
	CHECK_ERR(mincore(memory + 1, PAGE, resident), EINVAL);
}

TEST(mlock_and_munlock)
{
	unsigned char resident[1];
	char *memory = map_pages(1);
	CHECK_OK(mlock(memory, PAGE));
	CHECK_OK(mincore(memory, PAGE, resident));
	CHECK_EQ(resident[0] & 1, 1);
	CHECK_OK(munlock(memory, PAGE));
}

TEST(populate_makes_resident)
{
	unsigned char resident[4];
	char *memory = map((size_t)4 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	CHECK_OK(mincore(memory, (size_t)4 * PAGE, resident));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(resident[i] & 1, 1);
}

TEST(memfd_is_a_file_in_memory)
{
	int fd = (int)CHECK_OK(syscall(SYS_memfd_create, "name", 2 /* MFD_ALLOW_SEALING */));
	CHECK_OK(ftruncate(fd, PAGE));
	char *memory = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), byte;
	memory[3] = 'm';
	CHECK_EQ(pread(fd, &byte, 1, 3), 1);
	CHECK_EQ(byte, 'm');
	CHECK_ERR(fcntl(fd, 1033 /* F_ADD_SEALS */, 8 /* F_SEAL_WRITE */), EBUSY);
	CHECK_OK(munmap(memory, PAGE));
	CHECK_OK(fcntl(fd, 1033, 8));
	CHECK_ERR(write(fd, "x", 1), EPERM);
	CHECK_EQ(fcntl(fd, 1034 /* F_GET_SEALS */), 8);
	CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	memory = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	memory[3] = 'p';
	CHECK_EQ(pread(fd, &byte, 1, 3), 1);
	CHECK_EQ(byte, 'm');
}

static int maps_has(const char *wanted, const void *address)
{
	char start[20];
	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)address);
	const char *line = strstr(read_text("/proc/self/maps"), start);
	if (!line)
		return 0;
	const char *end = strchr(line, '\n'), *found = strstr(line, wanted);
	return found && found < end;
}

TEST(maps_tells_the_truth)
{
	int fd = file_of("mapped-file", 1);
	char *shared = map(PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(maps_has(" r--s 00000000 ", shared));
	CHECK(maps_has("/mapped-file", shared));
	char *memory = map((size_t)3 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_OK(mprotect(memory + PAGE, PAGE, PROT_NONE));
	CHECK(maps_has(" ---p ", memory + PAGE));
	CHECK(maps_has(" rwxp ", memory + 2 * PAGE));
	CHECK_OK(munmap(memory + PAGE, PAGE));
	CHECK(!maps_has("p", memory + PAGE));
	CHECK(strstr(read_text("/proc/self/maps"), "[stack]"));
	CHECK(strstr(read_text("/proc/self/maps"), "[vdso]"));
}

TEST(maps_merges_neighbours)
{
	char *memory = map_pages(4);
	CHECK_OK(mprotect(memory + PAGE, PAGE, PROT_READ));
	CHECK(maps_has(" r--p ", memory + PAGE));
	CHECK_OK(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE));
	CHECK(!maps_has(" rw-p ", memory + PAGE));
}

TEST(process_vm_readv_reads_another)
{
	char *memory = map_pages(1);
	struct turn turn = turn_create();
	strcpy(memory, "parent");
	pid_t child = fork_checked();
	if (child == 0) {
		strcpy(memory, "child!");
		turn_give(turn);
		for (;;)
			pause();
	}
	turn_take(turn);
	char copy[7] = {0};
	struct {
		void *base;
		size_t size;
	} local = {copy, 6}, remote = {memory, 6};
	CHECK_EQ(syscall(SYS_process_vm_readv, child, &local, 1, &remote, 1, 0), 6);
	CHECK_STR(copy, "child!");
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);
}
