// SPDX-License-Identifier: MPL-2.0
/* Futexes that know their owner (PI), robust lists of dead threads, and waiting for several words. */
#include "support.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static long futex(volatile uint32_t *word, int operation, uint32_t value, const struct timespec *time)
{
	return syscall(SYS_futex, word, operation, value, time, NULL, 0);
}

static uint32_t own_number(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

static volatile uint32_t word;

static struct timespec wall_clock_in_ms(long ms)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

TEST(owner_is_in_the_word)
{
	CHECK_OK(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL));
	CHECK_EQ(word, own_number());
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL), EDEADLK);
	CHECK_ERR(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL), EDEADLK);
	CHECK_OK(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL));
	CHECK_EQ(word, 0);
	CHECK_ERR(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL), EPERM);
	CHECK_OK(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL));
	CHECK_EQ(word, own_number());
	word = 4000000;
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL), ESRCH);
	CHECK_ERR(futex((uint32_t *)((char *)&word + 1), FUTEX_LOCK_PI_PRIVATE, 0, NULL), EINVAL);
	CHECK_ERR(futex(NULL, FUTEX_LOCK_PI_PRIVATE, 0, NULL), EFAULT);
}

static volatile int stage;

static void *take_and_give_back(void *unused)
{
	stage = 1;
	if (futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL))
		return (void *)1;
	if ((word & FUTEX_TID_MASK) != own_number())
		return (void *)2;
	stage = 2;
	return (void *)(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL) ? 3l : (long)unused);
}

TEST(lock_is_handed_over)
{
	pthread_t thread;
	void *result;
	struct timespec soon = wall_clock_in_ms(20);
	CHECK_OK(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL));
	CHECK_EQ(pthread_create(&thread, NULL, take_and_give_back, NULL), 0);
	while (!(word & FUTEX_WAITERS))
		sched_yield();
	CHECK_EQ(word, own_number() | FUTEX_WAITERS);
	CHECK_EQ(stage, 1);
	CHECK_OK(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL));
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((long)result, 0);
	CHECK_EQ(stage, 2);
	CHECK_EQ(word, 0);
	/* a lock that nobody gives back */
	word = (uint32_t)getppid();
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, &soon), ETIMEDOUT);
	CHECK_ERR(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL), EAGAIN);
}

static pthread_mutex_t inheriting;
static int shared_counter;

static void *count_with_lock(void *rounds)
{
	for (long i = 0; i < (long)rounds; i++) {
		pthread_mutex_lock(&inheriting);
		shared_counter++;
		if (i % 16 == 0)
			sched_yield();
		pthread_mutex_unlock(&inheriting);
	}
	return NULL;
}

TEST(many_threads_one_mutex)
{
	pthread_t threads[8];
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	if (pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT))
		test_fail(__FILE__, __LINE__, "no mutexes with priority inheritance");
	CHECK_EQ(pthread_mutex_init(&inheriting, &attributes), 0);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, count_with_lock, (void *)50l), 0);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(shared_counter, 400);
}

TEST(dead_owner_leaves_it_to_a_waiter)
{
	volatile uint32_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	pid_t child = fork_checked();
	if (child == 0) {
		futex(shared, FUTEX_LOCK_PI, 0, NULL);
		while (!(*shared & FUTEX_WAITERS))
			sched_yield();
		_exit(0);
	}
	while (!*shared)
		sched_yield();
	CHECK_OK(futex(shared, FUTEX_LOCK_PI, 0, NULL));
	CHECK_EQ(*shared & FUTEX_TID_MASK, own_number());
	CHECK(*shared & FUTEX_OWNER_DIED);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(futex(shared, FUTEX_UNLOCK_PI, 0, NULL));
	CHECK_EQ(*shared & FUTEX_TID_MASK, 0);
}

static void *die_with_robust_lock(void *mutex)
{
	pthread_mutex_lock(mutex);
	return NULL;
}

TEST(robust_mutex_tells_of_the_dead)
{
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	CHECK_EQ(pthread_mutex_init(&mutex, &attributes), 0);
	CHECK_EQ(pthread_create(&thread, NULL, die_with_robust_lock, &mutex), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(&mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
}

/* A thread that dies between giving a lock back and waking: the entry is only pending. */
static struct {
	struct robust_list_head head;
	volatile uint32_t lock;
} robust;

static void *die_while_waking(void *unused)
{
	robust.head.list.next = &robust.head.list;
	robust.head.futex_offset = (long)((char *)&robust.lock - (char *)&robust.head);
	robust.head.list_op_pending = (struct robust_list *)&robust.head;
	syscall(SYS_set_robust_list, &robust.head, sizeof(robust.head));
	robust.lock = 0;
	return unused;
}

static volatile pid_t sleeper;

static void *wait_on_robust(void *unused)
{
	sleeper = gettid();
	return (void *)(futex(&robust.lock, FUTEX_WAIT, 5, NULL) ? 1l : (long)unused);
}

TEST(pending_entry_wakes)
{
	pthread_t waiter, dying;
	void *result;
	robust.lock = 5;
	CHECK_EQ(pthread_create(&waiter, NULL, wait_on_robust, NULL), 0);
	WAIT_UNTIL(sleeper && thread_state(sleeper) == 'S');
	CHECK_EQ(pthread_create(&dying, NULL, die_while_waking, NULL), 0);
	CHECK_EQ(pthread_join(waiter, &result), 0);
	CHECK_EQ((long)result, 0);
}

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static volatile uint32_t several[4];

static void *wake_third(void *unused)
{
	while (!stage)
		sched_yield();
	WAIT_UNTIL(thread_state(getpid()) == 'S');
	several[2] = 1;
	futex(&several[2], FUTEX_WAKE_PRIVATE, 1, NULL);
	return unused;
}

TEST(several_words)
{
	struct futex_waitv list[4];
	pthread_t thread;
	for (int i = 0; i < 4; i++)
		list[i] = (struct futex_waitv){ .uaddr = (uintptr_t)&several[i],
						.flags = FUTEX_32 | FUTEX_PRIVATE_FLAG };
	struct timespec soon;
	clock_gettime(CLOCK_MONOTONIC, &soon);
	CHECK_ERR(syscall(SYS_futex_waitv, list, 4, 0, &soon, CLOCK_MONOTONIC), ETIMEDOUT);
	CHECK_ERR(syscall(SYS_futex_waitv, list, 0, 0, NULL, 0), EINVAL);
	CHECK_ERR(syscall(SYS_futex_waitv, list, 129, 0, NULL, 0), EINVAL);
	CHECK_ERR(syscall(SYS_futex_waitv, list, 4, 1, NULL, 0), EINVAL);
	CHECK_EQ(pthread_create(&thread, NULL, wake_third, NULL), 0);
	stage = 1;
	CHECK_EQ(syscall(SYS_futex_waitv, list, 4, 0, NULL, 0), 2);
	CHECK_ERR(syscall(SYS_futex_waitv, list, 4, 0, NULL, 0), EAGAIN);
	list[1].flags = 0;
	CHECK_ERR(syscall(SYS_futex_waitv, list, 4, 0, NULL, 0), EINVAL);
	list[1].flags = FUTEX_32;
	list[1].uaddr = 0;
	list[2].val = 1;
	CHECK_ERR(syscall(SYS_futex_waitv, list, 4, 0, NULL, 0), EFAULT);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}
