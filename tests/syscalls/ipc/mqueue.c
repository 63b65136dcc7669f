// SPDX-License-Identifier: MPL-2.0
/* POSIX message queues: priorities, limits, waiting, notification, and their file system. */
#include "support.h"

#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static mqd_t open_new(const char *name, long messages, long size)
{
	struct mq_attr attr = {.mq_maxmsg = messages, .mq_msgsize = size};
	return mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
}

static char got[8192];
static unsigned got_priority;
static const char *take(mqd_t queue)
{
	memset(got, 0, sizeof(got));
	CHECK_OK((int)mq_receive(queue, got, sizeof(got), &got_priority));
	return got;
}

static void own_namespace(void)
{
	CHECK_OK(unshare(CLONE_NEWIPC));
}

TEST(highest_priority_first)
{
	own_namespace();
	mqd_t q = CHECK_OK(open_new("/q", 10, 32));
	CHECK_OK(mq_send(q, "low", 4, 1));
	CHECK_OK(mq_send(q, "high", 5, 9));
	CHECK_OK(mq_send(q, "low two", 8, 1));
	CHECK_OK(mq_send(q, "", 0, 0));
	CHECK_STR(take(q), "high");
	CHECK_EQ(got_priority, 9);
	CHECK_STR(take(q), "low");
	CHECK_STR(take(q), "low two");
	CHECK_EQ(mq_receive(q, got, 32, NULL), 0);
	CHECK_ERR(mq_send(q, "x", 1, 32768), EINVAL);
	CHECK_ERR(mq_send(q, got, 33, 0), EMSGSIZE);
	CHECK_ERR(mq_receive(q, got, 31, NULL), EMSGSIZE);
}

TEST(names_and_flags)
{
	own_namespace();
	CHECK_ERR(mq_open("/q", O_RDWR), ENOENT);
	mqd_t q = CHECK_OK(open_new("/q", 2, 8));
	CHECK_EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(open_new("/q", 2, 8), EEXIST);
	CHECK_ERR(open_new("/a/b", 2, 8), EACCES);
	CHECK_ERR(mq_open("/q", O_RDWR | O_WRONLY), EINVAL);
	mqd_t reader = CHECK_OK(mq_open("/q", O_RDONLY | O_CREAT, 0600, NULL));
	mqd_t writer = CHECK_OK(mq_open("/q", O_WRONLY | O_NONBLOCK));
	CHECK_ERR(mq_send(reader, "x", 1, 0), EBADF);
	CHECK_ERR(mq_receive(writer, got, 8, NULL), EBADF);
	CHECK_ERR(mq_send(0, "x", 1, 0), EBADF);
	CHECK_OK(mq_unlink("/q"));
	CHECK_ERR(mq_unlink("/q"), ENOENT);
	CHECK_OK(mq_send(writer, "lives", 5, 0));
	CHECK_STR(take(reader), "lives");
}

TEST(attributes)
{
	own_namespace();
	struct mq_attr attr = {0}, old;
	mqd_t q = CHECK_OK(mq_open("/q", O_CREAT | O_RDWR, 0600, NULL));
	CHECK_OK(mq_getattr(q, &attr));
	CHECK_EQ(attr.mq_maxmsg, 10);
	CHECK_EQ(attr.mq_msgsize, 8192);
	CHECK_EQ(attr.mq_curmsgs, 0);
	CHECK_EQ(attr.mq_flags, 0);
	attr.mq_flags = O_NONBLOCK;
	CHECK_OK(mq_setattr(q, &attr, &old));
	CHECK_EQ(old.mq_flags, 0);
	CHECK_ERR(mq_receive(q, got, 8192, NULL), EAGAIN);
	CHECK_OK(mq_send(q, "x", 1, 0));
	CHECK_OK(mq_getattr(q, &attr));
	CHECK_EQ(attr.mq_curmsgs, 1);
	CHECK_EQ(attr.mq_flags, O_NONBLOCK);
	CHECK_ERR(open_new("/bad", 0, 8), EINVAL);
	CHECK_ERR(open_new("/bad", 8, -1), EINVAL);
	CHECK_ERR(open_new("/bad", 70000, 8), EINVAL);
}

TEST(full_and_empty_queues_wait)
{
	own_namespace();
	mqd_t q = CHECK_OK(open_new("/q", 1, 8));
	struct timespec soon;
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &soon));
	struct timespec bad = {soon.tv_sec, 1000000000};
	CHECK_ERR(mq_timedreceive(q, got, 8, NULL, &bad), EINVAL);
	soon.tv_nsec += 50000000;
	if (soon.tv_nsec >= 1000000000) {
		soon.tv_sec++;
		soon.tv_nsec -= 1000000000;
	}
	CHECK_ERR(mq_timedreceive(q, got, 8, NULL, &soon), ETIMEDOUT);
	CHECK_OK(mq_send(q, "one", 4, 0));
	CHECK_ERR(mq_timedsend(q, "two", 4, 0, &soon), ETIMEDOUT);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(mq_send(q, "two", 4, 0) ? 1 : 0);
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_STR(take(q), "one");
	CHECK_EQ(wait_exit(child), 0);
	CHECK_STR(take(q), "two");
	child = fork_checked();
	if (child == 0) {
		handle_signal(SIGUSR1, count_signal, 0);
		_exit(mq_receive(q, got, 8, NULL) == -1 && errno == EINTR ? 0 : 1);
	}
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_OK(kill(child, SIGUSR1));
	CHECK_EQ(wait_exit(child), 0);
}

TEST(queues_are_polled)
{
	own_namespace();
	mqd_t q = CHECK_OK(open_new("/q", 1, 8));
	struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	CHECK_OK(mq_send(q, "x", 1, 0));
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
}

TEST(one_signal_for_the_first_message)
{
	own_namespace();
	mqd_t q = CHECK_OK(open_new("/q", 4, 8));
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value = {.sival_int = 77}};
	sigset_t set;
	siginfo_t info;
	const struct timespec none = {0, 0};
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(mq_notify(q, &event));
	CHECK_ERR(mq_notify(q, &event), EBUSY);
	CHECK_OK(mq_send(q, "a", 1, 0));
	CHECK_EQ(sigtimedwait(&set, &info, &none), SIGRTMIN);
	CHECK_EQ(info.si_code, SI_MESGQ);
	CHECK_EQ(info.si_value.sival_int, 77);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_OK(mq_send(q, "b", 1, 0));
	CHECK_ERR(sigtimedwait(&set, &info, &none), EAGAIN);
	CHECK_OK(mq_notify(q, &event)); /* not empty: nothing before it has been */
	CHECK_OK(mq_send(q, "c", 1, 0));
	CHECK_ERR(sigtimedwait(&set, &info, &none), EAGAIN);
	CHECK_OK(mq_notify(q, NULL));
	for (int n = 0; n < 3; n++)
		take(q);
	CHECK_OK(mq_send(q, "d", 1, 0));
	CHECK_ERR(sigtimedwait(&set, &info, &none), EAGAIN);
}

static volatile int called_with;
static void called(union sigval value)
{
	called_with = value.sival_int;
}

TEST(a_thread_is_started_for_the_first_message)
{
	own_namespace();
	mqd_t q = CHECK_OK(open_new("/q", 4, 8));
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD, .sigev_notify_function = called, .sigev_value = {.sival_int = 5}};
	CHECK_OK(mq_notify(q, &event));
	CHECK_ERR(mq_notify(q, &event), EBUSY);
	CHECK_OK(mq_send(q, "a", 1, 0));
	WAIT_UNTIL(called_with == 5);
	take(q);
	CHECK_OK(mq_notify(q, &event)); /* it was told, and is registered no longer */
	char cookie[32] = "cookie", received[64];
	struct sigevent raw = {.sigev_notify = SIGEV_THREAD, .sigev_value = {.sival_ptr = cookie}};
	CHECK_ERR((int)syscall(SYS_mq_notify, q, &raw), ENOTSOCK);
	raw.sigev_signo = 999;
	CHECK_ERR((int)syscall(SYS_mq_notify, q, &raw), EBADF);
	raw.sigev_signo = CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
	CHECK_ERR((int)syscall(SYS_mq_notify, q, &raw), EINVAL);
	raw.sigev_value.sival_ptr = bad_address();
	CHECK_ERR((int)syscall(SYS_mq_notify, q, &raw), EFAULT);
	CHECK_OK(mq_notify(q, NULL));
	raw.sigev_value.sival_ptr = cookie;
	raw.sigev_signo = CHECK_OK(socket(AF_NETLINK, SOCK_RAW, 0));
	CHECK_OK((int)syscall(SYS_mq_notify, q, &raw));
	CHECK_ERR((int)recv(raw.sigev_signo, received, sizeof(received), MSG_DONTWAIT), EAGAIN);
	CHECK_OK(mq_notify(q, NULL));
	CHECK_EQ(recv(raw.sigev_signo, received, sizeof(received), MSG_DONTWAIT), 32);
	CHECK_STR(received, "cookie");
	CHECK_EQ(received[31], 2);	/* NOTIFY_REMOVED */
}

TEST(users_are_limited)
{
	own_namespace();
	become_nobody();
	CHECK_ERR(open_new("/q", 11, 8), EINVAL);
	CHECK_ERR(open_new("/q", 10, 8193), EINVAL);
	mqd_t q = CHECK_OK(open_new("/q", 10, 8192));
	struct rlimit limit = {100000, 100000};
	CHECK_OK(setrlimit(RLIMIT_MSGQUEUE, &limit));
	CHECK_ERR(open_new("/r", 10, 8192), EMFILE);
	CHECK_OK(open_new("/small", 1, 8));
	CHECK_OK(mq_close(q));
	CHECK_OK(mq_unlink("/q"));
	CHECK_OK(open_new("/r", 10, 8192));
}

TEST(settings_belong_to_the_namespace)
{
	own_namespace();
	CHECK_STR(read_text("/proc/sys/fs/mqueue/msg_max"), "10\n");
	CHECK_STR(read_text("/proc/sys/fs/mqueue/msgsize_max"), "8192\n");
	CHECK_STR(read_text("/proc/sys/fs/mqueue/queues_max"), "256\n");
	CHECK_OK(put_text("/proc/sys/fs/mqueue/queues_max", "1"));
	CHECK_OK(put_text("/proc/sys/fs/mqueue/msg_max", "20"));
	CHECK_OK(put_text("/proc/sys/fs/mqueue/msg_default", "20"));
	CHECK_ERR(put_text("/proc/sys/fs/mqueue/msg_max", "0"), EINVAL);
	CHECK_ERR(put_text("/proc/sys/fs/mqueue/msgsize_max", "100"), EINVAL);
	pid_t child = fork_checked();
	if (child == 0) {
		struct mq_attr attr;
		become_nobody();
		mqd_t q = CHECK_OK(mq_open("/q", O_CREAT | O_RDWR, 0600, NULL));
		CHECK_OK(mq_getattr(q, &attr));
		CHECK_EQ(attr.mq_maxmsg, 20);
		CHECK_ERR(open_new("/r", 1, 8), ENOSPC);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	own_namespace();
	CHECK_STR(read_text("/proc/sys/fs/mqueue/queues_max"), "256\n");
	CHECK_ERR(mq_open("/q", O_RDWR), ENOENT);
}

TEST(the_file_system_shows_queues)
{
	own_namespace();
	private_mounts();
	mqd_t q = CHECK_OK(open_new("/q", 4, 16));
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("mqueue", "m", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	CHECK_OK(mq_send(q, "12345", 5, 0));
	CHECK_STR(read_text("m/q"), "QSIZE:5          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
	struct stat info;
	CHECK_OK(stat("m/q", &info));
	CHECK_EQ(info.st_size, 80);
	CHECK_EQ(info.st_mode, S_IFREG | 0600);
	CHECK_OK(stat("m", &info));
	CHECK_EQ(info.st_mode, S_IFDIR | S_ISVTX | 0777);
	CHECK_OK(close(CHECK_OK(open("m/made", O_CREAT | O_RDWR, 0600))));
	struct mq_attr attr;
	mqd_t made = CHECK_OK(mq_open("/made", O_RDWR));
	CHECK_OK(mq_getattr(made, &attr));
	CHECK_EQ(attr.mq_maxmsg, 10);
	CHECK_ERR(mkdir("m/d", 0755), EPERM);
	CHECK_OK(unlink("m/made"));
	CHECK_ERR(mq_open("/made", O_RDWR), ENOENT);
	CHECK_OK(umount("m"));
	CHECK_STR(take(q), "12345");
}

TEST(modes_are_checked)
{
	own_namespace();
	umask(0);
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 8};
	CHECK_OK(mq_open("/q", O_CREAT | O_RDWR, 0640, &attr));
	CHECK_OK(mq_open("/none", O_CREAT | O_RDWR, 0, &attr));
	become_nobody();
	CHECK_ERR(mq_open("/q", O_RDONLY), EACCES);
	CHECK_ERR(mq_unlink("/q"), EACCES); /* EPERM, which the C library translates */
}
