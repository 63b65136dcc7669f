// SPDX-License-Identifier: MPL-2.0
/* Mounts as container runtimes make them: through descriptors, with odd flags, of programs and namespaces. */
#include "support.h"

#include <dirent.h>
#include <linux/stat.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#ifndef MS_MGC_VAL
#define MS_MGC_VAL 0xc0ed0000
#endif

static const char *descriptor_name(int fd)
{
	static char names[4][40];
	static int next;
	char *name = names[next++ % 4];
	snprintf(name, sizeof(names[0]), "/proc/self/fd/%d", fd);
	return name;
}

TEST(old_magic_and_silence_are_ignored)
{
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("tmpfs", "m", "tmpfs", MS_MGC_VAL | MS_SILENT | MS_NOSUID, NULL));
	CHECK_OK(mount(NULL, "m", NULL, MS_SILENT | MS_REC | MS_SHARED, NULL));
	CHECK_OK(mount("m", "m", NULL, MS_MGC_VAL | MS_BIND | MS_REC | MS_SILENT, NULL));
	CHECK_OK(mount(NULL, "m", NULL, MS_SILENT | MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID, NULL));
	CHECK_ERR(mkdir("m/d", 0755), EROFS);
}

TEST(shared_asks_for_a_mountpoint)
{
	private_mounts();
	CHECK_OK(mkdir("netns", 0755));
	CHECK_ERR(mount("", "netns", "none", MS_SHARED | MS_REC, NULL), EINVAL);
	CHECK_OK(mount("netns", "netns", "none", MS_BIND | MS_REC, NULL));
	CHECK_OK(mount("", "netns", "none", MS_SHARED | MS_REC, NULL));
	write_text("netns/one", "");
	CHECK_OK(mount("/proc/self/ns/uts", "netns/one", "none", MS_BIND, NULL));
	int fd = CHECK_OK(open("netns/one", O_RDONLY));
	CHECK_OK(setns(fd, CLONE_NEWUTS));
	CHECK_OK(umount2("netns/one", MNT_DETACH));
	CHECK_OK(unlink("netns/one"));
}

TEST(descriptors_as_source_and_target)
{
	private_mounts();
	CHECK_OK(mkdir("from", 0755));
	CHECK_OK(mkdir("to", 0755));
	write_text("from/f", "x");
	int from = CHECK_OK(open("from", O_PATH | O_CLOEXEC)), to = CHECK_OK(open("to", O_PATH | O_CLOEXEC));
	CHECK_OK(mount(descriptor_name(from), descriptor_name(to), NULL, MS_BIND | MS_REC, NULL));
	CHECK_STR(read_text("to/f"), "x");
	/* The descriptor still shows what lies below; one opened now shows the mount. */
	CHECK_ERR(faccessat(to, "f", F_OK, 0), ENOENT);
	int above = CHECK_OK(open("to", O_PATH | O_CLOEXEC));
	CHECK_OK(mount(NULL, descriptor_name(above), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_ERR(open("to/new", O_CREAT | O_WRONLY, 0644), EROFS);
	CHECK_OK(mount(NULL, descriptor_name(above), NULL, MS_PRIVATE, NULL));
	CHECK_OK(umount2(descriptor_name(above), MNT_DETACH));
	CHECK_ERR(access("to/f", F_OK), ENOENT);
}

TEST(masked_files_and_folders)
{
	private_mounts();
	write_text("secret", "x");
	CHECK_OK(mkdir("hidden", 0755));
	write_text("hidden/f", "x");
	CHECK_OK(mount("/dev/null", "secret", NULL, MS_BIND, NULL));
	CHECK_STR(read_text("secret"), "");
	CHECK_OK(mount("tmpfs", "hidden", "tmpfs", MS_RDONLY, "size=0k"));
	CHECK_ERR(access("hidden/f", F_OK), ENOENT);
	CHECK_ERR(open("hidden/g", O_CREAT | O_WRONLY, 0644), EROFS);
}

TEST(the_old_root_is_unmounted_until_nothing_is_left)
{
	int count = 0;
	private_mounts();
	CHECK_OK(mkdir("base", 0755));
	CHECK_OK(mount("tmpfs", "base", "tmpfs", 0, NULL));
	CHECK_OK(chdir("base"));
	CHECK_OK(chroot("."));
	CHECK_OK(mkdir("new", 0755));
	CHECK_OK(mount("tmpfs", "new", "tmpfs", 0, NULL));
	int old = CHECK_OK(open("/", O_PATH | O_DIRECTORY)), new = CHECK_OK(open("new", O_PATH | O_DIRECTORY));
	CHECK_OK(fchdir(new));
	CHECK_OK(syscall(SYS_pivot_root, ".", "."));
	CHECK_OK(fchdir(old));
	CHECK_OK(mount("", ".", NULL, MS_REC | MS_PRIVATE, NULL));
	while (umount2(".", MNT_DETACH) == 0)
		count++;
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(count, 1);
	CHECK_OK(chdir("/"));
	CHECK_ERR(access("/new", F_OK), ENOENT);
}

TEST(statx_tells_the_mount)
{
	struct statx inside, outside;
	char wanted[64];
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("tmpfs", "m", "tmpfs", 0, NULL));
	write_text("m/f", "");
	CHECK_OK(syscall(SYS_statx, AT_FDCWD, "m", 0, STATX_BASIC_STATS | STATX_MNT_ID, &inside));
	CHECK(inside.stx_mask & STATX_MNT_ID);
	CHECK(inside.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT);
	CHECK(inside.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	snprintf(wanted, sizeof(wanted), "\n%llu ", (unsigned long long)inside.stx_mnt_id);
	CHECK(strstr(read_text("/proc/self/mountinfo"), wanted));
	CHECK_OK(syscall(SYS_statx, AT_FDCWD, "m/f", 0, STATX_BASIC_STATS | STATX_MNT_ID, &outside));
	CHECK_EQ(outside.stx_mnt_id, inside.stx_mnt_id);
	CHECK(!(outside.stx_attributes & STATX_ATTR_MOUNT_ROOT));
	CHECK_OK(syscall(SYS_statx, AT_FDCWD, ".", 0, STATX_BASIC_STATS | STATX_MNT_ID, &outside));
	CHECK(outside.stx_mnt_id != inside.stx_mnt_id);
	int fd = CHECK_OK(open("m/f", O_RDONLY));
	CHECK_OK(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &outside));
	CHECK_EQ(outside.stx_mnt_id, inside.stx_mnt_id);
}

/* --- proc with options ---------------------------------------------------------------------------- */

static void mount_proc(const char *options)
{
	private_mounts();
	CHECK_OK(mkdir("p", 0755));
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(mount("proc", "p", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, options));
}

static int lists(const char *folder, const char *name)
{
	struct dirent *entry;
	int found = 0;
	DIR *d = opendir(folder);
	CHECK(d);
	while ((entry = readdir(d)))
		found |= !strcmp(entry->d_name, name);
	closedir(d);
	return found;
}

TEST(subset_pid_leaves_processes_only)
{
	mount_proc("subset=pid");
	CHECK_OK(access("p/self/stat", F_OK));
	CHECK_OK(access("p/thread-self/comm", F_OK));
	CHECK_OK(access("p/1", F_OK));
	CHECK_ERR(access("p/meminfo", F_OK), ENOENT);
	CHECK_ERR(access("p/sys", F_OK), ENOENT);
	CHECK(!lists("p", "meminfo") && lists("p", "1"));
	CHECK(strstr(read_text("/proc/self/mounts"), "/p proc rw,nosuid,nodev,noexec,relatime,subset=pid "));
	CHECK_ERR(mount("proc", "p", "proc", 0, "subset=all"), EINVAL);
}

TEST(hidepid_noaccess)
{
	mount_proc("hidepid=1");
	CHECK_OK(access("p/1/stat", F_OK));
	become_nobody();
	CHECK(lists("p", "1"));
	CHECK_ERR(open("p/1/stat", O_RDONLY), EPERM);
	CHECK_OK(open("p/self/stat", O_RDONLY));
}

TEST(hidepid_invisible)
{
	struct stat info;
	mount_proc("hidepid=invisible");
	CHECK(strstr(read_text("/proc/self/mounts"), ",hidepid=invisible "));
	become_nobody();
	CHECK(!lists("p", "1"));
	CHECK_ERR(stat("p/1", &info), ENOENT);
	CHECK_ERR(open("p/1/stat", O_RDONLY), ENOENT);
	CHECK_ERR(open("p/1", O_RDONLY | O_DIRECTORY), ENOENT);
	CHECK_OK(open("p/self/stat", O_RDONLY));
	CHECK(lists("p", "self"));
}

TEST(hidepid_spares_a_group)
{
	mount_proc("hidepid=2,gid=65534");
	become_nobody();
	CHECK(lists("p", "1"));
	CHECK_OK(open("p/1/stat", O_RDONLY));
}

TEST(hidepid_ptraceable)
{
	struct stat info;
	mount_proc("hidepid=4,gid=65534");
	become_nobody();
	CHECK(!lists("p", "1"));
	CHECK_ERR(stat("p/1", &info), ENOENT);
	CHECK_OK(open("p/self/stat", O_RDONLY));
}

TEST(proc_options_can_be_changed)
{
	mount_proc("hidepid=0");
	CHECK_OK(mount(NULL, "p", NULL, MS_REMOUNT, "hidepid=2"));
	CHECK_ERR(mount(NULL, "p", NULL, MS_REMOUNT, "hidepid=9"), EINVAL);
	CHECK_ERR(mount(NULL, "p", NULL, MS_REMOUNT, "nonsense"), EINVAL);
	become_nobody();
	CHECK(!lists("p", "1"));
}

/* In namespaces of its own, with a user namespace: what mounting proc on ./p gives. */
static int mount_proc_unprivileged(unsigned long flags)
{
	pid_t outer = fork_checked();
	if (outer == 0) {
		CHECK_OK(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID));
		pid_t inner = fork_checked();
		if (inner == 0) {
			if (mount("proc", "p", "proc", flags, NULL) != 0)
				_exit(errno);
			/* What was locked on the one that is seen is locked on the new one. */
			if (flags & MS_RDONLY)
				CHECK_ERR(mount(NULL, "p", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM);
			_exit(0);
		}
		_exit(wait_exit(inner));
	}
	return wait_exit(outer);
}

TEST(a_new_proc_does_not_reveal_what_was_covered)
{
	private_mounts();
	CHECK_OK(mkdir("p", 0777));
	CHECK_EQ(mount_proc_unprivileged(0), 0);
	CHECK_OK(mount("tmpfs", "/proc/sys", "tmpfs", MS_RDONLY, NULL));
	CHECK_EQ(mount_proc_unprivileged(0), EPERM);
	CHECK_OK(umount("/proc/sys"));
	CHECK_OK(mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_EQ(mount_proc_unprivileged(0), EPERM);
	CHECK_EQ(mount_proc_unprivileged(MS_RDONLY), 0);
	CHECK_OK(umount("/proc"));
	CHECK_EQ(mount_proc_unprivileged(MS_RDONLY), EPERM);
}

/* --- programs that run ---------------------------------------------------------------------------- */

static void copy_helper(const char *to, int flags)
{
	char block[4096];
	ssize_t count;
	int from = CHECK_OK(open("/tests/helper", O_RDONLY)), fd = CHECK_OK(open(to, O_CREAT | flags, 0755));
	while ((count = read(from, block, sizeof(block))) > 0)
		CHECK_EQ(write(fd, block, (size_t)count), count);
	close(from);
	close(fd);
}

TEST(a_running_program_cannot_be_written)
{
	char name[40], *const words[] = {"program", "exit", "0", NULL};
	copy_helper("program", O_WRONLY);
	pid_t child = fork_checked();
	if (child == 0) {
		execl("./program", "program", "sleep", "100000", NULL);
		_exit(9);
	}
	snprintf(name, sizeof(name), "/proc/%d/comm", child);
	WAIT_UNTIL(!strcmp(read_text(name), "program\n"));
	CHECK_ERR(open("program", O_WRONLY), ETXTBSY);
	CHECK_ERR(open("program", O_RDWR), ETXTBSY);
	CHECK_ERR(open("program", O_RDONLY | O_TRUNC), ETXTBSY);
	CHECK_ERR(truncate("program", 0), ETXTBSY);
	CHECK_OK(open("program", O_RDONLY));
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
	int fd = CHECK_OK(open("program", O_WRONLY));
	CHECK_ERR(execv("./program", words), ETXTBSY);
	close(fd);
	output_of((char *const[]){"./program", "exit", "0", NULL}, NULL);
}

TEST(a_memfd_runs_while_it_is_open)
{
	char block[4096];
	ssize_t count;
	int from = CHECK_OK(open("/tests/helper", O_RDONLY)), fd = CHECK_OK(memfd_create("copy", MFD_ALLOW_SEALING));
	while ((count = read(from, block, sizeof(block))) > 0)
		CHECK_EQ(write(fd, block, (size_t)count), count);
	pid_t child = fork_checked();
	if (child == 0) {
		char *const words[] = {"helper", "exit", "5", NULL}, *const none[] = {NULL};
		syscall(SYS_execveat, fd, "", words, none, AT_EMPTY_PATH);
		_exit(9);
	}
	CHECK_EQ(wait_exit(child), 5);
}

TEST(a_program_runs_from_a_detached_mount)
{
	private_mounts();
	copy_helper("program", O_WRONLY);
	write_text("place", "");
	CHECK_OK(mount("program", "place", NULL, MS_BIND, NULL));
	CHECK_OK(mount(NULL, "place", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	int fd = CHECK_OK(open("place", O_PATH | O_CLOEXEC));
	CHECK_OK(umount2("place", MNT_DETACH));
	CHECK_OK(unlink("place"));
	struct statvfs info;
	CHECK_OK(fstatvfs(fd, &info));
	CHECK(info.f_flag & ST_RDONLY);
	pid_t child = fork_checked();
	if (child == 0) {
		char *const words[] = {"helper", "exit", "6", NULL}, *const none[] = {NULL};
		syscall(SYS_execveat, fd, "", words, none, AT_EMPTY_PATH);
		_exit(9);
	}
	CHECK_EQ(wait_exit(child), 6);
}
