// SPDX-License-Identifier: MPL-2.0
/* Signals: who gets them, when, and what the handler is told. */
#include "support.h"

#include <sys/syscall.h>
#include <time.h>

static volatile sig_atomic_t order[16], order_count;
static siginfo_t last_info;

static void note_order(int number)
{
	order[order_count++] = number;
}

static void note_info(int number, siginfo_t *info, void *context)
{
	(void)context;
	last_info = *info;
	count_signal(number);
}

static void handle_info(int number, int flags)
{
	struct sigaction action = {.sa_sigaction = note_info, .sa_flags = SA_SIGINFO | flags};
	CHECK_OK(sigaction(number, &action, NULL));
}

static void block(int number)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
}

static void unblock(int number)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	CHECK_OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
}

TEST(handler_runs_before_kill_returns)
{
	handle_signal(SIGUSR1, count_signal, 0);
	CHECK_OK(kill(getpid(), SIGUSR1));
	CHECK_EQ(caught_count, 1);
	CHECK_EQ(caught_number, SIGUSR1);
}

TEST(default_actions_that_end)
{
	const int deadly[] = {SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGALRM, SIGTERM,
				     SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGIO, SIGRTMIN,
				     SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV,
				     SIGSYS, SIGXCPU, SIGXFSZ};
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		pid_t child = fork_checked();
		if (child == 0) {
			raise(deadly[i]);
			_exit(deadly[i]);
		}
		CHECK_EQ(wait_signal(child), deadly[i]);
	}
}

TEST(default_actions_that_do_nothing)
{
	static const int harmless[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		CHECK_OK(raise(harmless[i]));
}

TEST(ignored_signal_is_dropped)
{
	CHECK(signal(SIGTERM, SIG_IGN) != SIG_ERR);
	CHECK_OK(raise(SIGTERM));
	block(SIGTERM);
	CHECK_OK(raise(SIGTERM));
	sigset_t set;
	CHECK_OK(sigpending(&set));
	handle_signal(SIGTERM, count_signal, 0);
	unblock(SIGTERM);
	CHECK(caught_count <= 1);
}

TEST(becoming_ignored_discards_pending)
{
	handle_signal(SIGUSR1, count_signal, 0);
	block(SIGUSR1);
	CHECK_OK(raise(SIGUSR1));
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	handle_signal(SIGUSR1, count_signal, 0);
	unblock(SIGUSR1);
	CHECK_EQ(caught_count, 0);
}

TEST(blocked_signal_waits)
{
	sigset_t set;
	handle_signal(SIGUSR1, count_signal, 0);
	block(SIGUSR1);
	CHECK_OK(raise(SIGUSR1));
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(caught_count, 0);
	CHECK_OK(sigpending(&set));
	CHECK_EQ(sigismember(&set, SIGUSR1), 1);
	unblock(SIGUSR1);
	CHECK_EQ(caught_count, 1);
}

TEST(kill_and_stop_cannot_be_caught_or_blocked)
{
	struct sigaction action = {.sa_handler = count_signal};
	CHECK_ERR(sigaction(SIGKILL, &action, NULL), EINVAL);
	CHECK_ERR(sigaction(SIGSTOP, &action, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, 10, NULL, NULL, 4), EINVAL);
	uint64_t all = ~0ull, back = 0;
	CHECK_OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8));
	CHECK_OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &back, 8));
	CHECK_EQ(back, ~((1ull << (SIGKILL - 1)) | (1ull << (SIGSTOP - 1))));
	CHECK_ERR(syscall(SYS_rt_sigprocmask, 9, &all, NULL, 8), EINVAL);
}

static void raise_again(int number)
{
	static int depth;
	order[order_count++] = 1;
	if (depth++ == 0)
		raise(number);
	order[order_count++] = 2;
}

TEST(own_signal_is_blocked_in_its_handler)
{
	handle_signal(SIGUSR1, raise_again, 0);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(order_count, 4);
	CHECK(order[0] == 1 && order[1] == 2 && order[2] == 1 && order[3] == 2);
}

TEST(sa_nodefer_nests)
{
	handle_signal(SIGUSR1, raise_again, SA_NODEFER);
	CHECK_OK(raise(SIGUSR1));
	CHECK(order[0] == 1 && order[1] == 1 && order[2] == 2 && order[3] == 2);
}

TEST(sa_resethand_is_once)
{
	handle_signal(SIGUSR1, count_signal, (int)SA_RESETHAND);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(caught_count, 1);
	struct sigaction now;
	CHECK_OK(sigaction(SIGUSR1, NULL, &now));
	CHECK(now.sa_handler == SIG_DFL);
}

static void check_mask(int number)
{
	sigset_t now;
	(void)number;
	sigprocmask(SIG_BLOCK, NULL, &now);
	caught_count = sigismember(&now, SIGUSR2) && sigismember(&now, SIGUSR1) &&
		       !sigismember(&now, SIGHUP);
}

TEST(sa_mask_holds_in_the_handler_only)
{
	struct sigaction action = {.sa_handler = check_mask};
	sigaddset(&action.sa_mask, SIGUSR2);
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(caught_count, 1);
	sigset_t now;
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGUSR2), 0);
}

TEST(sigaction_returns_what_was_set)
{
	struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART | SA_NODEFER};
	sigaddset(&action.sa_mask, SIGHUP);
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	struct sigaction back;
	CHECK_OK(sigaction(SIGUSR1, NULL, &back));
	CHECK(back.sa_handler == count_signal);
	CHECK_EQ(back.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO), SA_RESTART | SA_NODEFER);
	CHECK_EQ(sigismember(&back.sa_mask, SIGHUP), 1);
}

TEST(kill_tells_pid_and_uid)
{
	handle_info(SIGUSR1, 0);
	CHECK_OK(kill(getpid(), SIGUSR1));
	CHECK_EQ(last_info.si_signo, SIGUSR1);
	CHECK_EQ(last_info.si_code, SI_USER);
	CHECK_EQ(last_info.si_pid, getpid());
	CHECK_EQ(last_info.si_uid, getuid());
}

TEST(tgkill_tells_its_code)
{
	handle_info(SIGUSR1, 0);
	CHECK_OK(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1));
	CHECK_EQ(last_info.si_code, SI_TKILL);
	CHECK_EQ(last_info.si_pid, getpid());
	CHECK_ERR(syscall(SYS_tgkill, getpid(), 999999, SIGUSR1), ESRCH);
	CHECK_ERR(syscall(SYS_tgkill, 0, 1, SIGUSR1), EINVAL);
	CHECK_ERR(syscall(SYS_tgkill, 1, gettid(), SIGUSR1), ESRCH);
}

TEST(sigqueue_carries_a_value)
{
	handle_info(SIGRTMIN + 1, 0);
	CHECK_OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 4711}));
	CHECK_EQ(last_info.si_code, SI_QUEUE);
	CHECK_EQ(last_info.si_value.sival_int, 4711);
}

TEST(realtime_signals_queue_in_order)
{
	sigset_t set;
	siginfo_t info;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	block(SIGRTMIN + 2);
	for (int i = 0; i < 5; i++)
		CHECK_OK(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = i}));
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN + 2);
		CHECK_EQ(info.si_value.sival_int, i);
	}
	CHECK_ERR(sigtimedwait(&set, &info, &(struct timespec){0, 0}), EAGAIN);
}

TEST(lowest_number_comes_first)
{
	sigset_t set;
	sigemptyset(&set);
	for (int i = 0; i < 3; i++)
		sigaddset(&set, SIGRTMIN + i);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 2; i >= 0; i--)
		CHECK_OK(raise(SIGRTMIN + i));
	siginfo_t info;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN + i);
}

TEST(handlers_stack_with_the_lowest_on_top)
{
	sigset_t set, old;
	sigfillset(&set);
	handle_signal(SIGUSR1, note_order, 0);
	handle_signal(SIGUSR2, note_order, 0);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, &old));
	CHECK_OK(raise(SIGUSR2));
	CHECK_OK(raise(SIGUSR1));
	CHECK_OK(sigprocmask(SIG_SETMASK, &old, NULL));
	CHECK_EQ(order_count, 2);
	/* both frames are built, the last one built runs first */
	CHECK(order[0] == SIGUSR2 && order[1] == SIGUSR1);
}

TEST(queue_info_cannot_forge_the_kernel)
{
	siginfo_t info = {.si_code = SI_USER};
	pid_t child = fork_checked();
	if (child == 0)
		for (;;)
			pause();
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, child, SIGUSR1, &info), EPERM);
	info.si_code = SI_QUEUE;
	CHECK_OK(syscall(SYS_rt_sigqueueinfo, child, SIGUSR1, &info));
	CHECK_EQ(wait_signal(child), SIGUSR1);
}

TEST(sigsuspend_swaps_the_mask)
{
	sigset_t set, old, now;
	sigemptyset(&set);
	handle_signal(SIGUSR1, count_signal, 0);
	block(SIGUSR1);
	CHECK_OK(raise(SIGUSR1));
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &old));
	CHECK_ERR(sigsuspend(&set), EINTR);
	CHECK_EQ(caught_count, 1);
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
}

TEST(sigtimedwait_times_out)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	block(SIGUSR1);
	int64_t start = now_ns(CLOCK_MONOTONIC);
	CHECK_ERR(sigtimedwait(&set, NULL, &(struct timespec){0, 30000000}), EAGAIN);
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 30000000);
	CHECK_ERR(sigtimedwait(&set, NULL, &(struct timespec){0, 1000000000}), EINVAL);
}

TEST(pause_ends_with_eintr)
{
	handle_signal(SIGALRM, count_signal, SA_RESTART);
	alarm_each_second();
	CHECK_ERR(pause(), EINTR);
	CHECK(caught_count >= 1);
}

TEST(read_is_interrupted_without_restart)
{
	int ends[2];
	char byte;
	CHECK_OK(pipe(ends));
	handle_signal(SIGALRM, count_signal, 0);
	alarm_each_second();
	CHECK_ERR(read(ends[0], &byte, 1), EINTR);
}

TEST(read_restarts_with_sa_restart)
{
	int ends[2];
	char byte;
	CHECK_OK(pipe(ends));
	handle_signal(SIGUSR1, count_signal, SA_RESTART);
	pid_t self = getpid(), child = fork_checked();
	if (child == 0) {
		sleep_ms(50);
		kill(self, SIGUSR1);
		sleep_ms(50);
		_exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
	}
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	CHECK_EQ(caught_count, 1);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(nanosleep_tells_what_is_left)
{
	struct timespec left = {0, 0};
	handle_signal(SIGUSR1, count_signal, SA_RESTART);
	pid_t self = getpid(), child = fork_checked();
	if (child == 0) {
		WAIT_UNTIL(process_state(self) == 'S');
		_exit(kill(self, SIGUSR1));
	}
	CHECK_ERR(nanosleep(&(struct timespec){20, 0}, &left), EINTR);
	CHECK(left.tv_sec >= 10 && left.tv_sec < 20);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(stop_and_continue_do_not_break_sleep)
{
	int status = 0;
	for (long tenths = 3; !WIFSTOPPED(status); tenths *= 2) { /* again if it was over before it was stopped */
		pid_t child = fork_checked();
		if (child == 0) {
			int64_t start = now_ns(CLOCK_MONOTONIC);
			struct timespec time = {tenths / 10, tenths % 10 * 100000000};
			int result = nanosleep(&time, NULL);
			_exit(result == 0 && now_ns(CLOCK_MONOTONIC) - start >= tenths * 100000000 ? 0 : 1);
		}
		WAIT_UNTIL(process_state(child) != 'R');
		CHECK_OK(kill(child, SIGSTOP));
		CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
		if (WIFSTOPPED(status)) {
			CHECK_OK(kill(child, SIGCONT));
			CHECK_EQ(wait_exit(child), 0);
		} else {
			CHECK_EQ(status, 0);
		}
	}
}

TEST(sigcont_clears_pending_stop)
{
	pid_t child = fork_checked();
	if (child == 0) {
		block(SIGTSTP);
		raise(SIGTSTP);
		raise(SIGCONT);
		sigset_t set;
		sigpending(&set);
		_exit(sigismember(&set, SIGTSTP));
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(bad_pointers_are_efault)
{
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, bad_address(), NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, bad_address(), 8), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad_address(), NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, kernel_address(), 8), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigpending, bad_address(), 8), EFAULT);
	CHECK_ERR(syscall(SYS_sigaltstack, bad_address(), NULL), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigsuspend, bad_address(), 8), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigtimedwait, bad_address(), NULL, NULL, 8), EFAULT);
}
