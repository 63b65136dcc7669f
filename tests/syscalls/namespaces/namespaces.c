// SPDX-License-Identifier: MPL-2.0
/* Namespaces: what is inside one does not show outside. */
#include "namespace.h"

#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/utsname.h>

static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
static const int flags[] = {CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS,  CLONE_NEWNET,
			    CLONE_NEWPID,    CLONE_NEWUSER, CLONE_NEWUTS};
enum { KINDS = 7 };

static char *ns_link(const char *kind, char *text, size_t size)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	ssize_t length = CHECK_OK(readlink(path, text, size - 1));
	text[length] = 0;
	return text;
}

TEST(links_have_their_form)
{
	char text[64], wanted[16];
	for (int i = 0; i < KINDS; i++) {
		snprintf(wanted, sizeof(wanted), "%s:[", kinds[i]);
		CHECK(strncmp(ns_link(kinds[i], text, sizeof(text)), wanted, strlen(wanted)) == 0);
		CHECK(strtoul(text + strlen(wanted), NULL, 10) >= 4026531834u);
	}
}

TEST(unshare_makes_a_new_one_of_each)
{
	for (int i = 0; i < KINDS; i++) {
		char before[64], after[64];
		pid_t child = fork_checked();
		if (child == 0) {
			ns_link(kinds[i], before, sizeof(before));
			if (unshare(flags[i]) != 0)
				_exit(1);
			ns_link(kinds[i], after, sizeof(after));
			/* a pid namespace is for the children */
			_exit((strcmp(before, after) == 0) == (flags[i] == CLONE_NEWPID) ? 0 : 2);
		}
		CHECK_EQ(wait_exit(child), 0);
	}
}

TEST(setns_joins_each_by_its_file)
{
	for (int i = 0; i < KINDS; i++) {
		char path[64], there[64];
		struct turn ready = turn_create(), end = turn_create();
		if (flags[i] == CLONE_NEWPID)
			continue;
		pid_t child = fork_checked();
		if (child == 0) {
			CHECK_OK(unshare(flags[i]));
			turn_give(ready);
			turn_take(end);
			_exit(0);
		}
		turn_take(ready);
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", child, kinds[i]);
		int fd = CHECK_OK(open(path, O_RDONLY));
		ssize_t length = CHECK_OK(readlink(path, there, sizeof(there) - 1));
		there[length] = 0;
		pid_t joiner = fork_checked();
		if (joiner == 0) {
			char here[64];
			CHECK_OK(setns(fd, flags[i]));
			_exit(strcmp(ns_link(kinds[i], here, sizeof(here)), there) == 0 ? 0 : 1);
		}
		CHECK_EQ(wait_exit(joiner), 0);
		turn_give(end);
		CHECK_EQ(wait_exit(child), 0);
	}
}

TEST(setns_by_pidfd_joins_several)
{
	struct turn ready = turn_create(), end = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWUTS | CLONE_NEWIPC));
		CHECK_OK(sethostname("joined", 6));
		turn_give(ready);
		turn_take(end);
		_exit(0);
	}
	turn_take(ready);
	int fd = (int)CHECK_OK(syscall(SYS_pidfd_open, child, 0));
	pid_t joiner = fork_checked();
	if (joiner == 0) {
		struct utsname names;
		CHECK_OK(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC));
		CHECK_OK(uname(&names));
		CHECK_STR(names.nodename, "joined");
		_exit(0);
	}
	CHECK_EQ(wait_exit(joiner), 0);
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(setns_errors)
{
	int fd = CHECK_OK(open("/proc/self/ns/uts", O_RDONLY));
	CHECK_ERR(setns(fd, CLONE_NEWNET), EINVAL);
	CHECK_ERR(setns(-1, 0), EBADF);
	CHECK_ERR(setns(make_file("f"), 0), EINVAL);
	CHECK_OK(setns(fd, 0));
	int user = CHECK_OK(open("/proc/self/ns/user", O_RDONLY));
	CHECK_ERR(setns(user, 0), EINVAL);
	CHECK_ERR(unshare(1), EINVAL);
	become_nobody();
	CHECK_ERR(unshare(CLONE_NEWUTS), EPERM);
	CHECK_ERR(setns(fd, 0), EPERM);
}

TEST(namespace_lives_in_its_descriptor_and_mount)
{
	struct utsname names;
	private_mounts();
	int old = CHECK_OK(open("/proc/self/ns/uts", O_RDONLY));
	CHECK_OK(unshare(CLONE_NEWUTS));
	CHECK_OK(sethostname("kept", 4));
	write_text("place", "");
	CHECK_OK(mount("/proc/self/ns/uts", "place", NULL, MS_BIND, NULL));
	CHECK_OK(setns(old, 0));
	int fd = CHECK_OK(open("place", O_RDONLY));
	CHECK_OK(setns(fd, CLONE_NEWUTS));
	CHECK_OK(uname(&names));
	CHECK_STR(names.nodename, "kept");
	close(fd);
	CHECK_OK(umount("place"));
}

TEST(host_name_is_isolated)
{
	struct utsname before, after;
	CHECK_OK(uname(&before));
	pid_t child = fork_checked();
	if (child == 0) {
		struct utsname names;
		CHECK_OK(unshare(CLONE_NEWUTS));
		CHECK_OK(sethostname("inside", 6));
		CHECK_OK(setdomainname("domain", 6));
		CHECK_OK(uname(&names));
		CHECK_STR(names.nodename, "inside");
		CHECK_STR(names.domainname, "domain");
		CHECK_STR(read_text("/proc/sys/kernel/hostname"), "inside\n");
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(uname(&after));
	CHECK_STR(after.nodename, before.nodename);
	CHECK_STR(after.sysname, "Linux");
	CHECK_STR(after.machine, "x86_64");
	char name[65] = {'x'};
	CHECK_ERR(sethostname(name, 65), EINVAL);
}

TEST(first_process_of_a_pid_namespace_is_1)
{
	pid_t child = clone_into(CLONE_NEWPID);
	if (child == 0)
		_exit(getpid() == 1 && getppid() == 0 ? 0 : 1);
	CHECK(child > 1);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(unshared_pid_namespace_is_for_children)
{
	CHECK_OK(unshare(CLONE_NEWPID));
	pid_t child = fork_checked();
	if (child == 0)
		_exit(getpid() == 1 ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
	/* its first process is dead: no more can be born in it */
	CHECK_ERR(fork(), ENOMEM);
}

TEST(death_of_1_kills_the_namespace)
{
	int ends[2];
	char byte;
	CHECK_OK(pipe(ends));
	pid_t child = clone_into(CLONE_NEWPID);
	if (child == 0) {
		for (int i = 0; i < 3; i++)
			if (fork() == 0)
				for (;;)
					pause();
		_exit(5);
	}
	close(ends[1]);
	CHECK_EQ(wait_exit(child), 5);
	CHECK_EQ(read(ends[0], &byte, 1), 0); /* nobody holds the other end any more */
}

TEST(signals_from_inside_do_not_kill_1)
{
	pid_t child = clone_into(CLONE_NEWPID);
	if (child == 0) {
		pid_t killer = fork();
		if (killer == 0) {
			kill(1, SIGTERM);
			kill(1, SIGKILL);
			_exit(0);
		}
		waitpid(killer, NULL, 0);
		raise(SIGTERM);
		_exit(7);
	}
	CHECK_EQ(wait_exit(child), 7);
}

TEST(signals_from_outside_do_kill_1)
{
	pid_t child = clone_into(CLONE_NEWPID);
	if (child == 0)
		for (;;)
			pause();
	CHECK_OK(kill(child, SIGTERM)); /* no handler: ignored from the parent too, except KILL */
	sleep_ms(30);
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(orphans_inside_go_to_1)
{
	pid_t child = clone_into(CLONE_NEWPID);
	if (child == 0) {
		if (fork() == 0) {
			if (fork() == 0) {
				for (int i = 0; i < 500 && getppid() != 1; i++)
					sleep_ms(10);
				_exit(getppid() == 1 ? 9 : 8);
			}
			_exit(0);
		}
		int status, sum = 0;
		while (wait(&status) > 0)
			sum += WEXITSTATUS(status);
		_exit(sum);
	}
	CHECK_EQ(wait_exit(child), 9);
}

TEST(outside_processes_are_invisible)
{
	pid_t outer = getpid(), child = clone_into(CLONE_NEWPID);
	if (child == 0)
		_exit(kill(outer, 0) == -1 && errno == ESRCH && getpgid(outer) == -1 ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(own_proc_shows_own_processes)
{
	pid_t child = clone_into(CLONE_NEWPID | CLONE_NEWNS);
	if (child == 0) {
		char link[32] = {0};
		CHECK_OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
		CHECK_OK(mount("proc", "/proc", "proc", 0, NULL));
		CHECK_OK(readlink("/proc/self", link, sizeof(link) - 1));
		CHECK_STR(link, "1");
		CHECK(access("/proc/2", F_OK) != 0);
		CHECK(strstr(read_text("/proc/self/status"), "NSpid:\t1\n"));
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(nested_pid_namespaces_show_both_numbers)
{
	char path[40];
	struct turn end = turn_create();
	pid_t child = clone_into(CLONE_NEWPID);
	if (child == 0) {
		turn_take(end);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	char wanted[40];
	snprintf(wanted, sizeof(wanted), "NSpid:\t%d\t1\n", child);
	CHECK(strstr(read_text(path), wanted));
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(user_namespace_without_map_is_nobody)
{
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWUSER));
		CHECK_EQ(getuid(), 65534);
		CHECK_EQ(getgid(), 65534);
		CHECK_STR(read_text("/proc/self/uid_map"), "");
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(user_namespace_maps_an_ordinary_user_to_root)
{
	char path[100];
	CHECK_OK(chmod(".", 0777));
	CHECK(getcwd(path, sizeof(path)));
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		extern int prctl(int, ...);
		prctl(4 /* PR_SET_DUMPABLE */, 1);
		CHECK_OK(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS));
		CHECK_OK(put_text("/proc/self/setgroups", "deny"));
		CHECK_OK(put_text("/proc/self/uid_map", "0 65534 1"));
		CHECK_OK(put_text("/proc/self/gid_map", "0 65534 1"));
		CHECK_EQ(getuid(), 0);
		CHECK_EQ(getegid(), 0);
		CHECK_STR(read_text("/proc/self/uid_map"), "         0      65534          1\n");
		CHECK_OK(sethostname("rootless", 8));
		CHECK_OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
		CHECK_OK(mount("tmpfs", path, "tmpfs", 0, NULL));
		write_text("f", "");
		CHECK_ERR(chown("f", 5, 5), EINVAL);
		CHECK_ERR(setuid(5), EINVAL);
		CHECK_ERR(put_text("/proc/self/uid_map", "0 65534 1"), EPERM);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(user_namespace_map_rules)
{
	struct turn ready = turn_create(), end = turn_create();
	char path[40];
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWUSER));
		turn_give(ready);
		turn_take(end);
		_exit(getuid() == 0 && geteuid() == 0 ? 0 : 1);
	}
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	CHECK_ERR(put_text(path, "0 0 0"), EINVAL);
	CHECK_ERR(put_text(path, "nonsense"), EINVAL);
	CHECK_ERR(put_text(path, "0 0 10\n5 100 10"), EINVAL);
	CHECK_OK(put_text(path, "0 0 10\n100 1000 50"));
	CHECK_ERR(put_text(path, "0 0 10"), EPERM);
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(user_namespace_map_of_all_numbers)
{
	struct turn ready = turn_create(), end = turn_create();
	char path[40];
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWUSER));
		turn_give(ready);
		turn_take(end);
		CHECK_STR(read_text("/proc/self/uid_map"), "         0          0 4294967295\n");
		_exit(getuid() == 0 ? 0 : 1);
	}
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	CHECK_ERR(put_text(path, "0 0 4294967296"), EINVAL);
	CHECK_ERR(put_text(path, "4294967295 0 1"), EINVAL);
	CHECK_ERR(put_text(path, "1 0 4294967295"), EINVAL);
	CHECK_OK(put_text(path, "0 0 4294967295"));
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(user_namespace_gives_no_power_outside)
{
	write_text("roots", "x");
	CHECK_OK(chmod("roots", 0600));
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		CHECK_OK(unshare(CLONE_NEWUSER));
		CHECK_ERR(open("roots", O_RDONLY), EACCES);
		CHECK_ERR(mount("tmpfs", "/tmp", "tmpfs", 0, NULL), EPERM);
		CHECK_ERR(sethostname("x", 1), EPERM);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(network_namespace_has_its_own_loopback)
{
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWNET));
		CHECK(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
		CHECK(strstr(read_text("/proc/net/dev"), "lo:"));
		CHECK(!strstr(read_text("/proc/net/dev"), "eth"));
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(a_containers_five_at_once)
{
	pid_t child = clone_into(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET |
				 CLONE_NEWCGROUP);
	if (child == 0)
		_exit(getpid() == 1 ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(three_hundred_namespaces_come_and_go)
{
	for (int i = 0; i < 300; i++) {
		pid_t child = clone_into(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID);
		if (child == 0)
			_exit(0);
		CHECK_EQ(wait_exit(child), 0);
	}
}
