// SPDX-License-Identifier: MPL-2.0
// Locks under contention, and wake-ups that must not be lost.
#include <core/cpu.h>
#include <core/time.h>
#include <core/wait.h>
#include "core/ktest/tests.h"

enum { ROUNDS = 20000 };

static struct mutex mutex = MUTEX_INIT(RANK_SLEEPING_LEAF);
static struct rwlock rwlock = RWLOCK_INIT(RANK_SLEEPING_LEAF);
static struct spinlock spinlock = SPINLOCK_INIT(RANK_EVENT_SOURCE);
static u64 guarded, guarded_twin;
static struct atomic_u32 bad;

static void mutex_rounds(void)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		mutex_guard(&mutex);
		guarded++;
		if (i % 1024 == 0)
			task_yield();
		guarded_twin++;
	}
}

static bool mutex_excludes(void)
{
	guarded = guarded_twin = 0;
	return threads_run(8, mutex_rounds) && guarded == 8 * ROUNDS && guarded_twin == guarded;
}

static void spin_rounds(void)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		irq_guard(&spinlock);
		guarded++;
	}
}

static bool spinlock_excludes(void)
{
	guarded = 0;
	return threads_run(8, spin_rounds) && guarded == 8 * ROUNDS;
}

static void rwlock_rounds(void)
{
	for (u32 i = 0; i < ROUNDS / 4; i++) {
		if (i % 8 == 0) {
			write_guard(&rwlock);
			guarded++;
			if (i % 512 == 0)
				task_yield();
			guarded_twin++;
		} else {
			read_guard(&rwlock);
			if (guarded != guarded_twin)
				atomic_u32_add(&bad, 1);
		}
	}
}

static bool rwlock_excludes_writers(void)
{
	guarded = guarded_twin = 0;
	atomic_u32_store(&bad, 0);
	return threads_run(8, rwlock_rounds) && !atomic_u32_load(&bad) && guarded == 8 * (ROUNDS / 32);
}

// Two crowds pass a ball: each wake-up matters, a lost one hangs the test.
static struct wait_queue court = WAIT_QUEUE_INIT;
static struct atomic_u32 ball, player;

static void play(void)
{
	u32 me = atomic_u32_add(&player, 1);

	for (u32 i = 0; i < ROUNDS / 4; i++) {
		while (wait_event(&court, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, atomic_u32_load(&ball) % 2 == me % 2) !=
			OK)
			;
		atomic_u32_add(&ball, 1);
		wait_queue_wake_all(&court, 0);
	}
}

static bool no_wake_up_is_lost(void)
{
	atomic_u32_store(&ball, 0);
	atomic_u32_store(&player, 0);
	return threads_run(2, play) && atomic_u32_load(&ball) == 2 * (ROUNDS / 4);
}

// wake(1) for each of many items: all items are taken, whoever is woken.
static struct atomic_u32 items, taken;

static bool item_take(void)
{
	u32 n = atomic_u32_load(&items);

	while (n) {
		if (atomic_u32_compare_exchange(&items, n, n - 1))
			return true;
		n = atomic_u32_load(&items);
	}
	return false;
}

static void consume(void)
{
	u32 me = atomic_u32_add(&player, 1);

	if (me == 0) {
		for (u32 i = 0; i < ROUNDS; i++) {
			atomic_u32_add(&items, 1);
			wait_queue_wake(&court, 1, 0);
		}
		return;
	}
	for (u32 i = 0; i < ROUNDS / 4; i++) {
		while (wait_event(&court, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, item_take()) != OK)
			;
		atomic_u32_add(&taken, 1);
	}
}

static bool waking_one_is_enough(void)
{
	atomic_u32_store(&items, 0);
	atomic_u32_store(&taken, 0);
	atomic_u32_store(&player, 0);
	return threads_run(5, consume) && atomic_u32_load(&taken) == ROUNDS;
}

static bool waiting_times_out(void)
{
	u64 begin_ns = clock_monotonic_ns();
	err_t e = wait_event(&court, WAIT_INTERRUPTIBLE, begin_ns + 20 * NS_PER_MS, false);

	return e == (err_t)-ETIMEDOUT && clock_monotonic_ns() - begin_ns >= 20 * NS_PER_MS;
}

const struct ktest sync_ktests[] = {
	{ "mutex_excludes", mutex_excludes },
	{ "spinlock_excludes", spinlock_excludes },
	{ "rwlock_excludes_writers", rwlock_excludes_writers },
	{ "no_wake_up_is_lost", no_wake_up_is_lost },
	{ "waking_one_is_enough", waking_one_is_enough },
	{ "waiting_times_out", waiting_times_out },
};
const u32 sync_ktest_count = array_len(sync_ktests);
