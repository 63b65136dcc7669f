// SPDX-License-Identifier: MPL-2.0
/*
 * The first program of a test machine. It prepares the few mounts that tests expect, then runs the
 * plan: /plan in the initramfs, one command a line; or the words of test= on the kernel command
 * line (test=syscalls/files/open,syscalls/time/clock/monotonic; test=shell for a prompt).
 *
 * It prints "test-init: ready" at the first instruction that can print, "test-init: done" at the
 * end, and goes on after everything that fails: a young kernel cannot do all of this.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 400, PLAN_MAX = 256 * 1024, DEBUG_EXIT_PORT = 0xf4 };

static char plan[PLAN_MAX];
static char patience[40] = "TEST_PATIENCE=1"; /* by what the runner has all limits of time multiplied */

static void say(const char *what, const char *detail)
{
	char line[200];
	int length = snprintf(line, sizeof(line), "test-init: %s%s\n", what, detail);
	(void)!write(STDOUT_FILENO, line, (size_t)length);
}

static void mount_one(const char *type, const char *path, const char *options)
{
	(void)mkdir(path, 0755);
	if (mount(type, path, type, 0, options) != 0 && errno != EBUSY)
		say("cannot mount ", path);
}

static void open_console(void)
{
	int console = open("/dev/console", O_RDWR);
	if (console < 0)
		return;
	for (int fd = 0; fd <= 2; fd++)
		if (console != fd)
			(void)dup2(console, fd);
	if (console > 2)
		(void)close(console);
}

static void mount_all(void)
{
	mount_one("devtmpfs", "/dev", "");
	open_console();
	mount_one("proc", "/proc", "");
	mount_one("sysfs", "/sys", "");
	mount_one("tmpfs", "/tmp", "mode=1777");
	mount_one("tmpfs", "/run", "mode=755");
	mount_one("devpts", "/dev/pts", "gid=5,mode=0620,ptmxmode=0666");
	mount_one("tmpfs", "/dev/shm", "mode=1777");
	(void)symlink("/proc/self/fd", "/dev/fd");
	mount_one("cgroup2", "/sys/fs/cgroup", "");
}

/* Linux as Debian builds it keeps the disk driver and ext2 in modules; /modules/order lists them. */
static void load_modules(void)
{
	char path[128];
	FILE *order = fopen("/modules/order", "r");
	if (!order)
		return;
	while (fscanf(order, "%127s", path) == 1) {
		int fd = open(path, O_RDONLY);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0)
			say("cannot load ", path);
		if (fd >= 0)
			(void)close(fd);
	}
	fclose(order);
}

static size_t read_text(const char *path, char *text, size_t size)
{
	size_t length = 0;
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	for (;;) {
		ssize_t count = read(fd, text + length, size - 1 - length);
		if (count <= 0)
			break;
		length += (size_t)count;
	}
	(void)close(fd);
	text[length] = 0;
	return length;
}

/* Waits for one child while reaping the orphans that end here. */
static int wait_for(pid_t child)
{
	int status = 0;
	for (;;) {
		pid_t ended = wait4(-1, &status, 0, NULL);
		if (ended == child)
			return status;
		if (ended < 0 && errno != EINTR)
			return -1;
	}
}

static void run_words(char **words)
{
	char text[64];
	fflush(NULL);
	pid_t child = fork();
	if (child <= 0) { /* without fork: become the program, it is the last one */
		execve(words[0], words, (char *[]){"PATH=/bin:/sbin", "HOME=/", "TERM=vt100", patience, NULL});
		say("cannot execute ", words[0]);
		_exit(127);
	}
	int status = wait_for(child);
	if (WIFEXITED(status))
		snprintf(text, sizeof(text), " exit %d", WEXITSTATUS(status));
	else
		snprintf(text, sizeof(text), " signal %d", WTERMSIG(status));
	say("end of ", words[0]);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		say("unusual end:", text);
}

static void run_line(char *line)
{
	char *words[WORDS_MAX + 1], *rest = line, *word;
	int count = 0;
	while ((word = strtok_r(rest, " ", &rest)) && count < WORDS_MAX)
		words[count++] = word;
	words[count] = NULL;
	if (count)
		run_words(words);
}

/* "syscalls/files/open" names a program, with one part more a case of it. */
static void run_name(char *name)
{
	char path[256], group[256];
	struct stat info;
	snprintf(path, sizeof(path), "/tests/%s", name);
	snprintf(group, sizeof(group), "%s/", name);
	if (!strcmp(name, "shell")) {
		run_words((char *[]){"/bin/busybox", "sh", NULL});
	} else if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
		run_words((char *[]){path, "-g", group, NULL});
	} else {
		char *slash = strrchr(path, '/');
		*slash = 0;
		strrchr(name, '/')[1] = 0;
		run_words((char *[]){path, "-g", name, slash + 1, NULL});
	}
}

static void read_patience(void)
{
	char text[4096];
	read_text("/proc/cmdline", text, sizeof(text));
	char *word = strstr(text, "patience=");
	if (word)
		snprintf(patience, sizeof(patience), "TEST_PATIENCE=%d", atoi(word + strlen("patience=")));
}

static void run_command_line(void)
{
	char text[4096], *rest, *name;
	read_text("/proc/cmdline", text, sizeof(text));
	char *words = strstr(text, "test=");
	if (!words)
		return;
	words += strlen("test=");
	words[strcspn(words, " \n")] = 0;
	for (rest = words; (name = strtok_r(rest, ",", &rest));)
		run_name(name);
}

int main(void)
{
	char *rest = plan, *line;
	say("ready", "");
	(void)setsid();
	mount_all();
	load_modules();
	read_patience();
	if (read_text("/plan", plan, sizeof(plan)) == 0)
		run_command_line();
	while ((line = strtok_r(rest, "\n", &rest)))
		run_line(line);
	say("done", "");
	sync();
	(void)reboot(RB_POWER_OFF);
	if (iopl(3) == 0)
		__asm__ volatile("outb %b0, %w1" ::"a"(0), "Nd"(DEBUG_EXIT_PORT));
	(void)reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
