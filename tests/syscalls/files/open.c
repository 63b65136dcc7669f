// SPDX-License-Identifier: MPL-2.0
/* Opening files and using the descriptor. */
#include "support.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

TEST(missing_file)
{
	CHECK_ERR(open("missing", O_RDONLY), ENOENT);
	CHECK_ERR(open("missing/more", O_RDONLY | O_CREAT, 0644), ENOENT);
	CHECK_ERR(open("", O_RDONLY), ENOENT);
}

TEST(lowest_descriptor_is_taken)
{
	int one = make_file("a"), two = make_file("b");
	CHECK_EQ(two, one + 1);
	close(one);
	CHECK_EQ(make_file("c"), one);
}

TEST(create_uses_mode_and_umask)
{
	struct stat info;
	umask(027);
	int fd = CHECK_OK(open("f", O_CREAT | O_WRONLY, 0666));
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_mode, S_IFREG | 0640);
	CHECK_EQ(umask(0), 027);
}

TEST(exclusive_create)
{
	CHECK_OK(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644));
	CHECK_ERR(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	CHECK_OK(symlink("missing", "s"));
	CHECK_ERR(open("s", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	CHECK_OK(open("s", O_CREAT | O_WRONLY, 0644));
	CHECK_OK(access("missing", F_OK));
}

TEST(truncate_flag)
{
	struct stat info;
	write_text("f", "text");
	int fd = CHECK_OK(open("f", O_WRONLY | O_TRUNC));
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_size, 0);
}

TEST(append_ignores_the_offset)
{
	write_text("f", "one");
	int fd = CHECK_OK(open("f", O_RDWR | O_APPEND));
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(write(fd, "two", 3), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(pwrite(fd, "X", 1, 0), 1); /* Linux appends here too */
	CHECK_STR(read_text("f"), "onetwoX");
}

TEST(appenders_do_not_overwrite)
{
	enum { CHILDREN = 4, ROUNDS = 200 };
	pid_t children[CHILDREN];
	make_file("f");
	for (int i = 0; i < CHILDREN; i++) {
		children[i] = fork_checked();
		if (children[i] == 0) {
			int fd = open("f", O_WRONLY | O_APPEND);
			for (int j = 0; j < ROUNDS; j++)
				if (write(fd, "12345678", 8) != 8)
					_exit(1);
			_exit(0);
		}
	}
	for (int i = 0; i < CHILDREN; i++)
		CHECK_EQ(wait_exit(children[i]), 0);
	struct stat info;
	CHECK_OK(stat("f", &info));
	CHECK_EQ(info.st_size, CHILDREN * ROUNDS * 8);
}

TEST(access_modes)
{
	char byte;
	write_text("f", "x");
	int reader = CHECK_OK(open("f", O_RDONLY)), writer = CHECK_OK(open("f", O_WRONLY));
	CHECK_ERR(write(reader, "y", 1), EBADF);
	CHECK_ERR(read(writer, &byte, 1), EBADF);
	CHECK_EQ(fcntl(writer, F_GETFL) & O_ACCMODE, O_WRONLY);
}

TEST(directory_flag_and_directories)
{
	write_text("f", "");
	char byte;
	CHECK_ERR(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERR(open(".", O_WRONLY), EISDIR);
	CHECK_ERR(open(".", O_RDWR), EISDIR);
	CHECK_ERR(open("d/", O_CREAT | O_WRONLY, 0644), EISDIR);
	int fd = CHECK_OK(open(".", O_RDONLY | O_DIRECTORY));
	CHECK_ERR(read(fd, &byte, 1), EISDIR);
	CHECK_ERR(open("f/", O_RDONLY), ENOTDIR);
}

TEST(nofollow)
{
	write_text("f", "");
	CHECK_OK(symlink("f", "s"));
	CHECK_ERR(open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
	int fd = CHECK_OK(open("s", O_PATH | O_NOFOLLOW));
	struct stat info;
	CHECK_OK(fstat(fd, &info));
	CHECK(S_ISLNK(info.st_mode));
}

TEST(path_descriptor_is_only_a_place)
{
	char byte;
	write_text("f", "x");
	int fd = CHECK_OK(open("f", O_PATH));
	CHECK_ERR(read(fd, &byte, 1), EBADF);
	CHECK_ERR(syscall(SYS_fchmod, fd, 0600), EBADF);
	CHECK_ERR(ioctl(fd, 0x5401, 0), EBADF);
	char path[40];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int again = CHECK_OK(open(path, O_RDONLY));
	CHECK_EQ(read(again, &byte, 1), 1);
	CHECK_OK(chmod(path, 0600));
}

TEST(unnamed_temporary_file)
{
	int fd = CHECK_OK(open(".", O_TMPFILE | O_RDWR, 0600));
	struct stat info;
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_nlink, 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	char path[40];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_OK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	CHECK_STR(read_text("named"), "x");
	CHECK_ERR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
}

TEST(openat_is_relative)
{
	CHECK_OK(mkdir("d", 0755));
	int folder = CHECK_OK(open("d", O_RDONLY | O_DIRECTORY));
	CHECK_OK(openat(folder, "f", O_CREAT | O_WRONLY, 0644));
	CHECK_OK(access("d/f", F_OK));
	CHECK_ERR(openat(999, "f", O_RDONLY), EBADF);
	int file = make_file("plain");
	CHECK_ERR(openat(file, "f", O_RDONLY), ENOTDIR);
	CHECK_OK(openat(999, "/", O_RDONLY));
}

struct how {
	uint64_t flags, mode, resolve;
};

TEST(openat2_resolve_flags)
{
	struct how how = {.flags = O_RDONLY, .resolve = 0x08 /* RESOLVE_BENEATH */};
	write_text("f", "");
	CHECK_OK(symlink("/etc", "absolute"));
	CHECK_OK(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof(how)));
	CHECK_ERR(syscall(SYS_openat2, AT_FDCWD, "../", &how, sizeof(how)), EXDEV);
	CHECK_ERR(syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how)), EXDEV);
	CHECK_ERR(syscall(SYS_openat2, AT_FDCWD, "absolute", &how, sizeof(how)), EXDEV);
	how.resolve = 0x04; /* RESOLVE_NO_SYMLINKS */
	CHECK_ERR(syscall(SYS_openat2, AT_FDCWD, "absolute", &how, sizeof(how)), ELOOP);
	how.resolve = 0x01; /* RESOLVE_NO_XDEV */
	CHECK_ERR(syscall(SYS_openat2, AT_FDCWD, "/proc/self", &how, sizeof(how)), EXDEV);
	how.resolve = 1 << 20;
	CHECK_ERR(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof(how)), EINVAL);
}

TEST(openat2_in_root)
{
	CHECK_OK(mkdir("root", 0755));
	write_text("root/f", "inside");
	CHECK_OK(symlink("/f", "root/link"));
	CHECK_OK(symlink("../../../../f", "root/up"));
	int root = CHECK_OK(open("root", O_PATH | O_DIRECTORY));
	struct how how = {.flags = O_RDONLY, .resolve = 0x10 /* RESOLVE_IN_ROOT */};
	CHECK_OK(syscall(SYS_openat2, root, "link", &how, sizeof(how)));
	CHECK_OK(syscall(SYS_openat2, root, "up", &how, sizeof(how)));
	CHECK_OK(syscall(SYS_openat2, root, "/../f", &how, sizeof(how)));
	CHECK_ERR(syscall(SYS_openat2, root, "/etc/passwd", &how, sizeof(how)), ENOENT);
}

TEST(dup_shares_offset_not_flags)
{
	int fd = CHECK_OK(open("f", O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	int copy = CHECK_OK(dup(fd));
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(lseek(copy, 0, SEEK_CUR), 3);
	CHECK_EQ(fcntl(copy, F_GETFD), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

TEST(dup2_and_dup3)
{
	int fd = make_file("f"), other = make_file("g");
	CHECK_EQ(dup2(fd, other), other);
	CHECK_EQ(write(other, "x", 1), 1);
	CHECK_STR(read_text("f"), "x");
	CHECK_EQ(dup2(fd, fd), fd);
	CHECK_ERR(dup3(fd, fd, 0), EINVAL);
	CHECK_EQ(dup3(fd, 50, O_CLOEXEC), 50);
	CHECK_EQ(fcntl(50, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(dup2(999, 5), EBADF);
	CHECK_ERR(dup2(fd, -1), EBADF);
	CHECK_ERR(syscall(SYS_dup3, fd, 51, O_APPEND), EINVAL);
}

TEST(fcntl_dupfd_starts_at)
{
	int fd = make_file("f");
	CHECK_EQ(fcntl(fd, F_DUPFD, 100), 100);
	CHECK_EQ(fcntl(fd, F_DUPFD_CLOEXEC, 100), 101);
	CHECK_ERR(fcntl(fd, F_DUPFD, -1), EINVAL);
	CHECK_ERR(fcntl(fd, 9999), EINVAL);
	CHECK_ERR(fcntl(999, F_GETFD), EBADF);
}

TEST(status_flags_can_change)
{
	int fd = make_file("f");
	CHECK_OK(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE),
		 O_APPEND | O_NONBLOCK | O_RDWR);
}

TEST(close_range_closes_and_marks)
{
	int fd = make_file("f");
	for (int i = 60; i < 70; i++)
		CHECK_EQ(dup2(fd, i), i);
	CHECK_OK(syscall(SYS_close_range, 60, 64, 0));
	CHECK_ERR(fcntl(64, F_GETFD), EBADF);
	CHECK_OK(syscall(SYS_close_range, 65, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */));
	CHECK_EQ(fcntl(69, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(syscall(SYS_close_range, 9, 8, 0), EINVAL);
	CHECK_ERR(syscall(SYS_close_range, 60, 70, 64), EINVAL);
}

TEST(close_twice)
{
	int fd = make_file("f");
	CHECK_OK(close(fd));
	CHECK_ERR(close(fd), EBADF);
	CHECK_ERR(close(-1), EBADF);
}

TEST(positional_io)
{
	char text[10] = {0};
	int fd = make_file("f");
	CHECK_EQ(pwrite(fd, "world", 5, 5), 5);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_EQ(pread(fd, text, 10, 0), 10);
	CHECK(memcmp(text, "\0\0\0\0\0world", 10) == 0);
	CHECK_EQ(pread(fd, text, 10, 10), 0);
	CHECK_ERR(pread(fd, text, 1, -1), EINVAL);
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_ERR(pread(ends[0], text, 1, 0), ESPIPE);
}

TEST(vectors)
{
	char one[3] = {0}, two[4] = {0};
	int fd = make_file("f");
	struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cdef", 4}};
	CHECK_EQ(writev(fd, out, 3), 6);
	struct iovec in[2] = {{one, 3}, {two, 4}};
	CHECK_EQ(preadv(fd, in, 2, 0), 6);
	CHECK(memcmp(one, "abc", 3) == 0 && memcmp(two, "def", 3) == 0);
	CHECK_EQ(pwritev(fd, out, 1, 10), 2);
	CHECK_ERR(writev(fd, out, -1), EINVAL);
	CHECK_ERR(writev(fd, out, 1025), EINVAL);
	CHECK_EQ(writev(fd, out, 0), 0);
	struct iovec negative[2] = {{one, 1}, {two, (size_t)-1}};
	CHECK_ERR(readv(fd, negative, 2), EINVAL);
}

TEST(seek_positions)
{
	int fd = make_file("f");
	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_EQ(lseek(fd, -2, SEEK_END), 3);
	CHECK_EQ(lseek(fd, 100, SEEK_SET), 100);
	CHECK_EQ(lseek(fd, -50, SEEK_CUR), 50);
	CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERR(lseek(fd, 0, 99), EINVAL);
	char byte;
	CHECK_EQ(read(fd, &byte, 1), 0);
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_ERR(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
}

TEST(seek_data_and_hole)
{
	int fd = make_file("f");
	CHECK_EQ(pwrite(fd, "x", 1, 1 << 20), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 1 << 20);
	CHECK_EQ(lseek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + 1);
	CHECK_ERR(lseek(fd, (1 << 20) + 1, SEEK_DATA), ENXIO);
}

TEST(sparse_file_reads_zero)
{
	char block[PAGE];
	int fd = make_file("f");
	CHECK_EQ(pwrite(fd, "x", 1, 10 * PAGE), 1);
	CHECK_EQ(pread(fd, block, PAGE, 3 * PAGE), PAGE);
	for (int i = 0; i < PAGE; i++)
		CHECK(block[i] == 0);
	struct stat info;
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_size, 10 * PAGE + 1);
	CHECK(info.st_blocks <= 16);
}

TEST(many_descriptors)
{
	int fd = make_file("f");
	for (int i = 0; i < 900; i++)
		CHECK_OK(dup(fd));
}

TEST(fadvise_and_readahead)
{
	int fd = make_file("f"), ends[2];
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
	CHECK_EQ(posix_fadvise(fd, 0, 0, 99), EINVAL);
	CHECK_OK(pipe(ends));
	CHECK_EQ(posix_fadvise(ends[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
	CHECK_OK(fsync(fd));
	CHECK_OK(fdatasync(fd));
	CHECK_ERR(fsync(ends[0]), EINVAL);
}

TEST(character_devices)
{
	char byte = 7, block[32];
	int null = CHECK_OK(open("/dev/null", O_RDWR)), zero = CHECK_OK(open("/dev/zero", O_RDWR));
	int full = CHECK_OK(open("/dev/full", O_RDWR)), random = CHECK_OK(open("/dev/urandom", O_RDONLY));
	CHECK_EQ(read(null, &byte, 1), 0);
	CHECK_EQ(write(null, block, 32), 32);
	CHECK_EQ(read(zero, &byte, 1), 1);
	CHECK_EQ(byte, 0);
	CHECK_ERR(write(full, &byte, 1), ENOSPC);
	CHECK_EQ(read(full, &byte, 1), 1);
	CHECK_EQ(read(random, block, 32), 32);
	struct stat info;
	CHECK_OK(fstat(null, &info));
	CHECK(S_ISCHR(info.st_mode));
	CHECK_EQ(info.st_rdev, 0x103);
}

TEST(zero_can_be_mapped)
{
	int fd = CHECK_OK(open("/dev/zero", O_RDWR));
	char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(memory != MAP_FAILED);
	CHECK_EQ(memory[5], 0);
	memory[5] = 1;
}

TEST(random_numbers)
{
	unsigned char one[32] = {0}, two[32] = {0};
	CHECK_EQ(syscall(SYS_getrandom, one, 32, 0), 32);
	CHECK_EQ(syscall(SYS_getrandom, two, 32, 1 /* GRND_NONBLOCK */), 32);
	CHECK(memcmp(one, two, 32) != 0);
	CHECK_ERR(syscall(SYS_getrandom, one, 32, 64), EINVAL);
}

TEST(create_through_a_link_that_goes_up)
{
	CHECK_OK(mkdir("a", 0755));
	CHECK_OK(mkdir("b", 0755));
	CHECK_OK(symlink("../b/f", "a/up"));
	CHECK_OK(symlink("./g", "a/here"));
	for (int round = 0; round < 2; round++) { /* made, then found */
		int fd = CHECK_OK(open("a/up", O_CREAT | O_WRONLY, 0644));
		CHECK_OK(close(fd));
		fd = CHECK_OK(open("a/here", O_CREAT | O_WRONLY, 0644));
		CHECK_OK(close(fd));
	}
	CHECK_OK(access("b/f", F_OK));
	CHECK_OK(access("a/g", F_OK));
}
