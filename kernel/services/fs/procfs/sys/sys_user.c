// SPDX-License-Identifier: MPL-2.0
// /proc/sys/user: limits of the reader's own user namespace. source: namespaces(7)
#include <services/cred/user_namespace.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/fs/procfs/sys/sys_setting.h>

static u64 limit_get(u32 kind)
{
	return atomic_u32_load(array_ptr(thread_cred()->user_ns->namespace_limit, kind % NAMESPACE_KIND_COUNT));
}

static err_t limit_set(u32 kind, u64 value)
{
	atomic_u32_store(array_ptr(thread_cred()->user_ns->namespace_limit, kind % NAMESPACE_KIND_COUNT), (u32)value);
	return OK;
}

#define LIMIT(kind) { .get = limit_get, .set = limit_set, .of = (kind), .most = S32_MAX }
static const struct proc_setting settings[] = {
	LIMIT(NAMESPACE_USER), LIMIT(NAMESPACE_MOUNT), LIMIT(NAMESPACE_UTS), LIMIT(NAMESPACE_IPC),
	LIMIT(NAMESPACE_PID), LIMIT(NAMESPACE_NET), LIMIT(NAMESPACE_CGROUP), LIMIT(NAMESPACE_TIME),
};

static err_t limit_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return proc_setting_show(array_ptr(settings, n->value[0]), out);
}

static ssize_r limit_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	return proc_setting_store(array_ptr(settings, n->value[0]), data);
}

// The namespace's root may write, whoever owns the file.
static err_t limit_permission(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed)
{
	if (!(mask & (PERMISSION_WRITE | PERMISSION_EXECUTE)))
		return OK;
	if ((mask & PERMISSION_EXECUTE) || !cred_has_capability(cred, cred->user_ns, CAP_SYS_RESOURCE))
		return -EACCES;
	return OK;
}

static const struct pseudo_kind limit_kind = { .show = limit_show, .store = limit_store,
	.permission = limit_permission };
static const struct pseudo_entry entries[] = {
	PROC_SETTING("max_user_namespaces", limit_kind, 0), PROC_SETTING("max_mnt_namespaces", limit_kind, 1),
	PROC_SETTING("max_uts_namespaces", limit_kind, 2), PROC_SETTING("max_ipc_namespaces", limit_kind, 3),
	PROC_SETTING("max_pid_namespaces", limit_kind, 4), PROC_SETTING("max_net_namespaces", limit_kind, 5),
	PROC_SETTING("max_cgroup_namespaces", limit_kind, 6), PROC_SETTING("max_time_namespaces", limit_kind, 7),
};

static const struct pseudo_entry *user_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
const struct pseudo_kind proc_sys_user_kind = { .entry_at = user_entry };
