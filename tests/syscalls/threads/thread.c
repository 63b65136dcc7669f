// SPDX-License-Identifier: MPL-2.0
/* Threads and futexes. */
#include "support.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static long futex(volatile uint32_t *word, int operation, uint32_t value, const struct timespec *time,
		  volatile uint32_t *other, uint32_t value3)
{
	return syscall(SYS_futex, word, operation, value, time, other, value3);
}

enum { WAIT = 0, WAKE = 1, REQUEUE = 3, CMP_REQUEUE = 4, WAIT_BITSET = 9, WAKE_BITSET = 10,
       PRIVATE = 128 };

static void *return_argument(void *argument)
{
	return argument;
}

TEST(create_and_join)
{
	pthread_t thread;
	void *result;
	CHECK_EQ(pthread_create(&thread, NULL, return_argument, (void *)0x1234), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == (void *)0x1234);
}

TEST(a_hundred_threads)
{
	pthread_t threads[100];
	for (long i = 0; i < 100; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, return_argument, (void *)i), 0);
	for (long i = 0; i < 100; i++) {
		void *result;
		CHECK_EQ(pthread_join(threads[i], &result), 0);
		CHECK_EQ((long)result, i);
	}
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static volatile int counter;

static void *increment(void *rounds)
{
	for (long i = 0; i < (long)rounds; i++) {
		pthread_mutex_lock(&mutex);
		counter = counter + 1;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

TEST(mutex_excludes)
{
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, increment, (void *)5000), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(counter, 20000);
}

static void *ping(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&mutex);
	while (counter < 200) {
		while (counter % 2 == 0 && counter < 200)
			pthread_cond_wait(&condition, &mutex);
		counter = counter + 1;
		pthread_cond_signal(&condition);
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

TEST(condition_ping_pong)
{
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, ping, NULL), 0);
	pthread_mutex_lock(&mutex);
	while (counter < 200) {
		while (counter % 2 == 1)
			pthread_cond_wait(&condition, &mutex);
		counter = counter + 1;
		pthread_cond_signal(&condition);
	}
	pthread_mutex_unlock(&mutex);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(counter >= 200);
}

static __thread int local = 5;

static void *change_local(void *unused)
{
	local += 10;
	return (void *)(long)(local + (unused ? 1 : 0));
}

TEST(thread_local_storage)
{
	pthread_t thread;
	void *result;
	local = 6;
	CHECK_EQ(pthread_create(&thread, NULL, change_local, NULL), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((long)result, 15);
	CHECK_EQ(local, 6);
}

static void *tell_ids(void *ids)
{
	((int *)ids)[0] = getpid();
	((int *)ids)[1] = gettid();
	return NULL;
}

TEST(ids_of_threads)
{
	pthread_t thread;
	int ids[2];
	CHECK_EQ(gettid(), getpid());
	CHECK_EQ(pthread_create(&thread, NULL, tell_ids, ids), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(ids[0], getpid());
	CHECK(ids[1] != getpid());
}

static void *exit_process(void *unused)
{
	(void)unused;
	_exit(33);
}

TEST(exit_group_ends_all)
{
	pid_t child = fork_checked();
	if (child == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, exit_process, NULL);
		for (;;)
			pause();
	}
	CHECK_EQ(wait_exit(child), 33);
}

static void *exit_when_told(void *turn)
{
	turn_take(*(struct turn *)turn);
	_exit(44);
}

TEST(leader_may_end_first)
{
	struct turn turn = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, exit_when_told, &turn);
		syscall(SYS_exit, 1);
	}
	WAIT_UNTIL(process_state(child) == 'Z');
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	turn_give(turn);
	CHECK_EQ(wait_exit(child), 44);
}

static void *execute(void *unused)
{
	(void)unused;
	execl("/tests/helper", "helper", "exit", "12", NULL);
	return NULL;
}

TEST(exec_from_a_thread_takes_the_pid)
{
	pid_t child = fork_checked();
	if (child == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, execute, NULL);
		for (;;)
			pause();
	}
	CHECK_EQ(wait_exit(child), 12);
}

static void *wait_for_signal(void *unused)
{
	(void)unused;
	while (!caught_count)
		sleep_ms(5);
	return NULL;
}

static volatile pid_t handler_thread;

static void note_thread(int number)
{
	handler_thread = gettid();
	count_signal(number);
}

TEST(process_signal_finds_an_unblocked_thread)
{
	pthread_t thread;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	handle_signal(SIGUSR1, note_thread, 0);
	CHECK_EQ(pthread_create(&thread, NULL, wait_for_signal, NULL), 0);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_OK(kill(getpid(), SIGUSR1));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(handler_thread != gettid());
}

TEST(thread_signal_goes_to_its_thread)
{
	pthread_t thread;
	handle_signal(SIGUSR1, note_thread, 0);
	CHECK_EQ(pthread_create(&thread, NULL, wait_for_signal, NULL), 0);
	CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(handler_thread != gettid());
}

TEST(join_word_is_cleared_and_woken)
{
	for (int i = 0; i < 200; i++) {
		pthread_t thread;
		CHECK_EQ(pthread_create(&thread, NULL, return_argument, NULL), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
}

TEST(futex_value_mismatch)
{
	volatile uint32_t word = 1;
	CHECK_ERR(futex(&word, WAIT, 2, NULL, NULL, 0), EAGAIN);
	CHECK_EQ(futex(&word, WAKE, 1, NULL, NULL, 0), 0);
}

TEST(futex_times_out)
{
	volatile uint32_t word = 1;
	struct timespec time = {0, 40000000};
	int64_t start = now_ns(CLOCK_MONOTONIC);
	CHECK_ERR(futex(&word, WAIT | PRIVATE, 1, &time, NULL, 0), ETIMEDOUT);
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 40000000);
}

TEST(futex_bitset_takes_absolute_time)
{
	volatile uint32_t word = 1;
	struct timespec past = {1, 0};
	CHECK_ERR(futex(&word, WAIT_BITSET, 1, &past, NULL, 1), ETIMEDOUT);
	CHECK_ERR(futex(&word, WAIT_BITSET, 1, &past, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
}

TEST(futex_bad_arguments)
{
	volatile uint32_t words[2] = {0};
	CHECK_ERR(futex((void *)((char *)words + 1), WAIT, 0, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex(bad_address(), WAIT, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERR(futex(words, 99, 0, NULL, NULL, 0), ENOSYS);
	struct timespec bad = {0, 1000000000};
	CHECK_ERR(futex(words, WAIT, 0, &bad, NULL, 0), EINVAL);
}

TEST(futex_is_interrupted)
{
	volatile uint32_t word = 1;
	handle_signal(SIGALRM, count_signal, 0);
	alarm_each_second();
	CHECK_ERR(futex(&word, WAIT, 1, NULL, NULL, 0), EINTR);
}

TEST(futex_between_processes)
{
	volatile uint32_t *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork_checked();
	if (child == 0) {
		while (*word == 0)
			futex(word, WAIT, 0, NULL, NULL, 0);
		_exit((int)*word);
	}
	sleep_ms(50);
	*word = 9;
	futex(word, WAKE, 1, NULL, NULL, 0);
	CHECK_EQ(wait_exit(child), 9);
}

TEST(futex_on_a_file_mapped_twice)
{
	int fd = make_file("f");
	CHECK_OK(ftruncate(fd, PAGE));
	volatile uint32_t *one = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	volatile uint32_t *two = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(futex(one, WAIT, 0, NULL, NULL, 0) == 0 ? 0 : 1);
	WAIT_UNTIL(futex(two, WAKE, 1, NULL, NULL, 0) == 1);
	CHECK_EQ(wait_exit(child), 0);
}

struct waiters {
	volatile uint32_t from, to, woken, begun;
	volatile pid_t ids[3];
};

static void *wait_there(void *argument)
{
	struct waiters *waiters = argument;
	waiters->ids[__atomic_fetch_add(&waiters->begun, 1, __ATOMIC_SEQ_CST)] = gettid();
	futex(&waiters->from, WAIT | PRIVATE, 0, NULL, NULL, 0);
	__atomic_add_fetch(&waiters->woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST(futex_requeue_moves_waiters)
{
	struct waiters waiters = {0};
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, wait_there, &waiters), 0);
	for (int i = 0; i < 3; i++)
		WAIT_UNTIL(waiters.ids[i] && thread_state(waiters.ids[i]) == 'S');
	CHECK_ERR(futex(&waiters.from, CMP_REQUEUE | PRIVATE, 1, (void *)(long)INT_MAX, &waiters.to, 5),
		  EAGAIN);
	CHECK_EQ(futex(&waiters.from, CMP_REQUEUE | PRIVATE, 1, (void *)(long)INT_MAX, &waiters.to, 0),
		 3);
	WAIT_UNTIL(waiters.woken == 1);
	CHECK_EQ(futex(&waiters.from, WAKE | PRIVATE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&waiters.to, WAKE | PRIVATE, 10, NULL, NULL, 0), 2);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

TEST(robust_mutex_tells_of_a_dead_owner)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(pthread_mutexattr_init(&attributes), 0);
	CHECK_EQ(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQ(pthread_mutex_init(shared, &attributes), 0);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(pthread_mutex_lock(shared));
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(pthread_mutex_lock(shared), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(shared), 0);
	CHECK_EQ(pthread_mutex_unlock(shared), 0);
}

TEST(semaphore_between_threads)
{
	sem_t semaphore;
	CHECK_OK(sem_init(&semaphore, 0, 0));
	struct timespec soon;
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &soon));
	CHECK_ERR(sem_timedwait(&semaphore, &soon), ETIMEDOUT);
	CHECK_OK(sem_post(&semaphore));
	CHECK_OK(sem_wait(&semaphore));
}

TEST(affinity)
{
	cpu_set_t set, one;
	CHECK_OK(sched_getaffinity(0, sizeof(set), &set));
	CHECK(CPU_COUNT(&set) >= 1);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	CHECK_OK(sched_setaffinity(0, sizeof(one), &one));
	unsigned cpu = 99;
	CHECK_OK(syscall(SYS_getcpu, &cpu, NULL, NULL));
	CHECK_EQ(cpu, 0);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_EQUAL(&set, &one) ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
	CPU_ZERO(&one);
	CHECK_ERR(sched_setaffinity(0, sizeof(one), &one), EINVAL);
	CHECK_ERR(sched_getaffinity(999999, sizeof(set), &set), ESRCH);
	CHECK_EQ(syscall(SYS_sched_getaffinity, 0, 2, &set) == -1 ? errno : 0, EINVAL);
}

TEST(scheduling_policies)
{
	struct sched_param parameter = {.sched_priority = 10};
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	CHECK_OK(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameter));
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_FIFO);
	CHECK_EQ(sched_get_priority_max(SCHED_FIFO), 99);
	CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0);
	parameter.sched_priority = 0;
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameter), EINVAL);
	CHECK_OK(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &parameter));
	CHECK_OK(sched_yield());
}

static volatile int stop;

static void *spin(void *count)
{
	while (!stop)
		*(volatile long *)count += 1;
	return NULL;
}

TEST(spinning_threads_share_the_processors)
{
	enum { COUNT = 4 };
	static long counts[COUNT][8];
	pthread_t threads[COUNT];
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, spin, counts[i]), 0);
	sleep_ms(1000);
	stop = 1;
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < COUNT; i++)
		CHECK(counts[i][0] > 1000);
}

TEST(membarrier_knows_its_commands)
{
	long commands = syscall(SYS_membarrier, 0, 0, 0);
	CHECK(commands > 0);
	CHECK_ERR(syscall(SYS_membarrier, 8 /* PRIVATE_EXPEDITED, not registered */, 0, 0), EPERM);
	CHECK_OK(syscall(SYS_membarrier, 16, 0, 0));
	CHECK_OK(syscall(SYS_membarrier, 8, 0, 0));
}
