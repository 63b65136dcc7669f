// SPDX-License-Identifier: MPL-2.0
/* seccomp(2): strict mode and filters. */
#include "support.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LOAD_NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define LOAD_ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define RETURN(k) BPF_STMT(BPF_RET | BPF_K, k)
#define IF_EQUAL(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, yes, no)

static int seccomp(unsigned operation, unsigned flags, void *args)
{
	return syscall(SYS_seccomp, operation, flags, args);
}

static int install_count(const struct sock_filter *filter, unsigned count, unsigned flags)
{
	struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)filter};
	return seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
}
#define install(filter, flags) install_count(filter, COUNT(filter), flags)

/* A filter that answers getppid() with `action` and allows the rest. */
static int answer_getppid(unsigned action, unsigned flags)
{
	struct sock_filter filter[] = {
		LOAD_NUMBER, IF_EQUAL(SYS_getppid, 0, 1), RETURN(action), RETURN(SECCOMP_RET_ALLOW),
	};
	return install(filter, flags);
}

static void no_new_privileges(void)
{
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static const char *status_line(const char *name)
{
	static char line[64];
	const char *text = strstr(read_text("/proc/thread-self/status"), name);
	CHECK(text);
	sscanf(text, "%63[^\n]", line);
	return line;
}

TEST(probes_of_libseccomp)
{
	static const unsigned flags[] = {SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_LOG,
		SECCOMP_FILTER_FLAG_SPEC_ALLOW, SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_TSYNC_ESRCH};
	CHECK_ERR(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL);
	CHECK_ERR(seccomp(SECCOMP_SET_MODE_STRICT, 0, (void *)flags), EINVAL);
	for (unsigned n = 0; n < COUNT(flags); n++)
		CHECK_ERR(seccomp(SECCOMP_SET_MODE_FILTER, flags[n], NULL), EFAULT);
	CHECK_ERR(seccomp(SECCOMP_SET_MODE_FILTER, 1u << 20, NULL), EINVAL);
	CHECK_ERR(seccomp(SECCOMP_SET_MODE_FILTER,
			  SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER, NULL), EINVAL);
	CHECK_ERR(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER |
			  SECCOMP_FILTER_FLAG_TSYNC_ESRCH, NULL), EFAULT);
	CHECK_ERR(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, NULL), EINVAL);
	CHECK_ERR(seccomp(99, 0, NULL), EINVAL);
	CHECK_ERR(prctl(PR_SET_SECCOMP, 99, 0, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0, 0, 0), EFAULT);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
}

TEST(actions_and_sizes)
{
	static const unsigned known[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
		SECCOMP_RET_ERRNO, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW};
	for (unsigned n = 0; n < COUNT(known); n++)
		CHECK_OK(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, (void *)&known[n]));
	unsigned unknown = 0x12340000;
	CHECK_ERR(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &unknown), EOPNOTSUPP);
	CHECK_ERR(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &unknown), EINVAL);
	CHECK_ERR(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, bad_address()), EFAULT);
	struct seccomp_notif_sizes sizes = {0};
	CHECK_OK(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
	CHECK_EQ(sizes.seccomp_notif, sizeof(struct seccomp_notif));
	CHECK_EQ(sizes.seccomp_notif_resp, sizeof(struct seccomp_notif_resp));
	CHECK_EQ(sizes.seccomp_data, sizeof(struct seccomp_data));
	CHECK_STR(read_text("/proc/sys/kernel/seccomp/actions_avail"),
		  "kill_process kill_thread trap errno user_notif trace log allow\n");
	CHECK_STR(read_text("/proc/sys/kernel/seccomp/actions_logged"),
		  "kill_process kill_thread trap errno user_notif trace log\n");
	CHECK_ERR(put_text("/proc/sys/kernel/seccomp/actions_logged", "allow"), EINVAL);
	CHECK_ERR(put_text("/proc/sys/kernel/seccomp/actions_logged", "nonsense"), EINVAL);
}

TEST(programs_are_checked)
{
	static const struct sock_filter no_return[] = {LOAD_NUMBER};
	static const struct sock_filter far[] = {IF_EQUAL(0, 1, 0), RETURN(0)};
	static const struct sock_filter odd_load[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RETURN(0)};
	static const struct sock_filter past_end[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RETURN(0)};
	static const struct sock_filter byte_load[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RETURN(0)};
	static const struct sock_filter divide[] = {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN(0)};
	static const struct sock_filter shift[] = {BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RETURN(0)};
	static const struct sock_filter not_stored[] = {BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(0)};
	static const struct sock_filter one_way[] = {
		LOAD_NUMBER, IF_EQUAL(1, 0, 1), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(0),
	};
	static const struct sock_filter modulo[] = {BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RETURN(0)};
	static const struct sock_filter forever[] = {BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), RETURN(0)};
	struct sock_fprog program = {.len = 2, .filter = bad_address()};
	no_new_privileges();
	CHECK_ERR(install(no_return, 0), EINVAL);
	CHECK_ERR(install(far, 0), EINVAL);
	CHECK_ERR(install(odd_load, 0), EINVAL);
	CHECK_ERR(install(past_end, 0), EINVAL);
	CHECK_ERR(install(byte_load, 0), EINVAL);
	CHECK_ERR(install(divide, 0), EINVAL);
	CHECK_ERR(install(shift, 0), EINVAL);
	CHECK_ERR(install(not_stored, 0), EINVAL);
	CHECK_ERR(install(one_way, 0), EINVAL);
	CHECK_ERR(install(modulo, 0), EINVAL);
	CHECK_ERR(install(forever, 0), EINVAL);
	CHECK_ERR(install_count(no_return, 0, 0), EINVAL);
	CHECK_ERR(install_count(no_return, 4097, 0), EINVAL);
	CHECK_ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program), EFAULT);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
}

TEST(arithmetic)
{
	/* The number of getppid, made by every kind of instruction, becomes the error number. */
	static const struct sock_filter filter[] = {
		LOAD_NUMBER, IF_EQUAL(SYS_getppid, 1, 0), RETURN(SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),			/* 64 */
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),			/* 128 */
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 2),			/* 32 */
		BPF_STMT(BPF_ST, 5),
		BPF_STMT(BPF_LD | BPF_IMM, 7),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 6),			/* 42 */
		BPF_STMT(BPF_LDX | BPF_MEM, 5),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),			/* 10 */
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 3),			/* 9 */
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	no_new_privileges();
	CHECK_OK(install(filter, 0));
	CHECK_ERR(syscall(SYS_getppid), EBADF);
}

TEST(errno_and_the_rest_goes_on)
{
	no_new_privileges();
	CHECK_OK(answer_getppid(SECCOMP_RET_ERRNO | EXDEV, 0));
	CHECK_ERR(syscall(SYS_getppid), EXDEV);
	CHECK(getpid() > 0);
	CHECK_EQ(prctl(PR_GET_SECCOMP), SECCOMP_MODE_FILTER);
	CHECK_STR(status_line("Seccomp:"), "Seccomp:\t2");
	CHECK_STR(status_line("Seccomp_filters:"), "Seccomp_filters:\t1");
}

TEST(errno_zero_and_too_large)
{
	no_new_privileges();
	CHECK_OK(answer_getppid(SECCOMP_RET_ERRNO | 5000, 0));
	CHECK_ERR(syscall(SYS_getppid), 4095);
	pid_t child = fork_checked();
	if (child == 0) {
		struct sock_filter filter[] = {LOAD_NUMBER, IF_EQUAL(SYS_getuid, 0, 1), RETURN(SECCOMP_RET_ERRNO),
			RETURN(SECCOMP_RET_ALLOW)};
		if (setuid(NOBODY) || install(filter, 0))
			_exit(99);
		_exit(syscall(SYS_getuid));
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(arguments_are_seen)
{
	static const struct sock_filter filter[] = {
		LOAD_NUMBER, IF_EQUAL(SYS_close, 0, 3), LOAD_ARGUMENT(0), IF_EQUAL(777, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | ENOTTY), RETURN(SECCOMP_RET_ALLOW),
	};
	no_new_privileges();
	CHECK_OK(install(filter, 0));
	CHECK_ERR(close(777), ENOTTY);
	CHECK_ERR(close(778), EBADF);
}

TEST(needs_no_new_privileges)
{
	become_nobody();
	CHECK_ERR(answer_getppid(SECCOMP_RET_ALLOW, 0), EACCES);
	no_new_privileges();
	CHECK_OK(answer_getppid(SECCOMP_RET_ALLOW, 0));
}

TEST(newest_of_equal_and_strictest_of_all)
{
	no_new_privileges();
	CHECK_OK(answer_getppid(SECCOMP_RET_ERRNO | 1, 0));
	CHECK_OK(answer_getppid(SECCOMP_RET_ERRNO | 2, 0));
	CHECK_ERR(syscall(SYS_getppid), 2);
	CHECK_OK(answer_getppid(SECCOMP_RET_LOG, 0));
	CHECK_ERR(syscall(SYS_getppid), 2);
	CHECK_STR(status_line("Seccomp_filters:"), "Seccomp_filters:\t3");
	pid_t child = fork_checked();
	if (child == 0) {
		answer_getppid(SECCOMP_RET_KILL_PROCESS, 0);
		syscall(SYS_getppid);
		_exit(1);
	}
	CHECK_EQ(wait_signal(child), SIGSYS);
}

static volatile siginfo_t trap_info;
static volatile long trap_rax;
static void on_trap(int number, siginfo_t *info, void *context)
{
	(void)number;
	memcpy((void *)&trap_info, info, sizeof(*info));
	ucontext_t *u = context;
	trap_rax = u->uc_mcontext.gregs[13]; /* REG_RAX */
	u->uc_mcontext.gregs[13] = 4711;
}

TEST(trap_tells_what_was_called)
{
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
	no_new_privileges();
	CHECK_OK(sigaction(SIGSYS, &action, NULL));
	CHECK_OK(answer_getppid(SECCOMP_RET_TRAP | 77, 0));
	CHECK_EQ(syscall(SYS_getppid), 4711);
	CHECK_EQ(trap_info.si_signo, SIGSYS);
	CHECK_EQ(trap_info.si_code, 1);
	CHECK_EQ(trap_info.si_errno, 77);
	CHECK_EQ(trap_info.si_syscall, SYS_getppid);
	CHECK_EQ(trap_info.si_arch, AUDIT_ARCH_X86_64);
	CHECK(trap_info.si_call_addr);
	CHECK_EQ(trap_rax, SYS_getppid);
}

TEST(trap_without_handler_kills)
{
	pid_t child = fork_checked();
	if (child == 0) {
		sigset_t all;
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		answer_getppid(SECCOMP_RET_TRAP, 0);
		syscall(SYS_getppid);
		_exit(1);
	}
	CHECK_EQ(wait_signal(child), SIGSYS);
}

static volatile pid_t caller;

static void *call_getppid(void *unused)
{
	(void)unused;
	caller = gettid();
	syscall(SYS_getppid);
	return (void *)1;
}

TEST(kill_thread_and_kill_process)
{
	for (int whole = 0; whole < 2; whole++) {
		pid_t child = fork_checked();
		if (child == 0) {
			pthread_t thread;
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			if (answer_getppid(whole ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_KILL_THREAD, 0))
				_exit(99);
			pthread_create(&thread, NULL, call_getppid, NULL);
			while (whole)
				pause();
			WAIT_UNTIL(caller && syscall(SYS_tgkill, getpid(), caller, 0) != 0);
			_exit(7);
		}
		if (whole)
			CHECK_EQ(wait_signal(child), SIGSYS);
		else
			CHECK_EQ(wait_exit(child), 7);
	}
}

TEST(trace_without_tracer)
{
	no_new_privileges();
	CHECK_OK(answer_getppid(SECCOMP_RET_TRACE, 0));
	CHECK_ERR(syscall(SYS_getppid), ENOSYS);
}

TEST(unknown_action_kills)
{
	pid_t child = fork_checked();
	if (child == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		answer_getppid(0x12340000, 0);
		syscall(SYS_getppid);
		_exit(1);
	}
	CHECK_EQ(wait_signal(child), SIGSYS);
}

TEST(strict_mode)
{
	pid_t child = fork_checked();
	if (child == 0) {
		int fd = open("/dev/null", O_WRONLY);
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0))
			syscall(SYS_exit, 99);
		syscall(SYS_exit, write(fd, "x", 1) == 1 ? 5 : 6);
	}
	CHECK_EQ(wait_exit(child), 5);
	child = fork_checked();
	if (child == 0) {
		CHECK_OK(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL));
		syscall(SYS_getpid);
		syscall(SYS_exit, 1);
	}
	CHECK_EQ(wait_signal(child), SIGKILL);
	CHECK_OK(answer_getppid(SECCOMP_RET_ALLOW, 0));
	CHECK_ERR(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL), EINVAL);
}

TEST(children_and_programs_inherit)
{
	no_new_privileges();
	CHECK_OK(answer_getppid(SECCOMP_RET_ERRNO | EXDEV, 0));
	pid_t child = fork_checked();
	if (child == 0)
		_exit(syscall(SYS_getppid) == -1 && errno == EXDEV ? 3 : 4);
	CHECK_EQ(wait_exit(child), 3);
	/* The same program again, asked for a case that must fail there. */
	child = fork_checked();
	if (child == 0) {
		execl("/proc/self/exe", "again", "no_such_case", NULL);
		_exit(errno);
	}
	int status;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
}

TEST(execve_can_be_refused)
{
	static const struct sock_filter filter[] = {
		LOAD_NUMBER, IF_EQUAL(SYS_execve, 0, 1), RETURN(SECCOMP_RET_ERRNO | EACCES), RETURN(SECCOMP_RET_ALLOW),
	};
	no_new_privileges();
	CHECK_OK(install(filter, 0));
	CHECK_ERR(execl("/proc/self/exe", "x", NULL), EACCES);
}

TEST(total_length_is_bounded)
{
	static struct sock_filter filter[4096];
	int added = 0;
	for (unsigned n = 0; n < COUNT(filter); n++)
		filter[n] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	no_new_privileges();
	while (install_count(filter, COUNT(filter), 0) == 0)
		added++;
	CHECK_EQ(errno, ENOMEM);
	/* Linux counts the instructions of its own that it translates to. */
	CHECK(added >= 3 && added <= 7);
}

static struct turn thread_go, thread_done;
static volatile int thread_result, thread_nnp;
static void *wait_and_call(void *unused)
{
	(void)unused;
	turn_take(thread_go);
	thread_result = syscall(SYS_getppid) == -1 ? errno : 0;
	thread_nnp = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	turn_give(thread_done);
	turn_take(thread_go);
	return NULL;
}

TEST(tsync_reaches_all_threads)
{
	pthread_t thread;
	thread_go = turn_create();
	thread_done = turn_create();
	CHECK_EQ(pthread_create(&thread, NULL, wait_and_call, NULL), 0);
	no_new_privileges();
	CHECK_OK(answer_getppid(SECCOMP_RET_ALLOW, 0));
	CHECK_OK(answer_getppid(SECCOMP_RET_ERRNO | EXDEV, SECCOMP_FILTER_FLAG_TSYNC));
	turn_give(thread_go);
	turn_take(thread_done);
	CHECK_EQ(thread_result, EXDEV);
	CHECK_EQ(thread_nnp, 1);
	turn_give(thread_go);
	pthread_join(thread, NULL);
}

static volatile pid_t thread_tid;
static void *restrict_and_wait(void *unused)
{
	(void)unused;
	thread_tid = syscall(SYS_gettid);
	thread_result = answer_getppid(SECCOMP_RET_ALLOW, 0);
	turn_give(thread_done);
	turn_take(thread_go);
	return NULL;
}

TEST(tsync_fails_for_a_thread_with_other_filters)
{
	pthread_t thread;
	thread_go = turn_create();
	thread_done = turn_create();
	no_new_privileges();
	CHECK_EQ(pthread_create(&thread, NULL, restrict_and_wait, NULL), 0);
	turn_take(thread_done);
	CHECK_EQ(thread_result, 0);
	CHECK_EQ(answer_getppid(SECCOMP_RET_ERRNO | EXDEV, SECCOMP_FILTER_FLAG_TSYNC), thread_tid);
	CHECK_ERR(answer_getppid(SECCOMP_RET_ERRNO | EXDEV,
				 SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH), ESRCH);
	CHECK(syscall(SYS_getppid) > 0);
	turn_give(thread_go);
	pthread_join(thread, NULL);
}
