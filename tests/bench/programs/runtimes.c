// SPDX-License-Identifier: MPL-2.0
/*
 * What it costs to start a container with Debian's crun, and with keel over it: from the decision to start it to
 * the first line of its program (first.c), which says what time it is then.
 *
 * These run in a machine of their own, whose initramfs has crun, keel and a bundle below /runtime. They are
 * copied to a tmpfs that becomes the root, because pivot_root does not work on an initramfs.
 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEEL_TRIES = 2000, KEEL_PAUSE_US = 10000 };

static int copy_entry(const char *from, const char *to)
{
	char target[256];
	struct stat status;
	if (lstat(from, &status) < 0)
		return -1;
	if (S_ISLNK(status.st_mode)) {
		ssize_t length = readlink(from, target, sizeof(target) - 1);
		if (length < 0)
			return -1;
		target[length] = 0;
		return symlink(target, to);
	}
	if (S_ISDIR(status.st_mode))
		return mkdir(to, status.st_mode & 07777);
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, status.st_mode & 07777);
	ssize_t sent = sendfile(out, in, NULL, (size_t)status.st_size);
	(void)close(in);
	(void)close(out);
	return sent == status.st_size ? 0 : -1;
}

static int copy_folder(const char *from, const char *to)
{
	DIR *folder = opendir(from);
	int result = folder ? 0 : -1;
	struct dirent *entry;
	while (!result && (entry = readdir(folder))) {
		char source[512], target[512];
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		(void)snprintf(source, sizeof(source), "%s/%s", from, entry->d_name);
		(void)snprintf(target, sizeof(target), "%s/%s", to, entry->d_name);
		result = copy_entry(source, target);
		if (!result && entry->d_type == DT_DIR)
			result = copy_folder(source, target);
	}
	if (folder)
		(void)closedir(folder);
	return result;
}

/* A mount namespace whose root is a tmpfs with all of /runtime. */
static int enter_root(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755") < 0 || copy_folder("/runtime", "/tmp") < 0)
		return -1;
	if (chdir("/tmp") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		return -1;
	return 0;
}

static int mount_kernel_trees(void)
{
	if (mount("proc", "/proc", "proc", 0, "") < 0 || mount("sysfs", "/sys", "sysfs", 0, "") < 0 ||
	    mount("devtmpfs", "/dev", "devtmpfs", 0, "") < 0 || mount("tmpfs", "/run", "tmpfs", 0, "mode=755") < 0)
		return -1;
	return mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, "");
}

/* Runs a command with its output in a pipe. => when its first line ran; *end_ns is when the command was over */
static int64_t run_to_first(char *const words[], int64_t *end_ns)
{
	int ends[2], status;
	int64_t first_ns = -EPROTO;
	TRY(pipe(ends));
	pid_t child = CHILD({
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)close(ends[0]);
		(void)close(ends[1]);
		(void)execv(words[0], words);
	});
	(void)close(ends[1]);
	ssize_t got = read(ends[0], &first_ns, sizeof(first_ns));
	TRY(waitpid(child, &status, 0));
	*end_ns = bench_now_ns();
	(void)close(ends[0]);
	return got == sizeof(first_ns) && status == 0 ? first_ns : -EPROTO;
}

enum measured { TO_FIRST_LINE, TO_THE_END };

static int64_t run_often(char *const words[], long rounds, enum measured measured)
{
	int64_t total = 0;
	for (long i = 0; i < rounds; i++) {
		int64_t start_ns = bench_now_ns(), end_ns = start_ns;
		int64_t first_ns = run_to_first(words, &end_ns);
		if (first_ns < 0)
			return first_ns;
		total += (measured == TO_FIRST_LINE ? first_ns : end_ns) - start_ns;
	}
	return total;
}

/* The default of crun is systemd's groups, and there is no systemd. */
static char *const crun_words[] = {"/usr/bin/crun", "--cgroup-manager", "cgroupfs", "run",
				   "--bundle",	    "/bundle",		"bench",    NULL};

static int64_t crun(long rounds, enum measured measured)
{
	static int is_ready;
	if (!is_ready) {
		TRY(enter_root());
		TRY(mount_kernel_trees());
		is_ready = 1;
	}
	return run_often(crun_words, rounds, measured);
}

static int64_t bench_crun_first(long rounds)
{
	return crun(rounds, TO_FIRST_LINE);
}

static int64_t bench_crun_run(long rounds)
{
	return crun(rounds, TO_THE_END);
}

static char *const keel_words[] = {"/usr/bin/keel",  "run", "--rm", "--network", "none",
				   "rootfs:/bundle/rootfs", "/first", NULL};

static int wait_for_init(void)
{
	for (int i = 0; i < KEEL_TRIES; i++) {
		if (access("/run/keel/control", F_OK) == 0)
			return 0;
		(void)usleep(KEEL_PAUSE_US);
	}
	errno = ETIMEDOUT;
	return -1;
}

static int64_t keel_beside_init(long rounds, enum measured measured)
{
	TRY(wait_for_init());
	return run_often(keel_words, rounds, measured);
}

/* keel asks our init, which must be process 1: of a pid namespace, with the measuring process beside it. */
static int64_t keel(long rounds, enum measured measured)
{
	int ends[2];
	int64_t result = -EPROTO;
	TRY(pipe2(ends, O_CLOEXEC));
	pid_t first = (pid_t)TRY(syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0));
	if (first == 0) {
		static char *const words[] = {"/usr/lib/keel/init", NULL};
		if (enter_root() < 0)
			_exit(1);
		(void)CHILD({
			result = keel_beside_init(rounds, measured);
			(void)!write(ends[1], &result, sizeof(result));
		});
		(void)execv(words[0], words);
		_exit(1);
	}
	(void)close(ends[1]);
	if (read(ends[0], &result, sizeof(result)) != sizeof(result))
		result = -EPROTO;
	(void)close(ends[0]);
	(void)kill(first, SIGKILL);
	(void)waitpid(first, NULL, 0);
	return result;
}

static int64_t bench_keel_first(long rounds)
{
	return keel(rounds, TO_FIRST_LINE);
}

static int64_t bench_keel_run(long rounds)
{
	return keel(rounds, TO_THE_END);
}

const struct bench runtimes[] = {
	{"crun_to_first_instruction", bench_crun_first, 10},
	{"crun_run", bench_crun_run, 10},
	{"keel_to_first_instruction", bench_keel_first, 10},
	{"keel_run", bench_keel_run, 10},
	{0},
};
