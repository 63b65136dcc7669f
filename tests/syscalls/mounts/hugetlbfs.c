// SPDX-License-Identifier: MPL-2.0
/* hugetlbfs on a machine whose pools of huge pages are empty: files have names and sizes, but no memory. */
#include "support.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#define HUGE (2l << 20)
#define HUGETLBFS_MAGIC 0x958458f6

static void huge_at(const char *path, const char *options)
{
	private_mounts();
	CHECK_OK(mkdir(path, 0755));
	CHECK_OK(mount("hugetlbfs", path, "hugetlbfs", MS_NOSUID | MS_NODEV, options));
}

TEST(it_is_counted_in_huge_pages)
{
	struct statfs s;
	struct stat root;
	huge_at("h", NULL);
	CHECK_OK(statfs("h", &s));
	CHECK_EQ((long)s.f_type, HUGETLBFS_MAGIC);
	CHECK_EQ((long)s.f_bsize, HUGE);
	CHECK_EQ((long)s.f_blocks, 0);
	CHECK_OK(stat("h", &root));
	CHECK_EQ(root.st_mode, S_IFDIR | 0755);
	CHECK(strstr(read_text("/proc/self/mountinfo"), "hugetlbfs rw,pagesize=2M\n") != NULL);
	CHECK(strstr(read_text("/proc/filesystems"), "nodev\thugetlbfs\n") != NULL);
}

TEST(options)
{
	struct statfs s;
	struct stat root;
	huge_at("h", "size=9M,nr_inodes=2,mode=1750,uid=3,gid=4");
	CHECK_OK(statfs("h", &s));
	CHECK_EQ((long)s.f_blocks, 4);
	CHECK_EQ((long)s.f_bfree, 4);
	CHECK_EQ((long)s.f_files, 2);
	CHECK_EQ((long)s.f_ffree, 1);
	CHECK_OK(stat("h", &root));
	CHECK_EQ(root.st_mode, S_IFDIR | 01750);
	CHECK_EQ(root.st_uid, 3);
	CHECK_EQ(root.st_gid, 4);
	CHECK_OK(mkdir("h/one", 0700));
	CHECK_ERR(mkdir("h/two", 0700), ENOSPC);
	CHECK_OK(mkdir("g", 0755));
	CHECK_OK(mount("x", "g", "hugetlbfs", 0, "pagesize=1G"));
	CHECK_OK(statfs("g", &s));
	CHECK_EQ((long)s.f_bsize, 1l << 30);
	CHECK_ERR(mount("x", "g", "hugetlbfs", 0, "pagesize=4k"), EINVAL);
	CHECK_ERR(mount("x", "g", "hugetlbfs", 0, "nonsense=1"), EINVAL);
	CHECK_ERR(mount("x", "g", "hugetlbfs", 0, "min_size=2M"), ENOMEM);
}

TEST(a_file_has_a_size_but_no_memory)
{
	struct stat s;
	char byte = 1;
	huge_at("h", NULL);
	int fd = CHECK_OK(open("h/f", O_RDWR | O_CREAT, 0600));
	CHECK_ERR(write(fd, &byte, 1), EINVAL);
	CHECK_ERR(ftruncate(fd, 4096), EINVAL);
	CHECK_OK(ftruncate(fd, 2 * HUGE));
	CHECK_OK(fstat(fd, &s));
	CHECK_EQ(s.st_size, 2 * HUGE);
	CHECK_EQ(s.st_blksize, HUGE);
	CHECK_EQ(s.st_blocks, 0);
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK_EQ(byte, 0);
	CHECK_EQ(pread(fd, &byte, 1, 2 * HUGE), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 2 * HUGE);
	CHECK(fallocate(fd, 0, 0, HUGE) == -1);
	CHECK(mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	CHECK(mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	CHECK_OK(unlink("h/f"));
}

TEST(a_user_namespace_may_not_mount_it)
{
	CHECK_OK(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	CHECK_OK(mkdir("h", 0755));
	CHECK_ERR(mount("x", "h", "hugetlbfs", 0, NULL), EPERM);
}
