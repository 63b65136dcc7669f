// SPDX-License-Identifier: MPL-2.0
/* Damaged ext2 images: each round changes some bytes of a good image's metadata on /dev/vdb, mounts it, uses all that
 * is found there, and unmounts it. Nothing panics or hangs, and errors are those that tell of damage.
 *
 * A short run has fixed seeds; `KERNEL_ARGS='damage=SEED,ROUNDS' make test T=stress/damage` is a longer one. */
#include "support.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/xattr.h>

enum { IMAGE = 2 << 20, BLOCK = 1024, ROUNDS = 120, STEPS_MAX = 60, DEPTH_MAX = 4, GROUP = 2 * BLOCK, RECORD = 256,
	GROUP_BYTES = 32, TABLE_AT = 8 };

static unsigned char good[IMAGE], image[IMAGE], bytes[8192];
static unsigned long state;
static int disk, steps;

static unsigned long any(unsigned long below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

/* --- what may be answered --- */

static int said(long result, const char *what, int line)
{
	static const int known[] = { EIO, EUCLEAN, ENOSPC, ENOENT, EEXIST, ENOTEMPTY, EFBIG, ENODATA, ERANGE, EMLINK,
		ESTALE, ENXIO, EINVAL, EPERM, EACCES, ENOTDIR, EISDIR, EROFS, ELOOP, EOPNOTSUPP, ENAMETOOLONG,
		EOVERFLOW, EBUSY };
	if (result >= 0)
		return 1;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (errno == known[i])
			return 0;
	test_fail(__FILE__, line, "%s: %s", what, strerror(errno));
}
#define SAID(call) said(call, #call, __LINE__)

/* --- use --- */

static void use_file(const char *path)
{
	static const off_t places[] = { 0, 11 << 10, 13 << 10, 300 << 10, 67 << 20, 4000 };
	off_t at = places[any(6)];
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
	if (!SAID(fd))
		return;
	SAID(pread(fd, bytes, sizeof(bytes), at));
	SAID(lseek(fd, 0, SEEK_HOLE));
	SAID(lseek(fd, at, SEEK_DATA));
	if (any(2))
		SAID(pwrite(fd, bytes, 3000, at));
	if (any(3) == 0)
		SAID(ftruncate(fd, places[any(6)] + (off_t)any(3000)));
	if (any(3) == 0)
		SAID(fsync(fd));
	close(fd);
}

static void use_attributes(const char *path)
{
	SAID(llistxattr(path, (char *)bytes, sizeof(bytes)));
	SAID(lgetxattr(path, "user.one", bytes, sizeof(bytes)));
	if (any(2))
		SAID(lsetxattr(path, any(2) ? "user.one" : "trusted.two", bytes, any(200), 0));
	if (any(3) == 0)
		SAID(lremovexattr(path, "user.one"));
}

static void change_folder(const char *path)
{
	char one[512], two[512];
	snprintf(one, sizeof(one), "%.400s/made", path);
	snprintf(two, sizeof(two), "%.400s/made-with-a-longer-name", path);
	int fd = open(one, O_CREAT | O_EXCL | O_WRONLY, 0600);
	if (SAID(fd)) {
		SAID(write(fd, bytes, 100));
		close(fd);
	}
	SAID(rename(one, two));
	SAID(mkdir(one, 0755));
	if (any(2))
		SAID(rmdir(one));
	if (any(2))
		SAID(unlink(two));
}

static void use_folder(const char *path, int depth);

static void use_name(const char *folder, const char *name, int depth)
{
	char path[512], other[512];
	struct stat s;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) - 64)
		return;
	if (!SAID(lstat(path, &s)))
		return;
	use_attributes(path);
	if (S_ISREG(s.st_mode))
		use_file(path);
	if (S_ISLNK(s.st_mode))
		SAID(readlink(path, (char *)bytes, sizeof(bytes)));
	if (S_ISDIR(s.st_mode) && depth < DEPTH_MAX)
		use_folder(path, depth + 1);
	snprintf(other, sizeof(other), "disk/moved-%d", steps);
	if (any(4) == 0)
		SAID(rename(path, other));
	else if (any(4) == 0)
		SAID(S_ISDIR(s.st_mode) ? rmdir(path) : unlink(path));
}

static void use_folder(const char *path, int depth)
{
	DIR *dir = opendir(path);
	if (!dir) {
		SAID(-1);
		return;
	}
	if (any(2))
		change_folder(path);
	for (struct dirent *e; steps < STEPS_MAX && (e = readdir(dir));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		steps++;
		use_name(path, e->d_name, depth);
	}
	closedir(dir);
}

/* --- the good image --- */

static void put_file(const char *name, off_t at, size_t size)
{
	int fd = make_file(name);
	CHECK_EQ(pwrite(fd, bytes, size, at), size);
	CHECK_OK(close(fd));
}

static void fill_disk(void)
{
	char path[128], name[96];
	memset(bytes, 'x', sizeof(bytes));
	put_file("disk/direct", 0, 5000);
	put_file("disk/single", 20 << 10, 5000);
	put_file("disk/double", 300 << 10, 5000);
	put_file("disk/triple", 67 << 20, 5000);
	CHECK_OK(setxattr("disk/direct", "user.one", bytes, 200, 0));
	CHECK_OK(setxattr("disk/single", "user.one", bytes, 200, 0));
	CHECK_OK(symlink("direct", "disk/fast"));
	memset(name, 'n', sizeof(name));
	name[80] = 0;
	CHECK_OK(symlink(name, "disk/slow"));
	CHECK_OK(mkdir("disk/folder", 0755));
	CHECK_OK(mkdir("disk/folder/below", 0755));
	put_file("disk/folder/below/file", 0, 100);
	for (int i = 0; i < 14; i++) {
		memset(name, 'a' + i, 80);
		snprintf(path, sizeof(path), "disk/folder/%s", name);
		CHECK_OK(link("disk/direct", path));
	}
}

static void write_image(const unsigned char *from)
{
	CHECK_EQ(pwrite(disk, from, IMAGE, 0), IMAGE);
	CHECK_OK(fsync(disk));
}

/* --- damage --- */

static void damage(void)
{
	static const unsigned numbers[] = { 0, 1, 2, 3, 4, 5, 11, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
		IMAGE / BLOCK - 1, IMAGE / BLOCK };
	unsigned table, number = any(3) ? numbers[any(14)] : (unsigned)any(IMAGE / BLOCK);
	memcpy(&table, good + GROUP + TABLE_AT, sizeof(table));
	unsigned long at = any(6) ? any((table + 60) * BLOCK) : BLOCK + any(120);
	if (any(3) == 0)
		at = table * (unsigned long)BLOCK + (any(6) ? 10 + any(12) : 1) * RECORD + any(128);
	else if (any(12) == 0)
		at = GROUP + any(GROUP_BYTES);
	switch (any(3)) {
	case 0: image[at] ^= 1 << any(8); break;
	case 1: image[at] = (unsigned char)any(256); break;
	default: memcpy(image + (at & ~3ul), &number, sizeof(number)); break;
	}
}

static int round_is_used(unsigned long seed)
{
	state = seed * 0x9e3779b97f4a7c15ul + 1;
	memcpy(image, good, IMAGE);
	for (unsigned long k = 1 + any(6); k; k--)
		damage();
	write_image(image);
	steps = 0;
	if (!SAID(mount("/dev/vdb", "disk", "ext2", MS_NODEV, NULL)))
		return 0;
	use_folder("disk", 0);
	CHECK_OK(umount("disk"));
	return 1;
}

TEST_LIMIT(damaged_images_are_survived, 240)
{
	unsigned long seed = 1, rounds = ROUNDS, used = 0;
	const char *words = strstr(read_text("/proc/cmdline"), "damage=");
	if (words)
		sscanf(words, "damage=%lu,%lu", &seed, &rounds);
	if (access("/dev/vdb", F_OK) != 0)
		test_skip("no second disk");
	private_mounts();
	CHECK_OK(mkdir("disk", 0755));
	disk = CHECK_OK(open("/dev/vdb", O_RDWR));
	CHECK_OK(mount("/dev/vdb", "disk", "ext2", 0, NULL));
	fill_disk();
	CHECK_OK(umount("disk"));
	CHECK_EQ(pread(disk, good, IMAGE, 0), IMAGE);
	for (unsigned long round = 0; round < rounds; round++) {
		if (words && round % 100 == 0)
			printf("# round %lu\n", seed + round);
		used += (unsigned long)round_is_used(seed + round);
	}
	CHECK(used > rounds / 3);
	write_image(good);
	CHECK_OK(mount("/dev/vdb", "disk", "ext2", 0, NULL));
	CHECK_OK(access("disk/folder/below/file", F_OK));
	CHECK_OK(umount("disk"));
}
