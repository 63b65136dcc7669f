// SPDX-License-Identifier: MPL-2.0
/* seccomp_unotify(2): a supervisor answers system calls of another process. */
#include "support.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static int listen_to(int number, unsigned flags)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &program);
}

static int sockets[2];

static void send_fd(int fd)
{
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = room,
		.msg_controllen = sizeof(room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(sockets[1], &message, 0) != 1)
		_exit(98);
}

static int receive_fd(void)
{
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = room,
		.msg_controllen = sizeof(room)};
	int fd;
	CHECK_EQ(recvmsg(sockets[0], &message, 0), 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* A child that listens to `number`, gives the listener away, and runs body. */
static pid_t child_with(int number, unsigned flags, int (*body)(void), int *listener)
{
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	pid_t child = fork_checked();
	if (child == 0) {
		int fd = listen_to(number, flags);
		if (fd < 0)
			_exit(97);
		send_fd(fd);
		close(fd);
		_exit(body());
	}
	*listener = receive_fd();
	return child;
}

static int body_getppid(void)
{
	errno = 0;
	long result = syscall(SYS_getppid);
	return result == -1 ? errno : result == getpid() - 1 ? 201 : (int)result;
}

static struct seccomp_notif receive(int listener)
{
	struct seccomp_notif n = {0};
	CHECK_OK(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n));
	return n;
}

static int respond(int listener, uint64_t id, int error, int64_t value, unsigned flags)
{
	struct seccomp_notif_resp r = {.id = id, .error = error, .val = value, .flags = flags};
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

TEST(answer_with_value)
{
	int listener;
	pid_t child = child_with(SYS_getppid, 0, body_getppid, &listener);
	struct seccomp_notif n = receive(listener);
	CHECK_EQ(n.pid, child);
	CHECK_EQ(n.data.nr, SYS_getppid);
	CHECK_EQ(n.flags, 0);
	CHECK_OK(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
	CHECK_ERR(respond(listener, n.id + 1, 0, 0, 0), ENOENT);
	CHECK_ERR(respond(listener, n.id, 0, 0, 2), EINVAL);
	CHECK_ERR(respond(listener, n.id, -5, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), EINVAL);
	CHECK_OK(respond(listener, n.id, 0, 123, 0));
	CHECK_EQ(wait_exit(child), 123);
	CHECK_ERR(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id), ENOENT);
}

TEST(answer_with_error)
{
	int listener;
	pid_t child = child_with(SYS_getppid, 0, body_getppid, &listener);
	CHECK_OK(respond(listener, receive(listener).id, -EXDEV, 0, 0));
	CHECK_EQ(wait_exit(child), EXDEV);
}

static int body_parent(void)
{
	return syscall(SYS_getppid) == getpid() ? 1 : 0;
}

TEST(let_it_go_on)
{
	int listener;
	pid_t child = child_with(SYS_getppid, 0, body_parent, &listener);
	CHECK_OK(respond(listener, receive(listener).id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
	CHECK_EQ(wait_exit(child), 0);
}

TEST(arguments_must_be_clean)
{
	int listener;
	pid_t child = child_with(SYS_getppid, 0, body_getppid, &listener);
	struct seccomp_notif n = {.id = 1};
	CHECK_ERR(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n), EINVAL);
	CHECK_ERR(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, bad_address()), EFAULT);
	CHECK_ERR(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, bad_address()), EFAULT);
	char byte;
	CHECK_ERR(read(listener, &byte, 1), EINVAL);
	CHECK_OK(respond(listener, receive(listener).id, 0, 5, 0));
	CHECK_EQ(wait_exit(child), 5);
}

TEST(poll_tells_state)
{
	int listener;
	pid_t child = child_with(SYS_getppid, 0, body_getppid, &listener);
	struct pollfd p = {.fd = listener, .events = POLLIN | POLLOUT};
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(p.revents, POLLIN);
	struct seccomp_notif n = receive(listener);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	CHECK_OK(respond(listener, n.id, 0, 5, 0));
	CHECK_EQ(wait_exit(child), 5);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(p.revents, POLLHUP);
}

TEST(nobody_listens)
{
	int listener;
	pid_t child = child_with(SYS_getppid, 0, body_getppid, &listener);
	close(listener);
	CHECK_EQ(wait_exit(child), ENOSYS);
}

TEST(listener_closes_while_asked)
{
	int listener;
	pid_t child = child_with(SYS_getppid, 0, body_getppid, &listener);
	receive(listener);
	close(listener);
	CHECK_EQ(wait_exit(child), ENOSYS);
}

static int body_add(void)
{
	int fd = syscall(SYS_getppid);
	return fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC ? fd : 99;
}

TEST(descriptor_is_added)
{
	int listener;
	pid_t child = child_with(SYS_getppid, 0, body_add, &listener);
	struct seccomp_notif n = receive(listener);
	struct seccomp_notif_addfd add = {.id = n.id, .srcfd = 0, .newfd_flags = O_CLOEXEC};
	add.flags = 8;
	CHECK_ERR(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), EINVAL);
	add.flags = 0;
	add.srcfd = 999;
	CHECK_ERR(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), EBADF);
	add.srcfd = 0;
	add.newfd = 50;
	CHECK_ERR(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), EINVAL);
	add.flags = SECCOMP_ADDFD_FLAG_SETFD;
	CHECK_EQ(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), 50);
	CHECK_OK(respond(listener, n.id, 0, 50, 0));
	CHECK_EQ(wait_exit(child), 50);
	CHECK_ERR(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), ENOENT);
}

TEST(descriptor_is_added_and_is_the_answer)
{
	int listener;
	pid_t child = child_with(SYS_getppid, 0, body_add, &listener);
	struct seccomp_notif n = receive(listener);
	struct seccomp_notif_addfd add = {.id = n.id, .srcfd = 0, .newfd_flags = O_CLOEXEC,
		.flags = SECCOMP_ADDFD_FLAG_SEND};
	int fd = CHECK_OK(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add));
	CHECK_EQ(wait_exit(child), fd);
}

static int body_interrupted(void)
{
	handle_signal(SIGALRM, count_signal, 0);
	alarm(1);
	long result = syscall(SYS_getppid);
	return result == -1 && errno == EINTR && caught_count == 1 ? 11 : 12;
}

TEST(signal_interrupts_the_caller)
{
	int listener;
	pid_t child = child_with(SYS_getppid, 0, body_interrupted, &listener);
	struct seccomp_notif n = receive(listener);
	CHECK_EQ(wait_exit(child), 11);
	CHECK_ERR(respond(listener, n.id, 0, 0, 0), ENOENT);
}

static int body_patient(void)
{
	handle_signal(SIGUSR1, count_signal, 0);
	return body_getppid();
}

TEST(killed_caller)
{
	int listener;
	pid_t child = child_with(SYS_getppid, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, body_patient, &listener);
	struct seccomp_notif n = receive(listener);
	kill(child, SIGUSR1);
	sleep_ms(100);
	CHECK_OK(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);
	CHECK_ERR(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id), ENOENT);
}

TEST(one_listener_only)
{
	CHECK_OK(listen_to(SYS_getppid, 0));
	CHECK_ERR(listen_to(SYS_getuid, 0), EBUSY);
}
