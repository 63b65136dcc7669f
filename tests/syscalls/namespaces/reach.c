// SPDX-License-Identifier: MPL-2.0
/* What a process and its open files still reach after entering other namespaces: mounts, network, names. */
#include "namespace.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894c
#endif

static int is_up(int fd, const char *name)
{
	struct ifreq request = {0};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP);
}

/* Entering a mount namespace leaves the old folders behind. */
TEST(root_and_folder_are_those_of_the_entered)
{
	struct turn ready = turn_create(), end = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		private_mounts();
		CHECK_OK(mount("there", "/tmp", "tmpfs", 0, NULL));
		write_text("/tmp/inside", "");
		turn_give(ready);
		turn_take(end);
		_exit(0);
	}
	turn_take(ready);
	int fd = ns_open_of(child, "mnt");
	write_text("here", "");
	int folder = CHECK_OK(open(".", O_RDONLY | O_DIRECTORY));
	APART({
		char text[256];
		CHECK_OK(setns(fd, CLONE_NEWNS));
		CHECK(getcwd(text, sizeof(text)));
		CHECK_STR(text, "/");
		CHECK_OK(access("/tmp/inside", F_OK));
		CHECK_ERR(access("here", F_OK), ENOENT);
		CHECK_OK(faccessat(folder, "here", F_OK, 0)); /* a descriptor still reaches it */
		CHECK_OK(fchdir(folder));
		long length = syscall(SYS_getcwd, text, sizeof(text));
		CHECK(length > 0);
		CHECK(!strncmp(text, "(unreachable)/", 14));
		CHECK_ERR(mount("x", "/proc/self/cwd", "tmpfs", 0, NULL), EINVAL); /* not of this namespace */
	});
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
	/* the namespace lives on in its descriptor, and can be entered without anybody in it */
	APART({
		CHECK_OK(setns(fd, CLONE_NEWNS));
		CHECK_OK(access("/tmp/inside", F_OK));
	});
}

TEST(mount_namespaces_hold_no_ring)
{
	private_mounts();
	write_text("place", "");
	CHECK_ERR(mount("/proc/self/ns/mnt", "place", NULL, MS_BIND, NULL), EINVAL); /* itself */
	int old = ns_open("mnt");
	APART({
		char path[64];
		CHECK_OK(unshare(CLONE_NEWNS));
		snprintf(path, sizeof(path), "/proc/self/fd/%d", old);
		CHECK_ERR(mount(path, "place", NULL, MS_BIND, NULL), EINVAL); /* an older one */
		CHECK_OK(mount("/proc/self/ns/net", "place", NULL, MS_BIND, NULL));
		CHECK_OK(umount("place"));
	});
	struct turn ready = turn_create(), end = turn_create();
	char path[64];
	pid_t younger = fork_checked();
	if (younger == 0) {
		CHECK_OK(unshare(CLONE_NEWNS));
		turn_give(ready);
		turn_take(end);
		_exit(0);
	}
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", younger);
	CHECK_OK(mount(path, "place", NULL, MS_BIND, NULL));
	turn_give(end);
	CHECK_EQ(wait_exit(younger), 0);
	CHECK_OK(umount("place"));
}

TEST(a_socket_stays_in_its_network)
{
	int outside = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)), before = ns_open("net");
	APART({
		CHECK_OK(unshare(CLONE_NEWNET));
		int after = ns_open("net"), inside = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
		CHECK(!is_up(inside, "lo")); /* a new loopback is down */
		int of = CHECK_OK(ioctl(outside, SIOCGSKNS));
		CHECK_EQ(ns_number(of), ns_number(before));
		CHECK_EQ(fcntl(of, F_GETFD), FD_CLOEXEC);
		of = CHECK_OK(ioctl(inside, SIOCGSKNS));
		CHECK_EQ(ns_number(of), ns_number(after));
		become_nobody();
		CHECK_ERR(ioctl(inside, SIOCGSKNS), EPERM);
	});
}

TEST(abstract_names_belong_to_the_network)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	memcpy(name.sun_path, "\0keelson-reach", 14);
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + 14;
	struct sockaddr_un file = {.sun_family = AF_UNIX, .sun_path = "by-path"};
	int listener = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0)), on_disk = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(bind(listener, (struct sockaddr *)&name, length));
	CHECK_OK(listen(listener, 4));
	CHECK_OK(bind(on_disk, (struct sockaddr *)&file, sizeof(file)));
	CHECK_OK(listen(on_disk, 4));
	APART({
		CHECK_OK(unshare(CLONE_NEWNET));
		int client = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
		CHECK_ERR(connect(client, (struct sockaddr *)&name, length), ECONNREFUSED);
		CHECK_OK(connect(client, (struct sockaddr *)&file, sizeof(file))); /* a file is a file */
		int own = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
		CHECK_OK(bind(own, (struct sockaddr *)&name, length));
		CHECK(strstr(read_text("/proc/net/unix"), "@keelson-reach"));
	});
	CHECK(strstr(read_text("/proc/net/unix"), "by-path"));
}

TEST(proc_net_is_the_processes_own)
{
	struct turn ready = turn_create(), end = turn_create();
	char path[64];
	int port = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "outside-only"};
	CHECK_OK(bind(port, (struct sockaddr *)&name, sizeof(name)));
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWNET));
		turn_give(ready);
		turn_take(end);
		_exit(0);
	}
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/net/unix", child);
	CHECK(!strstr(read_text(path), "outside-only"));
	CHECK(strstr(read_text("/proc/self/net/unix"), "outside-only"));
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(ports_belong_to_the_network)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(4433),
				   .sin_addr.s_addr = htonl(INADDR_ANY)};
	int outside = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(outside, (struct sockaddr *)&name, sizeof(name)));
	int again = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_ERR(bind(again, (struct sockaddr *)&name, sizeof(name)), EADDRINUSE);
	APART({
		CHECK_OK(unshare(CLONE_NEWNET));
		int inside = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
		CHECK_OK(bind(inside, (struct sockaddr *)&name, sizeof(name)));
		CHECK_OK(put_text("/proc/sys/net/ipv4/ip_unprivileged_port_start", "80"));
		CHECK_STR(read_text("/proc/sys/net/ipv4/ip_unprivileged_port_start"), "80\n");
	});
	CHECK_STR(read_text("/proc/sys/net/ipv4/ip_unprivileged_port_start"), "1024\n");
}

/* Power over a new user namespace is none over what the old one owns. */
TEST(names_need_power_over_their_owner)
{
	APART({
		CHECK_OK(unshare(CLONE_NEWUSER));
		CHECK_ERR(sethostname("x", 1), EPERM);
		CHECK_ERR(setdomainname("x", 1), EPERM);
		CHECK_ERR(mount("x", "/tmp", "tmpfs", 0, NULL), EPERM);
		CHECK_ERR(socket(AF_INET, SOCK_RAW, 1), EPERM);
		CHECK_OK(unshare(CLONE_NEWUTS | CLONE_NEWNET));
		CHECK_OK(put_text("/proc/sys/kernel/hostname", "inside"));
		CHECK_STR(read_text("/proc/sys/kernel/hostname"), "inside\n");
		CHECK_OK(socket(AF_INET, SOCK_RAW, 1));
	});
}

/* A folder that was shared before is shared between the namespaces; who entered by setns sees it, too. */
TEST(mounts_travel_between_namespaces_that_share)
{
	struct turn ready = turn_create(), end = turn_create();
	private_mounts();
	CHECK_OK(mkdir("shared", 0755));
	CHECK_OK(mount("base", "shared", "tmpfs", 0, NULL));
	CHECK_OK(mount(NULL, "shared", NULL, MS_SHARED, NULL));
	CHECK_OK(mkdir("shared/a", 0755));
	CHECK_OK(mkdir("shared/b", 0755));
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWNS));
		CHECK_OK(mount("x", "shared/a", "tmpfs", 0, NULL));
		write_text("shared/a/from-inside", "");
		turn_give(ready);
		turn_take(end);
		CHECK_OK(access("shared/b/from-outside", F_OK));
		CHECK_OK(umount("shared/b"));
		CHECK_OK(mount(NULL, "shared", NULL, MS_SLAVE, NULL));
		CHECK_OK(umount("shared/a")); /* a slave keeps it to itself */
		_exit(0);
	}
	turn_take(ready);
	CHECK_OK(access("shared/a/from-inside", F_OK));
	CHECK_OK(mount("y", "shared/b", "tmpfs", 0, NULL));
	write_text("shared/b/from-outside", "");
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(access("shared/b/from-outside", F_OK), ENOENT);
	CHECK_OK(access("shared/a/from-inside", F_OK));
	CHECK_OK(umount("shared/a"));
	CHECK_OK(umount("shared"));
}

TEST(descriptors_of_processes_enter_all_at_once_or_none)
{
	struct turn ready = turn_create(), end = turn_create();
	char before[64] = {0}, after[64] = {0};
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS));
		turn_give(ready);
		turn_take(end);
		_exit(0);
	}
	turn_take(ready);
	int fd = CHECK_OK((int)syscall(SYS_pidfd_open, child, 0));
	APART({
		CHECK_OK(readlink("/proc/self/ns/uts", before, sizeof(before) - 1));
		/* its user namespace is the caller's: refused, and nothing else has changed */
		CHECK_ERR(setns(fd, CLONE_NEWUTS | CLONE_NEWUSER), EINVAL);
		CHECK_OK(readlink("/proc/self/ns/uts", after, sizeof(after) - 1));
		CHECK_STR(after, before);
		CHECK_OK(setns(fd, CLONE_NEWUTS | CLONE_NEWPID)); /* the own pid namespace, for children */
		become_nobody();
		CHECK_ERR(setns(fd, CLONE_NEWIPC), EPERM);
	});
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
}
