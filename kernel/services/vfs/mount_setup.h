// SPDX-License-Identifier: MPL-2.0
// A file system being configured step by step: the file that fsopen(2) and fspick(2) give. All may sleep. Reading it
// gives the messages about what was refused, one a read (-ENODATA: none).
#pragma once
#include <services/vfs/file.h>
#include <services/vfs/mount.h>

#define MOUNT_OPTION_MAX 256u	// bytes of a key or a value, as fsconfig(2) takes them
// A file system of that type, to be made. -EPERM, -ENODEV, -ENOMEM
err_t mount_setup_create(const struct mounter *who borrowed, bytes_t type, struct file **out borrowed);
// The one that is mounted at `at`, to be reconfigured. -EPERM, -EINVAL (not the root of a mount)
err_t mount_setup_pick(const struct mounter *who borrowed, const struct path *at borrowed, struct file **out borrowed);
bool file_is_setup(struct file *f);

// The rest take such a file. An option; `value` empty and is_flag: a word alone. -EBUSY: too late, -EINVAL, -E2BIG
enum mount_option_kind { MOUNT_OPTION_FLAG, MOUNT_OPTION_STRING, MOUNT_OPTION_OTHER /* path, descriptor, binary */ };
err_t mount_setup_option(struct file *f, enum mount_option_kind kind, bytes_t key, bytes_t value);
// FSCONFIG_CMD_CREATE, FSCONFIG_CMD_RECONFIGURE.
err_t mount_setup_make(struct file *f, const struct mounter *who borrowed);
err_t mount_setup_reconfigure(struct file *f, const struct mounter *who borrowed);
// fsmount(2): an O_PATH file on the mount, which is nowhere attached. `flags`: enum mount_flag. -EINVAL: not made yet,
// -EBUSY: mounted already.
err_t mount_setup_mount(struct file *f, const struct mounter *who borrowed, u32 flags, struct file **out borrowed);
