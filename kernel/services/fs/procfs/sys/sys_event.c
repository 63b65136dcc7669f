// SPDX-License-Identifier: MPL-2.0
// /proc/sys/fs/inotify. source: inotify(7)
#include <services/event/inotify.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/fs/procfs/sys/sys_setting.h>

static const struct proc_setting settings[] = {
	{ .value = &inotify_limits.queued_events, .most = S32_MAX },
	{ .value = &inotify_limits.user_instances, .most = S32_MAX },
	{ .value = &inotify_limits.user_watches, .most = S32_MAX },
};
PROC_SETTINGS(limit, settings);
static const struct pseudo_entry entries[] = {
	PROC_SETTING("max_queued_events", limit_kind, 0),
	PROC_SETTING("max_user_instances", limit_kind, 1),
	PROC_SETTING("max_user_watches", limit_kind, 2),
};

static const struct pseudo_entry *inotify_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
const struct pseudo_kind proc_sys_inotify_kind = { .entry_at = inotify_entry };
