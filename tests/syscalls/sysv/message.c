// SPDX-License-Identifier: MPL-2.0
/* System V message queues: order, types, limits, waiting; the namespace's settings and /proc/sysvipc. */
#include "support.h"

#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#define COPY 040000

struct packet {
	long type;
	char text[64];
};

static int make_queue(void)
{
	return CHECK_OK(msgget(IPC_PRIVATE, 0600));
}

static int put(int queue, long type, const char *text, int flags)
{
	struct packet p = {.type = type};
	snprintf(p.text, sizeof(p.text), "%s", text);
	return msgsnd(queue, &p, strlen(text), flags);
}

static struct packet got;
static const char *take(int queue, long type, int flags)
{
	memset(&got, 0, sizeof(got));
	CHECK(msgrcv(queue, &got, sizeof(got.text), type, flags) >= 0);
	return got.text;
}

TEST(messages_come_in_order_or_by_type)
{
	int q = make_queue();
	CHECK_OK(put(q, 3, "three", 0));
	CHECK_OK(put(q, 1, "one", 0));
	CHECK_OK(put(q, 2, "two", 0));
	CHECK_OK(put(q, 1, "again", 0));
	CHECK_STR(take(q, 0, 0), "three");
	CHECK_EQ(got.type, 3);
	CHECK_STR(take(q, 2, 0), "two");
	CHECK_OK(put(q, 5, "five", 0));
	CHECK_STR(take(q, -4, 0), "one");
	CHECK_STR(take(q, 1, MSG_EXCEPT), "five");
	CHECK_STR(take(q, -1, 0), "again");
	CHECK_ERR(msgrcv(q, &got, 64, 0, IPC_NOWAIT), ENOMSG);
	CHECK_OK(put(q, 1, "", 0));
	CHECK_STR(take(q, 0, 0), "");
}

TEST(what_does_not_fit)
{
	int q = make_queue();
	char big[9000] = {1};
	CHECK_OK(put(q, 1, "a long text", 0));
	CHECK_ERR(msgrcv(q, &got, 4, 0, 0), E2BIG);
	memset(&got, 0, sizeof(got));
	CHECK_EQ(msgrcv(q, &got, 4, 0, MSG_NOERROR), 4);
	CHECK_STR(got.text, "a lo");
	CHECK_ERR(msgrcv(q, &got, 4, 0, IPC_NOWAIT), ENOMSG);
	CHECK_ERR(msgsnd(q, big, 8193, 0), EINVAL);
	CHECK_ERR(put(q, 0, "x", 0), EINVAL);
	CHECK_ERR(put(-1, 1, "x", 0), EINVAL);
	CHECK_ERR(put(12345678, 1, "x", 0), EINVAL);
	CHECK_ERR(msgsnd(q, bad_address(), 1, 0), EFAULT);
}

TEST(a_copy_leaves_the_message)
{
	int q = make_queue();
	CHECK_OK(put(q, 1, "first", 0));
	CHECK_OK(put(q, 2, "second", 0));
	CHECK_STR(take(q, 1, COPY | IPC_NOWAIT), "second");
	CHECK_STR(take(q, 0, COPY | IPC_NOWAIT), "first");
	CHECK_ERR(msgrcv(q, &got, 64, 2, COPY | IPC_NOWAIT), ENOMSG);
	CHECK_ERR(msgrcv(q, &got, 64, 0, COPY), EINVAL);
	CHECK_STR(take(q, 0, 0), "first");
}

TEST(a_full_queue_waits)
{
	int q = make_queue();
	struct msqid_ds info;
	CHECK_OK(msgctl(q, IPC_STAT, &info));
	CHECK_EQ(info.msg_qbytes, 16384);
	info.msg_qbytes = 8;
	CHECK_OK(msgctl(q, IPC_SET, &info));
	CHECK_OK(put(q, 1, "123456", 0));
	CHECK_ERR(put(q, 1, "789", IPC_NOWAIT), EAGAIN);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(put(q, 2, "789", 0) ? 1 : 0);
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_STR(take(q, 0, 0), "123456");
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(msgctl(q, IPC_STAT, &info));
	CHECK_EQ(info.msg_qnum, 1);
	CHECK_EQ(info.__msg_cbytes, 3);
	CHECK_EQ(info.msg_lspid, child);
	CHECK_EQ(info.msg_lrpid, getpid());
	CHECK(info.msg_stime && info.msg_rtime && info.msg_ctime);
}

TEST(receivers_wait_for_their_type)
{
	int q = make_queue();
	pid_t child = fork_checked();
	if (child == 0)
		_exit(strcmp(take(q, 7, 0), "seven") ? 1 : 0);
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_OK(put(q, 6, "six", 0));
	CHECK_OK(put(q, 7, "seven", 0));
	CHECK_EQ(wait_exit(child), 0);
	CHECK_STR(take(q, 0, 0), "six");
}

TEST(removal_and_signals_end_waiting)
{
	int q = make_queue();
	pid_t child = fork_checked();
	if (child == 0)
		_exit(msgrcv(q, &got, 64, 0, 0) == -1 && errno == EIDRM ? 0 : 1);
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_OK(msgctl(q, IPC_RMID, NULL));
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(put(q, 1, "x", 0), EINVAL);
	q = make_queue();
	child = fork_checked();
	if (child == 0) {
		handle_signal(SIGUSR1, count_signal, SA_RESTART);
		_exit(msgrcv(q, &got, 64, 0, 0) == -1 && errno == EINTR ? 0 : 1);
	}
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_OK(kill(child, SIGUSR1));
	CHECK_EQ(wait_exit(child), 0);
}

TEST(keys_and_permissions)
{
	struct msqid_ds info;
	int q = CHECK_OK(msgget(0x1234, IPC_CREAT | IPC_EXCL | 0640));
	CHECK_ERR(msgget(0x1234, IPC_CREAT | IPC_EXCL | 0640), EEXIST);
	CHECK_EQ(msgget(0x1234, 0), q);
	CHECK_ERR(msgget(0x4321, 0), ENOENT);
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		CHECK_ERR(msgget(0x1234, 0600), EACCES);
		CHECK_ERR(put(q, 1, "x", 0), EACCES);
		CHECK_ERR(msgrcv(q, &got, 64, 0, IPC_NOWAIT), EACCES);
		CHECK_ERR(msgctl(q, IPC_STAT, &info), EACCES);
		CHECK_ERR(msgctl(q, IPC_RMID, NULL), EPERM);
		int own = make_queue();
		CHECK_OK(msgctl(own, IPC_STAT, &info));
		info.msg_qbytes = 20000;
		CHECK_ERR(msgctl(own, IPC_SET, &info), EPERM);
		CHECK_OK(msgctl(own, IPC_RMID, NULL));
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(msgctl(q, IPC_STAT, &info));
	info.msg_perm.uid = NOBODY;
	info.msg_perm.mode = 0666;
	CHECK_OK(msgctl(q, IPC_SET, &info));
	CHECK_OK(msgctl(q, IPC_STAT, &info));
	CHECK_EQ(info.msg_perm.uid, NOBODY);
	CHECK_EQ(info.msg_perm.mode, 0666);
	CHECK_OK(msgctl(q, IPC_RMID, NULL));
}

TEST(the_namespace_is_described)
{
	struct msginfo info;
	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_OK(msgctl(0, IPC_INFO, (void *)&info));
	CHECK_EQ(info.msgmax, 8192);
	CHECK_EQ(info.msgmnb, 16384);
	CHECK_EQ(info.msgmni, 32000);
	CHECK_EQ(info.msgssz, 16);
	int q = make_queue();
	CHECK_OK(put(q, 1, "12345", 0));
	CHECK_EQ(msgctl(0, MSG_INFO, (void *)&info), 0);
	CHECK_EQ(info.msgpool, 1);
	CHECK_EQ(info.msgmap, 1);
	CHECK_EQ(info.msgtql, 5);
	struct msqid_ds state;
	CHECK_EQ(msgctl(0, MSG_STAT, &state), q);
	CHECK_EQ(state.msg_qnum, 1);
}

TEST(settings_belong_to_the_namespace)
{
	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_STR(read_text("/proc/sys/kernel/msgmax"), "8192\n");
	CHECK_OK(put_text("/proc/sys/kernel/msgmax", "16"));
	CHECK_OK(put_text("/proc/sys/kernel/msgmni", "2"));
	CHECK_OK(put_text("/proc/sys/kernel/shmmax", "8192"));
	CHECK_OK(put_text("/proc/sys/kernel/shmmni", "1"));
	CHECK_STR(read_text("/proc/sys/kernel/sem"), "32000\t1024000000\t500\t32000\n");
	CHECK_OK(put_text("/proc/sys/kernel/sem", "4 32000 2 1"));
	int q = make_queue();
	CHECK_ERR(put(q, 1, "12345678901234567", 0), EINVAL);
	CHECK_OK(put(q, 1, "1234567890123456", 0));
	make_queue();
	CHECK_ERR(msgget(IPC_PRIVATE, 0600), ENOSPC);
	CHECK_ERR(shmget(IPC_PRIVATE, 8193, 0600), EINVAL);
	CHECK_OK(shmget(IPC_PRIVATE, 8192, 0600));
	CHECK_ERR(shmget(IPC_PRIVATE, 1, 0600), ENOSPC);
	CHECK_ERR(semget(IPC_PRIVATE, 5, 0600), EINVAL);
	int set = CHECK_OK(semget(IPC_PRIVATE, 4, 0600));
	struct sembuf ops[3] = {{0, 1, 0}, {1, 1, 0}, {2, 1, 0}};
	CHECK_ERR(semop(set, ops, 3), E2BIG);
	CHECK_OK(semop(set, ops, 2));
	CHECK_ERR(semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	CHECK_ERR(put_text("/proc/sys/kernel/msgmax", "-1"), EINVAL);
	CHECK_ERR(put_text("/proc/sys/kernel/msgmax", "many"), EINVAL);
	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_STR(read_text("/proc/sys/kernel/msgmax"), "8192\n");
	CHECK_STR(read_text("/proc/sys/kernel/sem"), "32000\t1024000000\t500\t32000\n");
}

static int lines_of(const char *path, const char *begin)
{
	const char *text = read_text(path);
	int count = 0;
	CHECK(strncmp(text, begin, strlen(begin)) == 0);
	for (; *text; text++)
		count += *text == '\n';
	return count;
}

TEST(proc_lists_objects)
{
	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_EQ(lines_of("/proc/sysvipc/msg", "       key      msqid perms      cbytes       qnum lspid lrpid "), 1);
	int q = CHECK_OK(msgget(77, IPC_CREAT | 0640));
	CHECK_OK(put(q, 1, "123", 0));
	CHECK_OK(semget(IPC_PRIVATE, 3, 0600));
	CHECK_OK(shmget(IPC_PRIVATE, 5000, 0600));
	CHECK_EQ(lines_of("/proc/sysvipc/sem", "       key      semid perms      nsems "), 2);
	CHECK_EQ(lines_of("/proc/sysvipc/shm", "       key      shmid perms                  size  cpid "), 2);
	const char *line = strchr(read_text("/proc/sysvipc/msg"), '\n') + 1;
	int key, id;
	unsigned mode;
	unsigned long bytes, count;
	CHECK_EQ(sscanf(line, "%d %d %o %lu %lu", &key, &id, &mode, &bytes, &count), 5);
	CHECK_EQ(key, 77);
	CHECK_EQ(id, q);
	CHECK_EQ(mode, 0640);
	CHECK_EQ(bytes, 3);
	CHECK_EQ(count, 1);
}
