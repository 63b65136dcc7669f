// SPDX-License-Identifier: MPL-2.0
#include <core/atomic.h>
#include <core/task.h>
#include <core/time.h>
#include <core/wait.h>
#include <lib/test.h>

static struct wait_queue queue = WAIT_QUEUE_INIT;
static struct mutex mutex = MUTEX_INIT(RANK_SLEEPING_LEAF);
static struct atomic_u32 turn, ended;

static void partner(struct task *self)
{
	for (u32 i = 0; i < 100; i++) {
		err_t e = wait_event(&queue, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, atomic_u32_load(&turn) == 1);

		EXPECT(e == OK);
		atomic_u32_store(&turn, 0);
		wait_queue_wake_all(&queue, 0);
	}
	atomic_u32_add(&ended, 1);
	wait_queue_wake_all(&queue, 0);
}

TEST(tasks_take_turns)
{
	REQUIRE(kernel_thread_start(STR("partner"), partner) == OK);
	for (u32 i = 0; i < 100; i++) {
		atomic_u32_store(&turn, 1);
		wait_queue_wake_all(&queue, 0);
		REQUIRE(wait_event(&queue, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, atomic_u32_load(&turn) == 0) == OK);
	}
	REQUIRE(wait_event(&queue, WAIT_KILLABLE, DEADLINE_NEVER, atomic_u32_load(&ended) == 1) == OK);
	EXPECT(wait_queue_is_empty(&queue));
}

TEST(waiting_ends_at_the_deadline)
{
	u64 begin_ns = clock_monotonic_ns();
	err_t e = wait_event(&queue, WAIT_INTERRUPTIBLE, begin_ns + NS_PER_SECOND, false);

	EXPECT(e == (err_t)-ETIMEDOUT && clock_monotonic_ns() - begin_ns >= NS_PER_SECOND);
	EXPECT(wait_queue_is_empty(&queue));
}

TEST(a_signal_ends_an_interruptible_sleep)
{
	task_post_work(task_current(), TASK_WORK_SIGNAL);
	err_t e = wait_event(&queue, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, false);

	EXPECT(e == (err_t)-ERESTARTSYS);
	e = wait_event(&queue, WAIT_KILLABLE, clock_monotonic_ns() + 1000, false);
	EXPECT(e == (err_t)-ETIMEDOUT);
	task_clear_work(task_current(), TASK_WORK_SIGNAL);
}

static void contend(struct task *self)
{
	mutex_lock(&mutex);
	atomic_u32_add(&turn, 1);
	mutex_unlock(&mutex);
}

TEST(a_mutex_is_passed_on)
{
	mutex_lock(&mutex);
	for (u32 i = 0; i < 5; i++)
		REQUIRE(kernel_thread_start(STR("contender"), contend) == OK);
	for (u32 i = 0; i < 20; i++)
		task_yield();
	EXPECT(atomic_u32_load(&turn) == 0);
	mutex_unlock(&mutex);
	for (u32 i = 0; i < 40; i++)
		task_yield();
	EXPECT(atomic_u32_load(&turn) == 5 && mutex_try_lock(&mutex));
	mutex_unlock(&mutex);
}

static struct mutex inner = MUTEX_INIT(RANK_DRIVER), outer = MUTEX_INIT(RANK_TTY);

static void lock_in_wrong_order(void)
{
	mutex_lock(&inner);
	mutex_lock(&outer);
}

static void lock_twice(void)
{
	mutex_lock(&inner);
	mutex_lock(&inner);
}

static void sleep_under_spinlock(void)
{
	static struct spinlock l = SPINLOCK_INIT(RANK_INODE);

	spin_lock(&l);
	mutex_lock(&inner);
}

static void use_without_rank(void)
{
	static struct spinlock l;

	spin_lock(&l);
}

static void sleep_for_ever(void)
{
	(void)wait_event(&queue, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, false);
}

TEST(lock_order_is_checked)
{
	EXPECT_TRAP(lock_in_wrong_order);
	EXPECT_TRAP(lock_twice);
	EXPECT_TRAP(sleep_under_spinlock);
	EXPECT_TRAP(use_without_rank);
	EXPECT_TRAP(sleep_for_ever);
}
