// SPDX-License-Identifier: MPL-2.0
/* The controlling terminal, its foreground group, and what they stop and signal. */
#include "support.h"

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>

/* A session with a controlling terminal; each case runs its leader in a child. */
struct session {
	int master, slave;
};

static struct session start_session(void)
{
	struct session session;
	int unlock = 0, number;
	char name[32];
	if (getsid(0) == getpid() || setsid() < 0)
		_exit(100);
	session.master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (ioctl(session.master, TIOCSPTLCK, &unlock) || ioctl(session.master, TIOCGPTN, &number))
		_exit(101);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	session.slave = open(name, O_RDWR); /* becomes the controlling terminal */
	if (session.slave < 0)
		_exit(102);
	return session;
}

/* Runs the body as a session leader; its return value is the exit code, 0 is success. */
static void in_session(int (*body)(struct session session))
{
	pid_t leader = fork_checked();
	if (leader == 0)
		_exit(body(start_session()));
	CHECK_EQ(wait_exit(leader), 0);
}

static pid_t start_job(int (*body)(struct session session), struct session session)
{
	pid_t job = fork();
	if (job == 0) {
		setpgid(0, 0);
		_exit(body(session));
	}
	setpgid(job, job);
	return job;
}

static int sleep_for_ever(struct session session)
{
	(void)session;
	while (pause() == -1)
		continue;
	return 0;
}

static int open_becomes_controlling(struct session session)
{
	int fd = open("/dev/tty", O_RDWR);
	pid_t sid = 0;
	if (fd < 0 || ioctl(fd, TIOCGSID, &sid) || sid != getpid())
		return 1;
	return tcgetpgrp(session.slave) == getpgrp() ? 0 : 2;
}

TEST(first_open_gives_the_controlling_terminal)
{
	in_session(open_becomes_controlling);
}

/* A leader without a terminal opens one in ways that must not make it its own. */
static int open_stays_without(int flags)
{
	int unlock = 0, number;
	char name[32];
	setsid();
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &number))
		return 1;
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	int slave = open(name, flags);
	if (slave < 0 || (fcntl(slave, F_GETFL) & O_NOCTTY))
		return 2;
	if (open("/dev/tty", O_RDWR) != -1 || errno != ENXIO)
		return 3;
	return ioctl(slave, TIOCNOTTY) == -1 && errno == ENOTTY ? 0 : 4;
}

TEST(open_with_noctty_or_only_for_writing_gives_none)
{
	pid_t leader = fork_checked();
	if (leader == 0)
		_exit(open_stays_without(O_RDWR | O_NOCTTY));
	CHECK_EQ(wait_exit(leader), 0);
	leader = fork_checked();
	if (leader == 0)
		_exit(open_stays_without(O_WRONLY));
	CHECK_EQ(wait_exit(leader), 0);
}

static int interrupt_reaches_foreground(struct session session)
{
	int status;
	pid_t job = start_job(sleep_for_ever, session), other = start_job(sleep_for_ever, session);
	if (tcsetpgrp(session.slave, job) != 0)
		return 1;
	if (write(session.master, "\003", 1) != 1)
		return 2;
	if (waitpid(job, &status, 0) != job || !WIFSIGNALED(status) || WTERMSIG(status) != SIGINT)
		return 3;
	if (waitpid(other, &status, WNOHANG) != 0)
		return 4;
	kill(other, SIGKILL);
	return 0;
}

TEST(interrupt_character_signals_the_foreground_group)
{
	in_session(interrupt_reaches_foreground);
}

static int quit_and_suspend(struct session session)
{
	int status;
	pid_t job = start_job(sleep_for_ever, session);
	if (tcsetpgrp(session.slave, job) || write(session.master, "\032", 1) != 1)
		return 1;
	if (waitpid(job, &status, WUNTRACED) != job || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGTSTP)
		return 2;
	kill(job, SIGCONT);
	if (write(session.master, "\034", 1) != 1)
		return 3;
	if (waitpid(job, &status, 0) != job || !WIFSIGNALED(status) || WTERMSIG(status) != SIGQUIT)
		return 4;
	return 0;
}

TEST(suspend_and_quit_characters)
{
	in_session(quit_and_suspend);
}

/* Process 1 of a namespace of its own controls its jobs as any shell does: their groups are not orphaned. */
TEST(suspend_under_a_namespaces_first_process)
{
	pid_t leader;
	leader = CHECK_OK(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
	if (leader == 0)
		_exit(quit_and_suspend(start_session()));
	CHECK_EQ(wait_exit(leader), 0);
}

static int read_byte(struct session session)
{
	char byte;
	return read(session.slave, &byte, 1) == 1 ? 0 : 9;
}

static int background_read(struct session session)
{
	int status;
	pid_t job = start_job(read_byte, session);
	if (waitpid(job, &status, WUNTRACED) != job || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGTTIN)
		return 1;
	if (tcsetpgrp(session.slave, job) || write(session.master, "x\n", 2) != 2)
		return 2;
	kill(-job, SIGCONT);
	return waitpid(job, &status, 0) == job && WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

TEST(background_read_stops)
{
	in_session(background_read);
}

static int ignore_and_read(struct session session)
{
	char byte;
	signal(SIGTTIN, SIG_IGN);
	return read(session.slave, &byte, 1) == -1 && errno == EIO ? 0 : 9;
}

static int ignored_background_read(struct session session)
{
	int status;
	pid_t job = start_job(ignore_and_read, session);
	return waitpid(job, &status, 0) == job && WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

TEST(background_read_with_sigttin_ignored_is_eio)
{
	in_session(ignored_background_read);
}

static int write_byte(struct session session)
{
	return write(session.slave, "x", 1) == 1 ? 0 : 9;
}

static int background_write(struct session session)
{
	struct termios modes;
	int status;
	pid_t job = start_job(write_byte, session);
	if (waitpid(job, &status, WUNTRACED) != job || !WIFEXITED(status) || WEXITSTATUS(status))
		return 1;
	tcgetattr(session.slave, &modes);
	modes.c_lflag |= TOSTOP;
	tcsetattr(session.slave, TCSANOW, &modes);
	job = start_job(write_byte, session);
	if (waitpid(job, &status, WUNTRACED) != job || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGTTOU)
		return 2;
	kill(job, SIGKILL);
	return 0;
}

TEST(background_write_stops_with_tostop)
{
	in_session(background_write);
}

static int take_foreground(struct session session)
{
	return tcsetpgrp(session.slave, getpgrp()) == 0 ? 0 : 9;
}

static int background_tcsetpgrp(struct session session)
{
	int status;
	pid_t job = start_job(take_foreground, session);
	if (waitpid(job, &status, WUNTRACED) != job || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGTTOU)
		return 1;
	kill(job, SIGKILL);
	return 0;
}

TEST(background_tcsetpgrp_stops)
{
	in_session(background_tcsetpgrp);
}

static int window_signal(struct session session)
{
	struct winsize size = {50, 100, 0, 0};
	handle_signal(SIGWINCH, count_signal, 0);
	if (ioctl(session.master, TIOCSWINSZ, &size))
		return 1;
	for (int i = 0; i < 100 && !caught_count; i++)
		sleep_ms(10);
	return caught_count == 1 ? 0 : 2;
}

TEST(window_size_signals_the_foreground)
{
	in_session(window_signal);
}

static int hang_up(struct session session)
{
	handle_signal(SIGHUP, count_signal, 0);
	close(session.master);
	for (int i = 0; i < 100 && !caught_count; i++)
		sleep_ms(10);
	return caught_count == 1 && open("/dev/tty", O_RDWR) < 0 ? 0 : 1;
}

TEST(closed_master_hangs_the_session_up)
{
	in_session(hang_up);
}

static int leave_terminal(struct session session)
{
	handle_signal(SIGHUP, count_signal, 0);
	handle_signal(SIGCONT, count_signal, 0);
	if (ioctl(session.slave, TIOCNOTTY))
		return 1;
	if (open("/dev/tty", O_RDWR) >= 0 || errno != ENXIO)
		return 2;
	return ioctl(session.slave, TIOCSCTTY, 0) == 0 && open("/dev/tty", O_RDWR) >= 0 ? 0 : 3;
}

TEST(terminal_can_be_left_and_taken)
{
	in_session(leave_terminal);
}

static int leader_ends(struct session session)
{
	pid_t job = start_job(sleep_for_ever, session);
	return tcsetpgrp(session.slave, job) == 0 ? 0 : 1;
}

TEST(leaders_death_hangs_up_the_foreground)
{
	extern int prctl(int, ...);
	CHECK_OK(prctl(36 /* PR_SET_CHILD_SUBREAPER */, 1));
	in_session(leader_ends);
	int status;
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGHUP);
}

TEST(foreign_terminal_is_refused)
{
	int unlock = 0, number, master = CHECK_OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	char name[32];
	CHECK_OK(ioctl(master, TIOCSPTLCK, &unlock));
	CHECK_OK(ioctl(master, TIOCGPTN, &number));
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	int slave = CHECK_OK(open(name, O_RDWR | O_NOCTTY));
	CHECK_ERR(tcsetpgrp(slave, getpgrp()), ENOTTY);
	CHECK_ERR(tcgetpgrp(slave), ENOTTY);
	CHECK_ERR(ioctl(slave, TIOCSCTTY, 0), EPERM);
	CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
}

/* A process of a pipeline: into the group, which gets the terminal, as every shell's child does. */
static pid_t start_in_pipeline(pid_t group, struct session session)
{
	pid_t child = fork();
	if (child == 0) {
		pid_t wanted = group ? group : getpid();
		if (setpgid(0, wanted) != 0 || getpgrp() != wanted)
			_exit(1);
		_exit(tcsetpgrp(session.slave, wanted) == 0 ? 0 : errno);
	}
	if (child > 0) /* fails when the child has done so and ended */
		(void)setpgid(child, group ? group : child);
	return child;
}

static int pipelines_of_a_shell(struct session session)
{
	signal(SIGTTOU, SIG_IGN);
	for (int round = 0; round < 300; round++) {
		int status;
		pid_t first = start_in_pipeline(0, session), second = start_in_pipeline(first, session);
		if (first < 0 || second < 0)
			return 1;
		if (waitpid(second, &status, 0) != second || status != 0)
			return 2;
		if (waitpid(first, &status, 0) != first || status != 0)
			return 3;
		if (tcsetpgrp(session.slave, getpgrp()) != 0 || tcgetpgrp(session.slave) != getpgrp())
			return 4;
	}
	return 0;
}

/* Shell and children all make the group and give it the terminal: whoever is first, nobody fails. */
TEST(pipelines_take_the_terminal)
{
	in_session(pipelines_of_a_shell);
}
