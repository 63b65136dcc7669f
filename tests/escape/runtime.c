// SPDX-License-Identifier: MPL-2.0
/*
 * What a runtime does in a tree that somebody hostile changes meanwhile: it needs descriptors that stay what it has
 * looked at, and ways to a file that nothing mounted or linked in between can bend. The case is the runtime, its child
 * the hostile one.
 */
#include "support.h"

#include <linux/openat2.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>

#ifndef INSIDE
#define SECRET "what only the host knows\n"
#define PROC_MAGIC 0x9fa0
#define SECRET_PLACE "root/secret"

static void make_tree(void)
{
	CHECK_OK(unshare(CLONE_NEWNS));
	CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK_OK(mkdir("root", 0755));
	CHECK_OK(mount("tmpfs", "root", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("root/dev", 0755));
	write_text(SECRET_PLACE, SECRET);
	write_text("root/masked", "to be hidden");
}

/* Swaps two names without end. */
static pid_t swapper_start(const char *one, const char *other)
{
	pid_t child = fork_checked();
	while (child == 0)
		(void)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2);
	return child;
}

static void swapper_end(pid_t child)
{
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

static int open_below(int folder, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
	return (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
}

static int is_null_device(int fd)
{
	struct stat s;
	CHECK_OK(fstat(fd, &s));
	return S_ISCHR(s.st_mode) && s.st_rdev == makedev(1, 3);
}

/* CVE-2025-31133: what masks a file is taken from the container's /dev/null, which is a link by then. */
TEST(mask_is_what_was_looked_at)
{
	int masks = 0;
	make_tree();
	CHECK_OK(mknod("root/dev/null", S_IFCHR | 0666, makedev(1, 3)));
	CHECK_OK(symlink("../secret", "root/dev/link"));
	int root = CHECK_OK(open("root", O_PATH | O_DIRECTORY));
	pid_t swapper = swapper_start("root/dev/null", "root/dev/link");
	int64_t end = now_ns(CLOCK_MONOTONIC) + 15000000000ll;
	while (masks < 30 && now_ns(CLOCK_MONOTONIC) < end) {
		int null = open_below(root, "dev/null", O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
		if (null < 0) {
			CHECK(errno == ELOOP || errno == EAGAIN);
			continue;
		}
		CHECK(is_null_device(null));
		int tree = CHECK_OK((int)syscall(SYS_open_tree, null, "", 0x1000 | 1));	/* AT_EMPTY_PATH, a copy */
		CHECK_OK(syscall(SYS_move_mount, tree, "", root, "masked", 4));
		int seen = CHECK_OK(open("root/masked", O_RDONLY));
		CHECK(is_null_device(seen));
		close(seen);
		CHECK_OK(umount2("root/masked", MNT_DETACH));
		close(tree);
		close(null);
		masks++;
	}
	swapper_end(swapper);
	CHECK(masks > 0);
}

/* CVE-2025-52565: the console is taken by its name below /dev/pts, which is something else by then. */
TEST(console_is_the_terminal_that_was_opened)
{
	char name[16], path[64];
	int number = -1;
	make_tree();
	CHECK_OK(mkdir("root/dev/pts", 0755));
	CHECK_OK(mount("devpts", "root/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=620"));
	write_text("root/dev/console", "");
	int master = CHECK_OK(open("root/dev/pts/ptmx", O_RDWR | O_NOCTTY));
	CHECK_OK(ioctl(master, TIOCGPTN, &number));
	CHECK_OK(ioctl(master, TIOCSPTLCK, &(int){0}));
	snprintf(path, sizeof(path), "root/dev/pts/%d", number);
	CHECK_OK(mount(SECRET_PLACE, path, NULL, MS_BIND, NULL));
	int slave = CHECK_OK(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
	CHECK(isatty(slave));
	snprintf(name, sizeof(name), "say %d", number);
	CHECK_EQ(write(master, "\n", 1), 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", slave);
	CHECK_OK(mount(path, "root/dev/console", NULL, MS_BIND, NULL));
	int console = CHECK_OK(open("root/dev/console", O_RDWR | O_NOCTTY));
	CHECK(isatty(console));
	CHECK_EQ(write(console, name, strlen(name)), (long)strlen(name));
	CHECK(!strcmp(read_text(SECRET_PLACE), SECRET));
}

/* CVE-2025-52881: a setting of /proc is another file by then; what is written there does harm. */
TEST(settings_are_those_of_proc)
{
	struct statfs s;
	make_tree();
	CHECK_OK(mkdir("root/proc", 0755));
	CHECK_OK(mount("proc", "root/proc", "proc", 0, NULL));
	CHECK_OK(mount(SECRET_PLACE, "root/proc/sys/kernel/domainname", NULL, MS_BIND, NULL));
	CHECK_OK(mount("root/proc/sys/kernel/ostype", "root/proc/self/oom_score_adj", NULL, MS_BIND, NULL));
	CHECK_OK(mount("tmpfs", "root/proc/sys/net", "tmpfs", 0, NULL));
	int bent = CHECK_OK(open("root/proc", O_PATH | O_DIRECTORY));
	uint64_t strict = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
	CHECK_ERR(open_below(bent, "sys/kernel/domainname", O_WRONLY, strict), EXDEV);
	CHECK_ERR(open_below(bent, "self/oom_score_adj", O_WRONLY, strict), EXDEV);
	CHECK_ERR(open_below(bent, "sys/net", O_PATH, strict), EXDEV);
	CHECK_ERR(open_below(bent, "self/exe", O_PATH, strict), ELOOP);
	CHECK(open_below(bent, "self/root/secret", O_PATH, strict) < 0);
	/* A proc of the runtime's own, which is nowhere, has none of it. */
	int context = CHECK_OK((int)syscall(SYS_fsopen, "proc", 1));
	CHECK_OK(syscall(SYS_fsconfig, context, 6, NULL, NULL, 0));
	int own = CHECK_OK((int)syscall(SYS_fsmount, context, 1, 0));
	int setting = CHECK_OK(open_below(own, "sys/kernel/domainname", O_RDONLY, strict));
	CHECK_OK(fstatfs(setting, &s));
	CHECK_EQ(s.f_type, PROC_MAGIC);
	CHECK_OK(open_below(own, "self/oom_score_adj", O_WRONLY, strict));
	CHECK_OK(open_below(own, "sys/net/ipv4", O_PATH, strict));
}

/* CVE-2023-28642, CVE-2019-19921: /proc of the container is a link, or a folder with something else at its places. */
TEST(proc_is_looked_at)
{
	struct statfs s;
	make_tree();
	CHECK_OK(mkdir("root/other", 0755));
	CHECK_OK(symlink("other", "root/proc"));
	int root = CHECK_OK(open("root", O_PATH | O_DIRECTORY));
	CHECK_ERR(open_below(root, "proc", O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS), ELOOP);
	CHECK_ERR(open("root/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW), ENOTDIR);
	int other = CHECK_OK(open("root/proc", O_PATH | O_DIRECTORY));
	CHECK_OK(fstatfs(other, &s));
	CHECK(s.f_type != PROC_MAGIC);
}
#endif
