// SPDX-License-Identifier: MPL-2.0
/* System V semaphores. */
#include "support.h"

#include <sys/ipc.h>
#include <sys/sem.h>

static int make_set(int count)
{
	int id = semget(IPC_PRIVATE, count, IPC_CREAT | 0600);
	CHECK(id >= 0);
	return id;
}

static int change(int id, int number, int by, int flags)
{
	struct sembuf operation = {.sem_num = number, .sem_op = by, .sem_flg = flags};
	return semop(id, &operation, 1);
}

static void remove_set(int id)
{
	CHECK_OK(semctl(id, 0, IPC_RMID));
}

TEST(values_are_set_and_read)
{
	unsigned short values[3] = {5, 6, 7}, seen[3];
	int id = make_set(3);
	CHECK_EQ(semctl(id, 1, GETVAL), 0);
	CHECK_OK(semctl(id, 1, SETVAL, 42));
	CHECK_EQ(semctl(id, 1, GETVAL), 42);
	CHECK_OK(semctl(id, 0, SETALL, values));
	CHECK_OK(semctl(id, 0, GETALL, seen));
	CHECK_EQ(memcmp(values, seen, sizeof(seen)), 0);
	CHECK_ERR(semctl(id, 0, SETVAL, 32768), ERANGE);
	CHECK_ERR(semctl(id, 3, GETVAL), EINVAL);
	remove_set(id);
}

TEST(all_operations_or_none)
{
	int id = make_set(2);
	struct sembuf both[2] = {{0, 3, 0}, {1, -1, IPC_NOWAIT}};
	CHECK_ERR(semop(id, both, 2), EAGAIN);
	CHECK_EQ(semctl(id, 0, GETVAL), 0);
	CHECK_OK(change(id, 1, 1, 0));
	CHECK_OK(semop(id, both, 2));
	CHECK_EQ(semctl(id, 0, GETVAL), 3);
	CHECK_EQ(semctl(id, 1, GETVAL), 0);
	CHECK_EQ(semctl(id, 0, GETPID), getpid());
	remove_set(id);
}

TEST(limits_of_operations)
{
	int id = make_set(1);
	CHECK_ERR(change(id, 1, 1, 0), EFBIG);
	CHECK_OK(change(id, 0, 32767, 0));
	CHECK_ERR(change(id, 0, 1, 0), ERANGE);
	struct sembuf none = {0, 0, 0};
	CHECK_ERR(semop(id, &none, 0), EINVAL);
	CHECK_ERR(semop(id, &none, 501), E2BIG);
	CHECK_ERR(semop(id, bad_address(), 1), EFAULT);
	remove_set(id);
}

TEST(waiters_are_woken_and_counted)
{
	int id = make_set(1);
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(change(id, 0, -2, 0));
		_exit(0);
	}
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 1);
	CHECK_OK(change(id, 0, 1, 0));
	CHECK_EQ(semctl(id, 0, GETNCNT), 1);
	CHECK_OK(change(id, 0, 1, 0));
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	CHECK_EQ(semctl(id, 0, GETVAL), 0);
	remove_set(id);
}

TEST(waiting_for_zero)
{
	int id = make_set(1);
	CHECK_OK(change(id, 0, 0, 0));
	CHECK_OK(change(id, 0, 1, 0));
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(change(id, 0, 0, 0));
		_exit(0);
	}
	WAIT_UNTIL(semctl(id, 0, GETZCNT) == 1);
	CHECK_OK(change(id, 0, -1, 0));
	CHECK_EQ(wait_exit(child), 0);
	remove_set(id);
}

TEST(exit_undoes)
{
	int id = make_set(2);
	CHECK_OK(semctl(id, 0, SETVAL, 3));
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(change(id, 0, -2, SEM_UNDO));
		CHECK_OK(change(id, 1, 4, SEM_UNDO));
		CHECK_OK(change(id, 1, 1, 0));
		CHECK_EQ(semctl(id, 0, GETVAL), 1);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(semctl(id, 0, GETVAL), 3);
	CHECK_EQ(semctl(id, 1, GETVAL), 1);
	remove_set(id);
}

TEST(undo_of_the_killed_wakes_the_next)
{
	int id = make_set(1);
	CHECK_OK(semctl(id, 0, SETVAL, 1));
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(change(id, 0, -1, SEM_UNDO));
		pause();
	}
	WAIT_UNTIL(semctl(id, 0, GETVAL) == 0);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_OK(change(id, 0, -1, 0));
	CHECK_EQ(wait_signal(child), SIGKILL);
	remove_set(id);
}

TEST(setting_a_value_forgets_undo)
{
	int id = make_set(1);
	struct turn ready = turn_create(), go = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(change(id, 0, 5, SEM_UNDO));
		turn_give(ready);
		turn_take(go);
		_exit(0);
	}
	turn_take(ready);
	CHECK_OK(semctl(id, 0, SETVAL, 9));
	turn_give(go);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(semctl(id, 0, GETVAL), 9);
	remove_set(id);
}

TEST(removal_ends_waiting)
{
	int id = make_set(1);
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_ERR(change(id, 0, -1, 0), EIDRM);
		_exit(0);
	}
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 1);
	remove_set(id);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(change(id, 0, 1, 0), EINVAL);
}

TEST(time_limit_and_signal_end_waiting)
{
	int id = make_set(1);
	struct sembuf down = {0, -1, 0};
	struct timespec limit = {0, 30000000};
	int64_t before = now_ns(CLOCK_MONOTONIC);
	CHECK_ERR(semtimedop(id, &down, 1, &limit), EAGAIN);
	CHECK(now_ns(CLOCK_MONOTONIC) - before >= 30000000);
	handle_signal(SIGALRM, count_signal, SA_RESTART);
	alarm_each_second();
	CHECK_ERR(semop(id, &down, 1), EINTR);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	remove_set(id);
}

TEST(status_and_keys)
{
	struct semid_ds status;
	key_t key = 0x6b65656e;
	int id = semget(key, 2, IPC_CREAT | IPC_EXCL | 0640);
	CHECK(id >= 0);
	CHECK_EQ(semget(key, 0, 0), id);
	CHECK_ERR(semget(key, 3, 0), EINVAL);
	CHECK_ERR(semget(key, 2, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_OK(semctl(id, 0, IPC_STAT, &status));
	CHECK_EQ(status.sem_nsems, 2);
	CHECK_EQ(status.sem_otime, 0);
	CHECK_EQ(status.sem_perm.mode, 0640);
	CHECK_OK(change(id, 0, 1, 0));
	CHECK_OK(semctl(id, 0, IPC_STAT, &status));
	CHECK(status.sem_otime != 0);
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		CHECK_ERR(change(id, 0, 1, 0), EACCES);
		CHECK_ERR(semctl(id, 0, IPC_RMID), EPERM);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	remove_set(id);
	CHECK_ERR(semget(key, 2, 0), ENOENT);
	CHECK_ERR(semget(IPC_PRIVATE, 0, IPC_CREAT), EINVAL);
}
