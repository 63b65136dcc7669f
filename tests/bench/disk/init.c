// SPDX-License-Identifier: MPL-2.0
/*
 * The first program of a machine with an ext2 disk, /dev/vda. It prints lines "disk NAME MICROSECONDS" (the least of
 * some repeats) and powers off. The time is the machine's own clock's, so it depends on the host: both kernels are
 * measured in turn on the same one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { REPEATS = 3, FILE_BYTES = 8 << 20, CHUNK = 64 << 10, SMALL_FILES = 400 };

static char chunk[CHUNK];

static int64_t now_us(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void give_up(const char *what)
{
	printf("disk failed: %s: %s\n", what, strerror(errno));
	(void)reboot(RB_POWER_OFF);
	_exit(1);
}

static void check(int is_good, const char *what)
{
	if (!is_good)
		give_up(what);
}

static void load_modules(void)
{
	char path[128];
	FILE *order = fopen("/modules/order", "r");
	while (order && fscanf(order, "%127s", path) == 1) {
		int fd = open(path, O_RDONLY);
		check(fd >= 0 && syscall(SYS_finit_module, fd, "", 0) == 0, path);
		(void)close(fd);
	}
}

static void mount_disk(void)
{
	check(mount("/dev/vda", "/mnt", "ext2", 0, NULL) == 0, "mount");
}

static void mount_again(void)
{
	check(chdir("/") == 0 && umount("/mnt") == 0, "umount");
	mount_disk();
}

static void write_file(const char *path, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	check(fd >= 0, path);
	for (size_t at = 0; at < bytes; at += CHUNK) {
		size_t n = bytes - at < CHUNK ? bytes - at : CHUNK;
		check(write(fd, chunk, n) == (ssize_t)n, "write");
	}
	check(bytes < FILE_BYTES || fsync(fd) == 0, "fsync");
	(void)close(fd);
}

static int64_t write_and_sync(void)
{
	(void)unlink("/mnt/big");
	sync();
	int64_t start = now_us();
	write_file("/mnt/big", FILE_BYTES);
	return now_us() - start;
}

static int64_t write_again_and_sync(void)
{
	int64_t start = now_us();
	int fd = open("/mnt/big", O_WRONLY);
	check(fd >= 0, "open");
	for (size_t at = 0; at < FILE_BYTES; at += CHUNK)
		check(write(fd, chunk, CHUNK) == CHUNK, "write");
	check(fsync(fd) == 0, "fsync");
	(void)close(fd);
	return now_us() - start;
}

static int64_t read_cold(void)
{
	mount_again();
	int64_t start = now_us();
	int fd = open("/mnt/big", O_RDONLY);
	check(fd >= 0, "open");
	while (read(fd, chunk, CHUNK) > 0)
		continue;
	(void)close(fd);
	return now_us() - start;
}

static int64_t small_syncs(void)
{
	int64_t start = now_us();
	int fd = open("/mnt/log", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	check(fd >= 0, "open");
	for (int i = 0; i < 50; i++)
		check(write(fd, chunk, 200) == 200 && fdatasync(fd) == 0, "fdatasync");
	(void)close(fd);
	return (now_us() - start) / 50;
}

static void small_path(char *path, size_t size, int i)
{
	snprintf(path, size, "/mnt/tree/d%d/file-%d", i % 8, i);
}

static int64_t unpack(void)
{
	char path[64];
	int64_t start = now_us();
	check(mkdir("/mnt/tree", 0755) == 0, "mkdir");
	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/mnt/tree/d%d", i);
		check(mkdir(path, 0755) == 0, "mkdir");
	}
	for (int i = 0; i < SMALL_FILES; i++) {
		small_path(path, sizeof(path), i);
		write_file(path, 6000);
	}
	sync();
	return now_us() - start;
}

static int64_t remove_tree(void)
{
	char path[64];
	int64_t start = now_us();
	for (int i = 0; i < SMALL_FILES; i++) {
		small_path(path, sizeof(path), i);
		check(unlink(path) == 0, "unlink");
	}
	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/mnt/tree/d%d", i);
		check(rmdir(path) == 0, "rmdir");
	}
	check(rmdir("/mnt/tree") == 0, "rmdir");
	sync();
	return now_us() - start;
}

static const struct {
	const char *name;
	int64_t (*run)(void);
} rows[] = {
	{"write_8m_fsync", write_and_sync},	{"rewrite_8m_fsync", write_again_and_sync},
	{"read_8m_cold", read_cold},		{"small_fdatasync", small_syncs},
	{"unpack_400_files", unpack},		{"unlink_400_files", remove_tree},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

int main(void)
{
	int64_t best[ROWS];
	(void)mkdir("/dev", 0755);
	(void)mkdir("/mnt", 0755);
	(void)mount("devtmpfs", "/dev", "devtmpfs", 0, "");
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; console >= 0 && fd <= 2; fd++)
		(void)dup2(console, fd);
	setlinebuf(stdout);
	load_modules();
	mount_disk();
	for (int i = 0; i < REPEATS; i++) {
		for (int row = 0; row < ROWS; row++) {
			int64_t time = rows[row].run();
			best[row] = i == 0 || time < best[row] ? time : best[row];
		}
	}
	for (int row = 0; row < ROWS; row++)
		printf("disk %s %lld\n", rows[row].name, (long long)best[row]);
	(void)umount("/mnt");
	printf("disk: done\n");
	(void)reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
