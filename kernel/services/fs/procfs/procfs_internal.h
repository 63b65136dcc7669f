// SPDX-License-Identifier: MPL-2.0
// Between the files of this folder. Subject of the root: a proc_instance; of everything below /proc/PID: a
// proc_subject. Content is made by `show` functions while somebody reads.
#pragma once
#include <services/process/process_tree.h>
#include <services/process/thread.h>
#include <services/vfs/pseudo/pseudo.h>

struct proc_instance {
	struct object object;
	struct pid_namespace *pids;	// reference; immutable
	struct atomic_u32 hide;		// enum proc_hide; mount and remount options, as the next two
	struct atomic_u32 hide_group;	// kernel gid that sees all the same
	struct atomic_u32 only_processes;
	u32 is_found;			// by the namespace's number, see instances.c; instances_lock
};
DECLARE_OBJECT(proc_instance)
// hidepid=: processes that the reader may not look into (proc(5)).
enum proc_hide {
	PROC_HIDE_OFF,
	PROC_HIDE_CONTENT,	// their folders are there, what is in them is not for others
	PROC_HIDE_FOLDERS,	// they do not seem to be there
	PROC_HIDE_UNTRACEABLE = 4	// whatever the group says
};
struct proc_instance *proc_instance_of(struct pseudo_inode *n);	// borrowed
// Takes the options of mount(2) over; unknown or bad ones: -EINVAL, nothing changed.
err_t proc_options_apply(struct proc_instance *i, bytes_t options, const struct cred *cred borrowed);
err_t proc_option_check(bytes_t key, bytes_t value, const struct cred *cred borrowed);
void proc_options_show(struct proc_instance *i, struct text *out borrowed);
// Does the caller see that process when processes are hidden at `level` or above?
bool proc_is_shown(struct proc_instance *i, struct thread *t /* NULL: a zombie */, enum proc_hide level);
struct proc_subject {
	struct object object;
	struct pid *pid;		// reference; immutable
	u32 is_thread;			// below task/; immutable
};
DECLARE_OBJECT(proc_subject)
// Whose numbers this mount shows; borrowed.
struct pid_namespace *proc_pids(struct pseudo_inode *n);
struct proc_subject *proc_subject_of(struct pseudo_inode *n);	// borrowed; traps outside /proc/PID
// A process with its main thread, or the thread of task/TID. References or NULL when it is gone.
struct process *proc_process(struct pseudo_inode *n) owned;
struct thread *proc_thread(struct pseudo_inode *n) owned;	// NULL also for a zombie
struct vm_space *proc_space(struct pseudo_inode *n) owned;
// The caller's user namespace: whose numbers ids are shown in.
struct user_namespace *proc_user_namespace(void);
// What the boot clock of the caller's time namespace is ahead.
u64 proc_boot_offset_ns(void);
// May the caller look into the process (ptrace read rule)?
err_t proc_may_read(struct pseudo_inode *n);

// instances.c: the names of a process that is gone leave the dentry cache at once.
void proc_instance_enter(struct proc_instance *i, struct superblock *sb);
void proc_instance_leave(struct proc_instance *i) exclusive_access;
void proc_forget_pid(struct pid *pid);

// Makes the node of a process or thread.
err_t proc_directory_create(
	struct pseudo_inode *dir, bytes_t name, struct pid *pid, u32 is_thread, struct inode **out borrowed);
bool proc_directory_revalidate(struct pseudo_inode *dir, bytes_t name, struct inode *child);

extern const struct pseudo_kind proc_timens_kind;
extern const struct pseudo_kind proc_process_kind, proc_task_kind, proc_thread_kind;
extern const struct pseudo_kind proc_fd_kind, proc_fdinfo_kind, proc_ns_kind, proc_sys_kind, proc_net_kind,
	proc_sysvipc_kind, proc_pressure_kind;
extern const struct pseudo_kind proc_keys_kind, proc_key_users_kind;
const struct pseudo_entry *proc_system_entry(u32 index);	// system.c: files of the root
const struct pseudo_entry *proc_status_entry(u32 index);	// process_status.c

// A kind that only shows text, and its entry in a table.
#define PROC_TEXT(name_, show_) static const struct pseudo_kind name_##_kind = { .show = show_ }
#define PROC_FILE(text, mode_, kind_) { .name = text, .mode = S_IFREG | (mode_), .kind = &(kind_) }
#define PROC_FOLDER(text, mode_, kind_) { .name = text, .mode = S_IFDIR | (mode_), .kind = &(kind_) }
#define PROC_LINK(text, kind_) { .name = text, .mode = S_IFLNK | 0777, .kind = &(kind_) }
// Clock ticks (USER_HZ) of nanoseconds.
#define PROC_TICK_NS 10000000ul
