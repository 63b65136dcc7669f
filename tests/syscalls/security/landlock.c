// SPDX-License-Identifier: MPL-2.0
/* landlock(7), version 2 of its interface: rulesets, what each right is about, layers, moves, who may trace whom. */
#include "support.h"

#include <linux/landlock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE LANDLOCK_ACCESS_FS_WRITE_FILE
#define REFER LANDLOCK_ACCESS_FS_REFER
#define REMOVE (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR)
#define ALL 0x3ffful

static int create(unsigned long handled)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = handled};
	return (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
}

static int add(int ruleset, const char *path, unsigned long rights)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = rights,
		.parent_fd = open(path, O_PATH | O_CLOEXEC)};
	int result = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0), error = errno;
	close(rule.parent_fd);
	errno = error;
	return result;
}

static int restrict_with(int ruleset)
{
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}

/* Restricted to these rights below `path`, of those that are handled. */
static void restrict_to(unsigned long handled, const char *path, unsigned long rights)
{
	int ruleset = CHECK_OK(create(handled));
	if (rights)
		CHECK_OK(add(ruleset, path, rights));
	CHECK_OK(restrict_with(ruleset));
	close(ruleset);
}

static void make_tree(void)
{
	CHECK_OK(mkdir("in", 0755));
	CHECK_OK(mkdir("in/deep", 0755));
	CHECK_OK(mkdir("out", 0755));
	write_text("in/file", "in");
	write_text("in/deep/file", "deep");
	write_text("out/file", "out");
}

TEST(version)
{
	CHECK(syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 2);
	CHECK_ERR(syscall(SYS_landlock_create_ruleset, NULL, 8, LANDLOCK_CREATE_RULESET_VERSION), EINVAL);
	CHECK_ERR(syscall(SYS_landlock_create_ruleset, NULL, 0, 4), EINVAL);
}

TEST(ruleset_arguments)
{
	struct {
		struct landlock_ruleset_attr attr;
		char more[PAGE];
	} large = {.attr = {.handled_access_fs = READ}};
	CHECK_ERR(create(0), ENOMSG);
	CHECK_ERR(create(1ul << 40), EINVAL);
	CHECK_ERR(syscall(SYS_landlock_create_ruleset, &large, 7, 0), EINVAL);
	CHECK_ERR(syscall(SYS_landlock_create_ruleset, bad_address(), 8, 0), EFAULT);
	CHECK_ERR(syscall(SYS_landlock_create_ruleset, &large, PAGE + 1, 0), E2BIG);
	close((int)CHECK_OK(syscall(SYS_landlock_create_ruleset, &large, PAGE, 0)));
	large.more[20] = 1;
	CHECK_ERR(syscall(SYS_landlock_create_ruleset, &large, PAGE, 0), E2BIG);
	int ruleset = CHECK_OK(create(READ));
	CHECK_EQ(fcntl(ruleset, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(ruleset, F_GETFL) & O_ACCMODE, O_RDWR);
	char byte;
	CHECK_ERR(read(ruleset, &byte, 1), EINVAL);
	CHECK_ERR(write(ruleset, "x", 1), EINVAL);
}

TEST(rule_arguments)
{
	make_tree();
	int ruleset = CHECK_OK(create(READ | WRITE)), ends[2];
	struct landlock_path_beneath_attr rule = {.allowed_access = READ, .parent_fd = -1};
	CHECK_ERR(add(ruleset, "in", 0), ENOMSG);
	CHECK_ERR(add(ruleset, "in", REMOVE), EINVAL);
	CHECK_ERR(add(ruleset, "in/file", READ), EINVAL);
	CHECK_OK(add(ruleset, "in/file", LANDLOCK_ACCESS_FS_READ_FILE));
	CHECK_ERR(syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0), EBADF);
	CHECK_ERR(syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 1), EINVAL);
	CHECK_ERR(syscall(SYS_landlock_add_rule, ruleset, 0, &rule, 0), EINVAL);
	CHECK_ERR(syscall(SYS_landlock_add_rule, -1, 1, &rule, 0), EBADF);
	CHECK_ERR(syscall(SYS_landlock_add_rule, 0, 1, &rule, 0), EBADFD);
	CHECK_ERR(syscall(SYS_landlock_add_rule, ruleset, 1, bad_address(), 0), EFAULT);
	CHECK_OK(pipe(ends));
	rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
	rule.parent_fd = ends[0];
	CHECK_ERR(syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0), EBADFD);
	rule.parent_fd = ruleset;
	CHECK_ERR(syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0), EBADFD);
}

TEST(restrict_needs_no_new_privileges)
{
	int ruleset = CHECK_OK(create(READ));
	become_nobody();
	CHECK_ERR(syscall(SYS_landlock_restrict_self, ruleset, 0), EPERM);
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_ERR(syscall(SYS_landlock_restrict_self, ruleset, 1), EINVAL);
	CHECK_ERR(syscall(SYS_landlock_restrict_self, -1, 0), EBADF);
	CHECK_ERR(syscall(SYS_landlock_restrict_self, 0, 0), EBADFD);
	CHECK_OK(syscall(SYS_landlock_restrict_self, ruleset, 0));
}

TEST(reading)
{
	make_tree();
	restrict_to(READ, "in", READ);
	CHECK_OK(open("in", O_RDONLY | O_DIRECTORY));
	CHECK_OK(open("in/deep/file", O_RDONLY));
	CHECK_OK(open("in/../in/file", O_RDONLY));
	CHECK_ERR(open("out/file", O_RDONLY), EACCES);
	CHECK_ERR(open("out", O_RDONLY | O_DIRECTORY), EACCES);
	CHECK_ERR(open("/", O_RDONLY | O_DIRECTORY), EACCES);
	CHECK_ERR(open("out/file", O_RDWR), EACCES);
	/* Not handled, not asked. */
	CHECK_OK(open("out/file", O_WRONLY));
	CHECK_OK(open("out/file", O_PATH));
	CHECK_OK(access("out/file", R_OK));
	struct stat s;
	CHECK_OK(stat("out/file", &s));
}

TEST(writing)
{
	make_tree();
	restrict_to(WRITE | LANDLOCK_ACCESS_FS_MAKE_REG, "in", WRITE | LANDLOCK_ACCESS_FS_MAKE_REG);
	CHECK_OK(open("in/file", O_WRONLY));
	CHECK_OK(open("in/new", O_WRONLY | O_CREAT, 0644));
	CHECK_ERR(open("out/file", O_WRONLY), EACCES);
	CHECK_ERR(open("out/file", O_WRONLY | O_TRUNC), EACCES);
	CHECK_STR(read_text("out/file"), "out");
	CHECK_ERR(open("out/new", O_WRONLY | O_CREAT, 0644), EACCES);
	CHECK_ERR(access("out/new", F_OK), ENOENT);
	CHECK_ERR(open("out/new", O_RDONLY | O_CREAT, 0644), EACCES);
	CHECK_OK(open("out/file", O_RDONLY | O_CREAT, 0644));
}

TEST(opened_before)
{
	make_tree();
	int file = CHECK_OK(open("out/file", O_RDWR));
	restrict_to(READ | WRITE, "in", READ | WRITE);
	CHECK_EQ(write(file, "more", 4), 4);
	int ends[2];
	CHECK_OK(pipe(ends));
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	CHECK_OK(open(path, O_RDONLY));
	CHECK_EQ(write(CHECK_OK((int)syscall(SYS_memfd_create, "m", 0)), "x", 1), 1);
}

TEST(rule_of_a_file)
{
	make_tree();
	restrict_to(READ, "out/file", LANDLOCK_ACCESS_FS_READ_FILE);
	CHECK_OK(open("out/file", O_RDONLY));
	CHECK_ERR(open("in/file", O_RDONLY), EACCES);
	CHECK_ERR(open("out", O_RDONLY | O_DIRECTORY), EACCES);
}

TEST(making)
{
	make_tree();
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "out/socket"};
	restrict_to(ALL & ~READ & ~WRITE & ~REFER, "in",
		LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM);
	CHECK_OK(mkdir("in/new", 0755));
	CHECK_ERR(mkdir("out/new", 0755), EACCES);
	CHECK_ERR(mkdir("out/file", 0755), EEXIST);
	CHECK_OK(symlink("x", "in/link"));
	CHECK_ERR(symlink("x", "out/link"), EACCES);
	CHECK_ERR(mkfifo("in/fifo", 0644), EACCES);
	CHECK_ERR(mknod("in/node", S_IFCHR | 0644, makedev(1, 3)), EACCES);
	CHECK_ERR(mknod("in/regular", S_IFREG | 0644, 0), EACCES);
	int s = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_ERR(bind(s, (struct sockaddr *)&name, sizeof(name)), EACCES);
	strcpy(name.sun_path, "in/socket");
	CHECK_OK(bind(s, (struct sockaddr *)&name, sizeof(name)));
}

TEST(removing)
{
	make_tree();
	CHECK_OK(mkdir("in/empty", 0755));
	CHECK_OK(mkdir("out/empty", 0755));
	restrict_to(REMOVE, "in", LANDLOCK_ACCESS_FS_REMOVE_FILE);
	CHECK_OK(unlink("in/file"));
	CHECK_ERR(unlink("out/file"), EACCES);
	CHECK_ERR(rmdir("in/empty"), EACCES);
	CHECK_ERR(rmdir("out/empty"), EACCES);
}

TEST(executing)
{
	char *words[] = {"busybox", "true", NULL};
	int ruleset = CHECK_OK(create(LANDLOCK_ACCESS_FS_EXECUTE));
	CHECK_OK(add(ruleset, "/tests", LANDLOCK_ACCESS_FS_EXECUTE));
	CHECK_OK(restrict_with(ruleset));
	pid_t child = fork_checked();
	if (child == 0) {
		execv("/bin/busybox", words);
		_exit(errno == EACCES ? 5 : 6);
	}
	CHECK_EQ(wait_exit(child), 5);
	CHECK_EQ(access("/tests/helper", X_OK), 0);
}

TEST(rename_within_a_folder)
{
	make_tree();
	restrict_to(LANDLOCK_ACCESS_FS_MAKE_REG | REMOVE, "in",
		LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE);
	CHECK_OK(rename("in/file", "in/other"));
	CHECK_ERR(rename("out/file", "out/other"), EACCES);
	CHECK_ERR(link("out/file", "out/other"), EACCES);
	CHECK_OK(link("in/other", "in/second"));
	CHECK_ERR(rename("in/other", "in/deep/other"), EXDEV);
	CHECK_ERR(link("in/other", "in/deep/other"), EXDEV);
}

TEST(refer)
{
	make_tree();
	CHECK_OK(mkdir("in/a", 0755));
	CHECK_OK(mkdir("in/b", 0755));
	write_text("in/a/file", "a");
	restrict_to(ALL & ~READ & ~WRITE, "in", ALL & ~READ & ~WRITE);
	CHECK_OK(rename("in/a/file", "in/b/file"));
	CHECK_OK(link("in/b/file", "in/a/again"));
	CHECK_OK(syscall(SYS_renameat2, AT_FDCWD, "in/a", AT_FDCWD, "in/deep/file", 2));
	CHECK_ERR(rename("in/b/file", "out/other"), EACCES);
	CHECK_ERR(rename("out/file", "in/b/other"), EACCES);
	CHECK_ERR(link("out/file", "in/b/other"), EXDEV);
}

/* What is moved must not be left more at its new place than at its old one. */
TEST(refer_gives_no_rights)
{
	make_tree();
	int ruleset = CHECK_OK(create(ALL));
	unsigned long change = REFER | REMOVE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR;
	CHECK_OK(add(ruleset, "in", change | READ | WRITE));
	CHECK_OK(add(ruleset, "out", change | LANDLOCK_ACCESS_FS_READ_DIR));
	CHECK_OK(restrict_with(ruleset));
	CHECK_ERR(open("out/file", O_RDONLY), EACCES);
	CHECK_ERR(rename("out/file", "in/other"), EXDEV);
	CHECK_ERR(link("out/file", "in/other"), EXDEV);
	CHECK_OK(rename("in/file", "out/other"));
	CHECK_ERR(open("out/other", O_RDONLY), EACCES);
	CHECK_ERR(syscall(SYS_renameat2, AT_FDCWD, "in/deep", AT_FDCWD, "out/other", 2), EXDEV);
}

TEST(layers)
{
	make_tree();
	restrict_to(READ, ".", READ);
	CHECK_OK(open("out/file", O_RDONLY));
	restrict_to(READ, "in", READ);
	CHECK_OK(open("in/file", O_RDONLY));
	CHECK_ERR(open("out/file", O_RDONLY), EACCES);
	restrict_to(WRITE, "out", WRITE);
	CHECK_OK(open("in/file", O_RDONLY));
	CHECK_ERR(open("in/file", O_WRONLY), EACCES);
	CHECK_OK(open("out/file", O_WRONLY));
	/* A layer gives nothing back. */
	restrict_to(READ, "out", READ);
	CHECK_ERR(open("out/file", O_RDONLY), EACCES);
	CHECK_ERR(open("in/file", O_RDONLY), EACCES);
}

TEST(sixteen_layers)
{
	make_tree();
	int ruleset = CHECK_OK(create(READ));
	CHECK_OK(add(ruleset, ".", READ));
	for (int n = 0; n < 16; n++)
		CHECK_OK(restrict_with(ruleset));
	CHECK_ERR(restrict_with(ruleset), E2BIG);
	CHECK_OK(open("in/file", O_RDONLY));
}

/* The ruleset may grow: who has restricted itself with it keeps what it was. */
TEST(layer_is_a_copy)
{
	make_tree();
	int ruleset = CHECK_OK(create(READ));
	CHECK_OK(add(ruleset, "in", READ));
	CHECK_OK(restrict_with(ruleset));
	CHECK_OK(add(ruleset, "out", READ));
	CHECK_ERR(open("out/file", O_RDONLY), EACCES);
}

TEST(inheritance)
{
	make_tree();
	pid_t free = fork_checked();
	if (free == 0) {
		sleep_ms(300);
		_exit(open("out/file", O_RDONLY) >= 0 ? 0 : 1);
	}
	restrict_to(READ, "in", READ);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(open("out/file", O_RDONLY) == -1 && open("in/file", O_RDONLY) >= 0 ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(wait_exit(free), 0);
}

/* Places are known as files, whatever they are called and however one comes there. */
TEST(renamed_and_bound)
{
	private_mounts();
	make_tree();
	CHECK_OK(mkdir("bound", 0755));
	CHECK_OK(mount("in/deep", "bound", NULL, MS_BIND, NULL));
	int ruleset = CHECK_OK(create(READ));
	CHECK_OK(add(ruleset, "in/deep", READ));
	CHECK_OK(rename("in", "moved"));
	CHECK_OK(restrict_with(ruleset));
	CHECK_OK(open("moved/deep/file", O_RDONLY));
	CHECK_OK(open("bound/file", O_RDONLY));
	CHECK_ERR(open("moved/file", O_RDONLY), EACCES);
}

TEST(through_mount_points)
{
	private_mounts();
	make_tree();
	CHECK_OK(mount("tmpfs", "in/deep", "tmpfs", 0, NULL));
	write_text("in/deep/below", "x");
	restrict_to(READ, "in", READ);
	CHECK_OK(open("in/deep/below", O_RDONLY));
	CHECK_ERR(umount2("in/deep", 0), EPERM);
	CHECK_ERR(mount("tmpfs", "out", "tmpfs", 0, NULL), EPERM);
	CHECK_ERR(mount("in", "out", NULL, MS_BIND, NULL), EPERM);
	CHECK_ERR(syscall(SYS_pivot_root, "in", "in"), EPERM);
}

/* A rule does not keep a file system mounted, and means nothing once it is gone. */
TEST(unmounted)
{
	private_mounts();
	make_tree();
	CHECK_OK(mount("tmpfs", "in/deep", "tmpfs", 0, NULL));
	int ruleset = CHECK_OK(create(READ));
	CHECK_OK(add(ruleset, "in/deep", READ));
	CHECK_OK(umount2("in/deep", 0));
	CHECK_OK(mount("tmpfs", "in/deep", "tmpfs", 0, NULL));
	write_text("in/deep/other", "x");
	CHECK_OK(restrict_with(ruleset));
	CHECK_ERR(open("in/deep/other", O_RDONLY), EACCES);
}

static int is_traced(pid_t process)
{
	if (ptrace(PTRACE_ATTACH, process, NULL, NULL))
		return 0;
	CHECK_EQ(waitpid(process, NULL, 0), process);
	CHECK_OK(ptrace(PTRACE_DETACH, process, NULL, NULL));
	return 1;
}

TEST(tracing)
{
	pid_t outside = fork_checked();
	if (outside == 0)
		for (;;)
			pause();
	restrict_to(WRITE, "/", WRITE);
	CHECK_ERR(ptrace(PTRACE_ATTACH, outside, NULL, NULL), EPERM);
	char path[32], text[64];
	snprintf(path, sizeof(path), "/proc/%d/environ", outside);
	CHECK_ERR(open(path, O_RDONLY), EACCES);
	snprintf(path, sizeof(path), "/proc/%d/exe", outside);
	CHECK_ERR(readlink(path, text, sizeof(text)), EACCES);
	pid_t inside = fork_checked();
	if (inside == 0) {
		restrict_to(WRITE, "/", WRITE);
		for (;;)
			pause();
	}
	sleep_ms(200);
	CHECK(is_traced(inside));
	kill(inside, SIGKILL);
	kill(outside, SIGKILL);
}

TEST(tracing_by_parent)
{
	struct turn turn = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		turn_take(turn);
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM ? 5 : 6);
	}
	restrict_to(WRITE, "/", WRITE);
	turn_give(turn);
	CHECK_EQ(wait_exit(child), 5);
}
