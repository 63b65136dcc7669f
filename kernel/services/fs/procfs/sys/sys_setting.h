// SPDX-License-Identifier: MPL-2.0
// Settings under /proc/sys that are numbers: a table row each. Inside procfs.
#pragma once
#include <core/atomic.h>
#include <services/vfs/pseudo/pseudo.h>

struct proc_setting {
	struct atomic_u32 *value;	// the number itself, or NULL:
	// ... how it is had and changed, in the caller's namespaces. `of` is that of the row.
	u64 (*get)(u32 of);
	err_t (*set)(u32 of, u64 value);
	u32 of;
	u64 least, most;		// other numbers are refused: -EINVAL
};
// The node's value[0] points (by index) into a folder's own table: each folder has its kind.
err_t proc_setting_show(const struct proc_setting *s, struct text *out borrowed);
ssize_r proc_setting_store(const struct proc_setting *s, bytes_t data);
// Written only where the mode says so: capabilities do not help (sysctl's rule).
err_t proc_setting_permission(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed);

// name_kind: the kind of files whose value is an index into `table`.
#define PROC_SETTINGS(name_, table) \
	static err_t name_##_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed) \
	{ \
		return proc_setting_show(array_ptr(table, n->value[0]), out); \
	} \
	static ssize_r name_##_store(struct pseudo_inode *n, struct file *f, bytes_t data) \
	{ \
		return proc_setting_store(array_ptr(table, n->value[0]), data); \
	} \
	static const struct pseudo_kind name_##_kind = { .show = name_##_show, .store = name_##_store, \
		.permission = proc_setting_permission }
#define PROC_SETTING(text, kind_, index) \
	{ .name = text, .mode = S_IFREG | 0644, .kind = &(kind_), .value = (index) }
#define PROC_SYS_FOLDER(name_, table) \
	static const struct pseudo_entry *name_##_entry(u32 index) \
	{ \
		return index < array_len(table) ? array_ptr(table, index) : NULL; \
	} \
	static const struct pseudo_kind name_##_kind = { .entry_at = name_##_entry }

// The folders of other files.
extern const struct pseudo_kind proc_sys_net_kind;
extern const struct pseudo_kind proc_sys_inotify_kind, proc_sys_mqueue_kind, proc_sys_keys_kind, proc_sys_user_kind,
	proc_sys_seccomp_kind, proc_sys_yama_kind;
const struct pseudo_entry *proc_sys_ipc_entry(u32 index);	// rows of /proc/sys/kernel
err_t proc_ipc_permission(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed);
