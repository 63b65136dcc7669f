// SPDX-License-Identifier: MPL-2.0
/* cgroup v2: what the owner of a delegated group may do, and what not. */
#include "group.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/syscall.h>

static void give_to_nobody(const char *file)
{
	CHECK_OK(chown(path_in(file), NOBODY, NOBODY));
}

/* A group that nobody may organise, as an administrator gives it away; and one beside it. */
static void delegate(const char *name)
{
	make_group(name, "+pids +memory");
	give_to_nobody(".");
	give_to_nobody("cgroup.procs");
	give_to_nobody("cgroup.threads");
	give_to_nobody("cgroup.subtree_control");
}

static void as_nobody(void (*body)(void))
{
	pid_t child = fork_checked();
	if (child == 0) {
		body();
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

static int move_to(const char *file, pid_t pid)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", pid);
	return put_text(path_in(file), number);
}

static pid_t sleeper(void)
{
	pid_t child = fork_checked();
	if (child == 0)
		for (;;)
			pause();
	return child;
}

static void end_sleeper(pid_t child)
{
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

static void organise(void)
{
	join();
	become_nobody();
	CHECK_OK(mkdir(path_in("a"), 0755));
	CHECK_OK(mkdir(path_in("b"), 0755));
	struct stat info;
	CHECK_OK(stat(path_in("a/cgroup.procs"), &info));
	CHECK_EQ(info.st_uid, NOBODY);
	put("a/cgroup.procs", "0");
	put("b/cgroup.procs", "0");
	put("cgroup.subtree_control", "+pids");
	CHECK_OK(stat(path_in("a/pids.max"), &info));
	CHECK_EQ(info.st_uid, NOBODY);
	put("a/pids.max", "10");
	put("cgroup.subtree_control", "-pids");
	put("cgroup.procs", "0");
	CHECK_OK(rmdir(path_in("a")));
	CHECK_OK(rmdir(path_in("b")));
}

TEST(its_owner_organises_it)
{
	delegate("organise");
	as_nobody(organise);
	remove_group();
}

static void change_limits(void)
{
	become_nobody();
	CHECK_ERR(put_text(path_in("memory.max"), "1M"), EACCES);
	CHECK_ERR(put_text(path_in("pids.max"), "1"), EACCES);
	CHECK_ERR(put_text(path_in("cgroup.freeze"), "1"), EACCES);
	CHECK_ERR(put_text(path_in("cgroup.kill"), "1"), EACCES);
	CHECK_ERR(put_text(path_in("cgroup.max.depth"), "1"), EACCES);
	CHECK_ERR(put_text(path_in("cgroup.type"), "threaded"), EACCES);
	CHECK_ERR(mkdir(ROOT "/mine", 0755), EACCES);
	CHECK_ERR(rmdir(group), EACCES);
}

TEST(its_limits_are_the_parents)
{
	delegate("limits");
	as_nobody(change_limits);
	remove_group();
}

static void pull_in(void)
{
	become_nobody();
	pid_t child = sleeper();
	CHECK_ERR(move_to("cgroup.procs", child), EACCES);
	CHECK_ERR(move_to("cgroup.threads", child), EACCES);
	end_sleeper(child);
}

static void push_out(void)
{
	join();
	become_nobody();
	CHECK_ERR(put_text(ROOT "/cgroup.procs", "0"), EACCES);
}

TEST(nothing_comes_in_or_goes_out)
{
	delegate("closed");
	as_nobody(pull_in);
	as_nobody(push_out);
	remove_group();
}

static void move_roots_process(void)
{
	pid_t child = sleeper_in_group();
	join();
	become_nobody();
	CHECK_OK(mkdir(path_in("a"), 0755));
	CHECK_OK(move_to("a/cgroup.procs", child)); /* whose it is does not matter */
	CHECK_OK(move_to("cgroup.procs", child));
	CHECK_OK(rmdir(path_in("a")));
	CHECK_ERR(kill(child, SIGKILL), EPERM);
}

TEST(processes_of_others_inside_are_moved)
{
	delegate("others");
	as_nobody(move_roots_process);
	put("cgroup.kill", "1");
	remove_group();
}

static void through_roots_file(void)
{
	int fd = CHECK_OK(open(path_in("cgroup.procs"), O_WRONLY));
	become_nobody();
	CHECK_EQ(write(fd, "0", 1), 1); /* who opened it counts */
}

static void through_own_file(void)
{
	become_nobody();
	int fd = CHECK_OK(open(path_in("cgroup.procs"), O_WRONLY));
	CHECK_ERR(write(fd, "0", 1), EACCES);
}

TEST(who_opened_the_file_counts)
{
	delegate("opener");
	as_nobody(through_roots_file);
	as_nobody(through_own_file);
	remove_group();
}

static void only_one_file(void)
{
	become_nobody();
	CHECK_OK(mkdir(path_in("a"), 0755));
	CHECK_OK(mkdir(path_in("b"), 0755));
}

TEST(common_ancestor_decides)
{
	delegate("common");
	as_nobody(only_one_file);
	pid_t child = fork_checked();
	if (child == 0) {
		put("a/cgroup.procs", "0");
		CHECK_OK(chown(path_in("cgroup.procs"), 0, 0));
		become_nobody();
		CHECK_ERR(put_text(path_in("b/cgroup.procs"), "0"), EACCES);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(rmdir(path_in("a")));
	CHECK_OK(rmdir(path_in("b")));
	remove_group();
}

static pid_t clone_into(int fd)
{
	struct clone_args arguments = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)fd };
	pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (child == 0)
		_exit(7);
	return child;
}

static void clone_from_outside(void)
{
	become_nobody();
	int fd = CHECK_OK(open(group, O_RDONLY | O_DIRECTORY));
	CHECK_ERR(clone_into(fd), EACCES);
}

static void clone_inside(void)
{
	join();
	become_nobody();
	CHECK_OK(mkdir(path_in("a"), 0755));
	int fd = CHECK_OK(open(path_in("a"), O_RDONLY | O_DIRECTORY));
	CHECK_EQ(wait_exit(CHECK_OK(clone_into(fd))), 7);
	WAIT_UNTIL(rmdir(path_in("a")) == 0);
	CHECK_ERR(clone_into(fd), ENOENT);
	close(fd);
	fd = CHECK_OK(open("/", O_RDONLY | O_DIRECTORY));
	CHECK_ERR(clone_into(fd), EBADF);
	close(fd);
	CHECK_ERR(clone_into(fd), EBADF);
}

static void clone_into_roots(void)
{
	join();
	become_nobody();
	int fd = CHECK_OK(open(path_in("roots"), O_RDONLY | O_DIRECTORY));
	CHECK_ERR(clone_into(fd), EACCES);
}

TEST(clone_into_a_group_of_another)
{
	delegate("another");
	CHECK_OK(mkdir(path_in("roots"), 0755));
	as_nobody(clone_into_roots);
	CHECK_OK(rmdir(path_in("roots")));
	remove_group();
}

TEST(clone_into_follows_the_same_rules)
{
	delegate("clone");
	as_nobody(clone_from_outside);
	as_nobody(clone_inside);
	remove_group();
}

TEST(clone_into_a_group_that_gives_controllers)
{
	make_group("inner", "+memory");
	put("cgroup.subtree_control", "+memory");
	int fd = CHECK_OK(open(group, O_RDONLY | O_DIRECTORY));
	CHECK_ERR(clone_into(fd), EBUSY);
	put("cgroup.subtree_control", "-memory");
	CHECK_EQ(wait_exit(CHECK_OK(clone_into(fd))), 7);
	close(fd);
	remove_group();
}

TEST(controllers_come_from_above)
{
	make_group("above", "+memory +pids");
	CHECK_OK(mkdir(path_in("a"), 0755));
	CHECK_ERR(put_text(path_in("a/cgroup.subtree_control"), "+pids"), ENOENT);
	CHECK_ERR(put_text(path_in("cgroup.subtree_control"), "+nonsense"), EINVAL);
	CHECK_ERR(put_text(path_in("cgroup.subtree_control"), "pids"), EINVAL);
	put("cgroup.subtree_control", "+pids");
	put("a/cgroup.subtree_control", "+pids");
	CHECK_ERR(put_text(path_in("cgroup.subtree_control"), "-pids"), EBUSY);
	put("a/cgroup.subtree_control", "-pids");
	/* All of a line or nothing. */
	CHECK_ERR(put_text(path_in("cgroup.subtree_control"), "-pids +nonsense"), EINVAL);
	CHECK_STR(get("cgroup.subtree_control"), "pids\n");
	put("cgroup.subtree_control", "-pids");
	CHECK_OK(rmdir(path_in("a")));
	remove_group();
}

TEST(depth_and_descendants)
{
	make_group("depth", NULL);
	CHECK_STR(get("cgroup.max.depth"), "max\n");
	put("cgroup.max.depth", "1");
	CHECK_OK(mkdir(path_in("a"), 0755));
	CHECK_ERR(mkdir(path_in("a/b"), 0755), EAGAIN);
	put("cgroup.max.depth", "0");
	CHECK_ERR(mkdir(path_in("c"), 0755), EAGAIN);
	put("cgroup.max.depth", "max");
	put("cgroup.max.descendants", "2");
	CHECK_OK(mkdir(path_in("a/b"), 0755));
	CHECK_ERR(mkdir(path_in("a/c"), 0755), EAGAIN);
	CHECK_ERR(put_text(path_in("cgroup.max.depth"), "-1"), ERANGE);
	CHECK_ERR(put_text(path_in("cgroup.max.descendants"), "many"), EINVAL);
	CHECK_ERR(put_text(path_in("cgroup.max.descendants"), "99999999999"), ERANGE);
	CHECK_OK(rmdir(path_in("a/b")));
	CHECK_OK(rmdir(path_in("a")));
	remove_group();
}

TEST(files_that_the_root_has)
{
	static const char *const there[] = { "cgroup.procs", "cgroup.threads", "cgroup.controllers",
		"cgroup.subtree_control", "cgroup.max.depth", "cgroup.max.descendants", "cgroup.stat", "cpu.stat",
		"cpuset.cpus.effective", "cpuset.mems.effective", "io.stat", "memory.stat", "memory.reclaim",
		"cpu.pressure", "io.pressure", "memory.pressure", "cgroup.pressure" };
	static const char *const not_there[] = { "cgroup.type", "cgroup.events", "cgroup.freeze", "cgroup.kill",
		"cpuset.cpus", "cpuset.mems", "cpuset.cpus.partition", "cpu.max", "cpu.weight", "io.max", "io.weight",
		"memory.max", "memory.current", "memory.events", "memory.low", "memory.oom.group", "pids.max",
		"pids.current", "memory.swap.max", "memory.peak", "hugetlb.2MB.max" };
	char path[128];
	CHECK_OK(put_text(ROOT "/cgroup.subtree_control", "+cpu +cpuset +memory +io +pids"));
	for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++) {
		snprintf(path, sizeof(path), ROOT "/%s", there[i]);
		if (access(path, F_OK) != 0)
			test_fail(__FILE__, __LINE__, "no %s", there[i]);
	}
	for (size_t i = 0; i < sizeof(not_there) / sizeof(*not_there); i++) {
		snprintf(path, sizeof(path), ROOT "/%s", not_there[i]);
		if (access(path, F_OK) == 0)
			test_fail(__FILE__, __LINE__, "%s is there", not_there[i]);
	}
	CHECK_ERR(rmdir(ROOT), EBUSY);
}
