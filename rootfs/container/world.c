// SPDX-License-Identifier: MPL-2.0
// Theory: the root of a container is hostile, so no path below it is looked up while the host's files
// can still be reached: a link in it could lead anywhere. What is needed from the host (bind mounts,
// the small init) is therefore first bound into a tmpfs of ours, which becomes the container's /dev.
// Then the root is switched and the old one detached, and only then, with "/" meaning the container,
// everything is mounted where it belongs. The one look-up before that, of "dev" itself, does not
// follow links.
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../lib/file.h"

#define STAGING ".staging"

static const unsigned long tmpfs_magic = 0x01021994;

static int mount_or_fail(const char *source, const char *target, const char *type,
			 unsigned long flags, const char *data, struct fault *fault)
{
	if (mount(source, target, type, flags, data) == 0)
		return 0;
	return fault_errno(fault, "cannot mount %s on %s", type != NULL ? type : source, target);
}

// An empty directory or file to mount on, made of the same kind as what will be mounted.
static int make_mount_point(const char *path, mode_t kind, struct fault *fault)
{
	char parent[PATH_MAX];
	char *slash;
	int error, fd;

	if (S_ISDIR(kind)) {
		error = file_make_directories(path, 0755);
		return error == 0 ? 0 : fault_set(fault, error, "cannot make the mount point %s: %s",
						  path, strerror(-error));
	}
	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash != NULL && slash != parent) {
		*slash = '\0';
		error = file_make_directories(parent, 0755);
		if (error != 0)
			return fault_set(fault, error, "cannot make the mount point %s: %s", parent,
					 strerror(-error));
	}
	if (access(path, F_OK) == 0)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return fault_errno(fault, "cannot make the mount point %s", path);
	close(fd);
	return 0;
}

// Opens the root's "dev" without following a link, mounts our tmpfs on it, and goes there.
static int enter_new_dev(struct fault *fault)
{
	struct statfs filesystem;
	int dev;

	if (mkdir("dev", 0755) < 0 && errno != EEXIST)
		return fault_errno(fault, "the root has no /dev and none can be made");
	dev = open("dev", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dev < 0 || fchdir(dev) < 0)
		return fault_errno(fault, "/dev of the root is not a directory");
	close(dev);
	if (mount_or_fail("tmpfs", ".", "tmpfs", MS_NOSUID | MS_STRICTATIME,
			  "mode=755,size=65536k", fault) != 0)
		return -EINVAL;
	if (chdir("..") < 0)
		return fault_errno(fault, "cannot leave /dev");
	dev = open("dev", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dev < 0 || fchdir(dev) < 0 || fstatfs(dev, &filesystem) < 0)
		return fault_errno(fault, "cannot enter the new /dev");
	close(dev);
	if ((unsigned long)filesystem.f_type != tmpfs_magic)
		return fault_set(fault, -EBUSY, "/dev of the root changed while it was mounted");
	return 0;
}

// Binds one thing of the host to `name` below the current directory.
static int stage(const char *source, const char *name, struct fault *fault)
{
	struct stat status;

	if (stat(source, &status) < 0)
		return fault_errno(fault, "cannot bind %s", source);
	if (make_mount_point(name, status.st_mode, fault) != 0)
		return -EINVAL;
	return mount_or_fail(source, name, NULL, MS_BIND, NULL, fault);
}

static int stage_all(const struct unit *unit, struct fault *fault)
{
	char name[32];

	if (mkdir(STAGING, 0700) < 0)
		return fault_errno(fault, "cannot make a folder in the new /dev");
	for (size_t i = 0; i < unit->mounts_count; i++) {
		snprintf(name, sizeof(name), STAGING "/%zu", i);
		if (unit->mounts[i].type == UNIT_MOUNT_BIND &&
		    stage(unit->mounts[i].source, name, fault) != 0)
			return -EINVAL;
	}
	if ((unit->flags & UNIT_INIT) != 0) {
		if (stage(WORLD_INIT_SOURCE, "init", fault) != 0)
			return -EINVAL;
		return mount_or_fail("init", "init", NULL,
				     MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL,
				     fault);
	}
	return 0;
}

// The switch itself: new root and old root trade places on one spot, then the old one goes.
static int switch_root(const struct unit *unit, struct fault *fault)
{
	int old_root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (old_root < 0)
		return fault_errno(fault, "cannot open /");
	if (chdir(unit->rootfs) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return fault_errno(fault, "cannot make %s the root", unit->rootfs);
	if (fchdir(old_root) < 0 || umount2(".", MNT_DETACH) < 0)
		return fault_errno(fault, "cannot let go of the old root");
	close(old_root);
	return chdir("/") < 0 ? fault_errno(fault, "cannot enter the root") : 0;
}

static int build_root(const struct unit *unit, struct fault *fault)
{
	struct stat status;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fault_errno(fault, "cannot make the mounts private");
	if (stat(unit->rootfs, &status) < 0)
		return fault_errno(fault, "the root %s is not usable", unit->rootfs);
	if (!S_ISDIR(status.st_mode))
		return fault_set(fault, -ENOTDIR, "the root %s is not a directory", unit->rootfs);
	if (mount_or_fail(unit->rootfs, unit->rootfs, NULL, MS_BIND | MS_REC, NULL, fault) != 0)
		return -EINVAL;
	if (chdir(unit->rootfs) < 0)
		return fault_errno(fault, "cannot enter the root %s", unit->rootfs);
	if (enter_new_dev(fault) != 0 || stage_all(unit, fault) != 0)
		return -EINVAL;
	return switch_root(unit, fault);
}

static int make_devices(struct fault *fault)
{
	static const struct {
		const char *path;
		unsigned major, minor;
	} devices[] = {
		{"/dev/null", 1, 3}, {"/dev/zero", 1, 5}, {"/dev/full", 1, 7},
		{"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
	};
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"},
		{"pts/ptmx", "/dev/ptmx"},
	};

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (mknod(devices[i].path, S_IFCHR | 0666,
			  makedev(devices[i].major, devices[i].minor)) < 0)
			return fault_errno(fault, "cannot make %s", devices[i].path);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (symlink(links[i][0], links[i][1]) < 0)
			return fault_errno(fault, "cannot make %s", links[i][1]);
	}
	return 0;
}

// The mounts that every container has. ENODEV is fine where a kernel may lack the file system.
static int mount_standard(struct fault *fault)
{
	enum { REQUIRED, OPTIONAL };
	static const struct {
		const char *type, *target, *data;
		unsigned long flags;
		int need;
	} standard[] = {
		{"proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, REQUIRED},
		{"devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5",
		 MS_NOSUID | MS_NOEXEC, REQUIRED},
		{"tmpfs", "/dev/shm", "mode=1777,size=65536k", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		 REQUIRED},
		{"mqueue", "/dev/mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, OPTIONAL},
		{"sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, REQUIRED},
		{"cgroup2", "/sys/fs/cgroup", NULL,
		 MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, REQUIRED},
	};

	for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++) {
		unsigned long flags = standard[i].flags;

		// /sys/fs/cgroup is a directory of sysfs; the others may have to be made.
		if (strcmp(standard[i].type, "cgroup2") != 0 &&
		    make_mount_point(standard[i].target, S_IFDIR, fault) != 0)
			return -EINVAL;
		if (mount(standard[i].type, standard[i].target, standard[i].type,
			  flags & ~(unsigned long)MS_RDONLY, standard[i].data) < 0) {
			if (errno == ENODEV && standard[i].need == OPTIONAL)
				continue;
			return fault_errno(fault, "cannot mount %s on %s", standard[i].type,
					   standard[i].target);
		}
		// As a second step, so that only this mount is read-only and not a shared super block.
		if ((flags & MS_RDONLY) != 0 &&
		    mount_or_fail(standard[i].type, standard[i].target, NULL,
				  MS_REMOUNT | MS_BIND | flags, NULL, fault) != 0)
			return -EINVAL;
	}
	return 0;
}

static int mount_tmpfs(const struct unit_mount *wanted, struct fault *fault)
{
	char data[64];
	int used = snprintf(data, sizeof(data), "mode=%o", (unsigned)wanted->mode);

	if (wanted->size_bytes != 0)
		snprintf(data + used, sizeof(data) - (size_t)used, ",size=%llu",
			 (unsigned long long)wanted->size_bytes);
	if (make_mount_point(wanted->destination, S_IFDIR, fault) != 0)
		return -EINVAL;
	return mount_or_fail("tmpfs", wanted->destination, "tmpfs", wanted->flags, data, fault);
}

static int mount_staged(const struct unit_mount *wanted, size_t index, struct fault *fault)
{
	char staged[64];
	struct stat status;

	snprintf(staged, sizeof(staged), "/dev/" STAGING "/%zu", index);
	if (stat(staged, &status) < 0)
		return fault_errno(fault, "%s is gone", wanted->source);
	if (make_mount_point(wanted->destination, status.st_mode, fault) != 0)
		return -EINVAL;
	if (mount(staged, wanted->destination, NULL, MS_MOVE, NULL) < 0)
		return fault_errno(fault, "cannot mount %s on %s", wanted->source,
				   wanted->destination);
	if (S_ISDIR(status.st_mode))
		rmdir(staged);
	else
		unlink(staged);
	return mount_or_fail(wanted->source, wanted->destination, NULL,
			     MS_REMOUNT | MS_BIND | wanted->flags, NULL, fault);
}

static int mount_wanted(const struct unit *unit, struct fault *fault)
{
	for (size_t i = 0; i < unit->mounts_count; i++) {
		int error = unit->mounts[i].type == UNIT_MOUNT_TMPFS
				    ? mount_tmpfs(&unit->mounts[i], fault)
				    : mount_staged(&unit->mounts[i], i, fault);

		if (error != 0)
			return error;
	}
	if (rmdir("/dev/" STAGING) < 0)
		return fault_errno(fault, "cannot remove /dev/" STAGING);
	return 0;
}

// Hides or freezes the parts of /proc and /sys that reach beyond the container. What is not there
// needs no hiding.
static int protect_kernel_files(struct fault *fault)
{
	static const char *const hidden[] = {
		"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
		"/sys/firmware", "/sys/dev/block",
	};
	static const char *const frozen[] = {
		"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
	};
	struct stat status;

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (stat(hidden[i], &status) < 0)
			continue;
		if (S_ISDIR(status.st_mode)
			    ? mount_or_fail("tmpfs", hidden[i], "tmpfs", MS_RDONLY, "size=4k", fault)
			    : mount_or_fail("/dev/null", hidden[i], NULL, MS_BIND, NULL, fault))
			return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(frozen) / sizeof(frozen[0]); i++) {
		if (stat(frozen[i], &status) < 0)
			continue;
		if (mount_or_fail(frozen[i], frozen[i], NULL, MS_BIND | MS_REC, NULL, fault) != 0 ||
		    mount_or_fail(frozen[i], frozen[i], NULL,
				  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV |
				  MS_NOEXEC, NULL, fault) != 0)
			return -EINVAL;
	}
	return 0;
}

static int raise_loopback(struct fault *fault)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	// A kernel without IPv4 has no loopback interface to raise.
	if (fd < 0)
		return errno == EAFNOSUPPORT ? 0 : fault_errno(fault, "cannot make a socket");
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		error = fault_errno(fault, "cannot read the flags of lo");
	} else {
		request.ifr_flags |= IFF_UP | IFF_RUNNING;
		if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
			error = fault_errno(fault, "cannot raise lo");
	}
	close(fd);
	return error;
}

int world_enter(const struct unit *unit, struct fault *fault)
{
	int error;

	umask(0);
	error = build_root(unit, fault);
	if (error == 0)
		error = make_devices(fault);
	if (error == 0)
		error = mount_standard(fault);
	if (error == 0)
		error = mount_wanted(unit, fault);
	if (error == 0)
		error = protect_kernel_files(fault);
	if (error == 0 && unit->network == UNIT_NETWORK_NONE)
		error = raise_loopback(fault);
	if (error == 0 && sethostname(unit->hostname, strlen(unit->hostname)) < 0)
		error = fault_errno(fault, "cannot set the host name");
	umask(022);
	return error;
}

int world_seal(const struct unit *unit, struct fault *fault)
{
	if ((unit->flags & UNIT_READ_ONLY) == 0)
		return 0;
	return mount_or_fail("/", "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL, fault);
}
