// SPDX-License-Identifier: MPL-2.0
// Theory: what is listed is allowed, as podman and Docker do it, and Docker's stricter half where they differ: what
// reaches beyond a container (mounts, namespaces, tracing, modules, clocks, raw ports) needs the capability that the
// kernel would ask for as well, so that an exploit does not even reach that code. What is known and refused answers
// EPERM, and whatever this list has never heard of ENOSYS, so that libraries fall back to older calls. clone3(2) has
// its flags in memory, where no filter can look, and answers ENOSYS for that reason.
#include "filter.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { NETLINK_AUDIT_PROTOCOL = 9, PERSONALITY_QUERY_32 = 0x20000, PERSONALITY_LINUX32 = 8 };

static const char *const allowed[] = {
	"accept", "accept4", "access", "adjtimex", "alarm", "arch_prctl", "bind", "brk", "capget", "capset",
	"chdir", "chmod", "chown", "clock_adjtime", "clock_getres", "clock_gettime", "clock_nanosleep", "close",
	"close_range", "connect", "copy_file_range", "creat", "dup", "dup2", "dup3", "epoll_create",
	"epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2", "epoll_wait",
	"epoll_wait_old", "eventfd", "eventfd2", "execve", "execveat", "exit", "exit_group", "faccessat",
	"faccessat2", "fadvise64", "fallocate", "fanotify_mark", "fchdir", "fchmod", "fchmodat", "fchown",
	"fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fork", "fremovexattr", "fsetxattr",
	"fstat", "fstatfs", "fsync", "ftruncate", "futex", "futex_waitv", "futimesat", "get_robust_list",
	"get_thread_area", "getcpu", "getcwd", "getdents", "getdents64", "getegid", "geteuid", "getgid",
	"getgroups", "getitimer", "getpeername", "getpgid", "getpgrp", "getpid", "getppid", "getpriority",
	"getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "getsockname", "getsockopt",
	"gettid", "gettimeofday", "getuid", "getxattr", "inotify_add_watch", "inotify_init", "inotify_init1",
	"inotify_rm_watch", "io_cancel", "io_destroy", "io_getevents", "io_setup", "io_submit", "ioctl",
	"ioprio_get", "ioprio_set", "kill", "landlock_add_rule", "landlock_create_ruleset",
	"landlock_restrict_self", "lchown", "lgetxattr", "link", "linkat", "listen", "listxattr", "llistxattr",
	"lremovexattr", "lseek", "lsetxattr", "lstat", "madvise", "membarrier", "memfd_create", "memfd_secret",
	"mincore", "mkdir", "mkdirat", "mknod", "mknodat", "mlock", "mlock2", "mlockall", "mmap", "modify_ldt",
	"mprotect", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink",
	"mremap", "msgctl", "msgget", "msgrcv", "msgsnd", "msync", "munlock", "munlockall", "munmap",
	"name_to_handle_at", "nanosleep", "newfstatat", "open", "openat", "openat2", "pause", "pidfd_open",
	"pidfd_send_signal", "pipe", "pipe2", "pkey_alloc", "pkey_free", "pkey_mprotect", "poll", "ppoll", "prctl",
	"pread64", "preadv", "preadv2", "prlimit64", "process_mrelease", "pselect6", "pwrite64", "pwritev",
	"pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "recvfrom", "recvmmsg", "recvmsg",
	"remap_file_pages", "removexattr", "rename", "renameat", "renameat2", "restart_syscall", "rmdir", "rseq",
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
	"rt_sigtimedwait", "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min",
	"sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
	"sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp",
	"select", "semctl", "semget", "semop", "semtimedop", "sendfile", "sendmmsg", "sendmsg", "sendto",
	"set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsuid", "setgid", "setgroups",
	"setitimer", "setpgid", "setpriority", "setregid", "setresgid", "setresuid", "setreuid", "setrlimit",
	"setsid", "setsockopt", "setuid", "setxattr", "shmat", "shmctl", "shmdt", "shmget", "shutdown",
	"sigaltstack", "signalfd", "signalfd4", "socketpair", "splice", "stat", "statfs", "statx", "symlink",
	"symlinkat", "sync", "sync_file_range", "syncfs", "sysinfo", "tee", "tgkill", "time", "timer_create",
	"timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime",
	"timerfd_settime", "times", "tkill", "truncate", "umask", "uname", "unlink", "unlinkat", "utime",
	"utimensat", "utimes", "vfork", "wait4", "waitid", "write", "writev", NULL,
};

// Of no use to a container, or holes of their own.
static const char *const refused[] = {
	"add_key", "io_uring_enter", "io_uring_register", "io_uring_setup", "keyctl", "nfsservctl", "request_key",
	"sysfs", "uselib", "userfaultfd", "ustat", "vmsplice", NULL,
};

// Allowed with the capability, refused without it.
static const struct {
	const char *capability;
	const char *names[24];
} gated[] = {
	        {"CAP_SYS_ADMIN", {"bpf", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick",
	 "lookup_dcookie", "mount", "mount_setattr", "move_mount", "open_tree", "perf_event_open", "pivot_root",
	 "quotactl", "quotactl_fd", "setdomainname", "sethostname", "setns", "swapoff", "swapon", "umount2",
	 "unshare"}},
	        {"CAP_SYS_PTRACE", {"kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv",
	 "process_vm_writev", "ptrace"}},
	        {"CAP_DAC_READ_SEARCH", {"open_by_handle_at"}},
	        {"CAP_SYS_CHROOT", {"chroot"}},
	        {"CAP_SYS_MODULE", {"delete_module", "finit_module", "init_module"}},
	        {"CAP_SYS_BOOT", {"kexec_file_load", "kexec_load", "reboot"}},
	        {"CAP_SYS_PACCT", {"acct"}},
	        {"CAP_SYS_RAWIO", {"ioperm", "iopl"}},
	        {"CAP_SYS_TIME", {"clock_settime", "settimeofday"}},
	        {"CAP_SYS_TTY_CONFIG", {"vhangup"}},
	        {"CAP_SYS_NICE", {"get_mempolicy", "mbind", "migrate_pages", "move_pages", "set_mempolicy",
	 "set_mempolicy_home_node"}},
	        {"CAP_SYSLOG", {"syslog"}},
};

static int has(const struct unit *unit, const char *capability)
{
	return (unit->capabilities >> capability_parse(capability) & 1) != 0;
}

static void begin_rule(struct json_writer *json, const char *const *names, int error)
{
	json_begin_object(json, NULL);
	json_strings(json, "names", names);
	json_string(json, "action", error == 0 ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO");
	if (error != 0)
		json_number(json, "errnoRet", error);
}

static void print_rule(struct json_writer *json, const char *const *names, int error)
{
	begin_rule(json, names, error);
	json_end_object(json);
}

static void print_argument(struct json_writer *json, int index, const char *comparison, int64_t value,
			   int64_t value_two)
{
	json_begin_object(json, NULL);
	json_number(json, "index", index);
	json_number(json, "value", value);
	json_number(json, "valueTwo", value_two);
	json_string(json, "op", comparison);
	json_end_object(json);
}

static void print_rule_for(struct json_writer *json, const char *name, int error, int index, const char *comparison,
			   int64_t value, int64_t value_two)
{
	const char *const names[] = {name, NULL};

	begin_rule(json, names, error);
	json_begin_list(json, "args");
	print_argument(json, index, comparison, value, value_two);
	json_end_list(json);
	json_end_object(json);
}

// New namespaces by clone(2) are what unshare(2) is.
static void print_clone(struct json_writer *json, const struct unit *unit)
{
	static const int64_t flags[] = {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
					CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};
	static const char *const both[] = {"clone", "clone3", NULL}, *const clone3[] = {"clone3", NULL};
	int64_t all = 0;

	if (has(unit, "CAP_SYS_ADMIN")) {
		print_rule(json, both, 0);
		return;
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		print_rule_for(json, "clone", EPERM, 0, "SCMP_CMP_MASKED_EQ", flags[i], flags[i]);
		all |= flags[i];
	}
	print_rule_for(json, "clone", 0, 0, "SCMP_CMP_MASKED_EQ", all, 0);
	print_rule(json, clone3, ENOSYS);
}

// Other personalities switch protections off.
static void print_personality(struct json_writer *json)
{
	static const int64_t values[] = {0, PERSONALITY_LINUX32, PERSONALITY_QUERY_32,
					 PERSONALITY_QUERY_32 | PERSONALITY_LINUX32, 0xffffffff};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		print_rule_for(json, "personality", 0, 0, "SCMP_CMP_EQ", values[i], 0);
}

// Every socket but the one that writes the audit log.
static void print_socket(struct json_writer *json, const struct unit *unit)
{
	static const char *const names[] = {"socket", NULL};

	if (has(unit, "CAP_AUDIT_WRITE")) {
		print_rule(json, names, 0);
		return;
	}
	print_rule_for(json, "socket", 0, 0, "SCMP_CMP_NE", AF_NETLINK, 0);
	print_rule_for(json, "socket", 0, 2, "SCMP_CMP_NE", NETLINK_AUDIT_PROTOCOL, 0);
	begin_rule(json, names, EINVAL);
	json_begin_list(json, "args");
	print_argument(json, 0, "SCMP_CMP_EQ", AF_NETLINK, 0);
	print_argument(json, 2, "SCMP_CMP_EQ", NETLINK_AUDIT_PROTOCOL, 0);
	json_end_list(json);
	json_end_object(json);
}

void filter_print(struct json_writer *json, const struct unit *unit)
{
	static const char *const machines[] = {"SCMP_ARCH_X86_64", NULL};

	if ((unit->flags & UNIT_NO_FILTER) != 0)
		return;
	json_begin_object(json, "seccomp");
	json_string(json, "defaultAction", "SCMP_ACT_ERRNO");
	json_number(json, "defaultErrnoRet", ENOSYS);
	json_strings(json, "architectures", machines);
	json_begin_list(json, "syscalls");
	print_rule(json, allowed, 0);
	print_rule(json, refused, EPERM);
	for (size_t i = 0; i < sizeof(gated) / sizeof(gated[0]); i++)
		print_rule(json, gated[i].names, has(unit, gated[i].capability) ? 0 : EPERM);
	print_clone(json, unit);
	print_personality(json);
	print_socket(json, unit);
	json_end_list(json);
	json_end_object(json);
}
