// SPDX-License-Identifier: MPL-2.0
// New processes and threads: fork, vfork, clone, clone3. source: clone(2)
#pragma once
#include <services/process/thread.h>

struct file;
struct time_namespace;
#define CLONE_VM 0x100ul
#define CLONE_FS 0x200ul
#define CLONE_FILES 0x400ul
#define CLONE_SIGHAND 0x800ul
#define CLONE_PIDFD 0x1000ul
#define CLONE_PTRACE 0x2000ul
#define CLONE_VFORK 0x4000ul
#define CLONE_PARENT 0x8000ul
#define CLONE_THREAD 0x10000ul
#define CLONE_NEWNS 0x20000ul
#define CLONE_SYSVSEM 0x40000ul
#define CLONE_SETTLS 0x80000ul
#define CLONE_PARENT_SETTID 0x100000ul
#define CLONE_CHILD_CLEARTID 0x200000ul
#define CLONE_DETACHED 0x400000ul
#define CLONE_UNTRACED 0x800000ul
#define CLONE_CHILD_SETTID 0x1000000ul
#define CLONE_NEWCGROUP 0x2000000ul
#define CLONE_NEWUTS 0x4000000ul
#define CLONE_NEWIPC 0x8000000ul
#define CLONE_NEWUSER 0x10000000ul
#define CLONE_NEWPID 0x20000000ul
#define CLONE_NEWNET 0x40000000ul
#define CLONE_IO 0x80000000ul
#define CLONE_CLEAR_SIGHAND 0x100000000ul
#define CLONE_INTO_CGROUP 0x200000000ul
#define CLONE_NEWTIME 0x80ul
#define CLONE_NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

struct clone_request {
	u64 flags;
	u64 stack;		// initial rsp; 0: the parent's
	u64 tls;
	user_addr_t parent_tid, child_tid, pidfd;
	u32 exit_signal;
	u32 set_tid_count;
	u32 set_tid[PID_LEVELS_MAX];	// innermost namespace first
	struct cgroup *cgroup;	// CLONE_INTO_CGROUP; borrowed
};
// The new thread's number as the caller sees it, or an error. => may sleep
ssize_r thread_clone(const struct clone_request *request borrowed);
// Makes the process that becomes pid 1; it runs `start` (in its own context, in the kernel) and then
// user mode with the registers that `start` has left. For kernel_main.
err_t process_create_init(void (*start)(struct thread *self));
// CLONE_INTO_CGROUP: the group behind a descriptor of its folder; registered by services/fs/cgroupfs.
// -EBADF while nobody has registered.
err_t clone_cgroup_from_fd(u64 fd, struct cgroup **out borrowed);
void clone_set_cgroup_lookup(err_t (*lookup)(struct file *f, struct cgroup **out borrowed));
// A child lives in another time namespace than its parent: the clocks in its new memory follow. Registered by the vDSO.
void clone_set_time_hook(err_t (*join)(struct vm_space *s, struct time_namespace *n));
// The set and credentials of a child or of unshare's caller: with the namespaces of `flags` new, `fs` being
// the private context of who will live there. `into`: whether a new pid or time namespace is entered (a
// child) or kept for children (unshare).
enum namespaces_use { NAMESPACES_FOR_CHILD, NAMESPACES_FOR_UNSHARE };
err_t namespaces_make(u64 flags, enum namespaces_use use, struct cred *cred, struct fs_context *fs,
	struct namespace_set **out borrowed);
