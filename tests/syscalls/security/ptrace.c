// SPDX-License-Identifier: MPL-2.0
/* ptrace(2): what strace and gdb are made of. */
#include "support.h"

#include <elf.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#define P(request, pid, address, data) ptrace(request, pid, (void *)(uintptr_t)(address), (void *)(uintptr_t)(data))
#define EVENT(e) (SIGTRAP | (e) << 8)

static int status;

/* The next stop of this tracee: signal | event << 8. */
static int stop_of(pid_t pid)
{
	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK_EQ(status & 0xff, 0x7f); /* stopped */
	return status >> 8;
}

/* A child that asks to be traced, stops, and then runs body. */
static pid_t traced(int (*body)(void), unsigned options)
{
	pid_t child = fork_checked();
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(99);
		raise(SIGSTOP);
		_exit(body());
	}
	CHECK_EQ(stop_of(child), SIGSTOP);
	CHECK_OK(P(PTRACE_SETOPTIONS, child, 0, options));
	return child;
}

static volatile long shared_word = 0x1122334455667788;

static int body_seven(void)
{
	return shared_word == 42 ? 8 : 7;
}

TEST(stop_and_continue)
{
	pid_t child = traced(body_seven, 0);
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(wait_exit(child), 7);
	CHECK_ERR(P(PTRACE_CONT, child, 0, 0), ESRCH);
}

TEST(memory)
{
	pid_t child = traced(body_seven, 0);
	errno = 0;
	CHECK_EQ(P(PTRACE_PEEKDATA, child, &shared_word, 0), 0x1122334455667788);
	CHECK_EQ(errno, 0);
	CHECK_OK(P(PTRACE_POKEDATA, child, &shared_word, 42));
	CHECK_EQ(shared_word, 0x1122334455667788);
	CHECK_ERR(P(PTRACE_PEEKDATA, child, 8, 0), EIO);
	CHECK_ERR(P(PTRACE_POKEDATA, child, 8, 0), EIO);
	/* Code is not writable, and yet. */
	long code = P(PTRACE_PEEKTEXT, child, body_seven, 0);
	CHECK_OK(P(PTRACE_POKETEXT, child, body_seven, code));
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(wait_exit(child), 8);
}

TEST(memory_by_file_and_by_call)
{
	pid_t child = traced(body_seven, 0);
	char path[32];
	long word = 42, seen = 0;
	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	int fd = CHECK_OK(open(path, O_RDWR));
	CHECK_EQ(pwrite(fd, &word, sizeof(word), (off_t)(uintptr_t)&shared_word), sizeof(word));
	struct iovec here = {&seen, sizeof(seen)}, there = {(void *)&shared_word, sizeof(seen)};
	CHECK_EQ(process_vm_readv(child, &here, 1, &there, 1, 0), sizeof(seen));
	CHECK_EQ(seen, 42);
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(wait_exit(child), 8);
}

static int body_getppid(void)
{
	return (int)syscall(SYS_getppid, 1, 2, 3, 4, 5, 6) & 0xff;
}

static struct user_regs_struct registers_of(pid_t pid)
{
	struct user_regs_struct r = {0};
	CHECK_OK(P(PTRACE_GETREGS, pid, 0, &r));
	return r;
}

TEST(system_calls)
{
	pid_t child = traced(body_getppid, PTRACE_O_TRACESYSGOOD);
	struct ptrace_syscall_info info;
	do {
		CHECK_OK(P(PTRACE_SYSCALL, child, 0, 0));
		CHECK_EQ(stop_of(child), SIGTRAP | 0x80);
	} while (registers_of(child).orig_rax != SYS_getppid);
	struct user_regs_struct r = registers_of(child);
	CHECK_EQ((long)r.rax, -ENOSYS);
	CHECK_EQ(r.rdi, 1);
	CHECK_EQ(r.r10, 4);
	CHECK_EQ(r.r9, 6);
	CHECK_EQ(P(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info), 80);
	CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_ENTRY);
	CHECK_EQ(info.entry.nr, SYS_getppid);
	CHECK_EQ(info.entry.args[5], 6);
	CHECK_EQ(info.instruction_pointer, r.rip);
	CHECK_OK(P(PTRACE_SYSCALL, child, 0, 0));
	CHECK_EQ(stop_of(child), SIGTRAP | 0x80);
	CHECK_EQ(P(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info), 33);
	CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_EXIT);
	CHECK_EQ(info.exit.rval, getpid());
	r = registers_of(child);
	r.rax = 55;
	CHECK_OK(P(PTRACE_SETREGS, child, 0, &r));
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(wait_exit(child), 55);
}

TEST(system_call_is_replaced_and_taken_back)
{
	for (int taken_back = 0; taken_back < 2; taken_back++) {
		pid_t child = traced(body_getppid, PTRACE_O_TRACESYSGOOD);
		do {
			CHECK_OK(P(PTRACE_SYSCALL, child, 0, 0));
			CHECK_EQ(stop_of(child), SIGTRAP | 0x80);
		} while (registers_of(child).orig_rax != SYS_getppid);
		CHECK_OK(P(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, orig_rax),
			   taken_back ? -1 : SYS_getpid));
		if (taken_back)
			CHECK_OK(P(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, rax), 77));
		CHECK_OK(P(PTRACE_CONT, child, 0, 0));
		CHECK_EQ(wait_exit(child), taken_back ? 77 : child & 0xff);
	}
}

static int body_signals(void)
{
	handle_signal(SIGUSR1, count_signal, 0);
	handle_signal(SIGUSR2, count_signal, 0);
	signal(SIGHUP, SIG_IGN);
	raise(SIGUSR1);
	raise(SIGHUP);
	return caught_count * 64 + caught_number;
}

static int body_calls(void)
{
	long first = syscall(SYS_getppid), second = syscall(SYS_close, -1);
	return first == 77 && second == -1 ? 5 : 6;
}

TEST(system_calls_that_the_tracer_does)
{
	struct user_regs_struct regs;
	pid_t child = traced(body_calls, PTRACE_O_TRACESYSGOOD);
	CHECK_OK(P(PTRACE_SYSEMU, child, 0, 0));
	/* Whatever comes before: done by the kernel. */
	for (;;) {
		CHECK_EQ(stop_of(child), SIGTRAP | 0x80);
		CHECK_OK(P(PTRACE_GETREGS, child, 0, &regs));
		CHECK_EQ((long)regs.rax, -ENOSYS);
		if (regs.orig_rax == SYS_getppid)
			break;
		regs.rax = 0;
		CHECK_OK(P(PTRACE_SETREGS, child, 0, &regs));
		CHECK_OK(P(PTRACE_SYSEMU, child, 0, 0));
	}
	regs.rax = 77;
	CHECK_OK(P(PTRACE_SETREGS, child, 0, &regs));
	/* No stop at its end: the next one is the beginning of the next call. */
	CHECK_OK(P(PTRACE_SYSEMU, child, 0, 0));
	CHECK_EQ(stop_of(child), SIGTRAP | 0x80);
	CHECK_OK(P(PTRACE_GETREGS, child, 0, &regs));
	CHECK_EQ(regs.orig_rax, SYS_close);
	/* What follows decides about the end. */
	CHECK_OK(P(PTRACE_SYSCALL, child, 0, 0));
	CHECK_EQ(stop_of(child), SIGTRAP | 0x80);
	CHECK_OK(P(PTRACE_GETREGS, child, 0, &regs));
	CHECK_EQ((long)regs.rax, -ENOSYS);
	CHECK_OK(P(PTRACE_SYSEMU_SINGLESTEP, child, 0, 0));
	CHECK_EQ(stop_of(child), SIGTRAP);
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(wait_exit(child), 5);
}

TEST(signals_are_seen_first)
{
	pid_t child = traced(body_signals, 0);
	siginfo_t info;
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(stop_of(child), SIGUSR1);
	CHECK_OK(P(PTRACE_GETSIGINFO, child, 0, &info));
	CHECK_EQ(info.si_signo, SIGUSR1);
	CHECK_EQ(info.si_pid, child);
	CHECK_OK(P(PTRACE_CONT, child, 0, SIGUSR2));	/* another one instead */
	CHECK_EQ(stop_of(child), SIGHUP);		/* ignored ones too */
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(wait_exit(child), 64 + SIGUSR2);

	child = traced(body_signals, 0);
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(stop_of(child), SIGUSR1);
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));		/* swallowed */
	CHECK_EQ(stop_of(child), SIGHUP);
	CHECK_OK(P(PTRACE_CONT, child, 0, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

__attribute__((noinline)) static int body_step(void)
{
	volatile int sum = 0;
	for (int n = 0; n < 3; n++)
		sum += n;
	return sum;
}

TEST(single_steps)
{
	pid_t child = traced(body_step, 0);
	siginfo_t info;
	unsigned long long last = registers_of(child).rip;
	for (int n = 0; n < 12; n++) {
		CHECK_OK(P(PTRACE_SINGLESTEP, child, 0, 0));
		CHECK_EQ(stop_of(child), SIGTRAP);
		CHECK_OK(P(PTRACE_GETSIGINFO, child, 0, &info));
		CHECK(info.si_code == 2 || info.si_code == 1); /* 1: the end of a call */
		struct user_regs_struct r = registers_of(child);
		CHECK(r.rip != last);
		CHECK_EQ(r.eflags & 0x100, 0);
		last = r.rip;
	}
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(wait_exit(child), 3);
}

__attribute__((noinline)) static int body_break(void)
{
	return body_step() + 10;
}

TEST(break_point)
{
	pid_t child = traced(body_break, 0);
	long code = P(PTRACE_PEEKTEXT, child, body_step, 0);
	CHECK_OK(P(PTRACE_POKETEXT, child, body_step, (code & ~0xffl) | 0xcc));
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(stop_of(child), SIGTRAP);
	struct user_regs_struct r = registers_of(child);
	CHECK_EQ(r.rip, (uintptr_t)body_step + 1);
	CHECK_OK(P(PTRACE_POKETEXT, child, body_step, code));
	r.rip--;
	CHECK_OK(P(PTRACE_SETREGS, child, 0, &r));
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(wait_exit(child), 13);
}

static int body_vector(void)
{
	double value = 3.0;
	long ok;
	__asm__ volatile("movsd %1, %%xmm7; mov %2, %%eax; syscall; movq %%xmm7, %0"
			 : "=r"(ok) : "m"(value), "i"(SYS_getppid) : "rax", "rcx", "r11", "xmm7", "memory");
	return ok == 0x4014000000000000 ? 5 : 6;	/* 5.0 */
}

TEST(register_sets)
{
	pid_t child = traced(body_vector, PTRACE_O_TRACESYSGOOD);
	static char area[8192];
	struct user_regs_struct r = {0};
	struct iovec v = {&r, sizeof(r)};
	CHECK_OK(P(PTRACE_GETREGSET, child, NT_PRSTATUS, &v));
	CHECK_EQ(v.iov_len, sizeof(r));
	CHECK_EQ(r.cs, 0x33);
	do {
		CHECK_OK(P(PTRACE_SYSCALL, child, 0, 0));
		CHECK_EQ(stop_of(child), SIGTRAP | 0x80);
	} while (registers_of(child).orig_rax != SYS_getppid);
	struct user_fpregs_struct f;
	CHECK_OK(P(PTRACE_GETFPREGS, child, 0, &f));
	double value;
	memcpy(&value, &f.xmm_space[7 * 4], sizeof(value));
	CHECK(value == 3.0);
	value = 4.0;
	memcpy(&f.xmm_space[7 * 4], &value, sizeof(value));
	CHECK_OK(P(PTRACE_SETFPREGS, child, 0, &f));
	v = (struct iovec){area, sizeof(area)};
	CHECK_OK(P(PTRACE_GETREGSET, child, NT_X86_XSTATE, &v));
	CHECK(v.iov_len >= 576 && v.iov_len < sizeof(area));
	memcpy(&value, area + 160 + 7 * 16, sizeof(value));
	CHECK(value == 4.0);
	value = 5.0;
	memcpy(area + 160 + 7 * 16, &value, sizeof(value));
	CHECK_OK(P(PTRACE_SETREGSET, child, NT_X86_XSTATE, &v));
	CHECK_ERR(P(PTRACE_GETREGSET, child, 0x999, &v), EINVAL);
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(wait_exit(child), 5);
}

static int body_fork(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(3);
	int s;
	waitpid(child, &s, 0);
	return WEXITSTATUS(s) + 1;
}

TEST(fork_event)
{
	pid_t child = traced(body_fork, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT);
	unsigned long message = 0;
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(stop_of(child), EVENT(PTRACE_EVENT_FORK));
	CHECK_OK(P(PTRACE_GETEVENTMSG, child, 0, &message));
	pid_t grandchild = (pid_t)message;
	CHECK_EQ(stop_of(grandchild), SIGSTOP);
	CHECK_OK(P(PTRACE_CONT, grandchild, 0, 0));
	CHECK_EQ(stop_of(grandchild), EVENT(PTRACE_EVENT_EXIT));
	CHECK_OK(P(PTRACE_GETEVENTMSG, grandchild, 0, &message));
	CHECK_EQ(message, 3 << 8);
	CHECK_OK(P(PTRACE_CONT, grandchild, 0, 0));
	CHECK_EQ(waitpid(grandchild, &status, 0), grandchild);
	CHECK_EQ(WEXITSTATUS(status), 3);
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(stop_of(child), SIGCHLD);
	CHECK_OK(P(PTRACE_CONT, child, 0, SIGCHLD));
	CHECK_EQ(stop_of(child), EVENT(PTRACE_EVENT_EXIT));
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(wait_exit(child), 4);
}

static void *thread_body(void *unused)
{
	return unused;
}

static int body_thread(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, thread_body, NULL);
	pthread_join(thread, NULL);
	return 9;
}

TEST(threads)
{
	pid_t child = traced(body_thread, PTRACE_O_TRACECLONE);
	unsigned long message = 0;
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(stop_of(child), EVENT(PTRACE_EVENT_CLONE));
	CHECK_OK(P(PTRACE_GETEVENTMSG, child, 0, &message));
	CHECK_EQ(stop_of((pid_t)message), SIGSTOP);
	CHECK_OK(P(PTRACE_CONT, (pid_t)message, 0, 0));
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(waitpid((pid_t)message, &status, __WALL), (pid_t)message);
	CHECK(WIFEXITED(status));
	CHECK_EQ(wait_exit(child), 9);
}

static int body_exec(void)
{
	execl("/proc/self/exe", "again", "-l", NULL);
	return 1;
}

TEST(exec_event)
{
	pid_t child = traced(body_exec, PTRACE_O_TRACEEXEC);
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(stop_of(child), EVENT(PTRACE_EVENT_EXEC));
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);

	child = traced(body_exec, 0);
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(stop_of(child), SIGTRAP);
	CHECK_OK(P(PTRACE_KILL, child, 0, 0));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

static pid_t sleeper(void)
{
	pid_t child = fork_checked();
	if (child == 0) {
		handle_signal(SIGUSR1, count_signal, SA_RESTART);
		for (;;)
			if (pause() == -1 && caught_count)
				_exit(21);
	}
	WAIT_UNTIL(process_state(child) == 'S');
	return child;
}

TEST(attach_and_detach)
{
	pid_t child = sleeper();
	CHECK_OK(P(PTRACE_ATTACH, child, 0, 0));
	CHECK_ERR(P(PTRACE_ATTACH, child, 0, 0), EPERM);
	CHECK_EQ(stop_of(child), SIGSTOP);
	CHECK_OK(P(PTRACE_DETACH, child, 0, SIGUSR1));
	CHECK_EQ(wait_exit(child), 21);
	CHECK_ERR(P(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	CHECK_ERR(P(PTRACE_ATTACH, 999999, 0, 0), ESRCH);
}

TEST(seize_interrupt_listen)
{
	pid_t child = sleeper();
	siginfo_t info;
	CHECK_ERR(P(PTRACE_SEIZE, child, 0, 1u << 30), EIO);
	CHECK_OK(P(PTRACE_SEIZE, child, 0, PTRACE_O_TRACESYSGOOD));
	CHECK_EQ(waitpid(child, &status, __WALL | WNOHANG), 0);
	CHECK_OK(P(PTRACE_INTERRUPT, child, 0, 0));
	CHECK_EQ(stop_of(child), EVENT(PTRACE_EVENT_STOP));
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	WAIT_UNTIL(process_state(child) == 'S');
	/* A group stop: seen as a signal, then as an event, and the group may be left to stand. */
	CHECK_OK(kill(child, SIGSTOP));
	CHECK_EQ(stop_of(child), SIGSTOP);
	CHECK_OK(P(PTRACE_CONT, child, 0, SIGSTOP));
	CHECK_EQ(stop_of(child), SIGSTOP | PTRACE_EVENT_STOP << 8);
	CHECK_OK(P(PTRACE_GETSIGINFO, child, 0, &info));
	CHECK_EQ(info.si_signo, SIGSTOP);
	CHECK_OK(P(PTRACE_LISTEN, child, 0, 0));
	CHECK_EQ(waitpid(child, &status, __WALL | WNOHANG), 0);
	CHECK_OK(kill(child, SIGCONT));
	CHECK_EQ(stop_of(child), EVENT(PTRACE_EVENT_STOP));
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(stop_of(child), SIGCONT);
	CHECK_OK(P(PTRACE_DETACH, child, 0, 0));
	CHECK_OK(kill(child, SIGUSR1));
	CHECK_EQ(wait_exit(child), 21);
}

TEST(end_of_tracer)
{
	pid_t child = sleeper(), killed = sleeper(), tracer = fork_checked();
	if (tracer == 0) {
		if (P(PTRACE_SEIZE, child, 0, 0) || P(PTRACE_SEIZE, killed, 0, PTRACE_O_EXITKILL))
			_exit(1);
		P(PTRACE_INTERRUPT, child, 0, 0);
		waitpid(child, NULL, __WALL);
		_exit(0);
	}
	CHECK_EQ(wait_exit(tracer), 0);
	CHECK_EQ(wait_signal(killed), SIGKILL);
	CHECK_OK(kill(child, SIGUSR1));
	CHECK_EQ(wait_exit(child), 21);
}

TEST(tracer_that_is_not_the_parent)
{
	pid_t child = sleeper(), tracer = fork_checked();
	if (tracer == 0) {
		int s;
		if (P(PTRACE_SEIZE, child, 0, 0))
			_exit(1);
		kill(child, SIGUSR1);
		if (waitpid(child, &s, __WALL) != child || s >> 8 != SIGUSR1 || P(PTRACE_CONT, child, 0, SIGUSR1))
			_exit(2);
		if (waitpid(child, &s, __WALL) != child || !WIFEXITED(s) || WEXITSTATUS(s) != 21)
			_exit(3);
		_exit(0);
	}
	CHECK_EQ(wait_exit(tracer), 0);
	CHECK_EQ(wait_exit(child), 21);
}

static int body_filtered(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 33),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	return body_getppid();
}

TEST(seccomp_asks_the_tracer)
{
	pid_t child = traced(body_filtered, PTRACE_O_TRACESECCOMP);
	unsigned long message = 0;
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(stop_of(child), EVENT(PTRACE_EVENT_SECCOMP));
	CHECK_OK(P(PTRACE_GETEVENTMSG, child, 0, &message));
	CHECK_EQ(message, 33);
	struct user_regs_struct r = registers_of(child);
	CHECK_EQ(r.orig_rax, SYS_getppid);
	r.orig_rax = -1;
	r.rax = 66;
	CHECK_OK(P(PTRACE_SETREGS, child, 0, &r));
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(wait_exit(child), 66);
}

TEST(who_may_trace)
{
	pid_t child = sleeper(), other = fork_checked();
	if (other == 0) {
		become_nobody();
		_exit(P(PTRACE_ATTACH, child, 0, 0) ? errno : 0);
	}
	CHECK_EQ(wait_exit(other), EPERM);
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);

	/* Not dumpable: not even by the same user. */
	become_nobody();
	child = fork_checked();
	if (child == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		for (;;)
			pause();
	}
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_ERR(P(PTRACE_ATTACH, child, 0, 0), EPERM);
	kill(child, SIGKILL);
}

/* What `copy`, a set-user-id program of user 1234, says of its ids as a tracee; traced since it was root or nobody. */
static const char *ids_of_tracee(int is_nobody_first)
{
	static char text[64];
	int ends[2];
	CHECK_OK(pipe(ends));
	pid_t child = fork_checked();
	if (child == 0) {
		if (is_nobody_first)
			become_nobody();
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(98);
		if (!is_nobody_first)
			become_nobody();
		dup2(ends[1], 1);
		execl("./copy", "./copy", "ids", NULL);
		_exit(99);
	}
	close(ends[1]);
	CHECK_EQ(stop_of(child), SIGTRAP);
	char path[32];
	struct stat entry;
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	CHECK_OK(stat(path, &entry));
	CHECK_EQ((int)entry.st_uid, is_nobody_first ? 65534 : 0);	/* what gains nothing may be looked into */
	CHECK_OK(P(PTRACE_CONT, child, 0, 0));
	ssize_t n = read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	close(ends[0]);
	CHECK_EQ(wait_exit(child), 0);
	return text;
}

TEST(set_user_id_program_gains_nothing_for_a_tracer_of_no_right)
{
	CHECK_OK(system("/bin/busybox cp /tests/helper ./copy") == 0 ? 0 : -1);
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(chown("copy", 1234, 0));
	CHECK_OK(chmod("copy", 04755));
	CHECK_STR(ids_of_tracee(1), "65534 65534 65534\n");
	CHECK_STR(ids_of_tracee(0), "65534 1234 1234\n");
}

/* Whoever ends at the moment is traced or is not; its end is told once, and the tracer's own is nobody's trouble. */
TEST(seizing_what_ends)
{
	for (int i = 0; i < 300; i++) {
		int status = 0;
		pid_t child = fork_checked();
		if (child == 0)
			_exit(i & 127);
		for (volatile int wait = 0; wait < i * 100; wait++)
			continue;
		if (P(PTRACE_SEIZE, child, 0, 0) != 0)
			CHECK(errno == EPERM || errno == ESRCH);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), i & 127);
	}
}

TEST(bad_requests)
{
	pid_t child = traced(body_seven, 0);
	CHECK_ERR(P(PTRACE_SETOPTIONS, child, 0, 1u << 30), EINVAL);
	CHECK_ERR(P(PTRACE_CONT, child, 0, 999), EIO);
	CHECK_ERR(P(PTRACE_PEEKUSER, child, 3, 0), EIO);
	CHECK_ERR(P(PTRACE_PEEKUSER, child, 5000, 0), EIO);
	CHECK_ERR(P(PTRACE_GETREGS, child, 0, bad_address()), EFAULT);
	CHECK_ERR(P(PTRACE_INTERRUPT, child, 0, 0), EIO);
	CHECK_ERR(P(PTRACE_LISTEN, child, 0, 0), EIO);
	CHECK_ERR(P(12345, child, 0, 0), EIO);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

#define SCOPE "/proc/sys/kernel/yama/ptrace_scope"

/* An ordinary user's attempt to attach to a sibling, in the scope given; with_permission: the sibling allows it. */
static int attach_in_scope(const char *scope, int with_permission)
{
	CHECK_OK(put_text(SCOPE, scope));
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		if (with_permission)
			prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
		for (;;)
			pause();
	}
	WAIT_UNTIL(process_state(child) == 'S');
	pid_t other = fork_checked();
	if (other == 0) {
		become_nobody();
		_exit(P(PTRACE_ATTACH, child, 0, 0) ? errno : 0);
	}
	int result = wait_exit(other);
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);
	CHECK_OK(put_text(SCOPE, "0"));
	return result;
}

TEST(yama_scope)
{
	CHECK_STR(read_text(SCOPE), "0\n");
	CHECK_ERR(put_text(SCOPE, "4"), EINVAL);
	CHECK_EQ(attach_in_scope("0", 0), 0);
	CHECK_EQ(attach_in_scope("1", 0), EPERM);
	CHECK_EQ(attach_in_scope("1", 1), 0);
	CHECK_EQ(attach_in_scope("2", 1), EPERM);
	CHECK_ERR(prctl(PR_SET_PTRACER, 999999, 0, 0, 0), EINVAL);
	CHECK_OK(prctl(PR_SET_PTRACER, 0, 0, 0, 0));
}
