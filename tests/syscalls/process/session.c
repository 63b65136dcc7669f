// SPDX-License-Identifier: MPL-2.0
/* Process groups and sessions. */
#include "support.h"

#include <sys/syscall.h>

TEST(group_of_the_case_is_its_own)
{
	CHECK_EQ(getpgrp(), getpid());
	CHECK_EQ(getpgid(0), getpid());
	CHECK(getsid(0) > 0);
}

TEST(group_is_inherited)
{
	pid_t group = getpgrp(), child = fork_checked();
	if (child == 0)
		_exit(getpgrp() == group ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(leader_cannot_start_a_session)
{
	CHECK_ERR(setsid(), EPERM);
}

TEST(setsid_makes_leader_of_both)
{
	pid_t child = fork_checked();
	if (child == 0) {
		pid_t self = getpid();
		_exit(setsid() == self && getsid(0) == self && getpgrp() == self ? 0 : 1);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(session_leader_cannot_change_group)
{
	pid_t child = fork_checked();
	if (child == 0) {
		setsid();
		_exit(setpgid(0, 0) == -1 && errno == EPERM ? 0 : 1);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(parent_moves_child_to_new_group)
{
	struct turn turn = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		turn_take(turn);
		_exit(getpgrp() == getpid() ? 0 : 1);
	}
	CHECK_OK(setpgid(child, child));
	CHECK_EQ(getpgid(child), child);
	turn_give(turn);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(child_that_executed_cannot_be_moved)
{
	char path[40];
	pid_t child = fork_checked();
	if (child == 0) {
		execl("/tests/helper", "helper", "sleep", NULL);
		_exit(1);
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)child);
	WAIT_UNTIL(strcmp(read_text(path), "helper\n") == 0);
	CHECK_ERR(setpgid(child, child), EACCES);
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(group_must_exist_in_the_session)
{
	pid_t child = fork_checked();
	if (child == 0)
		_exit(setpgid(0, 999999) == -1 && errno == EPERM ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(setpgid(1, 0), ESRCH);
	CHECK_ERR(setpgid(0, -1), EINVAL);
	CHECK_ERR(getpgid(999999), ESRCH);
	CHECK_ERR(getsid(999999), ESRCH);
}

TEST(kill_reaches_the_whole_group)
{
	pid_t children[3], group = 0;
	for (int i = 0; i < 3; i++) {
		children[i] = fork_checked();
		if (children[i] == 0)
			for (;;)
				pause();
		CHECK_OK(setpgid(children[i], group));
		if (!group)
			group = children[i];
	}
	CHECK_OK(kill(-group, SIGTERM));
	for (int i = 0; i < 3; i++)
		CHECK_EQ(wait_signal(children[i]), SIGTERM);
	CHECK_ERR(kill(-group, SIGTERM), ESRCH);
}

TEST(group_outlives_its_leader)
{
	pid_t leader = fork_checked();
	if (leader == 0) {
		setpgid(0, 0);
		pause();
	}
	CHECK_OK(setpgid(leader, leader));
	pid_t member = fork_checked();
	if (member == 0)
		for (;;)
			pause();
	CHECK_OK(setpgid(member, leader));
	CHECK_OK(kill(leader, SIGKILL));
	CHECK_EQ(wait_signal(leader), SIGKILL);
	CHECK_EQ(getpgid(member), leader);
	CHECK_OK(kill(-leader, SIGUSR1));
	CHECK_EQ(wait_signal(member), SIGUSR1);
}

TEST(orphaned_stopped_group_gets_hup_and_cont)
{
	int ends[2];
	CHECK_OK(pipe(ends));
	pid_t middle = fork_checked();
	if (middle == 0) {
		setsid();
		pid_t member = fork();
		if (member == 0) {
			setpgid(0, 0);
			signal(SIGHUP, SIG_IGN);
			raise(SIGSTOP);
			_exit(write(ends[1], "c", 1) == 1 ? 0 : 1);
		}
		int status;
		waitpid(member, &status, WUNTRACED);
		_exit(WIFSTOPPED(status) ? 0 : 1);
	}
	close(ends[1]);
	CHECK_EQ(wait_exit(middle), 0);
	char byte = 0;
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	CHECK_EQ(byte, 'c');
}

TEST(kill_all_spares_the_caller_and_init)
{
	CHECK_ERR(kill(999999, 0), ESRCH);
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_ERR(kill(getpid(), -1), EINVAL);
	CHECK_OK(kill(1, 0));
	CHECK_ERR(syscall(SYS_kill, (int)0x80000000, 0), ESRCH);
}

/* As shells do it: whoever is first makes the group, and it keeps its number. */
TEST(parent_and_child_both_make_its_group)
{
	for (int round = 0; round < 1500; round++) {
		pid_t first = fork_checked();
		if (first == 0) {
			setpgid(0, 0);
			_exit(0);
		}
		CHECK_OK(setpgid(first, first));
		pid_t second = fork_checked();
		if (second == 0)
			_exit(setpgid(0, first) == 0 && getpgrp() == first ? 0 : 1);
		CHECK_EQ(wait_exit(second), 0);
		CHECK_EQ(wait_exit(first), 0);
	}
}
