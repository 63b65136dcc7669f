// SPDX-License-Identifier: MPL-2.0
/* How processes end and how a parent learns of it. */
#include "support.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static pid_t child_that_exits(int code)
{
	pid_t child = fork_checked();
	if (child == 0)
		_exit(code);
	return child;
}

static pid_t child_that_sleeps(void)
{
	pid_t child = fork_checked();
	if (child == 0)
		for (;;)
			pause();
	return child;
}

TEST(exit_code_is_eight_bits)
{
	int status;
	pid_t child = child_that_exits(0x1234);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0x3400);
}

TEST(death_by_signal_status)
{
	int status;
	pid_t child = child_that_sleeps();
	CHECK_OK(kill(child, SIGTERM));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, SIGTERM);
}

TEST(no_children_is_echild)
{
	CHECK_ERR(wait(NULL), ECHILD);
	CHECK_ERR(waitpid(1, NULL, 0), ECHILD);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG), ECHILD);
}

TEST(wnohang_of_running_child_is_zero)
{
	pid_t child = child_that_sleeps();
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(zombie_is_reaped_once)
{
	pid_t child = child_that_exits(0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_ERR(waitpid(child, NULL, 0), ECHILD);
}

TEST(zombie_answers_kill_zero)
{
	pid_t child = child_that_exits(0);
	WAIT_UNTIL(process_state(child) == 'Z');
	CHECK_OK(kill(child, 0));
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_ERR(kill(child, 0), ESRCH);
}

TEST(stop_and_continue_are_reported)
{
	int status;
	pid_t child = child_that_sleeps();
	CHECK_OK(kill(child, SIGSTOP));
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	CHECK_EQ(process_state(child), 'T');
	CHECK_OK(kill(child, SIGCONT));
	CHECK_EQ(waitpid(child, &status, WCONTINUED), child);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(status, 0xffff);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(stop_is_reported_once)
{
	int status;
	pid_t child = child_that_sleeps();
	CHECK_OK(kill(child, SIGSTOP));
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK_EQ(waitpid(child, &status, WUNTRACED | WNOHANG), 0);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(stopped_child_dies_by_sigkill)
{
	int status;
	pid_t child = child_that_sleeps();
	CHECK_OK(kill(child, SIGSTOP));
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK_OK(kill(child, SIGTERM));
	sleep_ms(20);
	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(waitid_fields_of_exit)
{
	siginfo_t info = {0};
	pid_t child = child_that_exits(17);
	CHECK_OK(waitid(P_PID, (id_t)child, &info, WEXITED));
	CHECK_EQ(info.si_signo, SIGCHLD);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_uid, getuid());
	CHECK_EQ(info.si_status, 17);
}

TEST(waitid_fields_of_kill)
{
	siginfo_t info = {0};
	pid_t child = child_that_sleeps();
	CHECK_OK(kill(child, SIGHUP));
	CHECK_OK(waitid(P_PID, (id_t)child, &info, WEXITED));
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGHUP);
}

TEST(waitid_fields_of_stop_and_continue)
{
	siginfo_t info = {0};
	pid_t child = child_that_sleeps();
	CHECK_OK(kill(child, SIGTSTP));
	CHECK_OK(waitid(P_PID, (id_t)child, &info, WSTOPPED));
	CHECK_EQ(info.si_code, CLD_STOPPED);
	CHECK_EQ(info.si_status, SIGTSTP);
	CHECK_OK(kill(child, SIGCONT));
	CHECK_OK(waitid(P_PID, (id_t)child, &info, WCONTINUED));
	CHECK_EQ(info.si_code, CLD_CONTINUED);
	CHECK_EQ(info.si_status, SIGCONT);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(wnowait_leaves_the_zombie)
{
	siginfo_t info = {0};
	pid_t child = child_that_exits(3);
	CHECK_OK(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT));
	CHECK_EQ(info.si_pid, child);
	CHECK_OK(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT));
	CHECK_EQ(info.si_status, 3);
	CHECK_EQ(wait_exit(child), 3);
}

TEST(waitid_nohang_without_event_clears_pid)
{
	siginfo_t info;
	memset(&info, 0xff, sizeof(info));
	pid_t child = child_that_sleeps();
	CHECK_OK(waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
	CHECK_EQ(info.si_pid, 0);
	CHECK_EQ(info.si_signo, 0);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(waitid_bad_arguments)
{
	siginfo_t info;
	CHECK_ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
	CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED | 0x100), EINVAL);
	CHECK_ERR(waitid((idtype_t)9, 1, &info, WEXITED), EINVAL);
	CHECK_ERR(waitpid(-1, NULL, 0x100), EINVAL);
	CHECK_ERR(syscall(SYS_wait4, 0x80000000, NULL, 0, NULL), ESRCH);
	CHECK_ERR(waitid((idtype_t)3, 999, &info, WEXITED), EBADF);
}

TEST(bad_status_pointer_is_efault)
{
	pid_t child = child_that_exits(0);
	CHECK_ERR(syscall(SYS_wait4, child, bad_address(), 0, NULL), EFAULT);
}

TEST(process_group_selects_children)
{
	pid_t one = fork_checked();
	if (one == 0) {
		setpgid(0, 0);
		_exit(1);
	}
	pid_t two = child_that_exits(2);
	CHECK_EQ(wait_exit(two), 2);
	WAIT_UNTIL(process_state(one) == 'Z');
	CHECK_ERR(waitpid(0, NULL, 0), ECHILD);
	CHECK_EQ(waitpid(-one, NULL, 0), one);
}

TEST(sigchld_arrives_with_codes)
{
	sigset_t set;
	siginfo_t info;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	pid_t child = child_that_exits(11);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_status, 11);
	CHECK_EQ(wait_exit(child), 11);
}

TEST(ignored_sigchld_reaps_by_itself)
{
	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	pid_t child = child_that_exits(0);
	CHECK_ERR(waitpid(child, NULL, 0), ECHILD);
	CHECK_ERR(kill(child, 0), ESRCH);
}

TEST(sa_nocldwait_reaps_by_itself)
{
	handle_signal(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
	pid_t child = child_that_exits(0);
	CHECK_ERR(waitpid(child, NULL, 0), ECHILD);
}

TEST(sa_nocldstop_silences_stops)
{
	handle_signal(SIGCHLD, count_signal, SA_NOCLDSTOP);
	pid_t child = child_that_sleeps();
	int status;
	CHECK_OK(kill(child, SIGSTOP));
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK_EQ(caught_count, 0);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
	CHECK_EQ(caught_count, 1);
}

TEST(orphan_goes_to_subreaper)
{
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	struct turn turn = turn_create();
	pid_t self = getpid(), child = fork_checked();
	if (child == 0) {
		if (fork() == 0) {
			turn_take(turn);
			for (int i = 0; i < 500 && getppid() != self; i++)
				sleep_ms(10);
			_exit(getppid() == self ? 21 : 22);
		}
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	turn_give(turn);
	int status;
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK_EQ(WEXITSTATUS(status), 21);
}

TEST(orphan_zombie_goes_to_subreaper)
{
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t child = fork_checked();
	if (child == 0) {
		pid_t grandchild = child_that_exits(33);
		siginfo_t info;
		waitid(P_PID, (id_t)grandchild, &info, WEXITED | WNOWAIT);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	int status;
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK_EQ(WEXITSTATUS(status), 33);
}

TEST(subreaper_is_not_inherited)
{
	int value = -1;
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	CHECK_OK(prctl(PR_GET_CHILD_SUBREAPER, &value));
	CHECK_EQ(value, 1);
	pid_t child = fork_checked();
	if (child == 0) {
		prctl(PR_GET_CHILD_SUBREAPER, &value);
		_exit(value);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(parent_death_signal)
{
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	struct turn turn = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		pid_t grandchild = fork();
		if (grandchild == 0) {
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			turn_give(turn);
			for (;;)
				pause();
		}
		turn_take(turn);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	int status;
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGUSR1);
}

TEST(rusage_of_children_counts)
{
	struct rusage usage;
	pid_t child = fork_checked();
	if (child == 0) {
		int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 60000000;
		while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
			continue;
		_exit(0);
	}
	CHECK_EQ(syscall(SYS_wait4, child, NULL, 0, &usage), child);
	long used_us = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec +
		       1000000 * (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
	CHECK(used_us >= 40000);
	CHECK_OK(getrusage(RUSAGE_CHILDREN, &usage));
	CHECK(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec +
	      1000000 * (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) >= 40000);
}

TEST(wait_is_interrupted_by_handler)
{
	handle_signal(SIGALRM, count_signal, 0);
	pid_t child = child_that_sleeps();
	alarm_each_second();
	CHECK_ERR(waitpid(child, NULL, 0), EINTR);
	CHECK(caught_count >= 1);
}

TEST(wait_restarts_with_sa_restart)
{
	handle_signal(SIGUSR1, count_signal, SA_RESTART);
	pid_t self = getpid(), child = fork_checked();
	if (child == 0) {
		kill(self, SIGUSR1);
		sleep_ms(50);
		_exit(4);
	}
	int status;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 4);
	CHECK_EQ(caught_count, 1);
}

// The folder of a process serves as its pidfd, for this call alone; the one of a thread, or a path to it, does not.
TEST(folder_of_a_process_sends_signals)
{
	char name[64];
	pid_t child = child_that_sleeps();
	snprintf(name, sizeof(name), "/proc/%d", child);
	int folder = CHECK_OK(open(name, O_RDONLY | O_DIRECTORY)), path = CHECK_OK(open(name, O_PATH));
	snprintf(name, sizeof(name), "/proc/%d/task/%d", child, child);
	int thread = CHECK_OK(open(name, O_RDONLY | O_DIRECTORY)), root = CHECK_OK(open("/proc", O_RDONLY));
	CHECK_ERR(syscall(SYS_pidfd_send_signal, path, SIGTERM, NULL, 0), EBADF);
	CHECK_ERR(syscall(SYS_pidfd_send_signal, thread, SIGTERM, NULL, 0), EBADF);
	CHECK_ERR(syscall(SYS_pidfd_send_signal, root, SIGTERM, NULL, 0), EBADF);
	CHECK_OK(syscall(SYS_pidfd_send_signal, folder, 0, NULL, 0));
	CHECK_OK(syscall(SYS_pidfd_send_signal, folder, SIGTERM, NULL, 0));
	int status;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	CHECK_ERR(syscall(SYS_pidfd_send_signal, folder, 0, NULL, 0), ESRCH);
}

TEST(pidfd_poll_and_send_signal)
{
	pid_t child = child_that_sleeps();
	int fd = (int)CHECK_OK(syscall(SYS_pidfd_open, child, 0));
	CHECK_OK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	siginfo_t info;
	CHECK_OK(waitid((idtype_t)3, (id_t)fd, &info, WEXITED));
	CHECK_EQ(info.si_status, SIGTERM);
	CHECK_ERR(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
	CHECK_ERR(syscall(SYS_pidfd_open, child, 0), ESRCH);
	CHECK_ERR(syscall(SYS_pidfd_open, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_pidfd_open, getpid(), 1), EINVAL);
}
