// SPDX-License-Identifier: MPL-2.0
/* cgroup v2: partitions of the machine's CPUs (cpuset.cpus.partition). Written for four CPUs. */
#include "group.h"

#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>

#define ALL "0-3\n"
#define PARTITION "cpuset.cpus.partition"
#define EFFECTIVE "cpuset.cpus.effective"

/* What a case that failed left behind would take CPUs from the next. */
static void remove_leftovers(void)
{
	static const char *const levels[] = { ROOT "/*/*/*/", ROOT "/*/*/", ROOT "/*/" };
	for (int i = 0; i < 3; i++) {
		glob_t found;
		if (glob(levels[i], 0, NULL, &found))
			continue;
		for (size_t g = 0; g < found.gl_pathc; g++)
			rmdir(found.gl_pathv[g]);
		globfree(&found);
	}
}

static void begin(const char *name)
{
	if (strcmp(read_text("/sys/devices/system/cpu/online"), ALL))
		test_skip("not four CPUs");
	remove_leftovers();
	make_group(name, "+cpuset");
}

/* A group below that of the case, with these CPUs. */
static void make_child(const char *name, const char *cpus)
{
	char file[64];
	CHECK_OK(put_text(path_in("cgroup.subtree_control"), "+cpuset"));
	CHECK_OK(mkdir(path_in(name), 0755));
	snprintf(file, sizeof(file), "%s/cpuset.cpus", name);
	put(file, cpus);
}

static void remove_child(const char *name)
{
	WAIT_UNTIL(rmdir(path_in(name)) == 0);
}

static const char *effective_of_root(void)
{
	return read_text(ROOT "/" EFFECTIVE);
}

static void join_group(const char *name)
{
	char file[64];
	snprintf(file, sizeof(file), "%s/cgroup.procs", name);
	put(file, "0");
}

static pid_t sleeper_in(const char *name)
{
	struct turn turn = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		join_group(name);
		turn_give(turn);
		for (;;)
			pause();
	}
	turn_take(turn);
	return child;
}

static void end_sleeper(pid_t child)
{
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

static unsigned long affinity_of(pid_t pid)
{
	cpu_set_t set;
	unsigned long bits = 0;
	CHECK_OK(sched_getaffinity(pid, sizeof(set), &set));
	for (int cpu = 0; cpu < 64; cpu++)
		bits |= CPU_ISSET(cpu, &set) ? 1ul << cpu : 0;
	return bits;
}

static void set_affinity(unsigned long bits)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	for (int cpu = 0; cpu < 64; cpu++)
		if (bits >> cpu & 1)
			CPU_SET(cpu, &set);
	CHECK_OK(sched_setaffinity(0, sizeof(set), &set));
}

static _Atomic int *map_shared(void)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(at != MAP_FAILED);
	return at;
}

TEST(file_is_there_but_not_on_the_root)
{
	begin("file");
	CHECK_ERR(access(ROOT "/" PARTITION, F_OK), ENOENT);
	CHECK_STR(get(PARTITION), "member\n");
	CHECK_ERR(put_text(path_in(PARTITION), "nonsense"), EINVAL);
	CHECK_ERR(put_text(path_in(PARTITION), "\n"), EINVAL);
	CHECK_ERR(put_text(path_in(PARTITION), "1"), EINVAL);
	put(PARTITION, "member\n");
	CHECK_STR(get(PARTITION), "member\n");
	remove_group();
}

TEST(takes_its_cpus_from_the_parent)
{
	begin("takes");
	put("cpuset.cpus", "1");
	CHECK_STR(effective_of_root(), ALL);
	put(PARTITION, "root");
	CHECK_STR(get(PARTITION), "root\n");
	CHECK_STR(get(EFFECTIVE), "1\n");
	CHECK_STR(effective_of_root(), "0,2-3\n");
	put("cpuset.cpus", "1-2");
	CHECK_STR(get(EFFECTIVE), "1-2\n");
	CHECK_STR(effective_of_root(), "0,3\n");
	put("cpuset.cpus", "3");
	CHECK_STR(get(EFFECTIVE), "3\n");
	CHECK_STR(effective_of_root(), "0-2\n");
	put(PARTITION, "isolated");
	CHECK_STR(get(PARTITION), "isolated\n");
	CHECK_STR(effective_of_root(), "0-2\n");
	put(PARTITION, "root");
	CHECK_STR(get(PARTITION), "root\n");
	put(PARTITION, "member");
	CHECK_STR(get(PARTITION), "member\n");
	CHECK_STR(get("cpuset.cpus"), "3\n");
	CHECK_STR(get(EFFECTIVE), "3\n");
	CHECK_STR(effective_of_root(), ALL);
	remove_group();
}

TEST(who_is_outside_loses_its_cpus)
{
	begin("outside");
	unsigned long before = affinity_of(0);
	CHECK_EQ(before, 15);
	put("cpuset.cpus", "2-3");
	put(PARTITION, "root");
	CHECK_EQ(affinity_of(0), 3);
	pid_t child = sleeper_in(".");
	CHECK_EQ(affinity_of(child), 12);
	for (int i = 0; i < 100; i++) {
		CHECK(sched_getcpu() < 2);
		sched_yield();
	}
	end_sleeper(child);
	put(PARTITION, "member");
	CHECK_EQ(affinity_of(0), 15);
	remove_group();
}

TEST(removed_partition_gives_back)
{
	begin("removed");
	put("cpuset.cpus", "1-3");
	put(PARTITION, "root");
	make_child("child", "2-3");
	put("child/" PARTITION, "isolated");
	CHECK_STR(get("child/" PARTITION), "isolated\n");
	CHECK_STR(get(EFFECTIVE), "1\n");
	remove_child("child");
	WAIT_UNTIL(strcmp(get(EFFECTIVE), "1-3\n") == 0);
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(controller_taken_away_ends_it)
{
	begin("taken");
	put("cpuset.cpus", "1-3");
	put(PARTITION, "root");
	make_child("child", "2-3");
	put("child/" PARTITION, "root");
	CHECK_STR(get(EFFECTIVE), "1\n");
	put("cgroup.subtree_control", "-cpuset");
	WAIT_UNTIL(strcmp(get(EFFECTIVE), "1-3\n") == 0);
	put("cgroup.subtree_control", "+cpuset");
	CHECK_STR(get("child/" PARTITION), "member\n");
	CHECK_STR(get("child/cpuset.cpus"), "\n");
	remove_child("child");
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(without_cpus_it_is_invalid)
{
	begin("empty");
	put(PARTITION, "root");
	CHECK_STR(get(PARTITION), "root invalid (cpuset.cpus is empty)\n");
	CHECK_STR(get(EFFECTIVE), ALL);
	put(PARTITION, "isolated");
	CHECK_STR(get(PARTITION), "isolated invalid (cpuset.cpus is empty)\n");
	put("cpuset.cpus", "2");
	CHECK_STR(get(PARTITION), "isolated\n");
	CHECK_STR(effective_of_root(), "0-1,3\n");
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(cpus_of_a_sibling_make_it_invalid)
{
	begin("siblings");
	put("cpuset.cpus", "1-3");
	put(PARTITION, "root");
	make_child("a", "2");
	make_child("b", "2-3");
	put("a/" PARTITION, "root");
	CHECK_STR(get("a/" PARTITION), "root invalid (Cpu list in cpuset.cpus not exclusive)\n");
	CHECK_STR(get("a/" EFFECTIVE), "2\n");
	CHECK_STR(get(EFFECTIVE), "1-3\n");
	put("b/cpuset.cpus", "3");
	put("a/" PARTITION, "member");
	put("a/" PARTITION, "root");
	CHECK_STR(get("a/" PARTITION), "root\n");
	CHECK_STR(get(EFFECTIVE), "1,3\n");
	/* The sibling's write is taken, and ends the partition. */
	put("b/cpuset.cpus", "2-3");
	CHECK_STR(get("b/cpuset.cpus"), "2-3\n");
	CHECK_STR(get("a/" PARTITION), "root invalid (Cpu list in cpuset.cpus not exclusive)\n");
	CHECK_STR(get("a/" EFFECTIVE), "2\n");
	CHECK_STR(get("b/" EFFECTIVE), "2-3\n");
	CHECK_STR(get(EFFECTIVE), "1-3\n");
	remove_child("a");
	remove_child("b");
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(partition_that_takes_from_another_ends_both)
{
	begin("both");
	put("cpuset.cpus", "1-3");
	put(PARTITION, "root");
	make_child("a", "2");
	make_child("b", "3");
	put("a/" PARTITION, "root");
	put("b/" PARTITION, "isolated");
	CHECK_STR(get(EFFECTIVE), "1\n");
	put("b/cpuset.cpus", "2-3");
	CHECK_STR(get("a/" PARTITION), "root invalid (Cpu list in cpuset.cpus not exclusive)\n");
	CHECK_STR(get("b/" PARTITION), "isolated invalid (Cpu list in cpuset.cpus not exclusive)\n");
	CHECK_STR(get(EFFECTIVE), "1-3\n");
	put("b/" PARTITION, "member");
	put("b/cpuset.cpus", "3");
	put("b/" PARTITION, "isolated");
	CHECK_STR(get("b/" PARTITION), "isolated\n");
	CHECK_STR(get(EFFECTIVE), "1-2\n");
	remove_child("a");
	remove_child("b");
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(parent_must_be_a_partition)
{
	begin("parent");
	put("cpuset.cpus", "1-3");
	make_child("child", "2-3");
	put("child/" PARTITION, "root");
	CHECK_STR(get("child/" PARTITION), "root invalid (Parent is not a partition root)\n");
	CHECK_STR(get("child/" EFFECTIVE), "2-3\n");
	CHECK_STR(get(EFFECTIVE), "1-3\n");
	put(PARTITION, "root");
	CHECK_STR(get("child/" PARTITION), "root\n");
	CHECK_STR(get(EFFECTIVE), "1\n");
	put(PARTITION, "member");
	CHECK_STR(get("child/" PARTITION), "root invalid (Parent is not a partition root)\n");
	CHECK_STR(get("child/" EFFECTIVE), "2-3\n");
	CHECK_STR(get(EFFECTIVE), "1-3\n");
	CHECK_STR(effective_of_root(), ALL);
	put(PARTITION, "isolated");
	CHECK_STR(get("child/" PARTITION), "root\n");
	CHECK_STR(effective_of_root(), "0\n");
	remove_child("child");
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(invalid_parent_makes_invalid)
{
	begin("grand");
	put("cpuset.cpus", "1-3");
	put(PARTITION, "root");
	make_child("child", "2-3");
	put("child/" PARTITION, "root");
	CHECK_OK(put_text(path_in("child/cgroup.subtree_control"), "+cpuset"));
	make_child("child/low", "3");
	put("child/low/" PARTITION, "root");
	CHECK_STR(get("child/low/" PARTITION), "root\n");
	CHECK_STR(get("child/" EFFECTIVE), "2\n");
	make_child("other", "1");
	put("child/cpuset.cpus", "1-3");
	CHECK_STR(get("child/" PARTITION), "root invalid (Cpu list in cpuset.cpus not exclusive)\n");
	CHECK_STR(get("child/low/" PARTITION), "root invalid (Parent is an invalid partition root)\n");
	remove_child("other");
	put("child/cpuset.cpus", "3");
	CHECK_STR(get("child/" PARTITION), "root\n");
	put("child/cpuset.cpus", "2-3");
	CHECK_STR(get("child/" PARTITION), "root\n");
	CHECK_STR(get("child/low/" PARTITION), "root\n");
	CHECK_STR(get("child/" EFFECTIVE), "2\n");
	remove_child("child/low");
	remove_child("child");
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(all_cpus_only_of_a_parent_without_tasks)
{
	begin("everything");
	put("cpuset.cpus", "1-3");
	put(PARTITION, "root");
	make_child("child", "1-3");
	make_child("plain", "");
	put("child/" PARTITION, "root");
	CHECK_STR(get("child/" PARTITION), "root\n");
	CHECK_STR(get(EFFECTIVE), "\n");
	CHECK_STR(get("child/" EFFECTIVE), "1-3\n");
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_ERR(put_text(path_in("plain/cgroup.procs"), "0"), ENOSPC);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	put("child/" PARTITION, "member");
	child = sleeper_in("plain");
	put("child/" PARTITION, "root");
	CHECK_STR(get("child/" PARTITION), "root invalid (Parent unable to distribute cpu downstream)\n");
	CHECK_STR(get(EFFECTIVE), "1-3\n");
	put("child/cpuset.cpus", "2-3");
	CHECK_STR(get("child/" PARTITION), "root\n");
	CHECK_STR(get("plain/" EFFECTIVE), "1\n");
	CHECK_EQ(affinity_of(child), 2);
	put("child/cpuset.cpus", "1-3");
	CHECK_STR(get("child/" PARTITION), "root invalid (Parent unable to distribute cpu downstream)\n");
	CHECK_EQ(affinity_of(child), 14);
	end_sleeper(child);
	remove_child("plain");
	remove_child("child");
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(cpus_that_the_parent_has_not)
{
	begin("foreign");
	put("cpuset.cpus", "1-2");
	put(PARTITION, "root");
	make_child("child", "3");
	CHECK_STR(get("child/" EFFECTIVE), "1-2\n");
	put("child/" PARTITION, "root");
	CHECK_STR(get("child/" PARTITION), "root invalid (Invalid cpu list in cpuset.cpus)\n");
	CHECK_STR(get("child/" EFFECTIVE), "1-2\n");
	remove_child("child");
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(change_is_told_to_poll)
{
	begin("poll");
	int fd = open(path_in(PARTITION), O_RDONLY);
	char text[128] = "";
	CHECK_OK(fd);
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	CHECK_EQ(read(fd, text, sizeof(text)), 7);
	CHECK_EQ(poll(&p, 1, 0), 0);
	put("cpuset.cpus", "1");
	CHECK_EQ(poll(&p, 1, 0), 0);
	put(PARTITION, "root");
	CHECK_EQ(poll(&p, 1, 1000), 1);
	CHECK(p.revents & POLLPRI);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(read(fd, text, sizeof(text)), 5);
	CHECK_EQ(poll(&p, 1, 0), 0);
	put(PARTITION, "member");
	CHECK_EQ(poll(&p, 1, 1000), 1);
	CHECK_OK(close(fd));
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(change_is_told_to_inotify)
{
	begin("inotify");
	char events[512];
	int watch = inotify_init1(IN_NONBLOCK);
	CHECK_OK(watch);
	put("cpuset.cpus", "1-3");
	put(PARTITION, "root");
	make_child("a", "2");
	put("a/" PARTITION, "root");
	CHECK_OK(inotify_add_watch(watch, path_in("a/" PARTITION), IN_MODIFY));
	CHECK_ERR(read(watch, events, sizeof(events)), EAGAIN);
	make_child("b", "2");
	WAIT_UNTIL(read(watch, events, sizeof(events)) >= (ssize_t)sizeof(struct inotify_event));
	CHECK_STR(get("a/" PARTITION), "root invalid (Cpu list in cpuset.cpus not exclusive)\n");
	CHECK_OK(close(watch));
	remove_child("a");
	remove_child("b");
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

/* Two that spin, started on CPU 2 and free to use 3: the CPUs that they have used when this time is over, or 3 is. */
static int spread(int64_t time_ns)
{
	_Atomic int *seen = map_shared();
	pid_t children[2];
	for (int i = 0; i < 2; i++) {
		children[i] = fork_checked();
		if (children[i])
			continue;
		join();
		set_affinity(4);
		set_affinity(12);
		int64_t end = now_ns(CLOCK_MONOTONIC) + time_ns;
		while (!(*seen & 8) && now_ns(CLOCK_MONOTONIC) < end)
			*seen |= 1 << sched_getcpu();
		_exit(0);
	}
	CHECK_EQ(wait_exit(children[0]), 0);
	CHECK_EQ(wait_exit(children[1]), 0);
	return *seen;
}

TEST(isolated_does_not_balance)
{
	begin("isolated");
	put("cpuset.cpus", "2-3");
	put(PARTITION, "isolated");
	CHECK_STR(get(PARTITION), "isolated\n");
	CHECK_EQ(spread(700000000), 4);
	put(PARTITION, "root");
	CHECK_STR(get(PARTITION), "root\n");
	CHECK_EQ(spread(10000000000), 12);
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(invalid_stays_invalid_until_its_list_is_written)
{
	begin("stays");
	put("cpuset.cpus", "1-3");
	put(PARTITION, "root");
	make_child("a", "2");
	make_child("b", "2");
	put("a/" PARTITION, "root");
	put("b/cpuset.cpus", "3");
	CHECK_STR(get("a/" PARTITION), "root invalid (Cpu list in cpuset.cpus not exclusive)\n");
	put("a/" PARTITION, "root");
	CHECK_STR(get("a/" PARTITION), "root invalid (Cpu list in cpuset.cpus not exclusive)\n");
	put("a/" PARTITION, "isolated");
	CHECK_STR(get("a/" PARTITION), "isolated invalid (Cpu list in cpuset.cpus not exclusive)\n");
	put("a/cpuset.cpus", "1-2");
	CHECK_STR(get("a/" PARTITION), "isolated\n");
	CHECK_STR(get(EFFECTIVE), "3\n");
	remove_child("a");
	remove_child("b");
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}

TEST(list_of_the_parent_shrinks)
{
	begin("shrinks");
	put("cpuset.cpus", "1-3");
	put(PARTITION, "root");
	make_child("child", "2-3");
	put("child/" PARTITION, "root");
	put("cpuset.cpus", "1-2");
	CHECK_STR(get(PARTITION), "root\n");
	CHECK_STR(get("child/" PARTITION), "root\n");
	CHECK_STR(get("child/" EFFECTIVE), "2\n");
	CHECK_STR(get(EFFECTIVE), "1\n");
	CHECK_STR(effective_of_root(), "0,3\n");
	put("cpuset.cpus", "1-3");
	CHECK_STR(get("child/" EFFECTIVE), "2-3\n");
	CHECK_STR(get(EFFECTIVE), "1\n");
	put("cpuset.cpus", "1");
	CHECK_STR(effective_of_root(), "0,2-3\n");
	CHECK_STR(get("child/" PARTITION), "root invalid (Parent unable to distribute cpu downstream)\n");
	CHECK_STR(get("child/" EFFECTIVE), "1\n");
	put("cpuset.cpus", "1-3");
	CHECK_STR(get("child/" PARTITION), "root\n");
	CHECK_STR(get("child/" EFFECTIVE), "2-3\n");
	CHECK_STR(get(EFFECTIVE), "1\n");
	remove_child("child");
	remove_group();
	WAIT_UNTIL(strcmp(effective_of_root(), ALL) == 0);
}
