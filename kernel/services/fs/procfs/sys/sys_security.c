// SPDX-License-Identifier: MPL-2.0
// /proc/sys/kernel/seccomp and yama. source: seccomp(2), "/proc interfaces"; Linux's administration guide, "Yama"
#include <core/text.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/fs/procfs/sys/sys_setting.h>
#include <services/process/trace.h>
#include <services/security/seccomp/seccomp.h>

static err_t available_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	seccomp_show_actions(SECCOMP_ACTIONS_AVAILABLE, out);
	return OK;
}

static err_t logged_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	seccomp_show_actions(SECCOMP_ACTIONS_LOGGED, out);
	return OK;
}

static ssize_r logged_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	if (!cred_has_capability(f->cred, user_namespace_initial(), CAP_SYS_ADMIN))
		return -EPERM;
	const err_t e = seccomp_set_logged(data);
	return e ? (ssize_r)e : (ssize_r)bytes_len(data);
}

static const struct pseudo_kind available_kind = { .show = available_show, .permission = proc_setting_permission };
static const struct pseudo_kind logged_kind = { .show = logged_show, .store = logged_store,
	.permission = proc_setting_permission };
static const struct pseudo_entry seccomp_entries[] = {
	PROC_FILE("actions_avail", 0444, available_kind),
	PROC_FILE("actions_logged", 0644, logged_kind),
};
static const struct pseudo_entry *seccomp_entry(u32 index)
{
	return index < array_len(seccomp_entries) ? array_ptr(seccomp_entries, index) : NULL;
}
const struct pseudo_kind proc_sys_seccomp_kind = { .entry_at = seccomp_entry };

// --- yama ---------------------------------------------------------------------------------------------------

static err_t scope_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_printf(out, "%u\n", atomic_u32_load(&trace_scope));
	return OK;
}

// The strictest one stays.
static ssize_r scope_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	u64 scope = 0;

	if (!cred_has_capability(f->cred, user_namespace_initial(), CAP_SYS_PTRACE))
		return -EPERM;
	if (!bytes_parse_u64(bytes_first(data, bytes_find(data, '\n')), 10, &scope) || scope > TRACE_SCOPE_NONE)
		return -EINVAL;
	if (atomic_u32_load(&trace_scope) == TRACE_SCOPE_NONE && scope != TRACE_SCOPE_NONE)
		return -EINVAL;
	atomic_u32_store(&trace_scope, (u32)scope);
	return (ssize_r)bytes_len(data);
}

static const struct pseudo_kind scope_kind = { .show = scope_show, .store = scope_store,
	.permission = proc_setting_permission };
static const struct pseudo_entry yama_entries[] = { PROC_FILE("ptrace_scope", 0644, scope_kind) };
static const struct pseudo_entry *yama_entry(u32 index)
{
	return index < array_len(yama_entries) ? array_ptr(yama_entries, index) : NULL;
}
const struct pseudo_kind proc_sys_yama_kind = { .entry_at = yama_entry };
