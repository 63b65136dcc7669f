// SPDX-License-Identifier: MPL-2.0
/* The root of a cgroup namespace, mounted inside: its folder belongs to whoever made the group, with its mode. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/capability.h>

#include "group.h"

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {0};
	CHECK_OK(syscall(SYS_capset, &header, none));
}

TEST(its_owner_makes_groups_without_capabilities)
{
	struct stat info;
	make_group("namespace", NULL);
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		CHECK_OK(unshare(CLONE_NEWCGROUP | CLONE_NEWNS));
		CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
		CHECK_OK(mkdir("inside", 0755));
		CHECK_OK(mount("cgroup2", "inside", "cgroup2", 0, NULL));
		CHECK_OK(stat("inside", &info));
		CHECK_EQ(info.st_mode & 07777, 0755);
		CHECK_OK(mkdir("inside/narrow", 0711));
		CHECK_OK(stat(path_in("narrow"), &info));
		CHECK_EQ(info.st_mode & 07777, 0711);
		CHECK_OK(rmdir("inside/narrow"));
		drop_capabilities();
		CHECK_OK(mkdir("inside/foo", 0700));
		CHECK_OK(put_text("inside/foo/cgroup.procs", "0"));
		CHECK_STR(read_text("/proc/self/cgroup"), "0::/foo\n");
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(rmdir(path_in("foo")));
	remove_group();
}
