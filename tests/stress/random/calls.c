// SPDX-License-Identifier: MPL-2.0
/*
 * All system calls with arguments at random, shaped as each call wants them, from several threads at once, by somebody
 * who has every capability in a user namespace of its own and none outside, and by somebody who has none at all.
 * Nothing of it may stop or damage the machine, or leave memory behind. With a given seed each thread makes the same
 * calls; how they mix, the scheduler tells.
 */
#include "scene.h"
#include "suits.h"

#include <pthread.h>

static uint64_t call_kernel(uint64_t number, const uint64_t v[6])
{
	register uint64_t r10 __asm__("r10") = v[3];
	register uint64_t r8 __asm__("r8") = v[4];
	register uint64_t r9 __asm__("r9") = v[5];
	uint64_t result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(v[0]), "S"(v[1]), "d"(v[2]), "r"(r10), "r"(r8),
			 "r"(r9) : "rcx", "r11", "memory");
	return result;
}

/* For calls that make a process: it ends at once, wherever its stack is. */
static uint64_t call_and_part(uint64_t number, const uint64_t v[6])
{
	register uint64_t r10 __asm__("r10") = v[3];
	register uint64_t r8 __asm__("r8") = v[4];
	register uint64_t r9 __asm__("r9") = v[5];
	uint64_t result;
	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\tmov $60, %%eax\n\txor %%edi, %%edi\n\tsyscall\n1:"
			 : "=a"(result) : "a"(number), "D"(v[0]), "S"(v[1]), "d"(v[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static void trace(const struct call *c, const uint64_t v[6])
{
	char line[200];
	int length = snprintf(line, sizeof(line), "%ld %s(%lx, %lx, %lx, %lx, %lx, %lx)\n", syscall(SYS_gettid),
			      c->name, v[0], v[1], v[2], v[3], v[4], v[5]);
	(void)!write(2, line, (size_t)length);
}

static void make_calls(struct dice *d, uint64_t count);

/* A return from a signal with registers at random; only the child tries. */
static void return_at_random(struct dice *d)
{
	void *frame = soup(d, 1024);
	if (fork() == 0)
		__asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall\n\tud2" : : "r"(frame) : "memory");
}

static int is_left_out(unsigned number)
{
	return number == SYS_reboot || number == SYS_exit_group || number == SYS_exit || number == SYS_rt_sigreturn ||
	       number == SYS_execve || number == SYS_execveat || number == SYS_vfork;
}

/* What ends or replaces the caller is for a child of its own. */
static void make_rare_call(struct dice *d, const struct call *c, uint64_t v[6])
{
	if (c->number == SYS_rt_sigreturn)
		return return_at_random(d);
	if (c->number == SYS_reboot || fork() != 0)
		return;
	make_calls(d, 20);
	(void)call_kernel(c->number, v);
	_exit(0);
}

static void make_calls(struct dice *d, uint64_t count)
{
	uint64_t v[6];
	for (uint64_t i = 0; i < count; i++) {
		const struct call *c = &calls[below(d, CALLS)];
		choose(d, c, v);
		if (scene->is_traced)
			trace(c, v);
		if (is_left_out(c->number)) {
			if (one_in(d, 12))
				make_rare_call(d, c, v);
		} else if (c->number == SYS_clone || c->number == SYS_clone3 || c->number == SYS_fork) {
			if (c->number == SYS_clone)
				v[0] = any_clone_flags(d);
			if (c->number == SYS_clone3)
				v[0] = (uintptr_t)any_clone_args(d);
			if (one_in(d, 4))
				(void)call_and_part(c->number, v);
		} else if (!(c->number == SYS_close_range && below(d, 10))) {
			uint64_t result = call_kernel(c->number, v);
			atomic_fetch_add(&scene->tried[c->number], 1);
			if (result < -4095ul)
				atomic_fetch_add(&scene->done[c->number], 1);
		}
		atomic_fetch_add(&scene->calls, 1);
	}
}

struct part {
	uint64_t seed;
	int actor, thread;
};

static void *play_part(void *argument)
{
	struct part *p = argument;
	struct dice d;
	dice_start(&d, p->seed, (unsigned)p->thread);
	atomic_store(&scene->tids[p->actor][p->thread], (int)syscall(SYS_gettid));
	make_calls(&d, ~0ul);
	return NULL;
}

static void nothing(int number)
{
	(void)number;
}

static void play(uint64_t seed, int actor)
{
	static struct part parts[THREADS_MAX];
	pthread_t other;
	for (unsigned long i = 0; i < THREADS_MAX; i++)
		mmap((void *)(ARENA_BASE + i * ARENA_STRIDE), ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap((void *)GROUND_BASE, GROUND_PAGES / 2 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	signal(SIGUSR1, nothing);
	siginterrupt(SIGUSR1, 1);
	for (int i = 0; i < THREADS_MAX; i++) {
		parts[i] = (struct part){seed, actor, i};
		if (i)
			pthread_create(&other, NULL, play_part, &parts[i]);
	}
	play_part(&parts[0]);
}

/* How many calls had success: what never has is not tried well. */
static void tell_success(void)
{
	unsigned never = 0;
	for (unsigned i = 0; i < CALLS; i++) {
		uint32_t tried = atomic_load(&scene->tried[calls[i].number]);
		uint32_t done = atomic_load(&scene->done[calls[i].number]);
		never += tried && !done;
		if (word_of_command_line("random_table=", 0))
			printf("= %s %u of %u\n", calls[i].name, done, tried);
	}
	printf("= %u of %u calls never had success\n", never, (unsigned)CALLS);
}

TEST_LIMIT(root_of_a_namespace, 100000)
{
	scene_case(play, STANDING_NAMESPACE_ROOT, 10);
	tell_success();
}

TEST_LIMIT(nobody, 100000)
{
	scene_case(play, STANDING_NOBODY, 6);
}
