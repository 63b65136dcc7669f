// SPDX-License-Identifier: MPL-2.0
/* Restartable sequences: registration, the CPU's number, aborts by signals and preemption. */
#include "support.h"

#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#define SIGNATURE 0x53053053u
#define LENGTH 32u

static _Alignas(32) struct {
	uint32_t cpu_id_start, cpu_id;
	uint64_t rseq_cs;
	uint32_t flags, pad[3];
} area, other_area;

static long rseq(void *address, uint32_t length, int flags, uint32_t signature)
{
	return syscall(SYS_rseq, address, length, flags, signature);
}

TEST(registration_is_checked)
{
	CHECK_ERR(rseq((char *)&area + 8, LENGTH, 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&area, 16, 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&area, LENGTH, 4, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&area, LENGTH, RSEQ_FLAG_UNREGISTER, SIGNATURE), EINVAL);
	CHECK_ERR(rseq((void *)0xffff800000000000, LENGTH, 0, SIGNATURE), EFAULT);
	CHECK_OK(rseq(&area, LENGTH, 0, SIGNATURE));
	CHECK_ERR(rseq(&area, LENGTH, 0, SIGNATURE), EBUSY);
	CHECK_ERR(rseq(&area, LENGTH, 0, SIGNATURE + 1), EPERM);
	CHECK_ERR(rseq(&other_area, LENGTH, 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&other_area, LENGTH, RSEQ_FLAG_UNREGISTER, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&area, LENGTH, RSEQ_FLAG_UNREGISTER, SIGNATURE + 1), EPERM);
	CHECK_OK(rseq(&area, LENGTH, RSEQ_FLAG_UNREGISTER, SIGNATURE));
	CHECK_EQ(area.cpu_id, (uint32_t)RSEQ_CPU_ID_UNINITIALIZED);
	CHECK_ERR(rseq(&area, LENGTH, RSEQ_FLAG_UNREGISTER, SIGNATURE), EINVAL);
}

static unsigned cpu_by_call(void)
{
	unsigned cpu = ~0u;
	CHECK_OK(syscall(SYS_getcpu, &cpu, NULL, NULL));
	return cpu;
}

TEST(number_of_the_cpu_follows)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	area.cpu_id = 1000;
	CHECK_OK(rseq(&area, LENGTH, 0, SIGNATURE));
	for (int round = 0; round < 50; round++) {
		cpu_set_t set;
		CPU_ZERO(&set);
		CPU_SET(round % cpus, &set);
		CHECK_OK(sched_setaffinity(0, sizeof(set), &set));
		CHECK_EQ(*(volatile uint32_t *)&area.cpu_id, (uint32_t)(round % cpus));
		CHECK_EQ(*(volatile uint32_t *)&area.cpu_id_start, (uint32_t)(round % cpus));
		CHECK_EQ(cpu_by_call(), (unsigned)(round % cpus));
	}
}

TEST(child_process_inherits_thread_does_not)
{
	CHECK_OK(rseq(&area, LENGTH, 0, SIGNATURE));
	pid_t child = fork_checked();
	if (child == 0)
		_exit(rseq(&area, LENGTH, 0, SIGNATURE) == -1 && errno == EBUSY ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
}

/* Loops inside a sequence until it is aborted; returns how long it took in loops. */
static uint64_t loop_until_aborted(void)
{
	uint64_t loops = 0;
	asm volatile(
		".pushsection .data.rseq, \"aw\"\n"
		".balign 32\n"
		"9:	.long 0, 0\n"
		"	.quad 1f, 2f - 1f, 4f\n"
		".popsection\n"
		"	leaq 9b(%%rip), %%rax\n"
		"	movq %%rax, %1\n"
		"1:	incq %0\n"
		"	jmp 1b\n"
		"2:	jmp 5f\n"
		"	.long 0x53053053\n"
		"4:	nop\n"
		"5:\n"
		: "+r"(loops), "=m"(area.rseq_cs) : : "rax", "memory");
	return loops;
}

static volatile int alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

TEST(signal_aborts)
{
	struct itimerval timer = { .it_value = { .tv_usec = 50000 } };
	signal(SIGALRM, on_alarm);
	CHECK_OK(rseq(&area, LENGTH, 0, SIGNATURE));
	CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
	CHECK(loop_until_aborted() > 0);
	CHECK_EQ(area.rseq_cs, 0);
	while (!alarms)
		sched_yield();
}

static void *spin(void *unused)
{
	for (;;)
		asm volatile("pause");
	return unused;
}

TEST(preemption_aborts)
{
	pthread_t thread;
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK_OK(sched_setaffinity(0, sizeof(set), &set));
	CHECK_OK(rseq(&area, LENGTH, 0, SIGNATURE));
	CHECK_EQ(pthread_create(&thread, NULL, spin, NULL), 0);
	for (int i = 0; i < 5; i++)
		CHECK(loop_until_aborted() > 0);
}

static pthread_barrier_t started;

static void *loop_in_thread(void *unused)
{
	(void)unused;
	if (rseq(&area, LENGTH, 0, SIGNATURE))
		return NULL;
	pthread_barrier_wait(&started);
	return (void *)loop_until_aborted();
}

TEST(membarrier_aborts)
{
	pthread_t thread;
	void *loops = NULL;
	CHECK_ERR(syscall(SYS_membarrier, 128 /* PRIVATE_EXPEDITED_RSEQ */, 0, 0), EPERM);
	CHECK_OK(syscall(SYS_membarrier, 256, 0, 0));
	CHECK_EQ(pthread_barrier_init(&started, NULL, 2), 0);
	CHECK_EQ(pthread_create(&thread, NULL, loop_in_thread, NULL), 0);
	pthread_barrier_wait(&started);
	while (!*(volatile uint64_t *)&area.rseq_cs)
		sched_yield();
	CHECK_OK(syscall(SYS_membarrier, 128, 0, 0));
	CHECK_EQ(pthread_join(thread, &loops), 0);
	CHECK(loops != NULL);
}

TEST(wrong_descriptor_kills)
{
	pid_t child = fork_checked();
	if (child == 0) {
		rseq(&area, LENGTH, 0, SIGNATURE + 1);	/* not what stands before the abort address */
		struct itimerval timer = { .it_value = { .tv_usec = 20000 } };
		signal(SIGALRM, on_alarm);
		setitimer(ITIMER_REAL, &timer, NULL);
		loop_until_aborted();
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGSEGV);
}
