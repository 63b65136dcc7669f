// SPDX-License-Identifier: MPL-2.0
/* User namespaces in detail: who may write which map, what it shows to whom, what a process may do after entering. */
#include "namespace.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>

static const char *proc_path(pid_t pid, const char *name)
{
	static char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return path;
}

/* Somebody in a user namespace of its own, of these users, who waits for the end. */
struct dweller {
	pid_t pid;
	struct turn end;
};

static struct dweller dweller_create(uid_t uid)
{
	struct turn ready = turn_create();
	struct dweller dweller = {.end = turn_create()};
	dweller.pid = fork_checked();
	if (dweller.pid == 0) {
		if (uid) {
			CHECK_OK(setgroups(0, NULL));
			CHECK_OK(setresgid(uid, uid, uid));
			CHECK_OK(setresuid(uid, uid, uid));
			CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
		}
		CHECK_OK(unshare(CLONE_NEWUSER));
		turn_give(ready);
		turn_take(dweller.end);
		_exit(0);
	}
	turn_take(ready);
	return dweller;
}

static void dweller_end(struct dweller dweller)
{
	turn_give(dweller.end);
	CHECK_EQ(wait_exit(dweller.pid), 0);
}

static void drop_capability(int number)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];
	CHECK_OK(syscall(SYS_capget, &header, sets));
	sets[number / 32].effective &= ~(1u << number % 32);
	sets[number / 32].permitted &= ~(1u << number % 32);
	CHECK_OK(syscall(SYS_capset, &header, sets));
}

static int has_capability(int number)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];
	CHECK_OK(syscall(SYS_capget, &header, sets));
	return (sets[number / 32].effective >> number % 32) & 1;
}

TEST(maps_have_340_lines)
{
	static char text[16384];
	for (int lines = 340; lines <= 341; lines++) {
		struct dweller dweller = dweller_create(0);
		int length = 0;
		for (int i = 0; i < lines; i++)
			length += snprintf(text + length, sizeof(text) - (size_t)length, "%d %d 1\n", i, 1000 + i);
		if (lines == 341 || length >= PAGE)
			CHECK_ERR(put_text(proc_path(dweller.pid, "uid_map"), text), EINVAL);
		else
			CHECK_OK(put_text(proc_path(dweller.pid, "uid_map"), text));
		dweller_end(dweller);
	}
}

TEST(many_lines_map_each_number)
{
	struct dweller dweller = dweller_create(0);
	char text[512];
	int length = 0;
	/* more than the five that a small map holds, in no order */
	static const int order[] = {7, 3, 9, 0, 5, 1, 8, 2, 6, 4};
	for (int i = 0; i < 10; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "%d %d 2\n", order[i] * 10,
				   5000 + order[i] * 100);
	CHECK_OK(put_text(proc_path(dweller.pid, "uid_map"), text));
	CHECK_OK(put_text(proc_path(dweller.pid, "gid_map"), text));
	make_file("f");
	int fd = CHECK_OK(open(proc_path(dweller.pid, "ns/user"), O_RDONLY));
	for (int i = 0; i < 10; i++) {
		struct stat info;
		CHECK_OK(chown("f", (uid_t)(5001 + i * 100), (gid_t)(5002 + i * 100)));
		APART({
			CHECK_OK(setns(fd, CLONE_NEWUSER));
			CHECK_OK(stat("f", &info));
			CHECK_EQ(info.st_uid, (uid_t)(i * 10 + 1));
			CHECK_EQ(info.st_gid, NOBODY);
		});
	}
	dweller_end(dweller);
}

TEST(a_map_is_written_in_one_piece)
{
	APART({
		CHECK_OK(unshare(CLONE_NEWUSER));
		int fd = CHECK_OK(open("/proc/self/uid_map", O_RDWR));
		CHECK_EQ(write(fd, "0 0 1", 5), 5);
		CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
		CHECK_ERR(write(fd, "1 1 1", 5), EPERM);
		CHECK_STR(read_text("/proc/self/uid_map"), "         0          0          1\n");
	});
}

TEST(ordinary_users_map_themselves)
{
	struct dweller dweller = dweller_create(1234);
	APART({
		CHECK_OK(setresuid(1234, 1234, 1234));
		CHECK_ERR(put_text(proc_path(dweller.pid, "uid_map"), "0 1234 2"), EPERM);
		CHECK_ERR(put_text(proc_path(dweller.pid, "uid_map"), "0 1235 1"), EPERM);
		CHECK_ERR(put_text(proc_path(dweller.pid, "uid_map"), "0 1234 1\n1 1235 1"), EPERM);
		CHECK_OK(put_text(proc_path(dweller.pid, "uid_map"), "5 1234 1"));
	});
	dweller_end(dweller);
	APART({
		become_nobody();
		CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
		CHECK_OK(unshare(CLONE_NEWUSER));
		CHECK_ERR(put_text("/proc/self/gid_map", "0 65534 1"), EPERM); /* groups could be dropped */
		CHECK_ERR(put_text("/proc/self/uid_map", "0 1234 1"), EPERM);
		CHECK_OK(put_text("/proc/self/setgroups", "deny"));
		CHECK_OK(put_text("/proc/self/gid_map", "7 65534 1"));
		CHECK_EQ(getgid(), 7);
	});
}

TEST(strangers_do_not_write_maps)
{
	struct dweller dweller = dweller_create(0);
	APART({
		become_nobody();
		CHECK_ERR(open(proc_path(dweller.pid, "uid_map"), O_WRONLY), EACCES);
	});
	/* a descriptor that root opened does not carry its power to somebody else */
	int fd = CHECK_OK(open(proc_path(dweller.pid, "uid_map"), O_WRONLY));
	APART({
		become_nobody();
		CHECK_ERR(write(fd, "0 0 10", 6), EPERM);
	});
	/* nor does a namespace beside this one */
	APART({
		CHECK_OK(unshare(CLONE_NEWUSER));
		CHECK_ERR(write(fd, "0 0 10", 6), EPERM);
	});
	dweller_end(dweller);
}

TEST(root_outside_is_mapped_by_who_may_set_file_capabilities)
{
	APART({
		drop_capability(CAP_SETFCAP);
		CHECK_OK(unshare(CLONE_NEWUSER));
		CHECK_ERR(put_text("/proc/self/uid_map", "0 0 1"), EPERM);
		CHECK_OK(put_text("/proc/self/setgroups", "deny"));
		CHECK_OK(put_text("/proc/self/gid_map", "0 0 1"));
	});
	struct dweller dweller = dweller_create(0);
	APART({
		drop_capability(CAP_SETFCAP);
		CHECK_ERR(put_text(proc_path(dweller.pid, "uid_map"), "0 0 5"), EPERM);
		CHECK_OK(put_text(proc_path(dweller.pid, "uid_map"), "0 1 5"));
	});
	dweller_end(dweller);
}

/* The inner one of two namespaces, one in the other, until it is told to end. */
static void inner_life(struct turn ready, struct turn end)
{
	CHECK_OK(unshare(CLONE_NEWUSER));
	turn_give(ready);
	turn_take(end);
	CHECK_STR(read_text("/proc/self/uid_map"), "         0          5          2\n");
	_exit(0);
}

TEST(each_reader_sees_the_map_through_its_own)
{
	struct turn ready = turn_create(), mapped = turn_create(), inner_ready = turn_create(), end = turn_create();
	int told[2];
	pid_t inner;
	CHECK_OK(pipe(told));
	pid_t outer = fork_checked();
	if (outer == 0) {
		CHECK_OK(unshare(CLONE_NEWUSER));
		turn_give(ready);
		turn_take(mapped);
		inner = fork_checked();
		if (inner == 0)
			inner_life(inner_ready, end);
		turn_take(inner_ready);
		CHECK_OK(put_text(proc_path(inner, "uid_map"), "0 5 2"));
		CHECK_STR(read_text(proc_path(inner, "uid_map")), "         0          5          2\n");
		CHECK_EQ(write(told[1], &inner, sizeof(inner)), sizeof(inner));
		CHECK_EQ(wait_exit(inner), 0);
		_exit(0);
	}
	turn_take(ready);
	CHECK_OK(put_text(proc_path(outer, "uid_map"), "3 0 10"));
	CHECK_OK(put_text(proc_path(outer, "gid_map"), "3 0 10"));
	CHECK_STR(read_text(proc_path(outer, "uid_map")), "         3          0         10\n");
	turn_give(mapped);
	CHECK_EQ(read(told[0], &inner, sizeof(inner)), sizeof(inner));
	CHECK_STR(read_text(proc_path(inner, "uid_map")), "         0          2          2\n");
	turn_give(end);
	CHECK_EQ(wait_exit(outer), 0);
}

TEST(ids_without_a_number_cannot_be_set)
{
	struct dweller dweller = dweller_create(0);
	CHECK_OK(put_text(proc_path(dweller.pid, "uid_map"), "0 0 10"));
	CHECK_OK(put_text(proc_path(dweller.pid, "gid_map"), "0 0 10"));
	int fd = CHECK_OK(open(proc_path(dweller.pid, "ns/user"), O_RDONLY));
	make_file("f");
	APART({
		gid_t outside[] = {3, 20};
		CHECK_OK(setns(fd, CLONE_NEWUSER));
		CHECK_EQ(getuid(), 0);
		CHECK_OK(setresuid(9, 9, 0));
		CHECK_OK(setresuid(0, 0, 0));
		CHECK_ERR(setresuid(10, -1, -1), EINVAL);
		CHECK_ERR(setresgid(-1, 10, -1), EINVAL);
		CHECK_ERR(setreuid(-1, 11), EINVAL);
		CHECK_ERR(setgroups(2, outside), EINVAL);
		CHECK_ERR(chown("f", 10, -1), EINVAL);
		CHECK_OK(chown("f", 9, 9));
	});
	dweller_end(dweller);
}

TEST(who_enters_has_all_power_there_and_none_here)
{
	struct dweller dweller = dweller_create(0);
	CHECK_OK(put_text(proc_path(dweller.pid, "uid_map"), "0 1000 10"));
	CHECK_OK(put_text(proc_path(dweller.pid, "gid_map"), "0 1000 10"));
	int fd = CHECK_OK(open(proc_path(dweller.pid, "ns/user"), O_RDONLY));
	int here = CHECK_OK(open("/proc/self/ns/user", O_RDONLY));
	int uts = CHECK_OK(open("/proc/self/ns/uts", O_RDONLY));
	APART({
		drop_capability(CAP_NET_RAW);
		CHECK_OK(prctl(PR_SET_KEEPCAPS, 1));
		CHECK_OK(setns(fd, CLONE_NEWUSER));
		CHECK(has_capability(CAP_NET_RAW));
		CHECK_EQ(prctl(PR_GET_KEEPCAPS), 0);
		CHECK_EQ(prctl(PR_GET_SECUREBITS), 0);
		CHECK_ERR(sethostname("x", 1), EPERM);
		CHECK_ERR(setns(here, CLONE_NEWUSER), EPERM); /* no way back */
		CHECK_ERR(setns(uts, CLONE_NEWUTS), EPERM);
		CHECK_ERR(setns(fd, CLONE_NEWUSER), EINVAL);
		CHECK_OK(unshare(CLONE_NEWUTS));
		CHECK_OK(sethostname("x", 1));
	});
	APART({
		become_nobody();
		CHECK_ERR(setns(fd, CLONE_NEWUSER), EPERM);
	});
	dweller_end(dweller);
}

static int thread_body(void *argument)
{
	(void)argument;
	while (pause() < 0)
		;
	return 0;
}

TEST(several_threads_stay_where_they_are)
{
	struct dweller dweller = dweller_create(0);
	int user = CHECK_OK(open(proc_path(dweller.pid, "ns/user"), O_RDONLY));
	int mounts = CHECK_OK(open("/proc/self/ns/mnt", O_RDONLY));
	int uts = CHECK_OK(open("/proc/self/ns/uts", O_RDONLY));
	APART({
		char *stack = map_pages(8);
		CHECK_OK(clone(thread_body, stack + 8 * PAGE,
			       CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL));
		CHECK_ERR(unshare(CLONE_NEWUSER), EINVAL);
		CHECK_ERR(setns(user, CLONE_NEWUSER), EINVAL);
		CHECK_ERR(setns(mounts, CLONE_NEWNS), EINVAL);
		CHECK_OK(setns(uts, CLONE_NEWUTS));
		CHECK_OK(unshare(CLONE_NEWUTS)); /* for the caller alone */
		CHECK_ERR(unshare(CLONE_THREAD), EINVAL);
		CHECK_ERR(unshare(CLONE_VM), EINVAL);
	});
	APART({
		char *stack = map_pages(8);
		pid_t other = clone(thread_body, stack + 8 * PAGE, CLONE_VM | CLONE_FS | SIGCHLD, NULL);
		CHECK_OK(other);
		CHECK_ERR(setns(user, CLONE_NEWUSER), EINVAL);
		CHECK_ERR(setns(mounts, CLONE_NEWNS), EINVAL);
		CHECK_OK(kill(other, SIGKILL));
		CHECK_EQ(wait_signal(other), SIGKILL);
	});
	dweller_end(dweller);
}

TEST(who_has_no_number_makes_no_namespace_below)
{
	APART({
		CHECK_OK(unshare(CLONE_NEWUSER)); /* no map: nobody has a number */
		CHECK_ERR(unshare(CLONE_NEWUSER), EPERM);
	});
	APART({
		CHECK_OK(mkdir("jail", 0755));
		CHECK_OK(chroot("jail"));
		CHECK_ERR(unshare(CLONE_NEWUSER), EPERM);
	});
}

/* Signals between users of two namespaces go by the numbers of outside. */
TEST(signals_go_by_the_numbers_outside)
{
	struct dweller dweller = dweller_create(1234);
	APART({
		CHECK_OK(setresuid(4321, 4321, 4321));
		CHECK_ERR(kill(dweller.pid, 0), EPERM);
	});
	APART({
		CHECK_OK(setresuid(1234, 1234, 1234));
		CHECK_OK(kill(dweller.pid, 0));
	});
	dweller_end(dweller);
}

TEST(namespace_files_need_the_right_to_trace)
{
	struct dweller dweller = dweller_create(0);
	char text[64];
	APART({
		become_nobody();
		CHECK_ERR(readlink(proc_path(dweller.pid, "ns/uts"), text, sizeof(text)), EACCES);
		CHECK_ERR(open(proc_path(dweller.pid, "ns/uts"), O_RDONLY), EACCES);
		int folder = CHECK_OK(open(proc_path(dweller.pid, ""), O_RDONLY | O_DIRECTORY));
		CHECK_ERR(openat(folder, "ns/net", O_RDONLY), EACCES);
	});
	dweller_end(dweller);
}

/* The maker of a namespace has all power in it from outside, others of its namespace have none. */
TEST(the_owner_has_power_from_outside)
{
	struct dweller dweller = dweller_create(1234);
	int fd = CHECK_OK(open(proc_path(dweller.pid, "ns/user"), O_RDONLY));
	APART({
		CHECK_OK(setresgid(1234, 1234, 1234));
		CHECK_OK(setresuid(1234, 1234, 1234));
		CHECK(!has_capability(CAP_SYS_ADMIN));
		CHECK_OK(setns(fd, CLONE_NEWUSER));
		CHECK(has_capability(CAP_SYS_ADMIN));
	});
	APART({
		CHECK_OK(setresgid(1235, 1235, 1235));
		CHECK_OK(setresuid(1235, 1235, 1235));
		CHECK_ERR(setns(fd, CLONE_NEWUSER), EPERM);
	});
	dweller_end(dweller);
}

TEST(limits_count_for_each_user)
{
	APART({
		struct dweller dweller = dweller_create(0);
		CHECK_OK(put_text(proc_path(dweller.pid, "uid_map"), "0 0 10"));
		CHECK_OK(put_text(proc_path(dweller.pid, "gid_map"), "0 0 10"));
		int fd = CHECK_OK(open(proc_path(dweller.pid, "ns/user"), O_RDONLY));
		CHECK_OK(setns(fd, CLONE_NEWUSER));
		CHECK_OK(put_text("/proc/sys/user/max_uts_namespaces", "1"));
		for (uid_t uid = 1; uid <= 3; uid++)
			APART({
				CHECK_OK(prctl(PR_SET_KEEPCAPS, 1));
				CHECK_OK(setresuid(uid, uid, uid));
				struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
				struct __user_cap_data_struct sets[2];
				CHECK_OK(syscall(SYS_capget, &header, sets));
				sets[0].effective = sets[0].permitted;
				CHECK_OK(syscall(SYS_capset, &header, sets));
				CHECK_OK(unshare(CLONE_NEWUTS));
				CHECK_ERR(unshare(CLONE_NEWUTS), ENOSPC);
			});
		dweller_end(dweller);
	});
}
