// SPDX-License-Identifier: MPL-2.0
/* Namespaces and each other: owners and parents by ioctl, how deep they nest, limits of /proc/sys/user, setns. */
#include "namespace.h"

#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>

enum { DEPTH_MAX = 32 };

static void map_root(void)
{
	char map[64];
	uid_t uid = getuid();
	CHECK_OK(unshare(CLONE_NEWUSER));
	CHECK_OK(put_text("/proc/self/setgroups", "deny"));
	snprintf(map, sizeof(map), "0 %u 1", uid);
	CHECK_OK(put_text("/proc/self/uid_map", map));
	CHECK_OK(put_text("/proc/self/gid_map", map));
}

TEST(types_by_ioctl)
{
	static const struct {
		const char *kind;
		int type;
	} rows[] = {{"mnt", CLONE_NEWNS},   {"uts", CLONE_NEWUTS},   {"ipc", CLONE_NEWIPC},
		    {"net", CLONE_NEWNET},  {"pid", CLONE_NEWPID},   {"user", CLONE_NEWUSER},
		    {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
		    {"pid_for_children", CLONE_NEWPID}, {"time_for_children", CLONE_NEWTIME}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = ns_open(rows[i].kind);
		CHECK_EQ(ioctl(fd, NS_GET_NSTYPE), rows[i].type);
		CHECK_OK(close(fd));
	}
}

static void check_owners(void)
{
	uid_t owner = 77;
	int outer = ns_open("user");
	map_root();
	int user = ns_open("user");
	CHECK_OK(unshare(CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWCGROUP));
	static const char *const kinds[] = {"uts", "mnt", "net", "ipc", "cgroup"};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int fd = ns_open(kinds[i]);
		int of = CHECK_OK(ioctl(fd, NS_GET_USERNS));
		CHECK_EQ(ns_number(of), ns_number(user));
		CHECK_ERR(ioctl(fd, NS_GET_PARENT), EINVAL);
		CHECK_ERR(ioctl(fd, NS_GET_OWNER_UID, &owner), EINVAL);
		CHECK_OK(close(of));
		CHECK_OK(close(fd));
	}
	CHECK_OK(ioctl(user, NS_GET_OWNER_UID, &owner));
	CHECK_EQ(owner, 0);
	/* What lies outside is not shown. */
	CHECK_ERR(ioctl(user, NS_GET_PARENT), EPERM);
	CHECK_ERR(ioctl(user, NS_GET_USERNS), EPERM);
	CHECK_ERR(ioctl(outer, NS_GET_USERNS), EPERM);
	CHECK_ERR(ioctl(user, 0xb7ff), ENOTTY);
}

TEST(owners_by_ioctl)
{
	APART(check_owners());
}

TEST(parents_by_ioctl)
{
	struct turn ready = turn_create(), end = turn_create();
	uid_t owner = 77;
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
		CHECK_OK(unshare(CLONE_NEWUSER));
		turn_give(ready);
		turn_take(end);
		_exit(0);
	}
	turn_take(ready);
	int fd = ns_open_of(child, "user"), own = ns_open("user");
	int parent = CHECK_OK(ioctl(fd, NS_GET_PARENT)), of = CHECK_OK(ioctl(fd, NS_GET_USERNS));
	CHECK_EQ(ns_number(parent), ns_number(own));
	CHECK_EQ(ns_number(of), ns_number(own));
	CHECK_EQ(fcntl(parent, F_GETFD), FD_CLOEXEC);
	CHECK_OK(ioctl(fd, NS_GET_OWNER_UID, &owner));
	CHECK_EQ(owner, NOBODY);
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(ioctl(own, NS_GET_PARENT), EPERM);
}

TEST(pid_parents_by_ioctl)
{
	int own = ns_open("pid");
	APART({
		CHECK_OK(unshare(CLONE_NEWPID));
		pid_t child = fork_checked();
		if (child == 0) {
			pause();
			_exit(0);
		}
		int fd = ns_open("pid_for_children");
		int parent = CHECK_OK(ioctl(fd, NS_GET_PARENT));
		CHECK_EQ(ns_number(parent), ns_number(own));
		CHECK_OK(kill(child, SIGKILL));
		CHECK_EQ(wait_signal(child), SIGKILL);
	});
}

/* How many levels below here there can be: the deepest tells by its exit code. */
static int nest(int flag)
{
	for (int depth = 0;; depth++) {
		errno = 0;
		pid_t child = (pid_t)syscall(SYS_clone, (unsigned long)flag | SIGCHLD, 0, 0, 0, 0);
		if (child < 0) {
			CHECK_EQ(errno, ENOSPC);
			return depth;
		}
		if (child > 0)
			_exit(wait_exit(child));
		CHECK(depth < 100);
	}
}

TEST(pid_namespaces_nest_32_deep)
{
	pid_t child = fork_checked();
	if (child == 0)
		_exit(nest(CLONE_NEWPID));
	CHECK_EQ(wait_exit(child), DEPTH_MAX);
}

TEST(user_namespaces_nest_33_deep)
{
	pid_t child = fork_checked();
	if (child == 0) {
		int depth = 0;
		for (; unshare(CLONE_NEWUSER) == 0; depth++) {
			CHECK(depth < 100);
			CHECK_OK(put_text("/proc/self/setgroups", "deny"));
			CHECK_OK(put_text("/proc/self/uid_map", "0 0 1"));
			CHECK_OK(put_text("/proc/self/gid_map", "0 0 1"));
		}
		CHECK_EQ(errno, ENOSPC);
		_exit(depth);
	}
	CHECK_EQ(wait_exit(child), 33);
}

static const char *const counted[] = {"user", "pid", "uts", "ipc", "net", "mnt", "cgroup", "time"};
static const int counted_flags[] = {CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWUTS,    CLONE_NEWIPC,
				    CLONE_NEWNET,  CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWTIME};
enum { COUNTED = 8 };

static char *limit_path(const char *kind)
{
	static char path[64];
	snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", kind);
	return path;
}

TEST(limits_are_shown)
{
	for (int i = 0; i < COUNTED; i++)
		CHECK(atoi(read_text(limit_path(counted[i]))) > 0);
}

/* A limit of a user namespace counts what its users make in it and below. */
TEST(limits_of_a_namespace_are_its_own)
{
	for (int i = 0; i < COUNTED; i++) {
		int before = atoi(read_text(limit_path(counted[i])));
		APART({
			map_root();
			CHECK_EQ(atoi(read_text(limit_path(counted[i]))) > 0, 1);
			CHECK_OK(put_text(limit_path(counted[i]), "0"));
			CHECK_EQ(atoi(read_text(limit_path(counted[i]))), 0);
			CHECK_ERR(unshare(counted_flags[i]), ENOSPC);
			CHECK_OK(put_text(limit_path(counted[i]), "1"));
			CHECK_OK(unshare(counted_flags[i]));
			if (counted_flags[i] != CLONE_NEWUSER && counted_flags[i] != CLONE_NEWPID)
				CHECK_ERR(unshare(counted_flags[i]), ENOSPC);
		});
		CHECK_EQ(atoi(read_text(limit_path(counted[i]))), before);
	}
}

TEST(limits_above_count_too)
{
	APART({
		map_root();
		CHECK_OK(put_text(limit_path("uts"), "1"));
		map_root();
		CHECK_OK(put_text(limit_path("uts"), "100"));
		CHECK_OK(unshare(CLONE_NEWUTS));
		CHECK_ERR(unshare(CLONE_NEWUTS), ENOSPC);
	});
}

TEST(limits_come_back_when_namespaces_go)
{
	APART({
		map_root();
		CHECK_OK(put_text(limit_path("ipc"), "1"));
		for (int i = 0; i < 20; i++) {
			/* the last one may go a little later */
			for (int tries = 0; tries < 500; tries++) {
				pid_t probe = fork_checked();
				if (probe == 0)
					_exit(unshare(CLONE_NEWIPC) ? 1 : 0);
				if (wait_exit(probe) == 0)
					break;
				CHECK(tries < 499);
				sleep_ms(10);
			}
		}
	});
}

TEST(limits_need_privilege)
{
	APART({
		become_nobody();
		CHECK_ERR(open(limit_path("uts"), O_WRONLY), EACCES);
	});
	APART({
		become_nobody();
		CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
		map_root();
		CHECK_OK(put_text(limit_path("uts"), "5"));
		CHECK_ERR(put_text(limit_path("uts"), "-1"), EINVAL);
	});
}

/* Root of the namespace that the program began in: the machine's, while that was the first one. */
TEST(hidden_process_belongs_to_root_of_its_namespace)
{
	APART({
		struct stat s;
		become_nobody();
		CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
		map_root();
		CHECK_OK(prctl(PR_SET_DUMPABLE, 0));
		CHECK_OK(stat("/proc/self/status", &s));
		CHECK_EQ(s.st_uid, 65534);
		execl("/tests/helper", "helper", "hidden-owner", NULL);
		CHECK(0);
	});
}

TEST(setns_of_several_kinds_at_once)
{
	struct turn ready = turn_create(), end = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWNET |
				 CLONE_NEWCGROUP));
		CHECK_OK(sethostname("inside", 6));
		turn_give(ready);
		turn_take(end);
		_exit(0);
	}
	turn_take(ready);
	int fd = CHECK_OK((int)syscall(SYS_pidfd_open, child, 0));
	APART({
		CHECK_ERR(setns(fd, 0), EINVAL);
		CHECK_ERR(setns(fd, CLONE_NEWUTS | 1), EINVAL);
		CHECK_ERR(setns(fd, CLONE_VM), EINVAL);
		CHECK_OK(setns(fd, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWNET |
				   CLONE_NEWCGROUP));
		char name[64];
		CHECK_OK(gethostname(name, sizeof(name)));
		CHECK_STR(name, "inside");
		CHECK_EQ(getuid(), NOBODY); /* nothing is mapped there */
		CHECK_ERR(setns(fd, CLONE_NEWUSER), EINVAL);
	});
	int uts = ns_open_of(child, "uts");
	APART({
		CHECK_ERR(setns(uts, CLONE_NEWNET), EINVAL);
		CHECK_ERR(setns(uts, CLONE_NEWUTS | CLONE_NEWNET), EINVAL);
		CHECK_OK(setns(uts, CLONE_NEWUTS));
		CHECK_ERR(setns(0, CLONE_NEWUTS), EINVAL);
		CHECK_ERR(setns(99, CLONE_NEWUTS), EBADF);
	});
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(setns(fd, CLONE_NEWUTS), ESRCH);
}

TEST(setns_reaches_pid_namespaces_below_only)
{
	int own = ns_open("pid");
	APART({
		CHECK_OK(unshare(CLONE_NEWPID));
		int below = CHECK_OK(open("/proc/self/ns/pid", O_RDONLY));
		CHECK_OK(setns(below, CLONE_NEWPID));
		CHECK_OK(unshare(CLONE_NEWPID));
		pid_t child = fork_checked();
		if (child == 0) {
			CHECK_ERR(setns(own, CLONE_NEWPID), EINVAL);
			_exit(0);
		}
		CHECK_EQ(wait_exit(child), 0);
	});
}

TEST(process_1_gone_ends_the_namespace)
{
	APART({
		CHECK_OK(unshare(CLONE_NEWPID));
		pid_t first = fork_checked();
		if (first == 0)
			_exit(0);
		CHECK_EQ(wait_exit(first), 0);
		errno = 0;
		CHECK_EQ(fork(), -1);
		CHECK_EQ(errno, ENOMEM);
	});
}

TEST(users_and_maps_have_rules)
{
	APART({
		CHECK_OK(unshare(CLONE_NEWUSER));
		CHECK_STR(read_text("/proc/self/setgroups"), "allow\n");
		CHECK_ERR(put_text("/proc/self/gid_map", "0 0 1\n0 5 1"), EINVAL); /* the same inside */
		CHECK_ERR(put_text("/proc/self/uid_map", "0 0 0"), EINVAL);
		CHECK_ERR(put_text("/proc/self/uid_map", "0 0"), EINVAL);
		CHECK_ERR(put_text("/proc/self/uid_map", "0 4294967295 1"), EINVAL);
		CHECK_ERR(put_text("/proc/self/uid_map", "x"), EINVAL);
		CHECK_OK(put_text("/proc/self/uid_map", "0 0 1"));
		CHECK_ERR(put_text("/proc/self/uid_map", "0 0 1"), EPERM); /* once */
		gid_t none = 0;
		CHECK_ERR(syscall(SYS_setgroups, 1, &none), EPERM); /* before the map */
		CHECK_OK(put_text("/proc/self/setgroups", "deny"));
		CHECK_OK(put_text("/proc/self/setgroups", "deny"));
		CHECK_ERR(put_text("/proc/self/setgroups", "allow"), EPERM);
		CHECK_ERR(put_text("/proc/self/setgroups", "perhaps"), EINVAL);
		CHECK_OK(put_text("/proc/self/gid_map", "0 0 1"));
		CHECK_ERR(syscall(SYS_setgroups, 1, &none), EPERM);
		CHECK_STR(read_text("/proc/self/setgroups"), "deny\n");
	});
}

TEST(threads_do_not_unshare_users)
{
	APART({
		CHECK_ERR(syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
		CHECK_ERR(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
		CHECK_ERR(syscall(SYS_clone, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0), EINVAL);
	});
}
