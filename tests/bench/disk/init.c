// SPDX-License-Identifier: MPL-2.0
/*
 * The first program of a machine with an ext2 disk, /dev/vda. It prints lines "disk NAME NUMBER" (the least of some
 * repeats) and powers off. Microseconds of the machine's own clock, which depend on the host: both kernels are measured
 * in turn on the same one. With the word cpu=1, and a machine whose clock counts instructions, nanoseconds of its own
 * processor time: instructions.
 */
#include <dirent.h>
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

enum { REPEATS = 3, FILE_BYTES = 8 << 20, CHUNK = 64 << 10, SMALL_FILES = 400, FOLDERS = 8 };

static char chunk[CHUNK];

static int counts_instructions;
static const char *base = "/mnt";	/* where the small files go */

static int64_t now(void)
{
	struct timespec t;
	(void)clock_gettime(counts_instructions ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return counts_instructions ? (int64_t)t.tv_sec * 1000000000 + t.tv_nsec
				   : (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
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

static void read_words(void)
{
	char words[512] = "";
	(void)mkdir("/proc", 0755);
	check(mount("proc", "/proc", "proc", 0, "") == 0, "/proc");
	FILE *line = fopen("/proc/cmdline", "r");
	check(line && fgets(words, sizeof(words), line), "/proc/cmdline");
	(void)fclose(line);
	counts_instructions = strstr(words, "cpu=1") != NULL;
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
	int64_t start = now();
	write_file("/mnt/big", FILE_BYTES);
	return now() - start;
}

static int64_t write_again_and_sync(void)
{
	int64_t start = now();
	int fd = open("/mnt/big", O_WRONLY);
	check(fd >= 0, "open");
	for (size_t at = 0; at < FILE_BYTES; at += CHUNK)
		check(write(fd, chunk, CHUNK) == CHUNK, "write");
	check(fsync(fd) == 0, "fsync");
	(void)close(fd);
	return now() - start;
}

static int64_t read_cold(void)
{
	mount_again();
	int64_t start = now();
	int fd = open("/mnt/big", O_RDONLY);
	check(fd >= 0, "open");
	while (read(fd, chunk, CHUNK) > 0)
		continue;
	(void)close(fd);
	return now() - start;
}

static int64_t small_syncs(void)
{
	int64_t start = now();
	int fd = open("/mnt/log", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	check(fd >= 0, "open");
	for (int i = 0; i < 50; i++)
		check(write(fd, chunk, 200) == 200 && fdatasync(fd) == 0, "fdatasync");
	(void)close(fd);
	return (now() - start) / 50;
}

static const char *folder_path(int i)
{
	static char path[64];
	if (i < 0)
		snprintf(path, sizeof(path), "%s/tree", base);
	else
		snprintf(path, sizeof(path), "%s/tree/d%d", base, i);
	return path;
}

static void small_path(char *path, size_t size, int i)
{
	snprintf(path, size, "%s/tree/d%d/file-%d", base, i % FOLDERS, i);
}

static int64_t unpack(void)
{
	char path[64];
	int64_t start = now();
	for (int i = -1; i < FOLDERS; i++)
		check(mkdir(folder_path(i), 0755) == 0, "mkdir");
	for (int i = 0; i < SMALL_FILES; i++) {
		small_path(path, sizeof(path), i);
		write_file(path, 6000);
	}
	sync();
	return now() - start;
}

static int64_t walk(void)
{
	struct stat s;
	int64_t start = now();
	for (int i = 0; i < FOLDERS; i++) {
		DIR *dir = opendir(folder_path(i));
		check(dir != NULL, "opendir");
		for (struct dirent *e; (e = readdir(dir));)
			check(fstatat(dirfd(dir), e->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0, e->d_name);
		(void)closedir(dir);
	}
	return now() - start;
}

static int64_t walk_cold(void)
{
	mount_again();
	return walk();
}

static int64_t remove_tree(void)
{
	char path[64];
	int64_t start = now();
	for (int i = 0; i < SMALL_FILES; i++) {
		small_path(path, sizeof(path), i);
		check(unlink(path) == 0, "unlink");
	}
	for (int i = FOLDERS - 1; i >= -1; i--)
		check(rmdir(folder_path(i)) == 0, "rmdir");
	sync();
	return now() - start;
}

static int64_t overlay_unpack(void)
{
	static const char *const folders[] = {"/mnt/lower", "/mnt/upper", "/mnt/work", "/overlay"};
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		(void)mkdir(folders[i], 0755);
	const char *options = "lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work";
	check(mount("overlay", "/overlay", "overlay", 0, options) == 0, "overlay");
	base = "/overlay";
	return unpack();
}

static int64_t overlay_remove(void)
{
	int64_t time = remove_tree();
	check(umount("/overlay") == 0, "umount");
	base = "/mnt";
	return time;
}

static const struct {
	const char *name;
	int64_t (*run)(void);
} rows[] = {
	{"write_8m_fsync", write_and_sync},	{"rewrite_8m_fsync", write_again_and_sync},
	{"read_8m_cold", read_cold},		{"small_fdatasync", small_syncs},
	{"unpack_400_files", unpack},		{"walk_400_files", walk},
	{"walk_400_files_cold", walk_cold},	{"unlink_400_files", remove_tree},
	{"overlay_unpack_400", overlay_unpack},	{"overlay_walk_400", walk},
	{"overlay_unlink_400", overlay_remove},
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
	read_words();
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
