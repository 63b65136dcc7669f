// SPDX-License-Identifier: MPL-2.0
/* Ways out of a container by files, mounts, devices and kernel settings: each is tried and must fail. */
#include "container.h"

#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>

/* A write that must not succeed. */
static void cannot_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	if (fd >= 0 && write(fd, text, strlen(text)) > 0)
		test_fail(__FILE__, __LINE__, "%s could be written", path);
	if (fd >= 0)
		close(fd);
}

ESCAPE(dot_dot_stays_inside)
{
	CHECK_ERR(open("/../../../../host-secret", O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/1/root/../host-secret", O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/self/cwd/../../host-secret", O_RDONLY), ENOENT);
	return 0;
}

/* The classic one: a folder held open while the root moves below it. */
ESCAPE(chroot_does_not_lead_out)
{
	int here = CHECK_OK(open("/", O_RDONLY | O_DIRECTORY));
	CHECK_OK(mkdir("jail", 0755));
	if (chroot("jail"))
		return 0;	/* no capability, no climbing */
	CHECK_OK(fchdir(here));
	for (int n = 0; n < 40; n++)
		CHECK_OK(chdir(".."));
	CHECK_OK(chroot("."));
	CHECK_ERR(access("/host-secret", F_OK), ENOENT);
	CHECK_OK(access("/proc/self", F_OK));
	return 0;
}

/* CVE-2019-5736: the runtime's own binary, by way of /proc/self/exe. */
ESCAPE(running_binary_cannot_be_written)
{
	CHECK(open("/proc/self/exe", O_WRONLY) < 0);
	CHECK(errno == ETXTBSY || errno == EROFS);
	int place = CHECK_OK(open("/proc/self/exe", O_PATH));
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	CHECK(open(path, O_RDWR | O_TRUNC) < 0);
	CHECK(truncate("/proc/self/exe", 0) < 0);
	return 0;
}

/* CVE-2024-21626: a descriptor or working folder of the host that stayed open. */
ESCAPE(no_descriptor_leads_out)
{
	for (int fd = 0; fd < 64; fd++) {
		char path[64];
		snprintf(path, sizeof(path), "/proc/self/fd/%d/../host-secret", fd);
		CHECK(open(path, O_RDONLY) < 0);
	}
	CHECK_ERR(open("/proc/1/cwd/host-secret", O_RDONLY), ENOENT);
	return 0;
}

ESCAPE(file_handles_do_not_lead_out)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char id[8];
	} handle = {8, 1, {2}};
	int root = CHECK_OK(open("/", O_RDONLY | O_DIRECTORY));
	CHECK(syscall(SYS_open_by_handle_at, root, &handle, O_RDONLY) < 0);
	CHECK(errno == EPERM || errno == ENOSYS);
	return 0;
}

/* CVE-2022-0492: cgroup v1 and its release agent. */
ESCAPE(release_agent)
{
	CHECK_OK(mkdir("v1", 0755));
	CHECK_ERR(mount("cgroup", "v1", "cgroup", 0, "memory"), EPERM);
	if (become_root_of_own_namespace(CLONE_NEWNS | CLONE_NEWCGROUP) && !mount("cgroup", "v1", "cgroup", 0, "memory"))
		CHECK(open("v1/release_agent", O_WRONLY) < 0);
	return 0;
}

ESCAPE(own_limits_cannot_be_raised)
{
	cannot_write(CGROUP "/pids.max", "max");
	cannot_write(CGROUP "/memory.max", "max");
	cannot_write(CGROUP "/cgroup.subtree_control", "+memory");
	CHECK(mkdir(CGROUP "/below", 0755) < 0);
	CHECK(mount(NULL, CGROUP, NULL, MS_REMOUNT | MS_BIND, NULL) < 0);
	CHECK_OK(mkdir("group", 0755));
	CHECK_ERR(mount("cgroup2", "group", "cgroup2", 0, NULL), EPERM);
	return 0;
}

#ifndef INSIDE
/* What Docker's default filter keeps from those without CAP_SYS_ADMIN: namespaces, above all. */
static void filter_calls(void)
{
#define REFUSE(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		REFUSE(SYS_unshare), REFUSE(SYS_setns), REFUSE(SYS_mount), REFUSE(SYS_umount2), REFUSE(SYS_bpf),
		REFUSE(SYS_keyctl), REFUSE(SYS_add_key), REFUSE(SYS_request_key), REFUSE(SYS_open_by_handle_at),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x7e020000, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
#undef REFUSE
	struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
	CHECK_OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

/* A user namespace would give its maker the right to mount the cgroup anew: the default filter refuses it. */
ESCAPE(default_filter_refuses_namespaces)
{
	filter_calls();
	CHECK_ERR(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP), EPERM);
	CHECK_ERR(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL), EPERM);
	CHECK_ERR(syscall(SYS_clone3, NULL, 0), ENOSYS);
	CHECK_ERR(syscall(SYS_add_key, "user", "x", "x", 1, -3), EPERM);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(unshare(CLONE_NEWUSER) == -1 && errno == EPERM ? 5 : 6);
	CHECK_EQ(wait_exit(child), 5);
	return 0;
}
#endif

ESCAPE(groups_of_the_host_are_unseen)
{
	const char *own = read_text("/proc/self/cgroup");
	CHECK_STR(own, "0::/\n");
	/* 0 is what cannot be named here: the shim. */
	for (const char *at = read_text(CGROUP "/cgroup.procs"); *at; at = strchr(at, '\n') + 1)
		CHECK(atoi(at) == 0 || kill(atoi(at), 0) == 0);
	CHECK(access(CGROUP "/memory.reclaim", W_OK) < 0);
	return 0;
}

ESCAPE(kernel_settings_are_read_only)
{
	cannot_write("/proc/sys/kernel/core_pattern", "|/tmp/x");
	cannot_write("/proc/sys/kernel/modprobe", "/tmp/x");
	cannot_write("/proc/sys/kernel/hostname", "mine");
	cannot_write("/proc/sys/kernel/yama/ptrace_scope", "0");
	cannot_write("/proc/sys/vm/drop_caches", "3");
	cannot_write("/proc/sys/fs/binfmt_misc/register", ":x:M::x::/tmp/x:");
	cannot_write("/sys/kernel/uevent_helper", "/tmp/x");
	cannot_write("/sys/kernel/profiling", "1");
	cannot_write("/proc/sysrq-trigger", "c");
	cannot_write("/proc/acpi/wakeup", "x");
	cannot_write("/sys/power/state", "mem");
	return 0;
}

/* What runtimes mask and make read-only cannot be uncovered. */
ESCAPE(masks_stay)
{
	char byte;
	int fd = open("/proc/kcore", O_RDONLY);
	if (fd >= 0)
		CHECK_EQ(read(fd, &byte, 1), 0);
	CHECK(umount2("/proc/sys", MNT_DETACH) < 0);
	CHECK(mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL) < 0);
	CHECK(mount("/proc", ".", NULL, MS_BIND, NULL) < 0);
	CHECK(mount("proc", ".", "proc", 0, NULL) < 0);
	return 0;
}

/* The same from a user namespace, where mounts may be made, but not those that are there be changed. */
ESCAPE(masks_stay_in_a_user_namespace)
{
	if (!become_root_of_own_namespace(CLONE_NEWNS | CLONE_NEWPID))
		return 0;
	CHECK(umount2("/proc/sys", MNT_DETACH) < 0);
	CHECK(mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL) < 0);
#ifndef INSIDE
	CHECK(mount(NULL, "/bin", NULL, MS_REMOUNT | MS_BIND, NULL) < 0);
#endif
	pid_t child = fork_checked();
	if (child == 0) {
		/* A fresh proc would show what is masked. */
		if (mount("proc", ".", "proc", 0, NULL) == 0)
			_exit(1);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	cannot_write("/proc/sys/kernel/core_pattern", "|/tmp/x");
	return 0;
}

static void cannot_open_node(unsigned type, unsigned major, unsigned minor)
{
	if (mknod("node", type | 0666, makedev(major, minor)) == 0) {
		CHECK_ERR(open("node", O_RDONLY), EPERM);
		CHECK_ERR(open("node", O_RDWR), EPERM);
		CHECK_OK(unlink("node"));
	}
}

ESCAPE(device_nodes_do_not_open)
{
	cannot_open_node(S_IFCHR, 1, 1);	/* mem */
	cannot_open_node(S_IFCHR, 1, 4);	/* port */
	cannot_open_node(S_IFCHR, 1, 11);	/* kmsg */
	cannot_open_node(S_IFCHR, 4, 64);	/* the host's console */
	cannot_open_node(S_IFCHR, 5, 1);
	cannot_open_node(S_IFCHR, 10, 200);	/* tun */
	cannot_open_node(S_IFCHR, 10, 229);	/* fuse */
	cannot_open_node(S_IFBLK, 8, 0);	/* disks */
	cannot_open_node(S_IFBLK, 254, 0);
	cannot_open_node(S_IFBLK, 253, 0);
	cannot_open_node(S_IFBLK, 7, 0);
	cannot_open_node(S_IFCHR, 10, 237);	/* loop-control */
	cannot_open_node(S_IFCHR, 10, 144);	/* nvram */
	CHECK_OK(open("/dev/null", O_RDWR));
	return 0;
}

ESCAPE(disks_cannot_be_mounted)
{
	(void)mknod("disk", S_IFBLK | 0666, makedev(254, 0));
	CHECK_OK(mkdir("at", 0755));
	CHECK_ERR(mount("disk", "at", "ext2", MS_RDONLY, NULL), EPERM);
	if (become_root_of_own_namespace(CLONE_NEWNS)) {
		CHECK(mount("disk", "at", "ext2", MS_RDONLY, NULL) < 0);
		CHECK(mount("devtmpfs", "at", "devtmpfs", 0, NULL) < 0);
	}
	return 0;
}

ESCAPE(device_program_stays)
{
	int group = open(CGROUP, O_RDONLY | O_DIRECTORY);
	union bpf_attr attr = {.target_fd = group, .attach_bpf_fd = -1, .attach_type = BPF_CGROUP_DEVICE};
	CHECK(syscall(SYS_bpf, BPF_PROG_DETACH, &attr, sizeof(attr)) < 0);
	attr = (union bpf_attr){.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE};
	CHECK_ERR(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)), EPERM);
	attr = (union bpf_attr){.start_id = 0};
	CHECK_ERR(syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr)), EPERM);
	cannot_open_node(S_IFCHR, 1, 1);
	return 0;
}

/* CVE-2022-0847: a page of a read-only file, spliced into a pipe and written there. CVE-2016-5195: /proc/self/mem. */
ESCAPE(read_only_files_stay)
{
	int file = CHECK_OK(open("/proc/self/exe", O_RDONLY)), ends[2];
	char before[8], after[8];
	loff_t at = 0;
	CHECK_EQ(pread(file, before, sizeof(before), 0), sizeof(before));
	CHECK_OK(pipe(ends));
	for (int n = 0; n < 16; n++) {
		char page[PAGE] = {0};
		CHECK_EQ(write(ends[1], page, sizeof(page)), PAGE);
	}
	for (int n = 0; n < 16; n++) {
		char page[PAGE];
		CHECK_EQ(read(ends[0], page, sizeof(page)), PAGE);
	}
	CHECK_EQ(splice(file, &at, ends[1], NULL, 1, 0), 1);
	CHECK_EQ(write(ends[1], "dirty", 5), 5);
	CHECK_EQ(pread(file, after, sizeof(after), 0), sizeof(after));
	CHECK_EQ(memcmp(before, after, sizeof(before)), 0);

	void *map = (void *)syscall(SYS_mmap, NULL, PAGE, 1, 2, file, 0);
	CHECK(map != (void *)-1);
	int memory = CHECK_OK(open("/proc/self/mem", O_RDWR));
	(void)!pwrite(memory, "cow", 3, (off_t)(uintptr_t)map);
	CHECK_EQ(pread(file, after, sizeof(after), 0), sizeof(after));
	CHECK_EQ(memcmp(before, after, sizeof(before)), 0);
	return 0;
}

/* Set-user-id gives nothing, and a file's capabilities neither: no_new_privs. */
ESCAPE(no_new_privileges)
{
	CHECK_ERR(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
#ifndef INSIDE
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
#endif
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0), 0);
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{.effective = 1u << CAP_SYS_ADMIN, .permitted = 1u << CAP_SYS_ADMIN}};
	CHECK_ERR(syscall(SYS_capset, &header, data), EPERM);
	return 0;
}

#ifndef INSIDE
/* CVE-2021-30465: the host opens a path below the container's root while the container swaps a link in. */
TEST(links_do_not_lead_a_runtime_out)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
	CHECK_OK(mkdir("root", 0755));
	CHECK_OK(mkdir("root/a", 0755));
	write_text("secret", SECRET);
	CHECK_OK(symlink("/secret", "root/b"));
	CHECK_OK(symlink("../../secret", "root/c"));
	int root = CHECK_OK(open("root", O_PATH | O_DIRECTORY));
	CHECK_ERR(syscall(SYS_openat2, root, "b", &how, sizeof(how)), ENOENT);
	CHECK_ERR(syscall(SYS_openat2, root, "c", &how, sizeof(how)), ENOENT);
	pid_t swapper = fork_checked();
	if (swapper == 0) {
		for (;;) {
			(void)syscall(SYS_renameat2, AT_FDCWD, "root/a", AT_FDCWD, "root/c", 2);
		}
	}
	for (int n = 0; n < 2000; n++) {
		int fd = (int)syscall(SYS_openat2, root, n & 1 ? "a/../../secret" : "c/secret", &how, sizeof(how));
		CHECK(fd < 0);
	}
	kill(swapper, SIGKILL);
	CHECK_EQ(wait_signal(swapper), SIGKILL);
}
#endif
