// SPDX-License-Identifier: MPL-2.0
/* What a file is besides its data: mode, owner, times, size, extended attributes, locks. */
#include "support.h"

#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

static struct stat stat_of(const char *path)
{
	struct stat info;
	CHECK_OK(lstat(path, &info));
	return info;
}

/* Runs as nobody in a child; the body's result is the child's exit code. */
#define AS_NOBODY(expression)                                                                      \
	({                                                                                         \
		pid_t child_ = fork_checked();                                                     \
		if (child_ == 0) {                                                                 \
			become_nobody();                                                           \
			errno = 0;                                                                 \
			(void)!(expression);                                                       \
			_exit(errno);                                                              \
		}                                                                                  \
		wait_exit(child_);                                                                 \
	})

TEST(chmod_bits)
{
	write_text("f", "");
	CHECK_OK(chmod("f", 07777));
	CHECK_EQ(stat_of("f").st_mode, S_IFREG | 07777);
	CHECK_OK(chmod("f", 0));
	CHECK_EQ(stat_of("f").st_mode, S_IFREG);
	CHECK_ERR(chmod("missing", 0), ENOENT);
}

TEST(write_clears_set_user_id)
{
	int fd = make_file("f");
	CHECK_OK(fchmod(fd, 06755));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(stat_of("f").st_mode & 07777, 06755); /* root may keep them */
	CHECK_OK(fchmod(fd, 06777));
	CHECK_EQ(AS_NOBODY(write(fd, "x", 1)), 0);
	CHECK_EQ(stat_of("f").st_mode & 07777, 0777);
}

TEST(chown_clears_set_user_id)
{
	write_text("f", "");
	CHECK_OK(chmod("f", 06755));
	CHECK_OK(chown("f", 10, 20));
	CHECK_EQ(stat_of("f").st_mode & 07777, 0755);
	CHECK_EQ(stat_of("f").st_uid, 10);
	CHECK_EQ(stat_of("f").st_gid, 20);
	CHECK_OK(chown("f", (uid_t)-1, 30));
	CHECK_EQ(stat_of("f").st_uid, 10);
	CHECK_EQ(stat_of("f").st_gid, 30);
}

TEST(lchown_of_a_symlink)
{
	CHECK_OK(symlink("x", "s"));
	CHECK_OK(lchown("s", 5, 6));
	CHECK_EQ(stat_of("s").st_uid, 5);
	CHECK_ERR(chown("s", 5, 6), ENOENT);
}

TEST(permission_classes)
{
	write_text("f", "x");
	CHECK_OK(chmod("f", 0640));
	CHECK_EQ(AS_NOBODY(open("f", O_RDONLY)), EACCES);
	CHECK_OK(chown("f", 0, NOBODY));
	CHECK_EQ(AS_NOBODY(open("f", O_RDONLY)), 0);
	CHECK_EQ(AS_NOBODY(open("f", O_WRONLY)), EACCES);
	CHECK_OK(chown("f", NOBODY, 0));
	CHECK_OK(chmod("f", 0066));
	CHECK_EQ(AS_NOBODY(open("f", O_RDONLY)), EACCES); /* the owner's class decides */
}

TEST(search_permission)
{
	CHECK_OK(mkdir("d", 0700));
	write_text("d/f", "");
	CHECK_EQ(AS_NOBODY(access("d/f", F_OK)), EACCES);
	CHECK_OK(chmod("d", 0711));
	CHECK_EQ(AS_NOBODY(access("d/f", F_OK)), 0);
	CHECK_EQ(AS_NOBODY(open("d", O_RDONLY)), EACCES);
	CHECK_EQ(AS_NOBODY(open("d/new", O_CREAT | O_WRONLY, 0644)), EACCES);
	CHECK_EQ(AS_NOBODY(unlink("d/f")), EACCES);
}

TEST(sticky_directory)
{
	CHECK_OK(mkdir("d", 0));
	CHECK_OK(chmod("d", 01777));
	write_text("d/roots", "");
	CHECK_EQ(AS_NOBODY(unlink("d/roots")), EPERM);
	CHECK_EQ(AS_NOBODY(rename("d/roots", "d/x")), EPERM);
	write_text("d/theirs", "");
	CHECK_OK(chown("d/theirs", NOBODY, 0));
	CHECK_EQ(AS_NOBODY(unlink("d/theirs")), 0);
}

TEST(set_group_id_directory_passes_its_group)
{
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(chown("d", 0, 555));
	CHECK_OK(chmod("d", 02755));
	write_text("d/f", "");
	CHECK_EQ(stat_of("d/f").st_gid, 555);
	CHECK_OK(mkdir("d/e", 0755));
	CHECK_EQ(stat_of("d/e").st_mode & 07777, 02755);
}

TEST(access_uses_the_real_user)
{
	write_text("f", "");
	CHECK_OK(chmod("f", 0600));
	CHECK_OK(access("f", R_OK | W_OK));
	CHECK_ERR(access("f", X_OK), EACCES);
	CHECK_ERR(access("f", 8), EINVAL);
	CHECK_OK(setresuid(1000, 0, 0));
	CHECK_ERR(access("f", R_OK), EACCES);
	CHECK_OK(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
}

TEST(times_can_be_set)
{
	struct timespec times[2] = {{1000, 111}, {2000, 222}};
	write_text("f", "");
	CHECK_OK(utimensat(AT_FDCWD, "f", times, 0));
	CHECK_EQ(stat_of("f").st_atim.tv_sec, 1000);
	CHECK_EQ(stat_of("f").st_mtim.tv_sec, 2000);
	CHECK_EQ(stat_of("f").st_mtim.tv_nsec, 222);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_nsec = UTIME_NOW;
	CHECK_OK(utimensat(AT_FDCWD, "f", times, 0));
	CHECK_EQ(stat_of("f").st_atim.tv_sec, 1000);
	CHECK(stat_of("f").st_mtim.tv_sec > 2000);
	times[0].tv_nsec = 1000000000;
	CHECK_ERR(utimensat(AT_FDCWD, "f", times, 0), EINVAL);
	CHECK_EQ(AS_NOBODY(utimensat(AT_FDCWD, "f", NULL, 0)), EACCES);
}

TEST(times_follow_events)
{
	struct timespec old[2] = {{1000, 0}, {1000, 0}};
	write_text("f", "x");
	CHECK_OK(utimensat(AT_FDCWD, "f", old, 0));
	int64_t changed = stat_of("f").st_ctim.tv_sec;
	CHECK(changed > 1000);
	CHECK_OK(chmod("f", 0600));
	CHECK_EQ(stat_of("f").st_mtim.tv_sec, 1000);
	int fd = CHECK_OK(open("f", O_WRONLY));
	CHECK_EQ(write(fd, "y", 1), 1);
	CHECK(stat_of("f").st_mtim.tv_sec > 1000);
	CHECK_OK(utimensat(AT_FDCWD, ".", old, 0));
	write_text("g", "");
	CHECK(stat_of(".").st_mtim.tv_sec > 1000);
}

TEST(statx_agrees_with_stat)
{
	struct statx_words {
		uint32_t mask, blksize;
		uint64_t attributes;
		uint32_t nlink, uid, gid;
		uint16_t mode, pad;
		uint64_t ino, size, blocks, attributes_mask;
		uint64_t rest[24];
	} words = {0};
	write_text("f", "12345");
	CHECK_OK(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, &words));
	struct stat info = stat_of("f");
	CHECK_EQ(words.size, 5);
	CHECK_EQ(words.mode, info.st_mode);
	CHECK_EQ(words.ino, info.st_ino);
	CHECK_EQ(words.nlink, 1);
	CHECK_EQ(words.mask & 0x7ff, words.mask & 0xfff & 0x7ff);
	CHECK_ERR(syscall(SYS_statx, AT_FDCWD, "f", 0x80000000u, 0x7ff, &words), EINVAL);
	CHECK_ERR(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000u, &words), EINVAL);
	int fd = make_file("g");
	CHECK_OK(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, &words));
	CHECK_EQ(words.size, 0);
}

TEST(truncate_both_ways)
{
	char text[8] = {0};
	int fd = make_file("f");
	CHECK_EQ(write(fd, "abcdef", 6), 6);
	CHECK_OK(ftruncate(fd, 3));
	CHECK_OK(truncate("f", 6));
	CHECK_EQ(pread(fd, text, 8, 0), 6);
	CHECK(memcmp(text, "abc\0\0\0", 6) == 0);
	CHECK_ERR(truncate("f", -1), EINVAL);
	CHECK_ERR(truncate(".", 0), EISDIR);
	int reader = CHECK_OK(open("f", O_RDONLY));
	CHECK_ERR(ftruncate(reader, 0), EINVAL);
}

TEST(allocation_and_holes)
{
	char byte;
	int fd = make_file("f");
	CHECK_OK(fallocate(fd, 0, 0, (off_t)8 * PAGE));
	CHECK_EQ(stat_of("f").st_size, 8 * PAGE);
	CHECK_EQ(pwrite(fd, "x", 1, 5 * PAGE), 1);
	CHECK_OK(fallocate(fd, 3 /* PUNCH_HOLE | KEEP_SIZE */, (off_t)5 * PAGE, PAGE));
	CHECK_EQ(pread(fd, &byte, 1, 5 * PAGE), 1);
	CHECK_EQ(byte, 0);
	CHECK_OK(fallocate(fd, 1 /* KEEP_SIZE */, 0, (off_t)16 * PAGE));
	CHECK_EQ(stat_of("f").st_size, 8 * PAGE);
	CHECK_ERR(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERR(fallocate(fd, 0, -1, 5), EINVAL);
}

TEST(copy_file_range_copies)
{
	write_text("from", "0123456789");
	int from = CHECK_OK(open("from", O_RDONLY)), to = make_file("to");
	off_t offset = 2;
	CHECK_EQ(copy_file_range(from, &offset, to, NULL, 5, 0), 5);
	CHECK_EQ(offset, 7);
	CHECK_STR(read_text("to"), "23456");
	CHECK_ERR(copy_file_range(from, NULL, to, NULL, 5, 1), EINVAL);
}

TEST(sendfile_copies_to_a_pipe)
{
	int ends[2];
	char text[6] = {0};
	off_t offset = 1;
	write_text("from", "hello!");
	int from = CHECK_OK(open("from", O_RDONLY));
	CHECK_OK(pipe(ends));
	CHECK_EQ(sendfile(ends[1], from, &offset, 4), 4);
	CHECK_EQ(read(ends[0], text, 6), 4);
	CHECK_STR(text, "ello");
	CHECK_EQ(offset, 5);
	CHECK_EQ(lseek(from, 0, SEEK_CUR), 0);
}

TEST(splice_file_to_pipe_to_file)
{
	int ends[2];
	write_text("from", "spliced");
	int from = CHECK_OK(open("from", O_RDONLY)), to = make_file("to");
	CHECK_OK(pipe(ends));
	CHECK_EQ(splice(from, NULL, ends[1], NULL, 100, 0), 7);
	CHECK_EQ(splice(ends[0], NULL, to, NULL, 100, 0), 7);
	CHECK_STR(read_text("to"), "spliced");
	CHECK_ERR(splice(from, NULL, to, NULL, 1, 0), EINVAL);
}

TEST(flock_excludes)
{
	make_file("f");
	int one = CHECK_OK(open("f", O_RDWR)), two = CHECK_OK(open("f", O_RDWR));
	CHECK_OK(flock(one, LOCK_SH));
	CHECK_OK(flock(two, LOCK_SH));
	CHECK_ERR(flock(one, LOCK_EX | LOCK_NB), EAGAIN);
	CHECK_OK(flock(two, LOCK_UN));
	CHECK_OK(flock(one, LOCK_EX | LOCK_NB));
	CHECK_ERR(flock(two, LOCK_SH | LOCK_NB), EAGAIN);
	close(one);
	CHECK_OK(flock(two, LOCK_EX | LOCK_NB));
	CHECK_ERR(flock(two, 16), EINVAL);
}

TEST(record_locks_exclude_other_processes)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10};
	int fd = make_file("f");
	CHECK_OK(fcntl(fd, F_SETLK, &lock));
	pid_t parent = getpid(), child = fork_checked();
	if (child == 0) {
		struct flock mine = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 15};
		if (fcntl(fd, F_SETLK, &mine) != -1 || (errno != EAGAIN && errno != EACCES))
			_exit(1);
		if (fcntl(fd, F_GETLK, &mine) != 0 || mine.l_type != F_WRLCK ||
		    mine.l_pid != parent || mine.l_start != 10 || mine.l_len != 10)
			_exit(2);
		mine = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = 1};
		_exit(fcntl(fd, F_SETLK, &mine) == 0 ? 0 : 3);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(record_locks_end_with_any_close)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = make_file("f"), other = CHECK_OK(open("f", O_RDWR));
	CHECK_OK(fcntl(fd, F_SETLK, &lock));
	close(other);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(fcntl(fd, F_SETLK, &lock) == 0 ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(record_lock_waits)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct turn turn = turn_create();
	int fd = make_file("f");
	pid_t child = fork_checked();
	if (child == 0) {
		fcntl(fd, F_SETLK, &lock);
		turn_give(turn);
		sleep_ms(50);
		_exit(0);
	}
	turn_take(turn);
	CHECK_OK(fcntl(fd, F_SETLKW, &lock));
	CHECK_EQ(wait_exit(child), 0);
}

TEST(open_file_locks)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	make_file("f");
	int one = CHECK_OK(open("f", O_RDWR)), two = CHECK_OK(open("f", O_RDWR));
	CHECK_OK(fcntl(one, 37 /* F_OFD_SETLK */, &lock));
	CHECK_ERR(fcntl(two, 37, &lock), EAGAIN);
	close(one);
	CHECK_OK(fcntl(two, 37, &lock));
}

TEST(extended_attributes)
{
	char value[16];
	write_text("f", "");
	CHECK_OK(setxattr("f", "trusted.one", "abc", 3, 0));
	CHECK_EQ(getxattr("f", "trusted.one", value, sizeof(value)), 3);
	CHECK_EQ(getxattr("f", "trusted.one", NULL, 0), 3);
	CHECK_ERR(getxattr("f", "trusted.one", value, 2), ERANGE);
	CHECK_ERR(setxattr("f", "trusted.one", "x", 1, XATTR_CREATE), EEXIST);
	CHECK_ERR(setxattr("f", "trusted.two", "x", 1, XATTR_REPLACE), ENODATA);
	CHECK_EQ(listxattr("f", value, sizeof(value)), 12);
	CHECK_STR(value, "trusted.one");
	CHECK_OK(removexattr("f", "trusted.one"));
	CHECK_ERR(getxattr("f", "trusted.one", value, sizeof(value)), ENODATA);
	CHECK_ERR(setxattr("f", "unknown.x", "x", 1, 0), EOPNOTSUPP);
}

TEST(statfs_knows_the_types)
{
	struct statfs info;
	CHECK_OK(statfs("/tmp", &info));
	CHECK_EQ(info.f_type, 0x01021994);
	CHECK_EQ(info.f_namelen, 255);
	CHECK(info.f_blocks > 0 && info.f_bfree <= info.f_blocks);
	CHECK_OK(statfs("/proc", &info));
	CHECK_EQ(info.f_type, 0x9fa0);
	CHECK_OK(statfs("/sys", &info));
	CHECK_EQ(info.f_type, 0x62656572);
	CHECK_OK(statfs("/dev/pts", &info));
	CHECK_EQ(info.f_type, 0x1cd1);
	CHECK_OK(statfs("/sys/fs/cgroup", &info));
	CHECK_EQ(info.f_type, 0x63677270);
}
