// SPDX-License-Identifier: MPL-2.0
// Timers, clocks, random numbers.
#include <core/random.h>
#include <core/time.h>
#include <core/wait.h>
#include "core/ktest/tests.h"

struct ringing_timer {
	struct timer base;
};
static struct atomic_u32 rings, releases, backwards;
static struct atomic_u64 latest_ns;
static struct wait_queue rung = WAIT_QUEUE_INIT;

static void ringing_timer_release(struct ringing_timer *t)
{
	atomic_u32_add(&releases, 1);
}
DEFINE_DERIVED(ringing_timer, timer, ringing_timer_release)

static void ring(struct timer *t)
{
	atomic_u32_add(&rings, 1);
	wait_queue_wake_all(&rung, 0);
}

static bool timers_fire_once_in_time(void)
{
	u64 begin_ns = clock_monotonic_ns();

	atomic_u32_store(&rings, 0);
	atomic_u32_store(&releases, 0);
	for (u32 i = 0; i < 100; i++) {
		struct ringing_timer *t = ringing_timer_alloc();

		if (!t)
			return false;
		t->base.fire = ring;
		timer_set(&t->base, begin_ns + (100 - i) * NS_PER_MS / 4);
		if (i % 4 == 0)
			timer_set(&t->base, begin_ns + 30 * NS_PER_MS); // again, later or earlier
		if (i % 4 == 1 && !timer_cancel_sync(&t->base) && atomic_u32_load(&rings) == 0)
			return false;
		timer_put(&t->base);
	}
	u64 deadline_ns = begin_ns + 5 * NS_PER_SECOND;
	err_t e = wait_event(&rung, WAIT_UNINTERRUPTIBLE, deadline_ns, atomic_u32_load(&rings) >= 75);

	return e == OK && clock_monotonic_ns() >= begin_ns + 25 * NS_PER_MS && atomic_u32_load(&rings) == 75;
}

static void watch_clock(void)
{
	for (u32 i = 0; i < 20000; i++) {
		u64 seen_ns = atomic_u64_load(&latest_ns), now_ns = clock_monotonic_ns();

		if (now_ns < seen_ns)
			atomic_u32_add(&backwards, 1);
		atomic_u64_compare_exchange(&latest_ns, seen_ns, now_ns);
	}
}

static bool clock_never_goes_back(void)
{
	return threads_run(6, watch_clock) && !atomic_u32_load(&backwards);
}

static bool random_numbers_differ(void)
{
	u8 a[100] = { 0 }, b[100] = { 0 };
	u64 below = 0;

	random_fill(array_span(a));
	random_fill(array_span(b));
	for (u32 i = 0; i < 1000; i++)
		below |= 1ul << random_below(10);
	return !bytes_equal(array_bytes(a), array_bytes(b)) && random_u64() != random_u64() && below == 0x3ff;
}

const struct ktest time_ktests[] = {
	{ "timers_fire_once_in_time", timers_fire_once_in_time },
	{ "clock_never_goes_back", clock_never_goes_back },
	{ "random_numbers_differ", random_numbers_differ },
};
const u32 time_ktest_count = array_len(time_ktests);
