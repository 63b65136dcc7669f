// SPDX-License-Identifier: MPL-2.0
// inotify(7): a file from which one reads what happens to other files.
#pragma once
#include <services/vfs/notify.h>

// Beside the NOTIFY_EVENTS of a watch's mask.
#define INOTIFY_ONLY_DIRECTORY 0x01000000u
#define INOTIFY_DONT_FOLLOW 0x02000000u
#define INOTIFY_EXCLUDE_UNLINKED 0x04000000u
#define INOTIFY_MASK_CREATE 0x10000000u
#define INOTIFY_MASK_ADD 0x20000000u
#define INOTIFY_ONE_SHOT 0x80000000u
// In events only.
#define INOTIFY_OVERFLOW 0x4000u
#define INOTIFY_IGNORED 0x8000u

// /proc/sys/fs/inotify: apply to what is made from now on.
struct synchronised inotify_limits {
	struct atomic_u32 user_instances, user_watches, queued_events;
};
extern struct inotify_limits inotify_limits;
void inotify_start(void);	// sets the limit of watches by the machine's memory

// flags: OPEN_NONBLOCK or 0. -EMFILE: the user has as many as it may; -ENOMEM
err_t inotify_create(u32 flags, struct cred *cred, struct file **out borrowed);
bool file_is_inotify_instance(struct file *f);
// The number of the (new or changed) watch. The caller holds a place on i and has checked that i may be read.
// -ENOSPC: the user's limit; -EEXIST: INOTIFY_MASK_CREATE; -ENOMEM. => may sleep
ssize_r inotify_watch_add(struct file *f, struct inode *i, u32 mask);
err_t inotify_watch_remove(struct file *f, u32 number);	// -EINVAL: no such watch
