// SPDX-License-Identifier: MPL-2.0
/* What cpu.max and cpu.weight give, measured. */
#include "limits.h"

enum { WARM_UP_MS = 500, MEASURE_MS = 10000 };

static void spinners(const char *procs, int count)
{
	for (int i = 0; i < count; i++) {
		if (fork_checked() == 0) {
			put(procs, "0");
			for (;;)
				continue;
		}
	}
}

/* Many short sleeps: tasks that are often not there when a period ends. */
static void nappers(const char *procs, int count)
{
	for (int i = 0; i < count; i++) {
		if (fork_checked() == 0) {
			put(procs, "0");
			for (;;) {
				int64_t end = now_ns(CLOCK_MONOTONIC) + 2000000;
				while (now_ns(CLOCK_MONOTONIC) < end)
					continue;
				sleep_ms(1);
			}
		}
	}
}

/* In per cent of one processor, over ten seconds. */
static double used_percent(void)
{
	sleep_ms(WARM_UP_MS);
	long used = number_in("cpu.stat", "usage_usec");
	double from = seconds();
	sleep_ms(MEASURE_MS);
	used = number_in("cpu.stat", "usage_usec") - used;
	return (double)used / 1e4 / (seconds() - from);
}

static double quota_gives(const char *max, int spinning, int napping)
{
	make_group("quota", "+cpu");
	put("cpu.max", max);
	spinners("cgroup.procs", spinning);
	nappers("cgroup.procs", napping);
	double percent = used_percent();
	kill_all_and_remove(NULL, 0);
	MEASURED("cpu.max %s, %d spinning, %d napping: %.2f %%", max, spinning, napping, percent);
	return percent;
}

TEST_LIMIT(a_fifth_for_one_task, 300)
{
	CHECK_WITHIN(quota_gives("20000 100000", 1, 0), 19, 21);
}

TEST_LIMIT(a_fifth_for_eight_tasks, 300)
{
	CHECK_WITHIN(quota_gives("20000 100000", 4, 4), 19, 21);
}

TEST_LIMIT(a_fifth_in_short_periods, 300)
{
	/* A period of the tick's length: who wakes late loses some of it. The promise is for the usual period. */
	CHECK_WITHIN(quota_gives("2000 10000", 2, 0), 18, 22);
}

TEST_LIMIT(one_and_a_half, 300)
{
	CHECK_WITHIN(quota_gives("150000 100000", 3, 0), 142.5, 157.5);
}

/* How many times what `one` gets does `two` get? */
static double ratio(const char *weight_one, int count_one, const char *weight_two, int count_two)
{
	static const char *const children[] = {"one", "two"};
	make_group("weight", "+cpu");
	put("cgroup.subtree_control", "+cpu");
	CHECK_OK(mkdir(path_in("one"), 0755));
	CHECK_OK(mkdir(path_in("two"), 0755));
	put("one/cpu.weight", weight_one);
	put("two/cpu.weight", weight_two);
	spinners("one/cgroup.procs", count_one);
	spinners("two/cgroup.procs", count_two);
	sleep_ms(WARM_UP_MS);
	long one = number_in("one/cpu.stat", "usage_usec"), two = number_in("two/cpu.stat", "usage_usec");
	sleep_ms(MEASURE_MS);
	one = number_in("one/cpu.stat", "usage_usec") - one;
	two = number_in("two/cpu.stat", "usage_usec") - two;
	kill_all_and_remove(children, 2);
	MEASURED("cpu.weight %s with %d tasks to %s with %d: 1 to %.3f", weight_one, count_one, weight_two, count_two,
		 (double)two / (double)one);
	return (double)two / (double)one;
}

TEST_LIMIT(one_to_three, 300)
{
	CHECK_WITHIN(ratio("100", 2, "300", 2), 2.85, 3.15);
}

TEST_LIMIT(one_to_three_with_more_tasks_in_the_lighter, 300)
{
	CHECK_WITHIN(ratio("100", 7, "300", 2), 2.85, 3.15);
}

TEST_LIMIT(one_to_three_with_more_tasks_in_the_heavier, 300)
{
	CHECK_WITHIN(ratio("100", 2, "300", 7), 2.85, 3.15);
}
