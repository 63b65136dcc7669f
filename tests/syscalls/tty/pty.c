// SPDX-License-Identifier: MPL-2.0
/* Pseudo terminals and the line discipline. */
#include "support.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

struct pty {
	int master, slave;
	char name[32];
};

static struct pty open_pty(void)
{
	struct pty pty;
	int unlock = 0, number = -1;
	pty.master = CHECK_OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	CHECK_OK(ioctl(pty.master, TIOCSPTLCK, &unlock));
	CHECK_OK(ioctl(pty.master, TIOCGPTN, &number));
	snprintf(pty.name, sizeof(pty.name), "/dev/pts/%d", number);
	pty.slave = CHECK_OK(open(pty.name, O_RDWR | O_NOCTTY));
	return pty;
}

static void set_modes(int fd, tcflag_t input, tcflag_t output, tcflag_t local)
{
	struct termios modes;
	CHECK_OK(tcgetattr(fd, &modes));
	modes.c_iflag = input;
	modes.c_oflag = output;
	modes.c_lflag = local;
	CHECK_OK(tcsetattr(fd, TCSANOW, &modes));
}

static void type(struct pty pty, const char *text)
{
	CHECK_EQ(write(pty.master, text, strlen(text)), strlen(text));
}

/* What is there to read within a moment. */
static const char *read_some(int fd)
{
	static char text[8192];
	struct pollfd entry = {fd, POLLIN, 0};
	size_t length = 0;
	while (length < sizeof(text) - 1 && poll(&entry, 1, 100) == 1) {
		ssize_t count = read(fd, text + length, sizeof(text) - 1 - length);
		if (count <= 0)
			break;
		length += (size_t)count;
	}
	text[length] = 0;
	return text;
}

TEST(slave_belongs_to_who_opened_the_master)
{
	pid_t child = fork_checked();
	if (child == 0) {
		struct stat status;
		char name[32];
		int number = -1;
		if (setresgid(77, 77, 77) || setresuid(66, 66, 66))
			_exit(1);
		int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
		if (master < 0 || ioctl(master, TIOCGPTN, &number))
			_exit(2);
		snprintf(name, sizeof(name), "/dev/pts/%d", number);
		if (stat(name, &status))
			_exit(3);
		_exit(status.st_uid == 66 ? 0 : 4);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(locked_until_unlocked)
{
	char name[32];
	int number, master = CHECK_OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	CHECK_OK(ioctl(master, TIOCGPTN, &number));
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	CHECK_ERR(open(name, O_RDWR | O_NOCTTY), EIO);
	struct stat info;
	CHECK_OK(stat(name, &info));
	CHECK(S_ISCHR(info.st_mode));
	CHECK_EQ(info.st_rdev, (136 << 8) | number);
	close(master);
	CHECK_ERR(stat(name, &info), ENOENT);
}

TEST(defaults)
{
	struct termios modes;
	struct pty pty = open_pty();
	CHECK_OK(tcgetattr(pty.slave, &modes));
	CHECK_EQ(modes.c_iflag, ICRNL | IXON);
	CHECK_EQ(modes.c_oflag, OPOST | ONLCR);
	CHECK_EQ(modes.c_lflag & (ICANON | ECHO | ISIG | IEXTEN | ECHOE | ECHOK),
		 ICANON | ECHO | ISIG | IEXTEN | ECHOE | ECHOK);
	CHECK_EQ(modes.c_cc[VINTR], 3);
	CHECK_EQ(modes.c_cc[VEOF], 4);
	CHECK_EQ(modes.c_cc[VERASE], 127);
	CHECK_EQ(modes.c_cflag & (CSIZE | CREAD), CS8 | CREAD);
	CHECK_EQ(isatty(pty.slave), 1);
	CHECK_EQ(isatty(pty.master), 1);
}

TEST(canonical_waits_for_the_line)
{
	struct pty pty = open_pty();
	set_modes(pty.slave, ICRNL, 0, ICANON);
	type(pty, "hel");
	CHECK_STR(read_some(pty.slave), "");
	type(pty, "lo\r");
	CHECK_STR(read_some(pty.slave), "hello\n");
}

TEST(lines_come_one_at_a_time)
{
	char text[20] = {0};
	struct pty pty = open_pty();
	set_modes(pty.slave, 0, 0, ICANON);
	type(pty, "one\ntwo\n");
	CHECK_EQ(read(pty.slave, text, sizeof(text)), 4);
	CHECK_EQ(read(pty.slave, text, 2), 2);
	CHECK_EQ(read(pty.slave, text, sizeof(text)), 2);
}

TEST(erase_word_and_kill)
{
	struct pty pty = open_pty();
	set_modes(pty.slave, 0, 0, ICANON | IEXTEN);
	type(pty, "abX\177c\n");
	CHECK_STR(read_some(pty.slave), "abc\n");
	type(pty, "one two\027three\n");
	CHECK_STR(read_some(pty.slave), "one three\n");
	type(pty, "garbage\025clean\n");
	CHECK_STR(read_some(pty.slave), "clean\n");
	type(pty, "a\026\177b\n");
	CHECK_STR(read_some(pty.slave), "a\177b\n");
}

TEST(echo_shows_what_is_typed)
{
	struct pty pty = open_pty();
	type(pty, "ab\r");
	CHECK_STR(read_some(pty.master), "ab\r\n");
	type(pty, "x\177");
	CHECK_STR(read_some(pty.master), "x\b \b");
}

TEST(echo_of_control_characters)
{
	struct pty pty = open_pty();
	set_modes(pty.slave, 0, 0, ICANON | ECHO | ECHOCTL);
	type(pty, "\001");
	CHECK_STR(read_some(pty.master), "^A");
	set_modes(pty.slave, 0, 0, ICANON | ECHONL);
	type(pty, "quiet\n");
	CHECK_STR(read_some(pty.master), "\n");
}

TEST(output_processing)
{
	struct pty pty = open_pty();
	CHECK_EQ(write(pty.slave, "a\nb", 3), 3);
	CHECK_STR(read_some(pty.master), "a\r\nb");
	set_modes(pty.slave, 0, 0, 0);
	CHECK_EQ(write(pty.slave, "a\nb", 3), 3);
	CHECK_STR(read_some(pty.master), "a\nb");
}

TEST(input_translation)
{
	struct pty pty = open_pty();
	set_modes(pty.slave, IGNCR, 0, ICANON);
	type(pty, "a\rb\n");
	CHECK_STR(read_some(pty.slave), "ab\n");
	set_modes(pty.slave, INLCR, 0, 0);
	type(pty, "\n");
	CHECK_STR(read_some(pty.slave), "\r");
	set_modes(pty.slave, ISTRIP, 0, 0);
	type(pty, "\301");
	CHECK_STR(read_some(pty.slave), "A");
}

TEST(end_of_file_character)
{
	char text[8];
	struct pty pty = open_pty();
	set_modes(pty.slave, 0, 0, ICANON);
	type(pty, "\004");
	CHECK_EQ(read(pty.slave, text, sizeof(text)), 0);
	type(pty, "ab\004");
	CHECK_EQ(read(pty.slave, text, sizeof(text)), 2);
}

static void set_raw(int fd, cc_t minimum, cc_t time)
{
	struct termios modes;
	CHECK_OK(tcgetattr(fd, &modes));
	cfmakeraw(&modes);
	modes.c_cc[VMIN] = minimum;
	modes.c_cc[VTIME] = time;
	CHECK_OK(tcsetattr(fd, TCSANOW, &modes));
}

TEST(raw_minimum_and_time)
{
	char text[8];
	struct pty pty = open_pty();
	set_raw(pty.slave, 0, 0);
	CHECK_EQ(read(pty.slave, text, sizeof(text)), 0);
	set_raw(pty.slave, 0, 1);
	int64_t start = now_ns(CLOCK_MONOTONIC);
	CHECK_EQ(read(pty.slave, text, sizeof(text)), 0);
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 80000000);
	set_raw(pty.slave, 3, 0);
	type(pty, "abc");
	CHECK_EQ(read(pty.slave, text, sizeof(text)), 3);
	set_raw(pty.slave, 1, 0);
	CHECK_OK(fcntl(pty.slave, F_SETFL, O_RDWR | O_NONBLOCK));
	CHECK_ERR(read(pty.slave, text, sizeof(text)), EAGAIN);
}

TEST(window_size_and_signal)
{
	struct winsize size = {24, 80, 0, 0}, back;
	struct pty pty = open_pty();
	CHECK_OK(ioctl(pty.master, TIOCSWINSZ, &size));
	CHECK_OK(ioctl(pty.slave, TIOCGWINSZ, &back));
	CHECK(back.ws_row == 24 && back.ws_col == 80);
}

TEST(bytes_waiting)
{
	int count;
	struct pty pty = open_pty();
	set_modes(pty.slave, 0, 0, ICANON);
	type(pty, "abc");
	CHECK_OK(ioctl(pty.slave, FIONREAD, &count));
	CHECK_EQ(count, 0);
	type(pty, "\n");
	WAIT_UNTIL(ioctl(pty.slave, FIONREAD, &count) == 0 && count == 4);
	CHECK_OK(tcflush(pty.slave, TCIFLUSH));
	CHECK_OK(ioctl(pty.slave, FIONREAD, &count));
	CHECK_EQ(count, 0);
}

TEST(closed_master_is_end_and_hang_up)
{
	char byte;
	struct pty pty = open_pty();
	close(pty.master);
	CHECK_EQ(read(pty.slave, &byte, 1), 0);
	CHECK_ERR(write(pty.slave, "x", 1), EIO);
	struct pollfd entry = {pty.slave, POLLIN, 0};
	CHECK_EQ(poll(&entry, 1, 0), 1);
	CHECK(entry.revents & POLLHUP);
}

TEST(hang_up_is_of_the_files_that_were_open)
{
	char byte, line[8] = "";
	struct termios modes;
	struct pty pty = open_pty();
	CHECK_OK(ioctl(pty.slave, TIOCVHANGUP));
	CHECK_EQ(read(pty.slave, &byte, 1), 0);
	CHECK_ERR(write(pty.slave, "x", 1), EIO);
	CHECK_ERR(tcgetattr(pty.slave, &modes), EIO);
	struct pollfd entry = {pty.slave, POLLIN, 0};
	CHECK_EQ(poll(&entry, 1, 0), 1);
	CHECK(entry.revents & POLLHUP);
	int again = CHECK_OK(open(pty.name, O_RDWR | O_NOCTTY));
	type(pty, "hi\n");
	CHECK_EQ(read(again, line, sizeof(line)), 3);
	CHECK_EQ(read(pty.slave, &byte, 1), 0);
	CHECK_EQ(close(pty.slave), 0);
	CHECK_EQ(write(again, "x", 1), 1);
	CHECK_OK(tcgetattr(again, &modes));
}

TEST(closed_slave_is_eio_for_the_master)
{
	char byte;
	struct pty pty = open_pty();
	CHECK_EQ(write(pty.slave, "x", 1), 1);
	close(pty.slave);
	CHECK_EQ(read(pty.master, &byte, 1), 1);
	CHECK_ERR(read(pty.master, &byte, 1), EIO);
}

TEST(packet_mode)
{
	int on = 1;
	struct pty pty = open_pty();
	CHECK_OK(ioctl(pty.master, TIOCPKT, &on));
	CHECK_EQ(write(pty.slave, "hi", 2), 2);
	char text[8];
	CHECK_EQ(read(pty.master, text, sizeof(text)), 3);
	CHECK_EQ(text[0], TIOCPKT_DATA);
}

TEST(long_line_is_bounded)
{
	static char line[5001];
	struct pty pty = open_pty();
	set_modes(pty.slave, 0, 0, ICANON);
	memset(line, 'x', 5000);
	CHECK_OK(fcntl(pty.master, F_SETFL, O_RDWR | O_NONBLOCK));
	(void)!write(pty.master, line, 5000);
	(void)!write(pty.master, "\n", 1);
	size_t length = strlen(read_some(pty.slave));
	CHECK(length >= 255 && length <= 4096);
}
