// SPDX-License-Identifier: MPL-2.0
/* Faults become signals with the right details; registers survive handlers and switches. */
#include "support.h"

#include <immintrin.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

static void read_byte(void *address)
{
	(void)*(volatile char *)address;
}

static void write_byte(void *address)
{
	*(volatile char *)address = 1;
}

static void jump_to(void *address)
{
	((void (*)(void))address)();
}

TEST(unmapped_read)
{
	char *page = map_pages(1);
	CHECK_OK(munmap(page, PAGE));
	CHECK(raises_signal(SIGSEGV, read_byte, page + 123));
	CHECK_EQ(caught_info.si_code, SEGV_MAPERR);
	CHECK(caught_info.si_addr == page + 123);
}

TEST(null_pointer)
{
	CHECK(raises_signal(SIGSEGV, read_byte, NULL));
	CHECK_EQ(caught_info.si_code, SEGV_MAPERR);
	CHECK(caught_info.si_addr == NULL);
}

TEST(write_to_read_only)
{
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(raises_signal(SIGSEGV, write_byte, page + 8));
	CHECK_EQ(caught_info.si_code, SEGV_ACCERR);
	CHECK(caught_info.si_addr == page + 8);
}

TEST(execute_of_data)
{
	char *page = map_pages(1);
	page[0] = (char)0xc3;
	CHECK(raises_signal(SIGSEGV, jump_to, page));
	CHECK_EQ(caught_info.si_code, SEGV_ACCERR);
	CHECK(caught_info.si_addr == page);
}

TEST(kernel_address_is_maperr)
{
	CHECK(raises_signal(SIGSEGV, read_byte, kernel_address()));
	CHECK(raises_signal(SIGSEGV, write_byte, (void *)0xffffffff81000000));
}

TEST(non_canonical_address)
{
	CHECK(raises_signal(SIGSEGV, read_byte, (void *)0x8000000000000000));
	CHECK_EQ(caught_info.si_code, SI_KERNEL);
	CHECK(caught_info.si_addr == NULL);
}

TEST(vsyscall_page_is_not_readable_code)
{
	pid_t child = fork_checked();
	if (child == 0) {
		*(volatile char *)0xffffffffff600000 = 1;
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGSEGV);
}

TEST(beyond_end_of_file_is_sigbus)
{
	int fd = make_file("f");
	CHECK_OK(ftruncate(fd, PAGE));
	char *memory = mmap(NULL, (size_t)2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(memory != MAP_FAILED);
	CHECK(raises_signal(SIGBUS, read_byte, memory + PAGE));
	CHECK_EQ(caught_info.si_code, BUS_ADRERR);
	CHECK(caught_info.si_addr == memory + PAGE);
}

static void divide(void *zero)
{
	volatile int result = 100 / *(volatile int *)zero;
	(void)result;
}

TEST(division_by_zero)
{
	int zero = 0;
	CHECK(raises_signal(SIGFPE, divide, &zero));
	CHECK_EQ(caught_info.si_code, FPE_INTDIV);
}

static void undefined_instruction(void *unused)
{
	(void)unused;
	__asm__ volatile("ud2");
}

TEST(undefined_instruction)
{
	CHECK(raises_signal(SIGILL, undefined_instruction, NULL));
	CHECK_EQ(caught_info.si_code, ILL_ILLOPN);
}

static void privileged_instruction(void *unused)
{
	(void)unused;
	__asm__ volatile("hlt");
}

TEST(privileged_instruction)
{
	CHECK(raises_signal(SIGSEGV, privileged_instruction, NULL));
	CHECK_EQ(caught_info.si_code, SI_KERNEL);
}

static void breakpoint(void *unused)
{
	(void)unused;
	__asm__ volatile("int3");
}

TEST(breakpoint)
{
	CHECK(raises_signal(SIGTRAP, breakpoint, NULL));
	CHECK_EQ(caught_info.si_code, SI_KERNEL);
}

static void other_interrupt(void *unused)
{
	(void)unused;
	__asm__ volatile("int $0x20");
}

TEST(software_interrupts_are_refused)
{
	CHECK(raises_signal(SIGSEGV, other_interrupt, NULL));
}

static void unmask_and_divide(void *unused)
{
	unsigned short control = 0x37f & ~4u; /* x87: QEMU does not raise those of SSE */
	(void)unused;
	__asm__ volatile("fldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" ::"m"(control));
}

TEST(floating_point_division_unmasked)
{
	CHECK(raises_signal(SIGFPE, unmask_and_divide, NULL));
	CHECK_EQ(caught_info.si_code, FPE_FLTDIV);
}

TEST(fault_with_signal_blocked_kills)
{
	pid_t child = fork_checked();
	if (child == 0) {
		sigset_t all;
		sigfillset(&all);
		handle_signal(SIGSEGV, count_signal, 0);
		sigprocmask(SIG_SETMASK, &all, NULL);
		read_byte(NULL);
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGSEGV);
}

TEST(fault_when_ignored_kills)
{
	pid_t child = fork_checked();
	if (child == 0) {
		signal(SIGSEGV, SIG_IGN);
		read_byte(NULL);
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGSEGV);
}

static char *repaired_page;

static void repair(int number, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	mprotect(repaired_page, PAGE, PROT_READ | PROT_WRITE);
	count_signal(number);
}

TEST(handler_can_repair_and_return)
{
	struct sigaction action = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
	CHECK_OK(sigaction(SIGSEGV, &action, NULL));
	repaired_page = bad_address();
	*(volatile char *)repaired_page = 5;
	CHECK_EQ(*repaired_page, 5);
	CHECK_EQ(caught_count, 1);
}

static void skip_instruction(int number, siginfo_t *info, void *context)
{
	ucontext_t *user = context;
	(void)info;
	user->uc_mcontext.gregs[REG_RIP] += 2;
	user->uc_mcontext.gregs[REG_RAX] = 0x1234;
	count_signal(number);
}

TEST(handler_changes_registers)
{
	struct sigaction action = {.sa_sigaction = skip_instruction, .sa_flags = SA_SIGINFO};
	CHECK_OK(sigaction(SIGILL, &action, NULL));
	long value = 0;
	__asm__ volatile("ud2" : "+a"(value));
	CHECK_EQ(value, 0x1234);
	CHECK_EQ(caught_count, 1);
}

static void corrupt_frame(int number, siginfo_t *info, void *context)
{
	ucontext_t *user = context;
	(void)number;
	(void)info;
	user->uc_mcontext.gregs[REG_CSGSFS] = 0;
	user->uc_mcontext.gregs[REG_EFL] = ~0ll;
	user->uc_mcontext.gregs[REG_RIP] = (long long)0xffffffff80000000;
}

TEST(corrupt_frame_kills_only_the_process)
{
	pid_t child = fork_checked();
	if (child == 0) {
		struct sigaction action = {.sa_sigaction = corrupt_frame, .sa_flags = SA_SIGINFO};
		sigaction(SIGUSR1, &action, NULL);
		raise(SIGUSR1);
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGSEGV);
}

static void corrupt_vector_state(int number, siginfo_t *info, void *context)
{
	ucontext_t *user = context;
	(void)number;
	(void)info;
	memset(user->uc_mcontext.fpregs, 0xff, 512 + 64);
}

TEST(corrupt_vector_state_kills_only_the_process)
{
	pid_t child = fork_checked();
	if (child == 0) {
		struct sigaction action = {.sa_sigaction = corrupt_vector_state,
					   .sa_flags = SA_SIGINFO};
		sigaction(SIGUSR1, &action, NULL);
		raise(SIGUSR1);
		_exit(0);
	}
	CHECK_OK(waitpid(child, NULL, 0)); /* dead or alive: the machine goes on */
}

TEST(sigreturn_without_a_frame_kills)
{
	pid_t child = fork_checked();
	if (child == 0) {
		__asm__ volatile("mov $0, %%rsp\n\tmov $15, %%eax\n\tsyscall" ::: "memory");
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGSEGV);
}

TEST(stack_pointer_gone_kills)
{
	handle_signal(SIGUSR1, count_signal, 0);
	pid_t child = fork_checked();
	if (child == 0) {
		register long id __asm__("rdi") = getpid();
		__asm__ volatile("mov $10, %%esi\n\tmov $62, %%eax\n\tmov $4096, %%rsp\n\tsyscall"
				 ::"r"(id) : "memory", "rax", "rsi", "rcx", "r11");
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGSEGV);
}

static void *alternate_base;
static volatile int on_alternate;

static void look_at_stack(int number)
{
	char here;
	(void)number;
	on_alternate = &here >= (char *)alternate_base && &here < (char *)alternate_base + 8 * PAGE;
}

TEST(alternate_stack_is_used)
{
	alternate_base = map_pages(8);
	stack_t stack = {.ss_sp = alternate_base, .ss_size = (size_t)8 * PAGE}, back;
	CHECK_OK(sigaltstack(&stack, NULL));
	handle_signal(SIGUSR1, look_at_stack, SA_ONSTACK);
	handle_signal(SIGUSR2, look_at_stack, 0);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(on_alternate, 1);
	CHECK_OK(raise(SIGUSR2));
	CHECK_EQ(on_alternate, 0);
	CHECK_OK(sigaltstack(NULL, &back));
	CHECK(back.ss_sp == alternate_base);
	CHECK_EQ(back.ss_flags, 0);
}

static volatile int flags_in_handler, change_errno;

static void query_alternate(int number)
{
	stack_t back, other = {.ss_flags = SS_DISABLE};
	(void)number;
	sigaltstack(NULL, &back);
	flags_in_handler = back.ss_flags;
	change_errno = sigaltstack(&other, NULL) == 0 ? 0 : errno;
}

TEST(alternate_stack_in_use_cannot_change)
{
	stack_t stack = {.ss_sp = map_pages(8), .ss_size = (size_t)8 * PAGE};
	CHECK_OK(sigaltstack(&stack, NULL));
	handle_signal(SIGUSR1, query_alternate, SA_ONSTACK);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(flags_in_handler, SS_ONSTACK);
	CHECK_EQ(change_errno, EPERM);
}

TEST(alternate_stack_bad_arguments)
{
	stack_t stack = {.ss_sp = map_pages(8), .ss_size = 100};
	CHECK_ERR(sigaltstack(&stack, NULL), ENOMEM);
	stack.ss_size = (size_t)8 * PAGE;
	stack.ss_flags = 64;
	CHECK_ERR(sigaltstack(&stack, NULL), EINVAL);
}

static int deep(int depth)
{
	volatile char frame[PAGE];
	frame[0] = 1;
	return depth == 0 ? 0 : deep(depth - 1) + frame[0];
}

static void overflow_stack(void *unused)
{
	(void)unused;
	deep(1 << 24);
}

TEST(overflow_is_caught_on_the_alternate_stack)
{
	stack_t stack = {.ss_sp = map_pages(8), .ss_size = (size_t)8 * PAGE};
	CHECK_OK(sigaltstack(&stack, NULL));
	struct rlimit_like {
		unsigned long soft, hard;
	} limit = {1 << 20, 1 << 20};
	CHECK_OK(syscall(SYS_setrlimit, 3 /* RLIMIT_STACK */, &limit));
	pid_t child = fork_checked();
	if (child == 0) {
		handle_signal(SIGSEGV, _exit, SA_ONSTACK);
		overflow_stack(NULL);
	}
	CHECK_EQ(wait_exit(child), SIGSEGV);
}

static void trash_vectors(int number)
{
	(void)number;
	__asm__ volatile("pcmpeqd %%xmm0,%%xmm0\n\tpcmpeqd %%xmm7,%%xmm7\n\tpcmpeqd %%xmm15,%%xmm15"
			 ::: "xmm0", "xmm7", "xmm15");
	__asm__ volatile("fninit");
	unsigned mxcsr = 0x1fa0;
	__asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
	count_signal(number);
}

TEST(handler_does_not_disturb_sse_and_x87)
{
	uint64_t in[2] = {0x1122334455667788, 0x99aabbccddeeff00}, out[2];
	unsigned mxcsr_before = 0x3f80, mxcsr_after;
	unsigned short control = 0x027f, control_after;
	long tid = gettid(), pid = getpid(), result;
	handle_signal(SIGUSR1, trash_vectors, 0);
	__asm__ volatile("ldmxcsr %5\n\tfldcw %6\n\tmovdqu %7, %%xmm7\n\t"
			 "mov $234, %%eax\n\tsyscall\n\t"
			 "movdqu %%xmm7, %0\n\tstmxcsr %1\n\tfnstcw %2"
			 : "=m"(out), "=m"(mxcsr_after), "=m"(control_after), "=&a"(result),
			   "+D"(pid)
			 : "m"(mxcsr_before), "m"(control), "m"(in), "S"(tid), "d"(SIGUSR1)
			 : "xmm7", "rcx", "r11", "memory");
	CHECK_EQ(result, 0);
	CHECK_EQ(caught_count, 1);
	CHECK_EQ(out[0], in[0]);
	CHECK_EQ(out[1], in[1]);
	CHECK_EQ(mxcsr_after, mxcsr_before);
	CHECK_EQ(control_after, control);
}

__attribute__((target("avx"))) static void trash_ymm(int number)
{
	__asm__ volatile("vpcmpeqd %%xmm9,%%xmm9,%%xmm9\n\tvzeroupper" ::: "xmm9");
	count_signal(number);
}

__attribute__((target("avx"))) static int ymm_survives_signal(void)
{
	uint64_t in[4] = {1, 2, 3, 4}, out[4];
	long tid = gettid(), pid = getpid(), result;
	__asm__ volatile("vmovdqu %3, %%ymm9\n\tmov $234, %%eax\n\tsyscall\n\tvmovdqu %%ymm9, %0"
			 : "=m"(out), "=&a"(result), "+D"(pid)
			 : "m"(in), "S"(tid), "d"(SIGUSR1)
			 : "xmm9", "rcx", "r11", "memory");
	return result == 0 && memcmp(in, out, sizeof(in)) == 0;
}

TEST(handler_does_not_disturb_avx)
{
	if (!__builtin_cpu_supports("avx"))
		test_skip("no AVX on this processor");
	handle_signal(SIGUSR1, trash_ymm, 0);
	CHECK(ymm_survives_signal());
	CHECK_EQ(caught_count, 1);
}

/* Keeps a pattern in a register while others run; 0 if it was still there each time. */
__attribute__((target("avx"))) static int keep_pattern(uint64_t pattern, int rounds)
{
	uint64_t in[4] = {pattern, ~pattern, pattern * 3, pattern * 5}, out[4];
	for (int i = 0; i < rounds; i++) {
		long result;
		__asm__ volatile("vmovdqu %2, %%ymm12\n\tmov $24, %%eax\n\tsyscall\n\t"
				 "vmovdqu %%ymm12, %0"
				 : "=m"(out), "=&a"(result)
				 : "m"(in)
				 : "xmm12", "rcx", "r11", "memory");
		if (memcmp(in, out, sizeof(in)) != 0)
			return 1;
	}
	return 0;
}

TEST(context_switches_do_not_mix_vectors)
{
	enum { COUNT = 6, ROUNDS = 2000 };
	pid_t children[COUNT];
	if (!__builtin_cpu_supports("avx"))
		test_skip("no AVX on this processor");
	for (int i = 0; i < COUNT; i++) {
		children[i] = fork_checked();
		if (children[i] == 0)
			_exit(keep_pattern(0x0101010101010101u * (unsigned)(i + 1), ROUNDS));
	}
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(wait_exit(children[i]), 0);
}

TEST(new_program_starts_with_clean_vectors)
{
	unsigned mxcsr;
	unsigned short control;
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(control));
	CHECK_EQ(mxcsr & ~0x3fu, 0x1f80);
	CHECK_EQ(control, 0x37f);
}

static void note_direction(int number)
{
	unsigned long flags;
	__asm__ volatile("pushf\n\tpop %0" : "=r"(flags));
	caught_count = !(flags & 0x400);
	caught_number = number;
}

TEST(direction_flag_is_clear_in_the_handler_and_kept_after)
{
	unsigned long flags;
	long tid = gettid(), pid = getpid(), result;
	handle_signal(SIGUSR1, note_direction, 0);
	__asm__ volatile("std\n\tmov $234, %%eax\n\tsyscall\n\tpushf\n\tpop %1\n\tcld"
			 : "=&a"(result), "=&r"(flags), "+D"(pid)
			 : "S"(tid), "d"(SIGUSR1)
			 : "rcx", "r11", "memory");
	CHECK_EQ(caught_count, 1);
	CHECK(flags & 0x400);
}

TEST(red_zone_is_left_alone)
{
	long tid = gettid(), pid = getpid(), result, kept;
	handle_signal(SIGUSR1, count_signal, 0);
	__asm__ volatile("movq $0x5a5a, -128(%%rsp)\n\tmov $234, %%eax\n\tsyscall\n\t"
			 "movq -128(%%rsp), %1"
			 : "=&a"(result), "=&r"(kept), "+D"(pid)
			 : "S"(tid), "d"(SIGUSR1)
			 : "rcx", "r11", "memory");
	CHECK_EQ(caught_count, 1);
	CHECK_EQ(kept, 0x5a5a);
}
