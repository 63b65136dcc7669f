// SPDX-License-Identifier: MPL-2.0
/* Names and files on tmpfs. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int64_t make_file(const char *path)
{
	TRY(close(TRY(open(path, O_WRONLY | O_CREAT, 0644))));
	return 0;
}

static int64_t bench_stat(long rounds)
{
	struct stat info;
	TRY(make_file("f"));
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(stat("/tmp/f", &info));
	return bench_now_ns() - start;
}

static int64_t bench_open_close(long rounds)
{
	TRY(make_file("f"));
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(close(TRY(open("/tmp/f", O_RDONLY))));
	return bench_now_ns() - start;
}

static int64_t bench_getdents_100(long rounds)
{
	char path[64];
	static char buffer[32768];
	TRY(mkdir("hundred", 0755) == 0 || errno == EEXIST ? 0 : -1);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "hundred/file-%d", i);
		TRY(make_file(path));
	}
	int fd = TRY(open("hundred", O_RDONLY | O_DIRECTORY));
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++) {
		TRY(lseek(fd, 0, SEEK_SET));
		while (TRY(syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0)
			continue;
	}
	int64_t time = bench_now_ns() - start;
	close(fd);
	return time;
}

static int64_t bench_create_unlink(long rounds)
{
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++) {
		TRY(close(TRY(open("/tmp/new", O_WRONLY | O_CREAT | O_EXCL, 0644))));
		TRY(unlink("/tmp/new"));
	}
	return bench_now_ns() - start;
}

static int64_t bench_rename(long rounds)
{
	TRY(make_file("a"));
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(i % 2 ? rename("/tmp/b", "/tmp/a") : rename("/tmp/a", "/tmp/b"));
	int64_t time = bench_now_ns() - start;
	unlink("a");
	unlink("b");
	return time;
}

static int64_t bench_mount(long rounds)
{
	TRY(mkdir("mnt", 0755) == 0 || errno == EEXIST ? 0 : -1);
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++) {
		TRY(mount("tmpfs", "/tmp/mnt", "tmpfs", 0, ""));
		TRY(umount("/tmp/mnt"));
	}
	return bench_now_ns() - start;
}

const struct bench files[] = {
	{"stat", bench_stat, 1000},
	{"open_close", bench_open_close, 1000},
	{"getdents_100", bench_getdents_100, 100},
	{"create_unlink", bench_create_unlink, 300},
	{"rename", bench_rename, 500},
	{"mount_umount_tmpfs", bench_mount, 50},
	{0},
};
