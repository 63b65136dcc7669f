// SPDX-License-Identifier: MPL-2.0
/* cgroup v2: the cpuset controller: which CPUs the members of a group may use. */
#include "group.h"

#include <sched.h>

/* The CPUs of a process as bits. */
static unsigned long affinity_of(pid_t pid)
{
	cpu_set_t set;
	unsigned long bits = 0;
	CHECK_OK(sched_getaffinity(pid, sizeof(set), &set));
	for (int cpu = 0; cpu < 64; cpu++)
		bits |= CPU_ISSET(cpu, &set) ? 1ul << cpu : 0;
	return bits;
}

static int set_affinity(pid_t pid, unsigned long bits)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	for (int cpu = 0; cpu < 64; cpu++)
		if (bits >> cpu & 1)
			CPU_SET(cpu, &set);
	return sched_setaffinity(pid, sizeof(set), &set);
}

static void need_two_cpus(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		test_skip("one CPU");
}

TEST(sets_as_lists)
{
	need_two_cpus();
	make_group("lists", "+cpuset");
	CHECK_STR(get("cpuset.cpus"), "\n");
	CHECK_STR(get("cpuset.mems"), "\n");
	CHECK_STR(get("cpuset.cpus.effective"), read_text(ROOT "/cpuset.cpus.effective"));
	CHECK_STR(get("cpuset.mems.effective"), "0\n");
	put("cpuset.cpus", "0-1");
	CHECK_STR(get("cpuset.cpus"), "0-1\n");
	put("cpuset.cpus", "1");
	CHECK_STR(get("cpuset.cpus.effective"), "1\n");
	put("cpuset.mems", "0");
	CHECK_STR(get("cpuset.mems"), "0\n");
	CHECK_ERR(put_text(path_in("cpuset.cpus"), "nonsense"), EINVAL);
	CHECK_ERR(put_text(path_in("cpuset.cpus"), "1-0"), EINVAL);
	CHECK(put_text(path_in("cpuset.mems"), "100000") < 0);
	remove_group();
}

TEST(members_follow)
{
	need_two_cpus();
	make_group("follow", "+cpuset");
	put("cpuset.cpus", "1");
	pid_t child = sleeper_in_group();
	CHECK_EQ(affinity_of(child), 2);
	put("cpuset.cpus", "0");
	CHECK_EQ(affinity_of(child), 1);
	put("cpuset.cpus", "0-1");
	CHECK_EQ(affinity_of(child), 3);
	CHECK_ERR(put_text(path_in("cpuset.cpus"), "\n"), ENOSPC); /* somebody lives there */
	put("cgroup.kill", "1");
	CHECK_EQ(wait_signal(child), SIGKILL);
	remove_group();
}

TEST(affinity_stays_within_the_set)
{
	need_two_cpus();
	make_group("within", "+cpuset");
	put("cpuset.cpus", "1");
	pid_t child = sleeper_in_group();
	CHECK_ERR(set_affinity(child, 1), EINVAL);
	CHECK_OK(set_affinity(child, 3));
	CHECK_EQ(affinity_of(child), 2);
	put("cpuset.cpus", "0-1");
	CHECK_EQ(affinity_of(child), 3); /* what was asked for is remembered */
	put("cgroup.kill", "1");
	CHECK_EQ(wait_signal(child), SIGKILL);
	remove_group();
}

TEST(children_cannot_have_more)
{
	need_two_cpus();
	make_group("less", "+cpuset");
	put("cgroup.subtree_control", "+cpuset");
	put("cpuset.cpus", "1");
	CHECK_OK(mkdir(path_in("child"), 0755));
	CHECK_STR(get("child/cpuset.cpus.effective"), "1\n");
	put("child/cpuset.cpus", "0-1");
	CHECK_STR(get("child/cpuset.cpus"), "0-1\n");
	CHECK_STR(get("child/cpuset.cpus.effective"), "1\n");
	put("child/cpuset.cpus", "0"); /* nothing is left of it: the parent's */
	CHECK_STR(get("child/cpuset.cpus.effective"), "1\n");
	put("cpuset.cpus", "0-1");
	CHECK_STR(get("child/cpuset.cpus.effective"), "0\n");
	CHECK_OK(rmdir(path_in("child")));
	remove_group();
}

TEST(members_run_nowhere_else)
{
	need_two_cpus();
	make_group("where", "+cpuset");
	put("cpuset.cpus", "1");
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		for (int i = 0; i < 100; i++) {
			if (sched_getcpu() != 1)
				_exit(1);
			sched_yield();
		}
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	remove_group();
}
