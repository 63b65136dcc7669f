// SPDX-License-Identifier: MPL-2.0
/* bpf(2): programs that rule the devices of control groups. */
#include "support.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define ROOT "/sys/fs/cgroup"
#define I(c, d, s, o, i) {.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)}
#define MOV64(d, i) I(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOV64_REG(d, s) I(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOV32_REG(d, s) I(BPF_ALU | BPF_MOV | BPF_X, d, s, 0, 0)
#define AND32(d, i) I(BPF_ALU | BPF_AND | BPF_K, d, 0, 0, i)
#define RSH32(d, i) I(BPF_ALU | BPF_RSH | BPF_K, d, 0, 0, i)
#define LOAD(d, s, o) I(BPF_LDX | BPF_MEM | BPF_W, d, s, o, 0)
#define JNE(d, i, o) I(BPF_JMP | BPF_JNE | BPF_K, d, 0, o, i)
#define JEQ(d, i, o) I(BPF_JMP | BPF_JEQ | BPF_K, d, 0, o, i)
#define JNE_REG(d, s, o) I(BPF_JMP | BPF_JNE | BPF_X, d, s, o, 0)
#define EXIT I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

typedef struct bpf_insn insn;
static char verifier_log[4096];

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load_count(const insn *program, unsigned count)
{
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = count,
		.insns = (uintptr_t)program, .license = (uintptr_t)"GPL"};
	return bpf(BPF_PROG_LOAD, &attr);
}
#define load(program) load_count(program, sizeof(program) / sizeof((program)[0]))

/* The same with a log. */
static int load_logged(const insn *program, unsigned count)
{
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = count,
		.insns = (uintptr_t)program, .license = (uintptr_t)"GPL", .log_level = 1,
		.log_size = sizeof(verifier_log), .log_buf = (uintptr_t)verifier_log};
	return bpf(BPF_PROG_LOAD, &attr);
}

static const insn allow[] = {MOV64(0, 1), EXIT};
static const insn deny[] = {MOV64(0, 0), EXIT};
/* What crun makes of "allow c 1:3 rwm", then "deny all". */
static const insn only_null[] = {
	LOAD(2, 1, 0), AND32(2, 0xffff), LOAD(3, 1, 0), RSH32(3, 16), LOAD(4, 1, 4), LOAD(5, 1, 8),
	JNE(2, BPF_DEVCG_DEV_CHAR, 4), JNE(4, 1, 3), JNE(5, 3, 2), MOV64(0, 1), EXIT,
	MOV64(0, 0), EXIT,
};
/* Reading of 1:5 only: "access & ~read" must be nothing. */
static const insn read_zero[] = {
	LOAD(3, 1, 0), RSH32(3, 16), MOV32_REG(1, 3), AND32(1, BPF_DEVCG_ACC_READ), JNE_REG(1, 3, 2),
	MOV64(0, 1), EXIT, MOV64(0, 0), EXIT,
};

static int group_number;
static char group[2][80];

/* A fresh group; below the one before when `level` is 1. */
static int make_group(int level)
{
	if (level == 0)
		snprintf(group[0], sizeof(group[0]), ROOT "/bpf-%d-%d", getpid(), group_number++);
	else
		snprintf(group[1], sizeof(group[1]), "%.60s/below", group[0]);
	CHECK_OK(mkdir(group[level], 0755));
	return CHECK_OK(open(group[level], O_RDONLY | O_DIRECTORY));
}

static int attach(int target, int program, unsigned flags)
{
	union bpf_attr attr = {.target_fd = target, .attach_bpf_fd = program, .attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = flags};
	return bpf(BPF_PROG_ATTACH, &attr);
}

static int replace(int target, int program, int old, unsigned flags)
{
	union bpf_attr attr = {.target_fd = target, .attach_bpf_fd = program, .attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = flags, .replace_bpf_fd = old};
	return bpf(BPF_PROG_ATTACH, &attr);
}

static int detach(int target, int program)
{
	union bpf_attr attr = {.target_fd = target, .attach_bpf_fd = program, .attach_type = BPF_CGROUP_DEVICE};
	return bpf(BPF_PROG_DETACH, &attr);
}

static int query(int target, unsigned flags, unsigned *ids, unsigned *count, unsigned *attach_flags)
{
	union bpf_attr attr = {.query = {.target_fd = target, .attach_type = BPF_CGROUP_DEVICE, .query_flags = flags,
		.prog_ids = (uintptr_t)ids, .prog_cnt = *count}};
	int result = bpf(BPF_PROG_QUERY, &attr);
	*count = attr.query.prog_cnt;
	*attach_flags = attr.query.attach_flags;
	return result;
}

static unsigned id_of(int program)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr = {.info = {.bpf_fd = program, .info_len = sizeof(info), .info = (uintptr_t)&info}};
	CHECK_OK(bpf(BPF_OBJ_GET_INFO_BY_FD, &attr));
	return info.id;
}

/* Runs body in a child that is in the group; its exit code. */
static int inside(const char *path, int (*body)(void))
{
	char file[128];
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	pid_t child = fork_checked();
	if (child == 0) {
		if (put_text(file, "0") != 0)
			_exit(100);
		_exit(body());
	}
	return wait_exit(child);
}

static int open_as(const char *path, int flags)
{
	int fd = open(path, flags);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}
static int open_null(void) { return open_as("/dev/null", O_RDWR); }
static int open_zero(void) { return open_as("/dev/zero", O_RDONLY); }
static int write_zero(void) { return open_as("/dev/zero", O_WRONLY); }
static int access_zero(void) { return access("/dev/zero", R_OK) ? errno : 0; }
static int exists_zero(void) { return access("/dev/zero", F_OK) ? errno : 0; }
static int path_zero(void) { return open_as("/dev/zero", O_PATH); }
static int make_null(void)
{
	int e = mknod("null", S_IFCHR | 0666, makedev(1, 3)) ? errno : 0;
	unlink("null");
	return e;
}
static int make_other(void)
{
	int e = mknod("other", S_IFCHR | 0666, makedev(99, 3)) ? errno : 0;
	unlink("other");
	return e;
}
static int make_whiteout(void)
{
	int e = mknod("whiteout", S_IFCHR | 0666, 0) ? errno : 0;
	unlink("whiteout");
	return e;
}
static int make_fifo(void)
{
	int e = mkfifo("fifo", 0666) ? errno : 0;
	unlink("fifo");
	return e;
}

static void remove_groups(int levels)
{
	while (levels--)
		WAIT_UNTIL(rmdir(group[levels]) == 0);
}

TEST(load_gives_close_on_exec_descriptor)
{
	int fd = CHECK_OK(load(allow));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	char name[64] = "", link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	CHECK_OK(readlink(link, name, sizeof(name) - 1));
	CHECK_STR(name, "anon_inode:bpf-prog");
	snprintf(link, sizeof(link), "/proc/self/fdinfo/%d", fd);
	CHECK(strstr(read_text(link), "prog_type:\t15\n"));
	char byte;
	CHECK_ERR(read(fd, &byte, 1), EINVAL);
	CHECK_ERR(write(fd, &byte, 1), EINVAL);
}

TEST(verifier_refuses)
{
	static const insn uninitialised[] = {EXIT};
	static const insn two[] = {MOV64(0, 2), EXIT};
	static const insn no_end[] = {MOV64(0, 1)};
	static const insn unreachable[] = {MOV64(0, 1), EXIT, MOV64(0, 1), EXIT};
	static const insn far[] = {MOV64(0, 1), JNE(0, 0, 50), EXIT};
	static const insn endless[] = {MOV64(0, 1), I(BPF_JMP | BPF_JA, 0, 0, -1, 0), EXIT};
	static const insn frame[] = {MOV64(10, 1), EXIT};
	static const insn other_register[] = {MOV64_REG(0, 5), EXIT};
	static const insn bad_register[] = {MOV64(12, 1), MOV64(0, 1), EXIT};
	static const insn past_context[] = {LOAD(0, 1, 12), EXIT};
	static const insn before_context[] = {LOAD(0, 1, -4), EXIT};
	static const insn wide[] = {I(BPF_LDX | BPF_MEM | BPF_DW, 0, 1, 0, 0), EXIT};
	static const insn write_context[] = {MOV64(0, 1), I(BPF_STX | BPF_MEM | BPF_W, 1, 0, 0, 0), EXIT};
	static const insn below_stack[] = {MOV64(0, 1), I(BPF_STX | BPF_MEM | BPF_DW, 10, 0, -520, 0), EXIT};
	static const insn number_as_pointer[] = {MOV64(2, 0), LOAD(0, 2, 0), EXIT};
	static const insn divide[] = {MOV64(0, 1), I(BPF_ALU64 | BPF_DIV | BPF_K, 0, 0, 0, 0), EXIT};
	static const insn shift[] = {MOV64(0, 1), I(BPF_ALU64 | BPF_LSH | BPF_K, 0, 0, 0, 64), EXIT};
	static const insn unknown_code[] = {MOV64(0, 1), I(0xff, 0, 0, 0, 0), EXIT};
	static const insn context_out[] = {MOV64_REG(0, 1), EXIT};
	static const insn any_number[] = {LOAD(0, 1, 4), EXIT};

	CHECK_ERR(load(uninitialised), EACCES);
	CHECK_ERR(load(two), EINVAL);
	CHECK_ERR(load(no_end), EINVAL);
	CHECK_ERR(load(unreachable), EINVAL);
	CHECK_ERR(load(far), EINVAL);
	CHECK_ERR(load(endless), EINVAL);
	CHECK_ERR(load(frame), EACCES);
	CHECK_ERR(load(other_register), EACCES);
	CHECK_ERR(load(bad_register), EINVAL);
	CHECK_ERR(load(past_context), EACCES);
	CHECK_ERR(load(before_context), EACCES);
	CHECK_ERR(load(wide), EACCES);
	CHECK_ERR(load(write_context), EACCES);
	CHECK_ERR(load(below_stack), EACCES);
	CHECK_ERR(load(number_as_pointer), EACCES);
	CHECK_ERR(load(divide), EINVAL);
	CHECK_ERR(load(shift), EINVAL);
	CHECK_ERR(load(unknown_code), EINVAL);
	CHECK_ERR(load(context_out), EINVAL);
	CHECK_ERR(load(any_number), EINVAL);
}

TEST(verifier_accepts)
{
	/* Masked into range, spilled and read back, compared, both ends of the access type. */
	static const insn masked[] = {LOAD(0, 1, 4), AND32(0, 1), EXIT};
	static const insn spilled[] = {
		I(BPF_STX | BPF_MEM | BPF_DW, 10, 1, -8, 0), I(BPF_LDX | BPF_MEM | BPF_DW, 6, 10, -8, 0), LOAD(2, 6, 8),
		I(BPF_ST | BPF_MEM | BPF_W, 10, 0, -12, 1), LOAD(3, 10, -12), MOV64(0, 0), JNE_REG(2, 3, 1),
		MOV64(0, 1), EXIT,
	};
	static const insn parts[] = {
		I(BPF_LDX | BPF_MEM | BPF_H, 2, 1, 0, 0), I(BPF_LDX | BPF_MEM | BPF_B, 3, 1, 2, 0), MOV64(0, 1), EXIT,
	};
	static const insn refined[] = {
		LOAD(0, 1, 4), I(BPF_JMP | BPF_JGT | BPF_K, 0, 0, 1, 1), EXIT, MOV64(0, 0), EXIT,
	};
	static const insn wide_constant[] = {
		I(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 1), I(0, 0, 0, 0, 0), EXIT,
	};
	CHECK_OK(load(masked));
	CHECK_OK(load(spilled));
	CHECK_OK(load(parts));
	CHECK_OK(load(refined));
	CHECK_OK(load(wide_constant));
	CHECK_OK(load(only_null));
	CHECK_OK(load(read_zero));
}

TEST(log_says_why)
{
	static const insn bad[] = {MOV64_REG(0, 5), EXIT};
	CHECK_ERR(load_logged(bad, 2), EACCES);
	CHECK(strstr(verifier_log, "R5 !read_ok"));
	CHECK_OK(load_logged(allow, 2));
	CHECK(strstr(verifier_log, "processed 2 insns"));
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = 2, .insns = (uintptr_t)allow,
		.license = (uintptr_t)"GPL", .log_level = 1, .log_size = 10, .log_buf = (uintptr_t)verifier_log};
	CHECK_ERR(bpf(BPF_PROG_LOAD, &attr), EINVAL);
	attr.log_size = sizeof(verifier_log);
	attr.log_buf = 0;
	CHECK_ERR(bpf(BPF_PROG_LOAD, &attr), EINVAL);
	attr.log_buf = (uintptr_t)bad_address();
	CHECK_ERR(bpf(BPF_PROG_LOAD, &attr), EFAULT);
}

TEST(bad_arguments)
{
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = 0, .insns = (uintptr_t)allow,
		.license = (uintptr_t)"GPL"};
	CHECK_ERR(bpf(BPF_PROG_LOAD, &attr), E2BIG);
	attr.insn_cnt = 1000001;
	CHECK_ERR(bpf(BPF_PROG_LOAD, &attr), E2BIG);
	attr.insn_cnt = 2;
	attr.insns = (uintptr_t)bad_address();
	CHECK_ERR(bpf(BPF_PROG_LOAD, &attr), EFAULT);
	attr.insns = (uintptr_t)allow;
	attr.license = (uintptr_t)bad_address();
	CHECK_ERR(bpf(BPF_PROG_LOAD, &attr), EFAULT);
	attr.license = (uintptr_t)"GPL";
	strcpy(attr.prog_name, "a b");
	CHECK_ERR(bpf(BPF_PROG_LOAD, &attr), EINVAL);
	memset(attr.prog_name, 'x', sizeof(attr.prog_name));
	CHECK_ERR(bpf(BPF_PROG_LOAD, &attr), EINVAL);
	memset(attr.prog_name, 0, sizeof(attr.prog_name));
	attr.prog_type = 9999;
	CHECK_ERR(bpf(BPF_PROG_LOAD, &attr), EINVAL);
	CHECK_ERR(syscall(SYS_bpf, 9999, &attr, sizeof(attr)), EINVAL);
	CHECK_ERR(syscall(SYS_bpf, BPF_PROG_LOAD, bad_address(), sizeof(attr)), EFAULT);
	CHECK_ERR(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, 5000), E2BIG);
	char longer[sizeof(attr) + 8] = {0};
	longer[sizeof(attr) + 3] = 1;
	CHECK_ERR(syscall(SYS_bpf, BPF_PROG_LOAD, longer, sizeof(longer)), E2BIG);
}

TEST(unprivileged)
{
	int program = CHECK_OK(load(deny)), target = make_group(0);
	union bpf_attr by_id = {.prog_id = id_of(program)}, next = {.start_id = 0};
	unsigned ids[4], count = 4, flags;
	CHECK_OK(attach(target, program, BPF_F_ALLOW_MULTI));
	become_nobody();
	CHECK_ERR(load(allow), EPERM);
	CHECK_ERR(bpf(BPF_PROG_GET_FD_BY_ID, &by_id), EPERM);
	CHECK_ERR(bpf(BPF_PROG_GET_NEXT_ID, &next), EPERM);
	CHECK_ERR(query(target, 0, ids, &count, &flags), EPERM);
}

TEST(numbers_and_facts)
{
	union bpf_attr load_attr = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = 2, .insns = (uintptr_t)allow,
		.license = (uintptr_t)"GPL", .prog_name = "some_name"};
	int program = CHECK_OK(bpf(BPF_PROG_LOAD, &load_attr));
	insn copy[2] = {0};
	struct bpf_prog_info info = {.xlated_prog_len = sizeof(copy), .xlated_prog_insns = (uintptr_t)copy};
	union bpf_attr attr = {.info = {.bpf_fd = program, .info_len = sizeof(info), .info = (uintptr_t)&info}};
	CHECK_OK(bpf(BPF_OBJ_GET_INFO_BY_FD, &attr));
	CHECK_EQ(attr.info.info_len, sizeof(info));
	CHECK_EQ(info.type, BPF_PROG_TYPE_CGROUP_DEVICE);
	CHECK_STR(info.name, "some_name");
	CHECK_EQ(info.xlated_prog_len, sizeof(copy));
	CHECK_EQ(memcmp(copy, allow, sizeof(copy)), 0);
	CHECK_EQ(info.created_by_uid, 0);
	CHECK_EQ(info.gpl_compatible, 1);
	CHECK_EQ(info.nr_map_ids, 0);
	CHECK_EQ(info.tag[0], 0x57); /* SHA-1 of r0 = 1; exit */
	CHECK_EQ(info.tag[1], 0xcd);

	union bpf_attr by_id = {.prog_id = info.id};
	int again = CHECK_OK(bpf(BPF_PROG_GET_FD_BY_ID, &by_id));
	CHECK_EQ(id_of(again), info.id);
	union bpf_attr next = {.start_id = info.id - 1};
	CHECK_OK(bpf(BPF_PROG_GET_NEXT_ID, &next));
	CHECK_EQ(next.next_id, info.id);
	close(program);
	close(again);
	/* Linux frees a moment later. */
	int gone;
	WAIT_UNTIL((gone = bpf(BPF_PROG_GET_FD_BY_ID, &by_id)) == -1 || (close(gone), 0));
	CHECK_ERR(bpf(BPF_PROG_GET_FD_BY_ID, &by_id), ENOENT);
	union bpf_attr info_bad = {.info = {.bpf_fd = 0, .info_len = sizeof(info), .info = (uintptr_t)&info}};
	CHECK_ERR(bpf(BPF_OBJ_GET_INFO_BY_FD, &info_bad), EINVAL);
	info_bad.info.bpf_fd = 999;
	CHECK_ERR(bpf(BPF_OBJ_GET_INFO_BY_FD, &info_bad), EBADFD);
}

/* What runc asks to learn whether BPF_F_REPLACE is known. */
TEST(probe_of_replace)
{
	int program = CHECK_OK(load(allow)), null = CHECK_OK(open("/dev/null", O_RDONLY));
	CHECK_ERR(replace(null, program, program, BPF_F_ALLOW_MULTI | BPF_F_REPLACE), EBADF);
	CHECK_ERR(attach(999, program, 0), EBADF);
	CHECK_ERR(attach(null, 999, 0), EBADF);
	CHECK_ERR(attach(null, null, 0), EINVAL);
	CHECK_ERR(attach(null, program, 1u << 10), EINVAL);
}

/* How libraries find out whether there is BPF_PROG_ATTACH: by a program for packets,
	which is no program for devices. */
TEST(probe_of_attach)
{
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_SKB, .insn_cnt = 2, .insns = (uintptr_t)allow,
		.license = (uintptr_t)"MIT"};
	int program = CHECK_OK(bpf(BPF_PROG_LOAD, &attr));
	int target = make_group(0);

	CHECK_ERR(attach(target, program, 0), EINVAL);
	close(program);
	close(target);
	CHECK_OK(rmdir(group[0]));
}

TEST(program_decides)
{
	int target = make_group(0);
	CHECK_OK(attach(target, CHECK_OK(load(only_null)), BPF_F_ALLOW_MULTI));
	CHECK_EQ(inside(group[0], open_null), 0);
	CHECK_EQ(inside(group[0], open_zero), EPERM);
	CHECK_EQ(inside(group[0], access_zero), EPERM);
	CHECK_EQ(inside(group[0], exists_zero), EPERM);
	CHECK_EQ(inside(group[0], path_zero), 0);
	CHECK_EQ(inside(group[0], make_null), 0);
	CHECK_EQ(inside(group[0], make_other), EPERM);
	CHECK_EQ(inside(group[0], make_whiteout), 0);
	CHECK_EQ(inside(group[0], make_fifo), 0);
	CHECK_EQ(open_zero(), 0);
	remove_groups(1);
}

TEST(kinds_of_access)
{
	int target = make_group(0);
	CHECK_OK(attach(target, CHECK_OK(load(read_zero)), 0));
	CHECK_EQ(inside(group[0], open_zero), 0);
	CHECK_EQ(inside(group[0], write_zero), EPERM);
	CHECK_EQ(inside(group[0], make_other), EPERM);
	remove_groups(1);
}

TEST(open_descriptors_stay)
{
	int fd = CHECK_OK(open("/dev/zero", O_RDONLY)), target = make_group(0);
	char byte = 1;
	CHECK_OK(attach(target, CHECK_OK(load(deny)), 0));
	char file[128];
	snprintf(file, sizeof(file), "%s/cgroup.procs", group[0]);
	CHECK_OK(put_text(file, "0"));
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK_ERR(open("/dev/zero", O_RDONLY), EPERM);
	CHECK_OK(put_text(ROOT "/cgroup.procs", "0"));
	CHECK_OK(open("/dev/zero", O_RDONLY));
	remove_groups(1);
}

TEST(groups_below_are_ruled_too)
{
	int above = make_group(0), below = make_group(1);
	CHECK_OK(attach(above, CHECK_OK(load(deny)), 0));
	CHECK_EQ(inside(group[1], open_null), EPERM);
	CHECK_ERR(attach(below, CHECK_OK(load(allow)), 0), EPERM);
	CHECK_ERR(attach(below, CHECK_OK(load(allow)), BPF_F_ALLOW_MULTI), EPERM);
	CHECK_OK(detach(above, -1));
	CHECK_EQ(inside(group[1], open_null), 0);
	remove_groups(2);
}

TEST(allow_override)
{
	int above = make_group(0), below = make_group(1);
	CHECK_OK(attach(above, CHECK_OK(load(deny)), BPF_F_ALLOW_OVERRIDE));
	CHECK_EQ(inside(group[1], open_null), EPERM);
	CHECK_OK(attach(below, CHECK_OK(load(allow)), BPF_F_ALLOW_OVERRIDE));
	CHECK_EQ(inside(group[1], open_null), 0);
	CHECK_EQ(inside(group[0], open_null), EPERM);
	/* A second one takes the place of the first. */
	CHECK_OK(attach(below, CHECK_OK(load(deny)), BPF_F_ALLOW_OVERRIDE));
	CHECK_EQ(inside(group[1], open_null), EPERM);
	CHECK_ERR(attach(below, CHECK_OK(load(allow)), BPF_F_ALLOW_MULTI), EPERM);
	remove_groups(2);
}

TEST(allow_multi)
{
	int above = make_group(0), below = make_group(1);
	int a = CHECK_OK(load(allow)), b = CHECK_OK(load(allow)), no = CHECK_OK(load(deny));
	unsigned ids[4] = {0}, count = 4, flags = 99;
	CHECK_OK(attach(above, a, BPF_F_ALLOW_MULTI));
	CHECK_ERR(attach(above, a, BPF_F_ALLOW_MULTI), EINVAL);
	CHECK_OK(attach(above, b, BPF_F_ALLOW_MULTI));
	CHECK_EQ(inside(group[1], open_null), 0);
	CHECK_OK(attach(below, no, BPF_F_ALLOW_MULTI));
	CHECK_EQ(inside(group[1], open_null), EPERM);
	CHECK_EQ(inside(group[0], open_null), 0);

	CHECK_OK(query(above, 0, ids, &count, &flags));
	CHECK_EQ(count, 2);
	CHECK_EQ(ids[0], id_of(a));
	CHECK_EQ(ids[1], id_of(b));
	CHECK_EQ(flags, BPF_F_ALLOW_MULTI);
	count = 1;
	ids[1] = 0;
	CHECK_ERR(query(above, 0, ids, &count, &flags), ENOSPC);
	CHECK_EQ(count, 2);
	CHECK_EQ(ids[0], id_of(a));
	CHECK_EQ(ids[1], 0);
	count = 0;
	CHECK_OK(query(above, 0, NULL, &count, &flags));
	CHECK_EQ(count, 2);
	count = 4;
	CHECK_OK(query(below, BPF_F_QUERY_EFFECTIVE, ids, &count, &flags));
	CHECK_EQ(count, 3);
	CHECK_EQ(ids[0], id_of(no));
	CHECK_EQ(flags, 0);

	CHECK_OK(replace(above, no, b, BPF_F_ALLOW_MULTI | BPF_F_REPLACE));
	CHECK_EQ(inside(group[0], open_null), EPERM);
	CHECK_ERR(replace(above, b, CHECK_OK(load(allow)), BPF_F_ALLOW_MULTI | BPF_F_REPLACE), ENOENT);
	CHECK_ERR(attach(above, b, BPF_F_ALLOW_MULTI | BPF_F_ALLOW_OVERRIDE), EINVAL);
	CHECK_ERR(replace(above, b, no, BPF_F_REPLACE), EINVAL);
	CHECK_ERR(detach(above, b), ENOENT);
	CHECK_ERR(detach(above, -1), EINVAL);
	CHECK_OK(detach(above, no));
	CHECK_OK(detach(above, a));
	count = 4;
	CHECK_OK(query(above, 0, ids, &count, &flags));
	CHECK_EQ(count, 0);
	CHECK_EQ(flags, 0);
	CHECK_ERR(detach(above, a), ENOENT);
	remove_groups(2);
}

TEST(many_on_one_group)
{
	int target = make_group(0);
	for (int n = 0; n < 64; n++)
		CHECK_OK(attach(target, CHECK_OK(load(allow)), BPF_F_ALLOW_MULTI));
	CHECK_ERR(attach(target, CHECK_OK(load(allow)), BPF_F_ALLOW_MULTI), E2BIG);
	CHECK_EQ(inside(group[0], open_null), 0);
	remove_groups(1);
}

TEST(program_lives_with_its_group)
{
	int target = make_group(0), program = CHECK_OK(load(deny));
	union bpf_attr by_id = {.prog_id = id_of(program)};
	CHECK_OK(attach(target, program, 0));
	close(program);
	program = CHECK_OK(bpf(BPF_PROG_GET_FD_BY_ID, &by_id));
	close(program);
	close(target);
	remove_groups(1);
	int fd;
	WAIT_UNTIL((fd = bpf(BPF_PROG_GET_FD_BY_ID, &by_id)) < 0 || (close(fd), 0));
	CHECK_EQ(errno, ENOENT);
}
