// SPDX-License-Identifier: MPL-2.0
/*
 * A container as runtimes make it by default: namespaces of its own for everything but users, a root of its own by
 * pivot_root, /proc with read-only and masked places, /sys and its cgroup read-only, few device nodes, Docker's default
 * capabilities, no_new_privs, a cgroup with limits and a device program. A seccomp filter only where the attempt asks
 * for one: mostly the kernel itself must hold.
 */
#ifndef KEELSON_TESTS_ESCAPE_CONTAINER_H
#define KEELSON_TESTS_ESCAPE_CONTAINER_H
#include "attempt.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define SECRET "what only the host knows\n"
#define DEFAULT_CAPABILITIES                                                                                        \
	(1ul << CAP_CHOWN | 1ul << CAP_DAC_OVERRIDE | 1ul << CAP_FSETID | 1ul << CAP_FOWNER | 1ul << CAP_MKNOD |    \
	 1ul << CAP_NET_RAW | 1ul << CAP_SETGID | 1ul << CAP_SETUID | 1ul << CAP_SETFCAP | 1ul << CAP_SETPCAP |     \
	 1ul << CAP_NET_BIND_SERVICE | 1ul << CAP_SYS_CHROOT | 1ul << CAP_KILL | 1ul << CAP_AUDIT_WRITE)

#ifndef INSIDE
static char container_group[64];

/* Character devices 1:3 1:5 1:7 1:8 1:9 5:0 5:2 and 136:* may be used, any node may be made: the default of runc. */
static int load_device_program(void)
{
#define I(c, d, s, o, i) {.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)}
#define LOAD(d, o) I(BPF_LDX | BPF_MEM | BPF_W, d, 1, o, 0)
#define UNLESS(d, i, o) I(BPF_JMP | BPF_JNE | BPF_K, d, 0, o, i)
#define IF(d, i, o) I(BPF_JMP | BPF_JEQ | BPF_K, d, 0, o, i)
#define ANSWER(i) I(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, i), I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
	static const struct bpf_insn program[] = {
		LOAD(2, 0), I(BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xffff), LOAD(3, 0),
		I(BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16), LOAD(4, 4), LOAD(5, 8),
		UNLESS(3, BPF_DEVCG_ACC_MKNOD, 2), ANSWER(1),
		UNLESS(2, BPF_DEVCG_DEV_CHAR, 11),
		IF(4, 136, 11), IF(4, 5, 6), UNLESS(4, 1, 8),
		IF(5, 3, 8), IF(5, 5, 7), IF(5, 7, 6), IF(5, 8, 5), IF(5, 9, 4),
		IF(4, 1, 2), IF(5, 0, 2), IF(5, 2, 1),
		I(BPF_JMP | BPF_JA, 0, 0, 2, 0),
		ANSWER(1),
		ANSWER(0),
	};
#undef I
#undef LOAD
#undef UNLESS
#undef IF
#undef ANSWER
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(program[0]), .license = (uintptr_t)"GPL"};
	return (int)CHECK_OK(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}

static void make_group(void)
{
	char path[128], number[16];
	snprintf(container_group, sizeof(container_group), CGROUP "/escape-%d", getpid());
	CHECK_OK(put_text(CGROUP "/cgroup.subtree_control", "+pids +memory"));
	CHECK_OK(mkdir(container_group, 0755));
	snprintf(path, sizeof(path), "%s/pids.max", container_group);
	snprintf(number, sizeof(number), "%d", PIDS_MAX);
	CHECK_OK(put_text(path, number));
	snprintf(path, sizeof(path), "%s/memory.max", container_group);
	snprintf(number, sizeof(number), "%d", MEMORY_MAX);
	CHECK_OK(put_text(path, number));
	int group = CHECK_OK(open(container_group, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	union bpf_attr attr = {.target_fd = group, .attach_bpf_fd = load_device_program(),
		.attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI};
	CHECK_OK(syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)));
	close(group);
	close(attr.attach_bpf_fd);
}

static void make_node(const char *path, unsigned major, unsigned minor)
{
	CHECK_OK(mknod(path, S_IFCHR | 0666, makedev(major, minor)));
	CHECK_OK(chmod(path, 0666));
}

/* The machine's first root cannot be pivoted away: a tmpfs takes its place. */
static void leave_first_root(void)
{
	CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK_OK(umount2("/sys", MNT_DETACH));
	CHECK_OK(umount2("/proc", MNT_DETACH));
	CHECK_OK(mkdir("base", 0755));
	CHECK_OK(mount("tmpfs", "base", "tmpfs", 0, "size=1m"));
	CHECK_OK(mkdir("base/new", 0755));
	CHECK_OK(mkdir("base/bin", 0755));
	CHECK_OK(mount("/bin", "base/bin", NULL, MS_BIND, NULL));
	write_text("base/host-secret", SECRET);
	CHECK_OK(chdir("base"));
	CHECK_OK(mount(".", "/", NULL, MS_MOVE, NULL));
	CHECK_OK(chroot("."));
	CHECK_OK(chdir("/"));
}

static void read_only(const char *path)
{
	if (access(path, F_OK))
		return;
	CHECK_OK(mount(path, path, NULL, MS_BIND | MS_REC, NULL));
	CHECK_OK(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
}

static void masked(const char *path)
{
	struct stat s;
	if (stat(path, &s))
		return;
	if (S_ISDIR(s.st_mode))
		CHECK_OK(mount("tmpfs", path, "tmpfs", MS_RDONLY, "size=0k"));
	else
		CHECK_OK(mount("/new/dev/null", path, NULL, MS_BIND, NULL));
}

static void make_devices(void)
{
	CHECK_OK(mount("tmpfs", "new/dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=64k"));
	make_node("new/dev/null", 1, 3);
	make_node("new/dev/zero", 1, 5);
	make_node("new/dev/full", 1, 7);
	make_node("new/dev/random", 1, 8);
	make_node("new/dev/urandom", 1, 9);
	make_node("new/dev/tty", 5, 0);
	CHECK_OK(mkdir("new/dev/pts", 0755));
	CHECK_OK(mount("devpts", "new/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"));
	CHECK_OK(mkdir("new/dev/shm", 0755));
	CHECK_OK(mount("shm", "new/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=4m"));
}

static void make_root(void)
{
	static const char *const folders[] = {"new/proc", "new/sys", "new/dev", "new/tmp", "new/bin", "new/old"};
	CHECK_OK(mount("tmpfs", "new", "tmpfs", 0, "size=16m"));
	for (unsigned n = 0; n < sizeof(folders) / sizeof(folders[0]); n++)
		CHECK_OK(mkdir(folders[n], 0755));
	CHECK_OK(mount("bin", "new/bin", NULL, MS_BIND, NULL));
	CHECK_OK(mount(NULL, "new/bin", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
	make_devices();
	CHECK_OK(mount("proc", "new/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	masked("new/proc/acpi");
	masked("new/proc/kcore");
	masked("new/proc/keys");
	masked("new/proc/timer_list");
	read_only("new/proc/sys");
	read_only("new/proc/sysrq-trigger");
	read_only("new/proc/irq");
	read_only("new/proc/bus");
	read_only("new/proc/fs");
	CHECK_OK(mount("sysfs", "new/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL));
	CHECK_OK(mount("cgroup2", "new/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL));
	CHECK_OK(chdir("new"));
	CHECK_OK(syscall(SYS_pivot_root, ".", "old"));
	CHECK_OK(chroot("."));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount2("/old", MNT_DETACH));
	CHECK_OK(rmdir("/old"));
}

static void drop_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	for (int n = 0; n <= CAP_LAST_CAP; n++)
		if (!(DEFAULT_CAPABILITIES >> n & 1))
			CHECK_OK(prctl(PR_CAPBSET_DROP, n, 0, 0, 0));
	data[0].effective = data[0].permitted = (unsigned)DEFAULT_CAPABILITIES;
	data[1].effective = data[1].permitted = (unsigned)(DEFAULT_CAPABILITIES >> 32);
	CHECK_OK(syscall(SYS_capset, &header, data));
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* The container's first process: how the attempt ended, as a shell would tell. */
static int container_run(int (*attempt)(void))
{
	char path[128];
	make_group();
	snprintf(path, sizeof(path), "%s/cgroup.procs", container_group);
	pid_t outer = fork_checked();
	if (outer == 0) {
		CHECK_OK(put_text(path, "0"));
		CHECK_OK(unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
				 CLONE_NEWCGROUP));
		pid_t first = fork_checked();
		if (first == 0) {
			leave_first_root();
			make_root();
			drop_privileges();
			_exit(attempt());
		}
		int status;
		CHECK_EQ(waitpid(first, &status, 0), first);
		_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	}
	int code = wait_exit(outer);
	WAIT_UNTIL(rmdir(container_group) == 0);
	if (code == 1)
		_exit(1); /* a check inside has failed, and said why */
	return code;
}
#endif
#endif
