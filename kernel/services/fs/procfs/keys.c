// SPDX-License-Identifier: MPL-2.0
// /proc/keys, /proc/key-users, /proc/sys/kernel/keys. source: keyrings(7), proc(5)
#include <services/fs/procfs/procfs_internal.h>
#include <services/fs/procfs/sys/sys_setting.h>
#include <services/keys/keys.h>

static err_t keys_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	key_show_all(out);
	return OK;
}

static err_t key_users_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	key_show_users(out);
	return OK;
}
const struct pseudo_kind proc_keys_kind = { .show = keys_show };
const struct pseudo_kind proc_key_users_kind = { .show = key_users_show };

static const struct proc_setting settings[] = {
	{ .value = &key_limits.bytes, .most = S32_MAX }, { .value = &key_limits.keys, .most = S32_MAX },
	{ .value = &key_limits.root_bytes, .most = S32_MAX }, { .value = &key_limits.root_keys, .most = S32_MAX },
};
PROC_SETTINGS(quota, settings);
static const struct pseudo_entry entries[] = {
	PROC_SETTING("maxbytes", quota_kind, 0), PROC_SETTING("maxkeys", quota_kind, 1),
	PROC_SETTING("root_maxbytes", quota_kind, 2), PROC_SETTING("root_maxkeys", quota_kind, 3),
};

static const struct pseudo_entry *keys_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
const struct pseudo_kind proc_sys_keys_kind = { .entry_at = keys_entry };
