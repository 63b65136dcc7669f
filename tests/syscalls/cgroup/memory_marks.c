// SPDX-License-Identifier: MPL-2.0
/*
 * memory.max, measured: whatever a group fills its memory with, it stays within 5 % of the limit, only members die, and what
 * can be given back is given back first. Each case prints what it saw.
 */
#include "group.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>

enum { MIB = 1 << 20, LIMIT_MIB = 32, HOGS = 3 };
static char block[MIB];

static long number_in(const char *file, const char *key)
{
	char line[64];
	snprintf(line, sizeof(line), "%s ", key);
	for (const char *at = get(file); at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, line, strlen(line)))
			return strtol(at + strlen(line), NULL, 10);
	test_fail(__FILE__, __LINE__, "no %s in %s", key, file);
}

static pid_t outsider;

static void begin(const char *name)
{
	make_group(name, "+memory");
	put("memory.max", "32M");
	put("memory.swap.max", "0");
	outsider = fork_checked();
	if (outsider == 0)
		for (;;)
			pause();
}

/* The body in `count` processes of the group; how many of them were killed. */
static int run_hogs(int count, void (*body)(void))
{
	int killed = 0;
	for (int i = 0; i < count; i++) {
		if (fork_checked() == 0) {
			join();
			body();
			_exit(0);
		}
	}
	for (int i = 0, status; i < count; i++) {
		pid_t pid = waitpid(-1, &status, 0);
		CHECK(pid > 0 && pid != outsider);
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
	}
	return killed;
}

static void end(const char *what, int killed, double at_least)
{
	double peak = (double)strtol(get("memory.peak"), NULL, 10) / (LIMIT_MIB * (double)MIB) * 100;
	long kills = number_in("memory.events", "oom_kill"), maxima = number_in("memory.events", "max");
	printf("= %s: peak %.2f %% of memory.max, %d killed, events max %ld oom_kill %ld\n", what, peak, killed, maxima, kills);
	fflush(stdout);
	CHECK(peak >= at_least);
	CHECK(peak <= 105);
	CHECK(killed ? kills >= 1 : kills == 0);
	CHECK(maxima >= 1);
	CHECK_EQ(waitpid(outsider, NULL, WNOHANG), 0); /* who is outside lives on */
	CHECK_OK(kill(outsider, SIGKILL));
	CHECK_EQ(wait_signal(outsider), SIGKILL);
	remove_group();
}

static void touch_anonymous(void)
{
	char *memory = mmap(NULL, 2 * LIMIT_MIB * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	for (size_t at = 0; at < 2 * LIMIT_MIB * (size_t)MIB; at += PAGE)
		memory[at] = 1;
}

TEST_LIMIT(anonymous_memory, 60)
{
	begin("marks-anon");
	int killed = run_hogs(HOGS, touch_anonymous);
	CHECK_EQ(killed, HOGS); /* each wants more than there is */
	end("anonymous memory", killed, 95);
}

static int disk = -1;

static void open_disk(void)
{
	private_mounts();
	CHECK_OK(mkdir("disk", 0755));
	if (mount("/dev/vda", "disk", "ext2", 0, NULL) != 0)
		test_skip("no disk");
	disk = CHECK_OK(open("disk", O_RDONLY | O_DIRECTORY));
}

static void close_disk(void)
{
	close(disk);
	CHECK_OK(umount("disk"));
}

static void write_and_read_file(void)
{
	char name[16];
	snprintf(name, sizeof(name), "f%d", getpid());
	int fd = CHECK_OK(openat(disk, name, O_RDWR | O_CREAT | O_TRUNC, 0600));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 24; i++)
			CHECK_EQ(pwrite(fd, block, sizeof(block), i * (off_t)MIB), sizeof(block));
		for (int i = 0; i < 24; i++)
			CHECK_EQ(pread(fd, block, sizeof(block), i * (off_t)MIB), sizeof(block));
	}
	CHECK_OK(unlinkat(disk, name, 0));
}

TEST_LIMIT(page_cache_written_and_read, 120)
{
	open_disk();
	begin("marks-cache");
	int killed = run_hogs(2, write_and_read_file);
	CHECK_EQ(killed, 0);
	end("page cache, written and read", killed, 90);
	close_disk();
}

static void read_mapping(void)
{
	volatile char sum = 0;
	int fd = CHECK_OK(openat(disk, "mapped", O_RDWR));
	char *memory = mmap(NULL, 48 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(memory != MAP_FAILED);
	for (int round = 0; round < 2; round++) {
		for (size_t at = 0; at < 48 * (size_t)MIB; at += PAGE)
			sum += memory[at];
		for (size_t at = 0; at < 48 * (size_t)MIB; at += 16 * PAGE)
			memory[at] = (char)(sum + round);
	}
}

TEST_LIMIT(page_cache_mapped, 120)
{
	open_disk();
	int fd = CHECK_OK(openat(disk, "mapped", O_RDWR | O_CREAT | O_TRUNC, 0600));
	for (int i = 0; i < 48; i++)
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	CHECK_OK(fsync(fd));
	CHECK_OK(put_text("/proc/sys/vm/drop_caches", "1"));
	begin("marks-mapped");
	int killed = run_hogs(1, read_mapping);
	CHECK_EQ(killed, 0);
	end("page cache, mapped and made dirty", killed, 90);
	CHECK_OK(unlinkat(disk, "mapped", 0));
	close(fd);
	close_disk();
}

static void fill_tmpfs(void)
{
	char name[16];
	snprintf(name, sizeof(name), "m%d", getpid());
	int fd = CHECK_OK(open(name, O_RDWR | O_CREAT, 0600));
	for (int i = 0; i < 2 * LIMIT_MIB; i++)
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
}

TEST_LIMIT(files_in_memory, 60)
{
	private_mounts();
	CHECK_OK(mkdir("memory", 0755));
	CHECK_OK(mount("none", "memory", "tmpfs", 0, NULL));
	CHECK_OK(chdir("memory"));
	begin("marks-tmpfs");
	int killed = run_hogs(1, fill_tmpfs);
	CHECK_EQ(killed, 1);
	CHECK_OK(chdir(".."));
	CHECK_OK(umount2("memory", MNT_DETACH));
	end("tmpfs", killed, 95);
}

/* Data that waits to be read, in pipes that are as large as they may be. */
static void fill_pipes(void)
{
	for (int i = 0; i < 2 * LIMIT_MIB; i++) {
		int ends[2];
		CHECK_OK(pipe2(ends, O_NONBLOCK));
		CHECK_OK(fcntl(ends[1], F_SETPIPE_SZ, MIB));
		CHECK_EQ(write(ends[1], block, MIB), MIB);
	}
}

TEST_LIMIT(pipes, 60)
{
	begin("marks-pipe");
	int killed = run_hogs(1, fill_pipes);
	CHECK_EQ(killed, 1);
	end("pipes", killed, 95);
}

static void fill_sockets(void)
{
	int size = MIB;
	for (int i = 0; i < 16 * LIMIT_MIB; i++) {
		int ends[2];
		CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
		CHECK_OK(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)));
		while (write(ends[0], block, 1 << 16) > 0)
			continue;
		CHECK_EQ(errno, EAGAIN);
	}
}

TEST_LIMIT(socket_buffers, 60)
{
	begin("marks-socket");
	int killed = run_hogs(1, fill_sockets);
	CHECK_EQ(killed, 1);
	end("socket buffers", killed, 95);
}
