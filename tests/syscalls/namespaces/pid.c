// SPDX-License-Identifier: MPL-2.0
/* Process namespaces in detail: what process 1 hears, who gets its orphans, which number each side reads. */
#include "namespace.h"

#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Process 1 of a new namespace, which does nothing, and that namespace. */
static pid_t sleeper_create(int *namespace)
{
	pid_t first = clone_into(CLONE_NEWPID);
	if (first == 0)
		for (;;)
			pause();
	*namespace = ns_open_of(first, "pid");
	return first;
}

static pid_t clone_at(const pid_t *numbers, size_t count)
{
	struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)numbers, .set_tid_size = count};
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* A field of /proc/PID/status, up to the end of its line. */
static const char *status_field(const char *path, const char *name)
{
	static char text[128];
	const char *found = strstr(read_text(path), name);
	CHECK(found);
	snprintf(text, sizeof(text), "%s", found + strlen(name));
	text[strcspn(text, "\n")] = 0;
	return text;
}

TEST(the_last_pid_can_be_set)
{
	pid_t first = clone_into(CLONE_NEWPID);
	if (first == 0) {
		CHECK_OK(put_text("/proc/sys/kernel/ns_last_pid", "500"));
		CHECK_STR(read_text("/proc/sys/kernel/ns_last_pid"), "500\n");
		pid_t next = fork_checked();
		if (next == 0)
			_exit(getpid() == 501 ? 0 : 1);
		CHECK_EQ(next, 501);
		CHECK_EQ(wait_exit(next), 0);
		CHECK_STR(read_text("/proc/sys/kernel/ns_last_pid"), "501\n");
		CHECK_ERR(put_text("/proc/sys/kernel/ns_last_pid", "-1"), EINVAL);
		CHECK_ERR(put_text("/proc/sys/kernel/ns_last_pid", "99999999"), EINVAL);
		CHECK_OK(unshare(CLONE_NEWUSER)); /* power over the new one is none over this */
		CHECK_ERR(put_text("/proc/sys/kernel/ns_last_pid", "700"), EPERM);
		_exit(0);
	}
	CHECK_EQ(wait_exit(first), 0);
}

TEST(numbers_are_chosen_on_several_levels)
{
	pid_t first = clone_into(CLONE_NEWPID);
	if (first == 0) {
		pid_t inner[] = {300}, both[] = {1, 310}, twice[] = {2, 311}, three[] = {1, 312, 20000, 5};
		pid_t child = clone_at(inner, 1);
		if (child == 0)
			_exit(getpid() == 300 ? 0 : 1);
		CHECK_EQ(child, 300);
		CHECK_ERR(clone_at(inner, 1), EEXIST); /* a zombie holds it */
		CHECK_EQ(wait_exit(child), 0);
		struct clone_args args = {.exit_signal = SIGCHLD, .flags = CLONE_NEWPID, .set_tid = (uintptr_t)both,
					  .set_tid_size = 2};
		child = (pid_t)CHECK_OK(syscall(SYS_clone3, &args, sizeof(args)));
		if (child == 0)
			_exit(getpid() == 1 ? 0 : 1);
		CHECK_EQ(child, 310);
		CHECK_EQ(wait_exit(child), 0);
		args.set_tid = (uintptr_t)twice; /* the first of a namespace is 1 */
		CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
		CHECK_ERR(clone_at(three, 4), EINVAL); /* more levels than there are */
		pid_t zero[] = {0}, negative[] = {-5}, high[] = {1 << 30};
		CHECK_ERR(clone_at(zero, 1), EINVAL);
		CHECK_ERR(clone_at(negative, 1), EINVAL);
		CHECK_ERR(clone_at(high, 1), EINVAL);
		_exit(0);
	}
	CHECK_EQ(wait_exit(first), 0);
}

/* Process 1 gets what it handles; who asks from outside can stop it. */
TEST(process_1_hears_what_it_handles)
{
	struct turn ready = turn_create();
	pid_t first = clone_into(CLONE_NEWPID);
	if (first == 0) {
		handle_signal(SIGTERM, count_signal, 0);
		pid_t child = fork_checked();
		if (child == 0) {
			CHECK_OK(kill(1, SIGTERM));
			CHECK_OK(kill(1, SIGSTOP)); /* without effect */
			CHECK_OK(kill(1, SIGSEGV));
			_exit(0);
		}
		CHECK_EQ(wait_exit(child), 0);
		CHECK_EQ(caught_count, 1);
		CHECK_OK(kill(getpid(), SIGSTOP));
		turn_give(ready);
		for (;;)
			pause();
	}
	turn_take(ready);
	CHECK_OK(kill(first, SIGSTOP));
	WAIT_UNTIL(process_state(first) == 'T');
	CHECK_OK(kill(first, SIGCONT));
	WAIT_UNTIL(process_state(first) == 'S');
	CHECK_OK(kill(first, SIGKILL));
	CHECK_EQ(wait_signal(first), SIGKILL);
}

static siginfo_t heard;
static void note_signal(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	heard = *info;
}

TEST(a_sender_outside_has_number_0)
{
	struct turn ready = turn_create(), sent = turn_create();
	pid_t first = clone_into(CLONE_NEWPID);
	if (first == 0) {
		struct sigaction action = {.sa_sigaction = note_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
		CHECK_OK(sigaction(SIGUSR1, &action, NULL));
		turn_give(ready);
		turn_take(sent);
		WAIT_UNTIL(heard.si_signo == SIGUSR1);
		CHECK_EQ(heard.si_pid, 0);
		CHECK_EQ(heard.si_code, SI_USER);
		pid_t child = fork_checked();
		if (child == 0) {
			CHECK_OK(kill(1, SIGUSR1));
			_exit(0);
		}
		int status;
		while (waitpid(child, &status, 0) < 0)
			CHECK_EQ(errno, EINTR);
		CHECK_EQ(heard.si_pid, child);
		_exit(0);
	}
	turn_take(ready);
	CHECK_OK(kill(first, SIGUSR1));
	turn_give(sent);
	CHECK_EQ(wait_exit(first), 0);
}

TEST(kill_of_all_stays_inside)
{
	pid_t bystander = fork_checked();
	if (bystander == 0)
		for (;;)
			pause();
	pid_t first = clone_into(CLONE_NEWPID);
	if (first == 0) {
		pid_t sleeper = fork_checked();
		if (sleeper == 0)
			for (;;)
				pause();
		CHECK_OK(kill(-1, SIGKILL));
		CHECK_EQ(wait_signal(sleeper), SIGKILL);
		CHECK_ERR(kill(-1, SIGKILL), ESRCH);
		_exit(0);
	}
	CHECK_EQ(wait_exit(first), 0);
	CHECK_EQ(kill(bystander, 0), 0);
	CHECK_EQ(waitpid(bystander, NULL, WNOHANG), 0);
	CHECK_OK(kill(bystander, SIGKILL));
	CHECK_EQ(wait_signal(bystander), SIGKILL);
}

/* Who was brought in by setns is a child of outside: its next parent is there, too. */
TEST(orphans_of_guests_stay_children_of_outside)
{
	struct turn left = turn_create();
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	int fd;
	pid_t first = sleeper_create(&fd);
	pid_t host = fork_checked();
	if (host == 0) {
		CHECK_OK(setns(fd, CLONE_NEWPID));
		if (fork_checked() == 0) {
			CHECK_EQ(getppid(), 0);
			turn_take(left);
			CHECK_EQ(getppid(), 0);
			_exit(8);
		}
		_exit(0);
	}
	int status;
	CHECK_EQ(wait_exit(host), 0);
	turn_give(left);
	CHECK(wait(&status) > 0);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 8);
	CHECK_OK(kill(first, SIGKILL));
	CHECK_EQ(wait_signal(first), SIGKILL);
}

TEST(a_subreaper_outside_gets_no_orphans_of_the_inside)
{
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t first = clone_into(CLONE_NEWPID);
	if (first == 0) {
		pid_t middle = fork_checked();
		if (middle == 0) {
			if (fork_checked() == 0) {
				WAIT_UNTIL(getppid() == 1);
				_exit(6);
			}
			_exit(0);
		}
		CHECK_EQ(wait_exit(middle), 0);
		int status;
		CHECK_OK(wait(&status));
		CHECK_EQ(WEXITSTATUS(status), 6);
		_exit(0);
	}
	CHECK_EQ(wait_exit(first), 0);
	CHECK_ERR(wait(NULL), ECHILD);
}

/* The end of 1 is told when all inside are gone, whoever their parent is. */
TEST(the_end_of_1_waits_for_all)
{
	char byte;
	int ends[2];
	struct turn ready = turn_create();
	CHECK_OK(pipe(ends));
	int fd;
	pid_t first = sleeper_create(&fd);
	pid_t host = fork_checked();
	if (host == 0) {
		CHECK_OK(setns(fd, CLONE_NEWPID));
		pid_t guest = fork_checked();
		if (guest == 0) {
			turn_give(ready);
			for (;;)
				pause();
		}
		close(ends[1]);
		CHECK_EQ(wait_signal(guest), SIGKILL);
		errno = 0;
		CHECK(fork() == -1 && errno == ENOMEM);
		_exit(0);
	}
	close(ends[1]);
	turn_take(ready);
	CHECK_OK(kill(first, SIGKILL));
	CHECK_EQ(wait_signal(first), SIGKILL);
	CHECK_EQ(read(ends[0], &byte, 1), 0);
	CHECK_EQ(wait_exit(host), 0);
}

TEST(reboot_ends_the_namespace)
{
	static const struct {
		int command, signal;
	} rows[] = {{RB_AUTOBOOT, SIGHUP}, {RB_POWER_OFF, SIGINT}, {RB_HALT_SYSTEM, SIGINT}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid_t first = clone_into(CLONE_NEWPID);
		if (first == 0) {
			pid_t child = fork_checked();
			if (child == 0) {
				(void)reboot(rows[i].command);
				_exit(1);
			}
			for (;;)
				pause();
		}
		CHECK_EQ(wait_signal(first), rows[i].signal);
	}
	pid_t first = clone_into(CLONE_NEWPID);
	if (first == 0) {
		CHECK_ERR(reboot(RB_ENABLE_CAD), EINVAL);
		CHECK_OK(unshare(CLONE_NEWUSER));
		CHECK_ERR(reboot(RB_POWER_OFF), EPERM);
		_exit(0);
	}
	CHECK_EQ(wait_exit(first), 0);
}

TEST(unshare_once_until_somebody_is_born)
{
	char text[64];
	CHECK_OK(unshare(CLONE_NEWPID));
	CHECK_ERR(unshare(CLONE_NEWPID), EINVAL);
	CHECK_ERR(readlink("/proc/self/ns/pid_for_children", text, sizeof(text)), ENOENT);
	CHECK_ERR(open("/proc/self/ns/pid_for_children", O_RDONLY), ENOENT);
	CHECK_ERR(syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0), EINVAL);
	pid_t first = fork_checked();
	if (first == 0)
		for (;;)
			pause();
	CHECK(readlink("/proc/self/ns/pid_for_children", text, sizeof(text)) > 0);
	pid_t second = fork_checked();
	if (second == 0)
		_exit(getpid() == 2 && getppid() == 0 ? 0 : 1);
	CHECK_EQ(wait_exit(second), 0);
	CHECK_OK(kill(first, SIGKILL));
	CHECK_EQ(wait_signal(first), SIGKILL);
}

TEST(credentials_through_sockets_are_translated)
{
	int pair[2], on = 1;
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	CHECK_OK(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	CHECK_OK(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	for (int inward = 0; inward < 2; inward++) {
		struct ucred who;
		union {
			char bytes[CMSG_SPACE(sizeof(who))];
			struct cmsghdr align;
		} control;
		char byte = 'x';
		struct iovec part = {&byte, 1};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
					 .msg_controllen = sizeof(control)};
		if (inward)
			CHECK_EQ(write(pair[0], "x", 1), 1);
		pid_t first = clone_into(CLONE_NEWPID);
		if (first == 0) {
			if (!inward)
				_exit(write(pair[1], "x", 1) == 1 ? 0 : 1);
			CHECK_EQ(recvmsg(pair[1], &message, 0), 1);
			memcpy(&who, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(who));
			_exit(who.pid == 0 ? 0 : 2);
		}
		CHECK_EQ(wait_exit(first), 0);
		if (!inward) {
			CHECK_EQ(recvmsg(pair[0], &message, 0), 1);
			memcpy(&who, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(who));
			CHECK_EQ(who.pid, first);
		}
	}
}

TEST(peers_are_translated)
{
	int pair[2];
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid_t first = clone_into(CLONE_NEWPID);
	if (first == 0) {
		struct ucred who;
		socklen_t length = sizeof(who);
		CHECK_OK(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &who, &length));
		CHECK_EQ(who.pid, 0);
		int own[2];
		CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, own));
		CHECK_OK(getsockopt(own[0], SOL_SOCKET, SO_PEERCRED, &who, &length));
		CHECK_EQ(who.pid, 1);
		_exit(0);
	}
	CHECK_EQ(wait_exit(first), 0);
}

TEST(lock_and_signal_owners_are_translated)
{
	int fd = make_file("f"), ends[2];
	struct turn locked = turn_create(), end = turn_create();
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
	CHECK_OK(pipe(ends));
	CHECK_OK(fcntl(fd, F_SETLK, &lock));
	pid_t first = clone_into(CLONE_NEWPID);
	if (first == 0) {
		struct flock mine = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = 10};
		CHECK_OK(fcntl(fd, F_GETLK, &lock));
		CHECK_EQ(lock.l_type, F_WRLCK);
		CHECK_EQ(lock.l_pid, 0); /* it has no number here */
		CHECK_OK(fcntl(fd, F_SETLK, &mine));
		CHECK_OK(fcntl(ends[0], F_SETOWN, 1));
		CHECK_EQ(fcntl(ends[0], F_GETOWN), 1);
		CHECK_ERR(fcntl(ends[0], F_SETOWN, 4000), ESRCH);
		turn_give(locked);
		turn_take(end);
		_exit(0);
	}
	turn_take(locked);
	struct flock theirs = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = 10};
	CHECK_OK(fcntl(fd, F_GETLK, &theirs));
	CHECK_EQ(theirs.l_pid, first);
	CHECK_EQ(fcntl(ends[0], F_GETOWN), first);
	turn_give(end);
	CHECK_EQ(wait_exit(first), 0);
}

TEST(groups_and_sessions_show_all_numbers)
{
	char path[64], wanted[64];
	struct turn ready = turn_create(), end = turn_create();
	pid_t group = getpgid(0), first = clone_into(CLONE_NEWPID);
	if (first == 0) {
		CHECK_EQ(getpgid(0), 0); /* the group is one of outside */
		CHECK_EQ(getsid(0), 0);
		turn_give(ready);
		turn_take(end);
		CHECK_EQ(setsid(), 1);
		turn_give(ready);
		turn_take(end);
		_exit(0);
	}
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/status", first);
	snprintf(wanted, sizeof(wanted), "\t%d\t0", group);
	CHECK_STR(status_field(path, "NSpgid:"), wanted);
	turn_give(end);
	turn_take(ready);
	snprintf(wanted, sizeof(wanted), "\t%d\t1", first);
	CHECK_STR(status_field(path, "NSpid:"), wanted);
	CHECK_STR(status_field(path, "NStgid:"), wanted);
	CHECK_STR(status_field(path, "NSpgid:"), wanted);
	CHECK_STR(status_field(path, "NSsid:"), wanted);
	turn_give(end);
	CHECK_EQ(wait_exit(first), 0);
}

/* A descriptor of a process tells its number as the reader's namespace has it. */
TEST(process_descriptors_tell_the_readers_number)
{
	char path[64], wanted[64];
	int own = CHECK_OK((int)syscall(SYS_pidfd_open, getpid(), 0));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", own);
	snprintf(wanted, sizeof(wanted), "\t%d", getpid());
	CHECK_STR(status_field(path, "NSpid:"), wanted);
	pid_t first = clone_into(CLONE_NEWPID | CLONE_NEWNS);
	if (first == 0) {
		CHECK_OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
		CHECK_OK(mount("proc", "/proc", "proc", 0, NULL));
		CHECK_STR(status_field(path, "Pid:"), "\t0");
		CHECK_ERR(syscall(SYS_pidfd_open, 4000, 0), ESRCH);
		siginfo_t info = {0};
		CHECK_ERR(waitid(P_PIDFD, (id_t)own, &info, WEXITED), ECHILD);
		CHECK_ERR(syscall(SYS_pidfd_send_signal, own, 0, NULL, 0), EINVAL); /* it lies above */
		_exit(0);
	}
	CHECK_EQ(wait_exit(first), 0);
}

TEST(a_dead_namespaces_proc_is_empty)
{
	char path[64];
	private_mounts();
	CHECK_OK(mkdir("proc", 0755));
	int fd;
	pid_t first = sleeper_create(&fd);
	pid_t guest = fork_checked();
	if (guest == 0) {
		CHECK_OK(setns(fd, CLONE_NEWPID));
		pid_t inside = fork_checked();
		if (inside == 0)
			_exit(mount("proc", "proc", "proc", 0, NULL) ? 1 : 0);
		CHECK_EQ(wait_exit(inside), 0);
		_exit(0);
	}
	CHECK_EQ(wait_exit(guest), 0);
	CHECK_EQ(access("proc/1/stat", F_OK), 0);
	CHECK_EQ(access("proc/self", F_OK), -1); /* the reader is not in there */
	int stat = CHECK_OK(open("proc/1/stat", O_RDONLY));
	CHECK_OK(kill(first, SIGKILL));
	CHECK_EQ(wait_signal(first), SIGKILL);
	CHECK_ERR(access("proc/1/stat", F_OK), ENOENT);
	CHECK_ERR(read(stat, path, sizeof(path)), ESRCH);
	CHECK_EQ(access("proc/meminfo", F_OK), 0);
	CHECK_OK(close(stat));
	CHECK_OK(umount("proc"));
}
