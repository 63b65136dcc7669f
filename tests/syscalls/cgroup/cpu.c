// SPDX-License-Identifier: MPL-2.0
/* cgroup v2: the cpu controller: weights, quotas, idle groups, and what cpu.stat counts. */
#include "group.h"

#include <sched.h>
#include <sys/resource.h>

enum { CPUS = 2, MEASURE_MS = 2000 };

static long number_in(const char *file, const char *key)
{
	char line[64];
	snprintf(line, sizeof(line), "%s ", key);
	for (const char *at = get(file); at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, line, strlen(line)))
			return strtol(at + strlen(line), NULL, 10);
	test_fail(__FILE__, __LINE__, "no %s in %s", key, file);
}

/* A process in the case's group's child `name` (or the group itself) that only computes. */
static pid_t spinner(const char *procs)
{
	pid_t child = fork_checked();
	if (child == 0) {
		put(procs, "0");
		for (;;)
			continue;
	}
	return child;
}

static void make_child(const char *name, const char *weight)
{
	char file[64];
	CHECK_OK(mkdir(path_in(name), 0755));
	snprintf(file, sizeof(file), "%s/cpu.weight", name);
	put(file, weight);
}

static void remove_children(void)
{
	put("cgroup.kill", "1");
	WAIT_UNTIL(rmdir(path_in("one")) == 0);
	WAIT_UNTIL(rmdir(path_in("two")) == 0);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	remove_group();
}

/* Shares are those of a machine that has too little: two CPUs, however many there are. */
static void use_two_cpus(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	for (int cpu = 0; cpu < CPUS; cpu++)
		CPU_SET(cpu, &set);
	CHECK_OK(sched_setaffinity(0, sizeof(set), &set));
}

/* CPU time that "one" gets beside "two", in thousandths, with so many spinners in each. */
static long share_of_one(const char *weight_one, int spinners_one, const char *weight_two, int spinners_two)
{
	use_two_cpus();
	make_group("share", "+cpu");
	put("cgroup.subtree_control", "+cpu");
	make_child("one", weight_one);
	make_child("two", weight_two);
	for (int i = 0; i < spinners_one; i++)
		spinner("one/cgroup.procs");
	for (int i = 0; i < spinners_two; i++)
		spinner("two/cgroup.procs");
	sleep_ms(500);
	long one = number_in("one/cpu.stat", "usage_usec"), two = number_in("two/cpu.stat", "usage_usec");
	sleep_ms(MEASURE_MS);
	one = number_in("one/cpu.stat", "usage_usec") - one;
	two = number_in("two/cpu.stat", "usage_usec") - two;
	remove_children();
	return 1000 * one / (one + two);
}

static int near(long value, long wanted, long allowed)
{
	if (value >= wanted - allowed && value <= wanted + allowed)
		return 1;
	fprintf(stderr, "got %ld, wanted %ld\n", value, wanted);
	return 0;
}

TEST(weights_share_one_to_three)
{
	CHECK(near(share_of_one("100", 2, "300", 2), 250, 20));
}

TEST(weights_do_not_depend_on_the_number_of_tasks)
{
	CHECK(near(share_of_one("100", 6, "300", 2), 250, 20));
}

TEST(weights_are_equal_at_first)
{
	CHECK(near(share_of_one("100", 2, "100", 7), 500, 40));
}

TEST(weight_within_a_group_does_not_reach_out)
{
	use_two_cpus();
	make_group("inside", "+cpu");
	put("cgroup.subtree_control", "+cpu");
	make_child("one", "100");
	make_child("two", "100");
	for (int i = 0; i < CPUS; i++) {
		CHECK_OK(setpriority(PRIO_PROCESS, (id_t)spinner("one/cgroup.procs"), 10));
		spinner("two/cgroup.procs");
	}
	sleep_ms(500);
	long one = number_in("one/cpu.stat", "usage_usec"), two = number_in("two/cpu.stat", "usage_usec");
	sleep_ms(MEASURE_MS);
	one = number_in("one/cpu.stat", "usage_usec") - one;
	two = number_in("two/cpu.stat", "usage_usec") - two;
	remove_children();
	CHECK(near(1000 * one / (one + two), 500, 50));
}

TEST(idle_group_gets_what_is_left)
{
	use_two_cpus();
	make_group("idle", "+cpu");
	put("cgroup.subtree_control", "+cpu");
	make_child("one", "100");
	make_child("two", "100");
	put("one/cpu.idle", "1");
	CHECK_STR(get("one/cpu.idle"), "1\n");
	CHECK_ERR(put_text(path_in("one/cpu.weight"), "100"), EINVAL);
	for (int i = 0; i < CPUS; i++) {
		spinner("one/cgroup.procs");
		spinner("two/cgroup.procs");
	}
	sleep_ms(500);
	long one = number_in("one/cpu.stat", "usage_usec"), two = number_in("two/cpu.stat", "usage_usec");
	sleep_ms(MEASURE_MS);
	one = number_in("one/cpu.stat", "usage_usec") - one;
	two = number_in("two/cpu.stat", "usage_usec") - two;
	remove_children();
	CHECK(1000 * one / (one + two) < 50);
	CHECK(two > 0);
}

/* The bounds are wide: the machine's processors may themselves have to wait, which nobody here sees.
   What a quota gives to so many spinners, in thousandths of one CPU. */
static long quota_gives(const char *max, int spinners, long milliseconds)
{
	make_group("quota", "+cpu");
	put("cpu.max", max);
	for (int i = 0; i < spinners; i++)
		spinner("cgroup.procs");
	sleep_ms(300);
	long used = number_in("cpu.stat", "usage_usec");
	int64_t from = now_ns(CLOCK_MONOTONIC);
	sleep_ms(milliseconds);
	used = number_in("cpu.stat", "usage_usec") - used;
	int64_t passed = now_ns(CLOCK_MONOTONIC) - from;
	CHECK(number_in("cpu.stat", "nr_periods") > 0);
	CHECK(number_in("cpu.stat", "nr_throttled") > 0);
	CHECK(number_in("cpu.stat", "nr_throttled") <= number_in("cpu.stat", "nr_periods"));
	CHECK(number_in("cpu.stat", "throttled_usec") > 0);
	put("cgroup.kill", "1");
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	remove_group();
	return (long)(1000000 * used / passed);
}

TEST(quota_of_a_fifth)
{
	CHECK(near(quota_gives("20000 100000", 1, 5000), 200, 30));
}

TEST(quota_is_for_all_of_the_group)
{
	CHECK(near(quota_gives("50000 100000", 4, 3000), 500, 75));
}

TEST(quota_of_more_than_one_cpu)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		test_skip("one CPU");
	/* More than one CPU gives, and not more than the quota; less when the machine itself has to wait. */
	CHECK(near(quota_gives("75000 50000", 3, 3000), 1350, 300));
}

TEST(quota_of_an_ancestor_counts)
{
	make_group("above", "+cpu");
	put("cgroup.subtree_control", "+cpu");
	put("cpu.max", "25000 100000");
	CHECK_OK(mkdir(path_in("child"), 0755));
	spinner("child/cgroup.procs");
	spinner("child/cgroup.procs");
	sleep_ms(300);
	long used = number_in("child/cpu.stat", "usage_usec");
	int64_t from = now_ns(CLOCK_MONOTONIC);
	sleep_ms(3000);
	used = number_in("child/cpu.stat", "usage_usec") - used;
	int64_t passed = now_ns(CLOCK_MONOTONIC) - from;
	put("cgroup.kill", "1");
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	WAIT_UNTIL(rmdir(path_in("child")) == 0);
	remove_group();
	CHECK(near((long)(1000000 * used / passed), 250, 40));
}

TEST(burst_needs_a_quota_as_large)
{
	make_group("burst", "+cpu");
	CHECK_STR(get("cpu.max.burst"), "0\n");
	put("cpu.max", "20000 100000");
	put("cpu.max.burst", "10000");
	CHECK_STR(get("cpu.max.burst"), "10000\n");
	CHECK_ERR(put_text(path_in("cpu.max.burst"), "30000"), EINVAL);
	CHECK_ERR(put_text(path_in("cpu.max"), "5000 100000"), EINVAL);
	CHECK_EQ(number_in("cpu.stat", "nr_bursts"), 0);
	remove_group();
}

TEST(weight_as_a_nice_value)
{
	make_group("nice", "+cpu");
	CHECK_STR(get("cpu.weight.nice"), "0\n");
	put("cpu.weight.nice", "-5");
	CHECK_STR(get("cpu.weight"), "305\n");
	CHECK_STR(get("cpu.weight.nice"), "-5\n");
	put("cpu.weight", "10000");
	CHECK_STR(get("cpu.weight.nice"), "-20\n");
	CHECK_ERR(put_text(path_in("cpu.weight.nice"), "20"), ERANGE);
	CHECK_ERR(put_text(path_in("cpu.weight"), "10001"), ERANGE);
	remove_group();
}

TEST(bad_quotas_are_refused)
{
	make_group("bad", "+cpu");
	CHECK_ERR(put_text(path_in("cpu.max"), "500"), EINVAL);
	CHECK_ERR(put_text(path_in("cpu.max"), "20000 2000000"), EINVAL);
	CHECK_ERR(put_text(path_in("cpu.max"), "nonsense"), EINVAL);
	put("cpu.max", "max");
	CHECK_STR(get("cpu.max"), "max 100000\n");
	put("cpu.max", "30000");
	CHECK_STR(get("cpu.max"), "30000 100000\n");
	remove_group();
}

TEST(time_of_removed_groups_stays)
{
	make_group("sum", "+cpu");
	put("cgroup.subtree_control", "+cpu");
	CHECK_OK(mkdir(path_in("child"), 0755));
	pid_t child = fork_checked();
	if (child == 0) {
		put("child/cgroup.procs", "0");
		int64_t end = now_ns(CLOCK_MONOTONIC) + 300000000;
		while (now_ns(CLOCK_MONOTONIC) < end)
			continue;
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	WAIT_UNTIL(rmdir(path_in("child")) == 0);
	CHECK(number_in("cpu.stat", "usage_usec") > 100000);
	CHECK(number_in("cpu.stat", "user_usec") > 50000);
	remove_group();
}
