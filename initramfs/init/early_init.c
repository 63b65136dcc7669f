// SPDX-License-Identifier: MPL-2.0
// Early init: the first program, run from the initramfs as /init.
//
// Theory: it knows just enough to reach the real root. It mounts /dev, /proc and /sys, reads the kernel
// command line, waits for the device that `root=` names, mounts it, moves the three mounts over, frees
// the initramfs, makes the new root the root of everything and becomes `init=` (else /sbin/init and its
// usual substitutes). Without `root=` the initramfs is the system, and its own /sbin/init or shell runs.
//
// Nothing here is ever given up silently: what failed is said on the console in one sentence, and a
// shell is started where the initramfs has one. Words understood: root= rootfstype= rootflags= ro rw
// rootwait rootdelay= init= quiet.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../rootfs/disk/disk_spec.h"
#include "../../rootfs/disk/kernel_words.h"
#include "initramfs_free.h"
#include "root_mount.h"

#define NEW_ROOT "/newroot"

enum {
	RETRY_INTERVAL_MS = 20,
	NOTICE_INTERVAL_MS = 5000,
	WAIT_DEFAULT_S = 5,		// without rootwait: slow buses still get this long
};

static struct kernel_words words;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("keelson: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

static void exec_if_there(const char *path)
{
	char *arguments[] = {(char *)path, NULL};

	execv(path, arguments);
	if (errno != ENOENT)
		say("cannot run %s: %s", path, strerror(errno));
}

// The end of every failure: a shell to look around with, or nothing but the message. Returning from
// PID 1 makes the kernel panic, which is what a machine without a root has to do.
static int give_up(void)
{
	if (access("/bin/sh", X_OK) == 0) {
		say("starting a shell in the initramfs; `exec /init` tries again");
		exec_if_there("/bin/sh");
	}
	say("there is no shell in the initramfs, stopping");
	return 1;
}

// The kernel may have mounted devtmpfs already, and the console may be missing without it.
static int mount_kernel_filesystem(const char *type, const char *target, unsigned long flags)
{
	if (mkdir(target, 0755) < 0 && errno != EEXIST) {
		say("cannot make %s: %s", target, strerror(errno));
		return -1;
	}
	if (mount(type, target, type, flags, NULL) < 0 && errno != EBUSY) {
		say("cannot mount %s on %s: %s", type, target, strerror(errno));
		return -1;
	}
	return 0;
}

static void open_console(void)
{
	int fd;

	if (fcntl(STDERR_FILENO, F_GETFD) >= 0)
		return;
	fd = open("/dev/console", O_RDWR | O_NOCTTY);
	if (fd < 0)
		return;
	for (int standard = 0; standard <= 2; standard++)
		dup2(fd, standard);
	if (fd > 2)
		close(fd);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(long duration_ms)
{
	struct timespec duration = {duration_ms / 1000, duration_ms % 1000 * 1000000};

	nanosleep(&duration, NULL);
}

// Looks for the device until it is there; gives up after the limit unless `rootwait` says never.
static int wait_for_device(const struct disk_spec *spec, char path[PATH_MAX], struct fault *fault)
{
	int forever = kernel_words_find(&words, "rootwait") != NULL;
	long limit_ms = kernel_words_number(&words, "rootdelay", WAIT_DEFAULT_S) * 1000;
	long start_ms = now_ms();
	long notice_ms = start_ms + NOTICE_INTERVAL_MS;

	for (;;) {
		int error = disk_spec_find(spec, path, fault);

		if (error != -ENOENT)
			return error;
		if (!forever && now_ms() - start_ms >= limit_ms)
			return error;
		if (now_ms() >= notice_ms) {
			say("still waiting for the root: %s", fault->text);
			notice_ms = now_ms() + NOTICE_INTERVAL_MS;
		}
		sleep_ms(RETRY_INTERVAL_MS);
	}
}

static int mount_root(const char *root)
{
	struct fault fault = {0};
	struct disk_spec spec;
	struct root_options options = {
		.type = kernel_words_value(&words, "rootfstype", NULL),
		.data = kernel_words_value(&words, "rootflags", NULL),
		.access = ROOT_READ_ONLY,
	};
	char path[PATH_MAX];

	// As in Linux the root is read-only unless `rw` comes after any `ro`.
	for (size_t i = 0; i < words.count; i++) {
		if (strcmp(words.word[i].name, "rw") == 0)
			options.access = ROOT_READ_WRITE;
		if (strcmp(words.word[i].name, "ro") == 0)
			options.access = ROOT_READ_ONLY;
	}
	if (disk_spec_parse(root, &spec, &fault) != 0 ||
	    wait_for_device(&spec, path, &fault) != 0 ||
	    root_mount(path, NEW_ROOT, &options, &fault) != 0) {
		say("root=%s: %s", root, fault.text);
		return -1;
	}
	return 0;
}

static int move_mounts(void)
{
	static const char *const targets[] = {"dev", "proc", "sys"};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		char from[16], to[32];

		snprintf(from, sizeof(from), "/%s", targets[i]);
		snprintf(to, sizeof(to), NEW_ROOT "/%s", targets[i]);
		// A read-only root without the directory loses that mount; the real init mounts it again
		// or says why it cannot.
		if (mount(from, to, NULL, MS_MOVE, NULL) < 0) {
			say("cannot move %s to the root: %s", from, strerror(errno));
			umount2(from, MNT_DETACH);
		}
	}
	return 0;
}

static int switch_root(void)
{
	int old_root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	move_mounts();
	if (chdir(NEW_ROOT) < 0) {
		say("cannot enter the root: %s", strerror(errno));
		return -1;
	}
	if (old_root >= 0) {
		initramfs_free(old_root);
		close(old_root);
	}
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0) {
		say("cannot switch to the root: %s", strerror(errno));
		return -1;
	}
	return 0;
}

static void exec_init(void)
{
	const char *wanted = kernel_words_value(&words, "init", NULL);

	if (wanted != NULL) {
		exec_if_there(wanted);
		say("init=%s is not on the root, trying the usual places", wanted);
	}
	exec_if_there("/sbin/init");
	exec_if_there("/etc/init");
	exec_if_there("/bin/init");
	exec_if_there("/bin/sh");
	say("the root has no init: no /sbin/init, /etc/init, /bin/init or /bin/sh");
}

int main(void)
{
	const char *root;

	if (getpid() != 1) {
		fputs("early-init: this is the initramfs's first program, not a command\n", stderr);
		return 1;
	}
	mount_kernel_filesystem("devtmpfs", "/dev", MS_NOSUID);
	open_console();
	if (mount_kernel_filesystem("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC) != 0)
		return give_up();
	mount_kernel_filesystem("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC);
	if (kernel_words_read(&words) != 0) {
		say("cannot read /proc/cmdline: %s", strerror(errno));
		return give_up();
	}
	root = kernel_words_value(&words, "root", NULL);
	if (root == NULL) {
		exec_if_there("/sbin/init");
		exec_if_there("/bin/sh");
		say("there is no root= on the command line and no /sbin/init in the initramfs");
		return give_up();
	}
	if (mkdir(NEW_ROOT, 0755) < 0 && errno != EEXIST) {
		say("cannot make " NEW_ROOT ": %s", strerror(errno));
		return give_up();
	}
	if (mount_root(root) != 0)
		return give_up();
	if (switch_root() == 0)
		exec_init();
	return give_up();
}
