// SPDX-License-Identifier: MPL-2.0
// Theory: what is listed is allowed, as podman and Docker do it, and Docker's stricter half where they differ: what
// reaches beyond a container (mounts, namespaces, tracing, modules, clocks, raw ports) needs the capability that the
// kernel would ask for as well, so that an exploit does not even reach that code. What is known and refused answers
// EPERM, and whatever this list has never heard of ENOSYS, so that libraries fall back to older calls. clone3(2) has
// its flags in memory, where no filter can look, and answers ENOSYS for that reason.
//
// The program is made here and not by libseccomp in the runtime, which would translate these names afresh at every
// start, for as many instructions as the rest of the start; crun takes a finished program as an annotation.
#include "filter.h"

#include <string.h>
#include <sys/syscall.h>

// Newer than the headers of some C libraries.
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450
#endif

enum { GATED_MAX = 24 };

static const uint16_t allowed[] = {
	SYS_accept, SYS_accept4, SYS_access, SYS_adjtimex, SYS_alarm, SYS_arch_prctl, SYS_bind, SYS_brk,
	SYS_capget, SYS_capset, SYS_chdir, SYS_chmod, SYS_chown, SYS_clock_adjtime, SYS_clock_getres,
	SYS_clock_gettime, SYS_clock_nanosleep, SYS_close, SYS_close_range, SYS_connect, SYS_copy_file_range,
	SYS_creat, SYS_dup, SYS_dup2, SYS_dup3, SYS_epoll_create, SYS_epoll_create1, SYS_epoll_ctl,
	SYS_epoll_ctl_old, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_epoll_wait, SYS_epoll_wait_old, SYS_eventfd,
	SYS_eventfd2, SYS_execve, SYS_execveat, SYS_exit, SYS_exit_group, SYS_faccessat, SYS_faccessat2,
	SYS_fadvise64, SYS_fallocate, SYS_fanotify_mark, SYS_fchdir, SYS_fchmod, SYS_fchmodat, SYS_fchown,
	SYS_fchownat, SYS_fcntl, SYS_fdatasync, SYS_fgetxattr, SYS_flistxattr, SYS_flock, SYS_fork,
	SYS_fremovexattr, SYS_fsetxattr, SYS_fstat, SYS_fstatfs, SYS_fsync, SYS_ftruncate, SYS_futex,
	SYS_futex_waitv, SYS_futimesat, SYS_get_robust_list, SYS_get_thread_area, SYS_getcpu, SYS_getcwd,
	SYS_getdents, SYS_getdents64, SYS_getegid, SYS_geteuid, SYS_getgid, SYS_getgroups, SYS_getitimer,
	SYS_getpeername, SYS_getpgid, SYS_getpgrp, SYS_getpid, SYS_getppid, SYS_getpriority, SYS_getrandom,
	SYS_getresgid, SYS_getresuid, SYS_getrlimit, SYS_getrusage, SYS_getsid, SYS_getsockname,
	SYS_getsockopt, SYS_gettid, SYS_gettimeofday, SYS_getuid, SYS_getxattr, SYS_inotify_add_watch,
	SYS_inotify_init, SYS_inotify_init1, SYS_inotify_rm_watch, SYS_io_cancel, SYS_io_destroy,
	SYS_io_getevents, SYS_io_setup, SYS_io_submit, SYS_ioctl, SYS_ioprio_get, SYS_ioprio_set, SYS_kill,
	SYS_landlock_add_rule, SYS_landlock_create_ruleset, SYS_landlock_restrict_self, SYS_lchown,
	SYS_lgetxattr, SYS_link, SYS_linkat, SYS_listen, SYS_listxattr, SYS_llistxattr, SYS_lremovexattr,
	SYS_lseek, SYS_lsetxattr, SYS_lstat, SYS_madvise, SYS_membarrier, SYS_memfd_create, SYS_memfd_secret,
	SYS_mincore, SYS_mkdir, SYS_mkdirat, SYS_mknod, SYS_mknodat, SYS_mlock, SYS_mlock2, SYS_mlockall,
	SYS_mmap, SYS_modify_ldt, SYS_mprotect, SYS_mq_getsetattr, SYS_mq_notify, SYS_mq_open,
	SYS_mq_timedreceive, SYS_mq_timedsend, SYS_mq_unlink, SYS_mremap, SYS_msgctl, SYS_msgget, SYS_msgrcv,
	SYS_msgsnd, SYS_msync, SYS_munlock, SYS_munlockall, SYS_munmap, SYS_name_to_handle_at, SYS_nanosleep,
	SYS_newfstatat, SYS_open, SYS_openat, SYS_openat2, SYS_pause, SYS_pidfd_open, SYS_pidfd_send_signal,
	SYS_pipe, SYS_pipe2, SYS_pkey_alloc, SYS_pkey_free, SYS_pkey_mprotect, SYS_poll, SYS_ppoll, SYS_prctl,
	SYS_pread64, SYS_preadv, SYS_preadv2, SYS_prlimit64, SYS_process_mrelease, SYS_pselect6, SYS_pwrite64,
	SYS_pwritev, SYS_pwritev2, SYS_read, SYS_readahead, SYS_readlink, SYS_readlinkat, SYS_readv,
	SYS_recvfrom, SYS_recvmmsg, SYS_recvmsg, SYS_remap_file_pages, SYS_removexattr, SYS_rename,
	SYS_renameat, SYS_renameat2, SYS_restart_syscall, SYS_rmdir, SYS_rseq, SYS_rt_sigaction,
	SYS_rt_sigpending, SYS_rt_sigprocmask, SYS_rt_sigqueueinfo, SYS_rt_sigreturn, SYS_rt_sigsuspend,
	SYS_rt_sigtimedwait, SYS_rt_tgsigqueueinfo, SYS_sched_get_priority_max, SYS_sched_get_priority_min,
	SYS_sched_getaffinity, SYS_sched_getattr, SYS_sched_getparam, SYS_sched_getscheduler,
	SYS_sched_rr_get_interval, SYS_sched_setaffinity, SYS_sched_setattr, SYS_sched_setparam,
	SYS_sched_setscheduler, SYS_sched_yield, SYS_seccomp, SYS_select, SYS_semctl, SYS_semget, SYS_semop,
	SYS_semtimedop, SYS_sendfile, SYS_sendmmsg, SYS_sendmsg, SYS_sendto, SYS_set_robust_list,
	SYS_set_thread_area, SYS_set_tid_address, SYS_setfsgid, SYS_setfsuid, SYS_setgid, SYS_setgroups,
	SYS_setitimer, SYS_setpgid, SYS_setpriority, SYS_setregid, SYS_setresgid, SYS_setresuid, SYS_setreuid,
	SYS_setrlimit, SYS_setsid, SYS_setsockopt, SYS_setuid, SYS_setxattr, SYS_shmat, SYS_shmctl, SYS_shmdt,
	SYS_shmget, SYS_shutdown, SYS_sigaltstack, SYS_signalfd, SYS_signalfd4, SYS_socketpair, SYS_splice,
	SYS_stat, SYS_statfs, SYS_statx, SYS_symlink, SYS_symlinkat, SYS_sync, SYS_sync_file_range, SYS_syncfs,
	SYS_sysinfo, SYS_tee, SYS_tgkill, SYS_time, SYS_timer_create, SYS_timer_delete, SYS_timer_getoverrun,
	SYS_timer_gettime, SYS_timer_settime, SYS_timerfd_create, SYS_timerfd_gettime, SYS_timerfd_settime,
	SYS_times, SYS_tkill, SYS_truncate, SYS_umask, SYS_uname, SYS_unlink, SYS_unlinkat, SYS_utime,
	SYS_utimensat, SYS_utimes, SYS_vfork, SYS_wait4, SYS_waitid, SYS_write, SYS_writev,
};

// Of no use to a container, or holes of their own.
static const uint16_t refused[] = {
	SYS_add_key, SYS_io_uring_enter, SYS_io_uring_register, SYS_io_uring_setup, SYS_keyctl, SYS_nfsservctl,
	SYS_request_key, SYS_sysfs, SYS_uselib, SYS_userfaultfd, SYS_ustat, SYS_vmsplice,
};

// Allowed with the capability, refused without it. A zero ends a list: read(2) needs no capability.
static const struct {
	const char *capability;
	uint16_t numbers[GATED_MAX];
} gated[] = {
	{"CAP_SYS_ADMIN", {
		SYS_bpf, SYS_fanotify_init, SYS_fsconfig, SYS_fsmount, SYS_fsopen, SYS_fspick,
		SYS_lookup_dcookie, SYS_mount, SYS_mount_setattr, SYS_move_mount, SYS_open_tree,
		SYS_perf_event_open, SYS_pivot_root, SYS_quotactl, SYS_quotactl_fd, SYS_setdomainname,
		SYS_sethostname, SYS_setns, SYS_swapoff, SYS_swapon, SYS_umount2, SYS_unshare,
	}},
	{"CAP_SYS_PTRACE", {
		SYS_kcmp, SYS_pidfd_getfd, SYS_process_madvise, SYS_process_vm_readv, SYS_process_vm_writev,
		SYS_ptrace,
	}},
	{"CAP_DAC_READ_SEARCH", {SYS_open_by_handle_at}},
	{"CAP_SYS_CHROOT", {SYS_chroot}},
	{"CAP_SYS_MODULE", {SYS_delete_module, SYS_finit_module, SYS_init_module}},
	{"CAP_SYS_BOOT", {SYS_kexec_file_load, SYS_kexec_load, SYS_reboot}},
	{"CAP_SYS_PACCT", {SYS_acct}},
	{"CAP_SYS_RAWIO", {SYS_ioperm, SYS_iopl}},
	{"CAP_SYS_TIME", {SYS_clock_settime, SYS_settimeofday}},
	{"CAP_SYS_TTY_CONFIG", {SYS_vhangup}},
	{"CAP_SYS_NICE", {
		SYS_get_mempolicy, SYS_mbind, SYS_migrate_pages, SYS_move_pages, SYS_set_mempolicy,
		SYS_set_mempolicy_home_node,
	}},
	{"CAP_SYSLOG", {SYS_syslog}},
};

static int has(capability_set capabilities, const char *capability)
{
	return (capabilities >> capability_parse(capability) & 1) != 0;
}

void filter_decide(capability_set capabilities, uint8_t decisions[FILTER_NUMBERS])
{
	memset(decisions, FILTER_UNKNOWN, FILTER_NUMBERS);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		decisions[allowed[i]] = FILTER_ALLOW;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		decisions[refused[i]] = FILTER_REFUSE;
	for (size_t i = 0; i < sizeof(gated) / sizeof(gated[0]); i++) {
		int decision = has(capabilities, gated[i].capability) ? FILTER_ALLOW : FILTER_REFUSE;

		for (size_t at = 0; at < GATED_MAX && gated[i].numbers[at] != 0; at++)
			decisions[gated[i].numbers[at]] = (uint8_t)decision;
	}
	decisions[SYS_personality] = FILTER_PERSONALITY;
	decisions[SYS_socket] = has(capabilities, "CAP_AUDIT_WRITE") ? FILTER_ALLOW : FILTER_SOCKET;
	// New namespaces by clone(2) are what unshare(2) is.
	decisions[SYS_clone] = has(capabilities, "CAP_SYS_ADMIN") ? FILTER_ALLOW : FILTER_CLONE;
	decisions[SYS_clone3] = has(capabilities, "CAP_SYS_ADMIN") ? FILTER_ALLOW : FILTER_UNKNOWN;
}
