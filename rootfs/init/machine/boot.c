// SPDX-License-Identifier: MPL-2.0
#include "boot.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../container/cgroup.h"
#include "../../container/log.h"
#include "../../container/runtime.h"
#include "../../control/control.h"
#include "../../lib/file.h"
#include "../../root/root.h"
#include "../containers/record.h"
#include "fstab.h"
#include "../message.h"


// Early init may have mounted it already; a second mount on top would only hide the first.
static int is_mount_point(const char *path)
{
	struct stat here, above;
	char parent[64];

	snprintf(parent, sizeof(parent), "%s/..", path);
	return stat(path, &here) == 0 && stat(parent, &above) == 0 &&
	       here.st_dev != above.st_dev;
}

static void mount_kernel_filesystems(void)
{
	static const struct {
		const char *type, *target, *data;
		unsigned long flags;
		int may_be_missing;
	} table[] = {
		{"proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0},
		{"sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0},
		{"devtmpfs", "/dev", "mode=755", MS_NOSUID, 0},
		{"devpts", "/dev/pts", "gid=5,mode=0620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC, 0},
		{"tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV, 0},
		{"mqueue", "/dev/mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 1},
		{"tmpfs", "/run", "mode=755", MS_NOSUID | MS_NODEV, 0},
		{"tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV, 0},
		{"cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		mkdir(table[i].target, 0755);
		if (is_mount_point(table[i].target) ||
		    mount(table[i].type, table[i].target, table[i].type, table[i].flags,
			  table[i].data) == 0)
			continue;
		if (errno == ENODEV && table[i].may_be_missing)
			continue;
		message("cannot mount %s on %s: %s", table[i].type, table[i].target,
			strerror(errno));
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		message("cannot make / shared: %s", strerror(errno));
}

// Names by which programs find their own descriptors; shells open /dev/fd/N for <(command).
static void link_descriptors(void)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
			message("cannot link %s: %s", links[i][1], strerror(errno));
}

// Processes may not stay in a group that hands controllers down, so init goes into a leaf.
static void leave_root_cgroup(void)
{
	struct fault fault = {0};
	int error;

	if (mkdir(CGROUP_ROOT "/init", 0755) < 0 && errno != EEXIST) {
		message("cannot make " CGROUP_ROOT "/init: %s", strerror(errno));
		return;
	}
	error = file_write_text(CGROUP_ROOT "/init/cgroup.procs", "1");
	if (error != 0)
		message("cannot enter " CGROUP_ROOT "/init: %s", strerror(-error));
	if (cgroup_prepare(&fault) != 0)
		message("%s", fault.text);
}

static void set_host_name(void)
{
	char name[64];

	if (file_read_line("/etc/hostname", name, sizeof(name)) != 0 || name[0] == '\0')
		strcpy(name, "keelson");
	if (sethostname(name, strlen(name)) < 0)
		message("cannot set the host name: %s", strerror(errno));
}

static void raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		if (errno != EAFNOSUPPORT)
			message("cannot make a socket: %s", strerror(errno));
		return;
	}
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		message("cannot raise lo: %s", strerror(errno));
	close(fd);
}

// A container sees our programs and the runtime's through /proc/PID/exe while it is entered. On read-only
// mounts of their own it can never open them for writing; and the runtime then needs no copy of itself.
static void protect_programs(void)
{
	static const char *const programs[] = {"/usr/lib/keel", RUNTIME_PROGRAM};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (mount(programs[i], programs[i], NULL, MS_BIND, NULL) < 0 ||
		    mount(NULL, programs[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
			message("cannot protect %s: %s", programs[i], strerror(errno));
	}
}

// On a read-only root the logs live in memory.
static void prepare_logs(void)
{
	if (access("/var/log", W_OK) < 0 && errno == EROFS &&
	    mount("tmpfs", "/var/log", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=755,size=32m") < 0)
		message("cannot mount tmpfs on /var/log: %s", strerror(errno));
	file_make_directories(LOG_FOLDER, 0755);
}

void boot_prepare(void)
{
	umask(022);
	mount_kernel_filesystems();
	link_descriptors();
	leave_root_cgroup();
	set_host_name();
	raise_loopback();
	fstab_mount_all("/etc/fstab");
	root_remove_others(record_is_there);
	protect_programs();
	prepare_logs();
	if (file_make_directories(CONTROL_FOLDER, 0711) != 0)
		message("cannot make " CONTROL_FOLDER);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
}
