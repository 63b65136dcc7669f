// SPDX-License-Identifier: MPL-2.0
/* How many mounts a namespace may have, and what an open list of mounts shows. */
#include "support.h"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>

#define LIMIT "/proc/sys/fs/mount-max"

static int mounts_in(const char *path)
{
	int lines = 0;
	for (const char *at = read_text(path); (at = strchr(at, '\n')); at++)
		lines++;
	return lines;
}

static void set_limit(long count)
{
	char text[32];
	snprintf(text, sizeof(text), "%ld", count);
	CHECK_OK(put_text(LIMIT, text));
}

static void tmpfs_at(const char *path)
{
	CHECK_OK(mkdir(path, 0755));
	CHECK_OK(mount("tmpfs", path, "tmpfs", 0, NULL));
}

TEST(a_namespace_has_a_limit)
{
	private_mounts();
	long before = atol(read_text(LIMIT));
	CHECK_EQ(before, 100000);
	CHECK_OK(mkdir("a", 0755));
	CHECK_OK(mkdir("b", 0755));
	CHECK_ERR(put_text(LIMIT, "0"), EINVAL);
	set_limit(mounts_in("/proc/self/mountinfo") + 1);
	int first = mount("tmpfs", "a", "tmpfs", 0, NULL);
	int second = mount("tmpfs", "b", "tmpfs", 0, NULL), error = errno;
	int bound = mount("a", "b", NULL, MS_BIND, NULL), bind_error = errno;
	set_limit(before);
	CHECK_OK(first);
	CHECK_EQ(second, -1);
	CHECK_EQ(error, ENOSPC);
	CHECK_EQ(bound, -1);
	CHECK_EQ(bind_error, ENOSPC);
	CHECK_OK(mount("a", "b", NULL, MS_BIND, NULL));
}

/* The other namespace is full: the mount fails here as well, and leaves nothing anywhere. */
TEST(a_full_receiver_refuses_for_all)
{
	char path[64], child_path[64];
	private_mounts();
	tmpfs_at("shared");
	CHECK_OK(mount(NULL, "shared", NULL, MS_SHARED, NULL));
	CHECK_OK(mkdir("shared/in", 0755));
	struct turn ready = turn_create(), done = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWNS));
		for (int i = 0; i < 5; i++) {
			snprintf(path, sizeof(path), "more%d", i);
			tmpfs_at(path);
		}
		turn_give(ready);
		turn_take(done);
		_exit(0);
	}
	turn_take(ready);
	snprintf(child_path, sizeof(child_path), "/proc/%d/mountinfo", child);
	long before = atol(read_text(LIMIT));
	int here = mounts_in("/proc/self/mountinfo"), there = mounts_in(child_path);
	CHECK_EQ(there, here + 5);
	set_limit(there);
	int result = mount("tmpfs", "shared/in", "tmpfs", 0, NULL), error = errno;
	set_limit(there + 1);
	int again = mount("tmpfs", "shared/in", "tmpfs", 0, NULL);
	set_limit(before);
	CHECK_EQ(result, -1);
	CHECK_EQ(error, ENOSPC);
	CHECK_OK(again);
	CHECK_EQ(mounts_in("/proc/self/mountinfo"), here + 1);
	CHECK_EQ(mounts_in(child_path), there + 1);
	CHECK_OK(umount("shared/in"));
	CHECK_EQ(mounts_in(child_path), there);
	turn_give(done);
	CHECK_EQ(wait_exit(child), 0);
}

/* A tree of mounts that propagates to two receivers in one namespace needs room for both. */
TEST(copies_in_one_namespace_are_counted_together)
{
	private_mounts();
	tmpfs_at("shared");
	CHECK_OK(mount(NULL, "shared", NULL, MS_SHARED, NULL));
	CHECK_OK(mkdir("shared/in", 0755));
	CHECK_OK(mkdir("peer", 0755));
	CHECK_OK(mount("shared", "peer", NULL, MS_BIND, NULL));
	long before = atol(read_text(LIMIT));
	int here = mounts_in("/proc/self/mountinfo");
	set_limit(here + 1);
	int result = mount("tmpfs", "shared/in", "tmpfs", 0, NULL), error = errno;
	set_limit(before);
	CHECK_EQ(result, -1);
	CHECK_EQ(error, ENOSPC);
	CHECK_EQ(mounts_in("/proc/self/mountinfo"), here);
	set_limit(here + 2);
	result = mount("tmpfs", "shared/in", "tmpfs", 0, NULL);
	set_limit(before);
	CHECK_OK(result);
	CHECK_EQ(mounts_in("/proc/self/mountinfo"), here + 2);
}

static int has(int fd, const char *word)
{
	static char text[65536];
	size_t used = 0;
	CHECK_OK(lseek(fd, 0, SEEK_SET));
	for (ssize_t n; (n = CHECK_OK(read(fd, text + used, sizeof(text) - 1 - used))) > 0;)
		used += (size_t)n;
	text[used] = 0;
	return strstr(text, word) != NULL;
}

/* The file shows the namespace and the root that its process had when it was opened. */
TEST(an_open_list_stays_with_its_namespace)
{
	private_mounts();
	tmpfs_at("one");
	int info = CHECK_OK(open("/proc/self/mountinfo", O_RDONLY));
	int mounts = CHECK_OK(open("/proc/self/mounts", O_RDONLY));
	CHECK_OK(unshare(CLONE_NEWNS));
	tmpfs_at("two");
	CHECK(has(info, "/one "));
	CHECK(!has(info, "/two "));
	CHECK(!has(mounts, "/two "));
	CHECK(strstr(read_text("/proc/self/mountinfo"), "/two "));
	/* Nobody lives there any more; its changes are over. */
	struct pollfd p = {.fd = info, .events = POLLPRI};
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_OK(umount("two"));
	CHECK_EQ(poll(&p, 1, 0), 0);
}

TEST(an_open_list_stays_with_its_root)
{
	private_mounts();
	tmpfs_at("root");
	CHECK_OK(mkdir("root/m", 0755));
	CHECK_OK(mount("tmpfs", "root/m", "tmpfs", 0, NULL));
	tmpfs_at("outside");
	int fd = CHECK_OK(open("/proc/self/mounts", O_RDONLY));
	CHECK_OK(chroot("root"));
	CHECK(has(fd, "/outside "));
	CHECK(has(fd, "/root/m "));
}

TEST(an_open_list_outlives_its_process)
{
	char path[64];
	private_mounts();
	struct turn ready = turn_create(), done = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWNS));
		tmpfs_at("mine");
		turn_give(ready);
		turn_take(done);
		_exit(0);
	}
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", child);
	int fd = CHECK_OK(open(path, O_RDONLY));
	turn_give(done);
	CHECK_EQ(wait_exit(child), 0);
	CHECK(has(fd, "/mine "));
	CHECK(!strstr(read_text("/proc/self/mountinfo"), "/mine "));
}
