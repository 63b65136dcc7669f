// SPDX-License-Identifier: MPL-2.0
/*
 * Published ways to escalate on Linux, each by the number under which it was published, tried again from inside a
 * container: pointers of the kernel, races for pages, user namespaces, overlays, tracing, old network code.
 * files.c has those that are about files and mounts.
 */
#include "container.h"

#include <dirent.h>
#include <linux/futex.h>
#include <linux/if_packet.h>
#include <linux/keyctl.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/xattr.h>

static void copy_file(const char *from, const char *to, mode_t mode)
{
	static char block[1 << 14];
	int in = CHECK_OK(open(from, O_RDONLY)), out = CHECK_OK(open(to, O_WRONLY | O_CREAT | O_EXCL, mode));
	for (ssize_t n; (n = read(in, block, sizeof(block))) > 0;)
		CHECK_EQ(write(out, block, (size_t)n), n);
	close(in);
	close(out);
}

/* An ordinary user, whose /proc files are still its own. */
static int become_user(void)
{
	return getuid() == 0 && setgid(1000) == 0 && setuid(1000) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* CVE-2017-5123 (waitid), CVE-2014-0038 (recvmmsg), CVE-2008-0600 (vmsplice): results written where the kernel is. */
ESCAPE(kernel_pointers)
{
	void *kernel = kernel_address();
	int ends[2], packets[2];
	struct iovec part = {kernel, 8};
	struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
	CHECK_OK(pipe(ends));
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, packets));
	CHECK_EQ(write(ends[1], "12345678", 8), 8);
	CHECK_EQ(send(packets[0], "12345678", 8, 0), 8);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(0);
	REFUSED(syscall(SYS_waitid, P_ALL, 0, kernel, WEXITED, NULL));
	REFUSED(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED, kernel));
	REFUSED(syscall(SYS_read, ends[0], kernel, 8));
	REFUSED(syscall(SYS_readv, ends[0], &part, 1));
	REFUSED(syscall(SYS_vmsplice, ends[1], &part, 1, 0));
	REFUSED(syscall(SYS_recvmmsg, packets[1], &message, 1, 0, NULL));
	REFUSED(syscall(SYS_recvmmsg, packets[1], kernel, 1, 0, kernel));
	REFUSED(syscall(SYS_getcwd, kernel, 100));
	REFUSED(syscall(SYS_uname, kernel));
	REFUSED(syscall(SYS_pipe2, kernel, 0));
	REFUSED(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, kernel));
	REFUSED(syscall(SYS_getrandom, kernel, 64, 0));
	REFUSED(syscall(SYS_sigaltstack, NULL, kernel));
	REFUSED(syscall(SYS_process_vm_readv, getpid(), &part, 1, &part, 1, 0));
	(void)waitpid(child, NULL, 0);
	return 0;
}

/* CVE-2009-2692 and its kind: a page at address 0, where the kernel would look after a null pointer. */
ESCAPE(page_zero)
{
	CHECK_EQ((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		-1);
	void *low = mmap((void *)0x1000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK((uintptr_t)low >= 0x10000);
	for (int family = 0; family < 46; family++) {
		int s = socket(family, SOCK_DGRAM, 0), file = open("/proc/self/exe", O_RDONLY);
		off_t at = 0;
		if (s >= 0)
			(void)!sendfile(s, file, &at, 100);
		close(s);
		close(file);
	}
	return 0;
}

/* CVE-2016-5195: forced writes race with a thread that throws the private copy away. */
static const char *volatile cow_page;
static volatile int cow_over;
static void *throw_away(void *unused)
{
	while (!cow_over)
		(void)madvise((void *)cow_page, PAGE, MADV_DONTNEED);
	return unused;
}

ESCAPE_LIMIT(copy_on_write_race, 60)
{
	pthread_t thread;
	copy_file("/proc/self/exe", "program", 0555);
	int file = CHECK_OK(open("program", O_RDONLY)), memory = CHECK_OK(open("/proc/self/mem", O_RDWR));
	void *map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
	CHECK(map != MAP_FAILED);
	cow_page = map;
	CHECK_EQ(pthread_create(&thread, NULL, throw_away, NULL), 0);
	for (int n = 0; n < 5000; n++)
		(void)!pwrite(memory, "moo!", 4, (off_t)(uintptr_t)map);
	cow_over = 1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	char start[4];
	CHECK_EQ(pread(file, start, 4, 0), 4);
	CHECK_EQ(memcmp(start, "\177ELF", 4), 0);
	return 0;
}

/* CVE-2012-0056: a descriptor of a process's memory does not reach the program that comes in its place. */
static char word_of_old_program[PAGE];
ESCAPE(memory_of_what_runs_next)
{
	int executed[2], output[2];
	char path[32], byte;
	struct turn go = turn_create();
	CHECK_OK(pipe2(executed, O_CLOEXEC));
	CHECK_OK(pipe(output));
	pid_t child = fork_checked();
	if (child == 0) {
		turn_take(go);
		(void)dup2(output[1], 1);
		for (int n = 0; n < 16; n++)
			(void)!write(1, word_of_old_program, PAGE);	/* so that it waits at its first line */
		execl("/proc/self/exe", "again", "-l", NULL);
		_exit(9);
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	int memory = open(path, O_RDWR);
	turn_give(go);
	close(executed[1]);
	CHECK_EQ(read(executed[0], &byte, 1), 0);
	if (memory >= 0)
		CHECK(pwrite(memory, "x", 1, (off_t)(uintptr_t)word_of_old_program) <= 0);
	kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	return 0;
}

/* CVE-2014-4699: a tracer sets an address that the return to user mode cannot take. */
ESCAPE(return_address_out_of_range)
{
	for (int n = 0; n < 3; n++) {
		struct user_regs_struct registers;
		pid_t child = fork_checked();
		if (child == 0) {
			if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
				_exit(7);
			raise(SIGSTOP);
			for (;;)
				getppid();
		}
		int status;
		CHECK_EQ(waitpid(child, &status, 0), child);
		if (WIFEXITED(status))
			return 0;	/* no tracing here */
		CHECK_OK(ptrace(PTRACE_GETREGS, child, NULL, &registers));
		registers.rip = n == 0 ? 0x8000000000000000ul : n == 1 ? 0xffffffff81000000ul : registers.rip;
		registers.eflags |= 0x43000;	/* I/O privilege, alignment: not for the asking */
		if (n == 2)
			registers.cs = 0x10;
		long code = ptrace(PTRACE_SETREGS, child, NULL, &registers);
		CHECK(n != 2 || code != 0);
		(void)ptrace(PTRACE_CONT, child, NULL, NULL);
		if (n == 2)
			kill(child, SIGKILL);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFSIGNALED(status) || WIFSTOPPED(status));
		kill(child, SIGKILL);
		(void)waitpid(child, &status, 0);
	}
	return 0;
}

/* CVE-2018-8897, CVE-2018-1000199: a break point where the kernel is. */
ESCAPE(debug_registers_of_the_kernel)
{
	pid_t child = fork_checked();
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(7);
		raise(SIGSTOP);
		_exit(0);
	}
	int status;
	CHECK_EQ(waitpid(child, &status, 0), child);
	if (WIFEXITED(status))
		return 0;
	size_t at = offsetof(struct user, u_debugreg);
	REFUSED(ptrace(PTRACE_POKEUSER, child, at, kernel_address()));
	/* Without an address, or with one that was refused, enabling it must not reach the kernel either. */
	(void)ptrace(PTRACE_POKEUSER, child, at + 7 * sizeof(long), 0x000d0003);
	(void)ptrace(PTRACE_POKEUSER, child, at, kernel_address());
	CHECK_OK(ptrace(PTRACE_CONT, child, NULL, NULL));
	CHECK_EQ(waitpid(child, &status, 0), child);
	kill(child, SIGKILL);
	return 0;
}

/* CVE-2014-3153: a futex requeued on itself. */
ESCAPE(futex_on_itself)
{
	static int word;
	REFUSED(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &word, 0));
	REFUSED(syscall(SYS_futex, kernel_address(), FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	return 0;
}

/* CVE-2017-7308, CVE-2020-14386: rings of packet sockets whose sizes overflow. */
ESCAPE(packet_rings)
{
	int s = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), version = TPACKET_V3;
	unsigned headroom = 0xffffffffu - 100;
	struct tpacket_req3 ring = {.tp_block_size = 0x80000000u, .tp_block_nr = 2, .tp_frame_size = 0x10000,
		.tp_frame_nr = 0x10000, .tp_sizeof_priv = 0xffffff00u};
	if (s < 0)
		return 0;
	(void)setsockopt(s, SOL_PACKET, PACKET_VERSION, &version, sizeof(version));
	REFUSED(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)));
	ring.tp_block_size = PAGE;
	ring.tp_frame_nr = ring.tp_block_nr = 1;
	ring.tp_frame_size = PAGE;
	REFUSED(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)));
	REFUSED(setsockopt(s, SOL_PACKET, PACKET_RESERVE, &headroom, sizeof(headroom)));
	return 0;
}

/* CVE-2021-22555: tables of packet filters, written by the root of a user namespace. */
ESCAPE(filter_tables)
{
	static char table[PAGE];
	if (!become_root_of_own_namespace(CLONE_NEWNET))
		return 0;
	int s = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	memset(table, 0xff, sizeof(table));
	if (s >= 0)
		REFUSED(setsockopt(s, IPPROTO_IP, 64, table, sizeof(table)));
	return 0;
}

/* CVE-2022-0185: parameters of a new file system that add up to more than a page. */
ESCAPE(parameters_beyond_a_page)
{
	static char value[300];
	(void)become_root_of_own_namespace(CLONE_NEWNS);
	int fs = (int)syscall(SYS_fsopen, "tmpfs", 0);
	if (fs < 0)
		return 0;
	memset(value, 'A', sizeof(value) - 1);
	for (int n = 0; n < 200; n++)
		REFUSED(syscall(SYS_fsconfig, fs, 1, value, value, 0));
	REFUSED(syscall(SYS_fsconfig, fs, 1, "source", kernel_address(), 0));
	int old = (int)syscall(SYS_fsopen, "cgroup", 0);	/* CVE-2021-4154 */
	if (old >= 0)
		REFUSED(syscall(SYS_fsconfig, old, 5, "source", NULL, fs));
	return 0;
}

/* CVE-2013-1858: a user namespace that shares its root folder with the old one. */
ESCAPE(shared_root_folder)
{
	REFUSED(syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, NULL, NULL, NULL, NULL));
	return 0;
}

/* CVE-2018-18955: six lines of a nested map were sorted one way only. */
ESCAPE(nested_id_maps)
{
	struct turn ready = turn_create(), mapped = turn_create();
	char path[64];
	write_text("of-root", "secret");
	CHECK_OK(chmod("of-root", 0600));
	pid_t child = fork_checked();
	if (child == 0) {
		if (unshare(CLONE_NEWUSER))
			_exit(0);
		turn_give(ready);
		turn_take(mapped);
		if (setresuid(0, 0, 0) || unshare(CLONE_NEWUSER))
			_exit(0);
		(void)put_text("/proc/self/setgroups", "deny");
		(void)put_text("/proc/self/uid_map", "0 0 1\n1 1 1\n2 2 1\n3 3 1\n4 4 1\n5 5 990\n");
		(void)setresuid(0, 0, 0);
		_exit(open("of-root", O_RDONLY) >= 0 ? 1 : 0);
	}
	struct pollfd done = {.fd = ready.read_end, .events = POLLIN};
	if (poll(&done, 1, 3000) == 1) {
		turn_take(ready);
		snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
		(void)put_text(path, "0 100000 1000");
		turn_give(mapped);
		CHECK_EQ(wait_exit(child), 0);
	}
	kill(child, SIGKILL);
	return 0;
}

/* CVE-2014-8989: groups dropped in a user namespace, to be let in where the group is kept out. */
ESCAPE(groups_dropped)
{
	if (!become_user() || unshare(CLONE_NEWUSER))
		return 0;
	CHECK_ERR(put_text("/proc/self/gid_map", "0 1000 1"), EPERM);
	gid_t none[1];
	REFUSED(setgroups(0, none));
	return 0;
}

static int mount_overlay(const char *lower)
{
	char options[256];
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=upper,workdir=work,userxattr", lower);
	return mount("overlay", "merged", "overlay", 0, options);
}

static int prepare_overlay(void)
{
	static const char *const folders[] = {"lower", "upper", "work", "merged"};
	if (getuid())
		return 0;
	for (unsigned n = 0; n < sizeof(folders) / sizeof(folders[0]); n++) {
		CHECK_OK(mkdir(folders[n], 0755));
		if (chown(folders[n], 1000, 1000))
			return 0;
	}
	return 1;
}

/* CVE-2021-3493: capabilities of a file, set through an overlay of a user namespace, must not hold outside it. */
ESCAPE(capabilities_through_an_overlay)
{
	struct vfs_cap_data all = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = {{0xffffffff, 0}, {0x1ff, 0}}};
	if (!prepare_overlay())
		return 0;
	write_text("lower/program", "#!/bin/sh\n");
	CHECK_OK(chown("lower/program", 1000, 1000));
	pid_t child = fork_checked();
	if (child == 0) {
		if (!become_user() || !become_root_of_own_namespace(CLONE_NEWNS) || mount_overlay("lower"))
			_exit(0);
		_exit(setxattr("merged/program", "security.capability", &all, 20, 0) == 0 ? 5 : 0);
	}
	int is_set = wait_exit(child) == 5;
#ifndef INSIDE
	CHECK(is_set);	/* nothing but the kind of the capabilities keeps them in */
#endif
	struct vfs_ns_cap_data found = {0};
	ssize_t length = getxattr("upper/program", "security.capability", &found, sizeof(found));
	if (is_set)
		CHECK_EQ(length, sizeof(found));	/* of version 3, which names the root that it is for */
	CHECK(length <= 0 || ((found.magic_etc & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3 && found.rootid == 1000));
	return 0;
}

/* CVE-2023-0386: a set-user-id program of somebody unmapped, copied up by the root of a user namespace. */
ESCAPE(set_user_id_copied_up)
{
	struct stat s;
	if (!prepare_overlay())
		return 0;
	copy_file("/proc/self/exe", "lower/program", 0755);
	CHECK_OK(chmod("lower/program", 04777));
	pid_t child = fork_checked();
	if (child == 0) {
		if (!become_user() || !become_root_of_own_namespace(CLONE_NEWNS) || mount_overlay("lower"))
			_exit(0);
		(void)!truncate("merged/program", 10);
		(void)chmod("merged/program", 06777);
		(void)!chown("merged/program", 0, 0);
		_exit(5);
	}
	int is_mounted = wait_exit(child) == 5;
#ifndef INSIDE
	CHECK(is_mounted);
#endif
	(void)is_mounted;
	if (stat("upper/program", &s) == 0)
		CHECK(s.st_uid != 0 || !(s.st_mode & S_ISUID));
	return 0;
}

/* CVE-2014-5206, CVE-2014-5207: flags of a mount lost by a second remount in a user namespace. */
ESCAPE(flags_lost_by_remount)
{
	if (!become_root_of_own_namespace(CLONE_NEWNS))
		return 0;
	CHECK_OK(mkdir("copy", 0755));
	if (mount("/sys", "copy", NULL, MS_BIND | MS_REC, NULL) == 0) {
		REFUSED(mount(NULL, "copy", NULL, MS_REMOUNT | MS_BIND, NULL));
		REFUSED(mount(NULL, "copy", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
		REFUSED(open("copy/kernel/profiling", O_WRONLY));
	}
	/* What lies below another mount is not shown by a copy without what is on top. */
	REFUSED(mount("/proc", "copy", NULL, MS_BIND, NULL));
	REFUSED(syscall(SYS_open_tree, AT_FDCWD, "/proc", 1 /* OPEN_TREE_CLONE */));
	REFUSED(umount2("/proc/sys", 0));
	REFUSED(umount2("/proc", 0));
	REFUSED(umount2("/", MNT_DETACH));
	return 0;
}

/* CVE-2016-0728: a count of references to a keyring that wraps around. */
ESCAPE(keyring_references)
{
	for (int n = 0; n < 3000; n++)
		if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "one name") < 0)
			break;
	for (int serial = 1; serial < 2000; serial++) {
		char text[16];
		REFUSED(syscall(SYS_keyctl, KEYCTL_READ, serial, text, sizeof(text)));
	}
	return 0;
}

/* CVE-2018-14634, CVE-2017-1000365: words of a program that fill its stack. */
ESCAPE(words_without_end)
{
	enum { COUNT = 2000, LENGTH = 120000 };
	static char *words[COUNT + 1];
	char *word = map_pages(LENGTH / PAGE + 1);
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	(void)setrlimit(RLIMIT_STACK, &limit);
	memset(word, 'x', LENGTH);
	for (int n = 0; n < COUNT; n++)
		words[n] = word;
	REFUSED(execve("/proc/self/exe", words, words));
	return 0;
}

/* CVE-2017-1000364: a stack that grows over what lies below it. */
ESCAPE(stack_over_its_neighbour)
{
	pid_t child = fork_checked();
	if (child == 0) {
		volatile char here;
		char *stack = (char *)((uintptr_t)&here & -(uintptr_t)PAGE);
		char *below = mmap(stack - (4 << 20), PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		CHECK(below != MAP_FAILED);
		for (char *at = stack; at >= below + PAGE; at -= PAGE)
			*(volatile char *)at = 1;
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGSEGV);
	return 0;
}

/* CVE-2022-0847 by other roads: tee, vmsplice and sendfile instead of splice. */
ESCAPE(pages_through_pipes)
{
	copy_file("/proc/self/exe", "program", 0444);
	int file = CHECK_OK(open("program", O_RDONLY)), a[2], b[2];
	off_t at = 0;
	char start[4];
	CHECK_OK(pipe(a));
	CHECK_OK(pipe(b));
	CHECK_EQ(sendfile(a[1], file, &at, 1), 1);
	CHECK_EQ(write(a[1], "dirt", 4), 4);
	CHECK_EQ(tee(a[0], b[1], 5, 0), 5);
	CHECK_EQ(write(b[1], "dirt", 4), 4);
	char *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
	CHECK(map != MAP_FAILED);
	struct iovec part = {map, 1};
	(void)vmsplice(b[1], &part, 1, SPLICE_F_GIFT);
	(void)!write(b[1], "dirt", 4);
	REFUSED(mprotect(map, PAGE, PROT_READ | PROT_WRITE));
	CHECK_EQ(pread(file, start, 4, 0), 4);
	CHECK_EQ(memcmp(start, "\177ELF", 4), 0);
	return 0;
}

/* CVE-2020-8835, CVE-2021-3490, CVE-2017-16995: programs that a verifier misjudged are not even looked at. */
ESCAPE(programs_for_the_kernel)
{
	struct bpf_insn program[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
	for (int type = 0; type < 32; type++) {
		union bpf_attr attr = {.prog_type = type, .insns = (uintptr_t)program, .insn_cnt = 2,
			.license = (uintptr_t)"GPL"};
		int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
		if (type != BPF_PROG_TYPE_SOCKET_FILTER && type != BPF_PROG_TYPE_CGROUP_SKB)
			CHECK(fd < 0);
	}
	return 0;
}

#ifdef INSIDE
/*
 * CVE-2019-5736, CVE-2016-9962, CVE-2024-21626: while the host's runtime enters this container, somebody in it looks at
 * every process that appears, for a program of the host to write to and for a folder of the host to reach. Only in
 * containers of real engines: real.py starts the case and lets the runtime enter.
 */
enum { FDS_LOOKED_AT = 24 };

static dev_t own_device;

/* A program that is not of this container's root: the runtime's own. */
static void hunt_program(const char *process)
{
	char path[64], link[32];
	struct stat s;
	snprintf(path, sizeof(path), "/proc/%.9s/exe", process);
	int program = open(path, O_PATH | O_CLOEXEC);
	if (program < 0 || fstat(program, &s) || s.st_dev == own_device) {
		close(program);
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", program);
	for (int n = 0; n < 200; n++) {
		int fd = open(link, O_WRONLY);
		if (fd >= 0)
			test_fail(__FILE__, __LINE__, "the runtime's program could be opened for writing");
	}
	close(program);
}

static void hunt_folders(const char *process)
{
	static const char *const up[] = {"host-secret", "../host-secret", "../../host-secret", "../../../../host-secret"};
	char path[128];
	for (int fd = -2; fd < FDS_LOOKED_AT; fd++) {
		for (unsigned n = 0; n < sizeof(up) / sizeof(up[0]); n++) {
			if (fd < 0)
				snprintf(path, sizeof(path), "/proc/%.9s/%s/%s", process, fd == -1 ? "cwd" : "root", up[n]);
			else
				snprintf(path, sizeof(path), "/proc/%.9s/fd/%d/%s", process, fd, up[n]);
			if (access(path, F_OK) == 0)
				test_fail(__FILE__, __LINE__, "%s leads to the host", path);
		}
	}
}

TEST_LIMIT(hunt_runtime, 900)
{
	struct stat s;
	CHECK_OK(stat("/", &s));
	own_device = s.st_dev;
	while (access("/hunt-ends", F_OK) != 0) { /* which the host makes when it has entered often enough */
		DIR *processes = opendir("/proc");
		CHECK(processes);
		for (struct dirent *e; (e = readdir(processes));) {
			if (e->d_name[0] < '1' || e->d_name[0] > '9')
				continue;
			hunt_program(e->d_name);
			hunt_folders(e->d_name);
		}
		closedir(processes);
	}
}
#endif
