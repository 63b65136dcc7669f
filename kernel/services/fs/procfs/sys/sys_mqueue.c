// SPDX-License-Identifier: MPL-2.0
// /proc/sys/fs/mqueue of the caller's IPC namespace. source: mq_overview(7)
#include <services/fs/mqueue/mqueue.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/fs/procfs/sys/sys_setting.h>

#define MESSAGE_SIZE_LEAST 128

#define MQUEUE_ROW(which, lowest, highest) \
	{ .get = mqueue_setting_get, .set = mqueue_setting_set, .of = (which), .least = (lowest), .most = (highest) }
static const struct proc_setting settings[] = {
	MQUEUE_ROW(MQUEUE_MESSAGES_DEFAULT, 1, MQUEUE_MESSAGES_HARD),
	MQUEUE_ROW(MQUEUE_MESSAGES_MAX, 1, MQUEUE_MESSAGES_HARD),
	MQUEUE_ROW(MQUEUE_MESSAGE_SIZE_DEFAULT, MESSAGE_SIZE_LEAST, MQUEUE_MESSAGE_SIZE_HARD),
	MQUEUE_ROW(MQUEUE_MESSAGE_SIZE_MAX, MESSAGE_SIZE_LEAST, MQUEUE_MESSAGE_SIZE_HARD),
	MQUEUE_ROW(MQUEUE_QUEUES_MAX, 0, S32_MAX),
};

static err_t limit_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return proc_setting_show(array_ptr(settings, n->value[0]), out);
}

static ssize_r limit_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	return proc_setting_store(array_ptr(settings, n->value[0]), data);
}

static const struct pseudo_kind limit_kind = {
	.show = limit_show, .store = limit_store, .permission = proc_ipc_permission };
static const struct pseudo_entry entries[] = {
	PROC_SETTING("msg_default", limit_kind, 0), PROC_SETTING("msg_max", limit_kind, 1),
	PROC_SETTING("msgsize_default", limit_kind, 2), PROC_SETTING("msgsize_max", limit_kind, 3),
	PROC_SETTING("queues_max", limit_kind, 4),
};

static const struct pseudo_entry *mqueue_entry_at(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
const struct pseudo_kind proc_sys_mqueue_kind = { .entry_at = mqueue_entry_at };
