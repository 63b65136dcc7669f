// SPDX-License-Identifier: MPL-2.0
// Limits of the caller's IPC namespace, in /proc/sys/kernel. source: proc(5)
#include <services/fs/procfs/procfs_internal.h>
#include <services/fs/procfs/sys/sys_setting.h>
#include <services/ipc/ipc_table.h>

// The root of the user namespace that owns the IPC namespace may set them, as well as who the mode lets.
err_t proc_ipc_permission(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed)
{
	const struct namespace *ns = thread_namespace(NAMESPACE_IPC);

	if (ns->owner && cred->fsuid == user_namespace_uid_in(ns->owner, 0))
		return mask & PERMISSION_EXECUTE ? -EACCES : OK;
	return proc_setting_permission(n, mask, cred);
}

static u64 ipc_get(u32 of)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();

	return t ? ipc_setting(t, (enum ipc_setting_name)of) : 0;
}

static err_t ipc_set(u32 of, u64 value)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();

	if (!t)
		return -ENOMEM;
	atomic_u64_store(array_ptr(t->setting, of), value);
	return OK;
}

#define IPC_ROW(name, highest) { .get = ipc_get, .set = ipc_set, .of = (name), .most = (highest) }
static const struct proc_setting settings[] = {
	IPC_ROW(IPC_MSGMAX, S32_MAX), IPC_ROW(IPC_MSGMNB, S32_MAX), IPC_ROW(IPC_MSGMNI, IPC_SLOTS_MAX),
	IPC_ROW(IPC_SHMMAX, U64_MAX), IPC_ROW(IPC_SHMALL, U64_MAX), IPC_ROW(IPC_SHMMNI, IPC_SLOTS_MAX),
};

static err_t number_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return proc_setting_show(array_ptr(settings, n->value[0]), out);
}

static ssize_r number_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	return proc_setting_store(array_ptr(settings, n->value[0]), data);
}

// --- sem: semmsl semmns semopm semmni --------------------------------------------------------------------

static err_t sem_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_printf(out, "%lu\t%lu\t%lu\t%lu\n", ipc_get(IPC_SEMMSL), ipc_get(IPC_SEMMNS), ipc_get(IPC_SEMOPM),
		ipc_get(IPC_SEMMNI));
	return OK;
}

// The number that `rest` begins with, after blanks; rest moves behind it.
static bool next_number(bytes_t all, usize *at borrowed, u64 *value borrowed)
{
	while (*at < bytes_len(all) && (byte_at(all, *at) == ' ' || byte_at(all, *at) == '\t'))
		++*at;
	const usize begin = *at;

	while (*at < bytes_len(all) && byte_at(all, *at) >= '0' && byte_at(all, *at) <= '9')
		++*at;
	return *at > begin && bytes_parse_u64(bytes_slice(all, begin, *at - begin), 10, value);
}

static ssize_r sem_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	static const u64 most[4] = { 65535, S32_MAX, 65535, IPC_SLOTS_MAX };
	u64 value[4] = {};
	usize at = 0;
	u32 count = 0;

	while (count < 4 && next_number(data, &at, array_ptr(value, count))) {
		if (value[count] > most[count])
			return -EINVAL;
		count++;
	}
	if (!count)
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		const err_t e = ipc_set(IPC_SEMMSL + i, value[i]);

		if (e)
			return (ssize_r)e;
	}
	return (ssize_r)bytes_len(data);
}

static const struct pseudo_kind number_kind = {
	.show = number_show, .store = number_store, .permission = proc_ipc_permission };
static const struct pseudo_kind sem_kind = {
	.show = sem_show, .store = sem_store, .permission = proc_ipc_permission };
static const struct pseudo_entry entries[] = {
	PROC_SETTING("msgmax", number_kind, 0), PROC_SETTING("msgmnb", number_kind, 1),
	PROC_SETTING("msgmni", number_kind, 2), PROC_SETTING("shmmax", number_kind, 3),
	PROC_SETTING("shmall", number_kind, 4), PROC_SETTING("shmmni", number_kind, 5),
	PROC_SETTING("sem", sem_kind, 0),
};

const struct pseudo_entry *proc_sys_ipc_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
