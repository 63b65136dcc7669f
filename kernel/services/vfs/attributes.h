// SPDX-License-Identifier: MPL-2.0
// Changing and asking attributes of files: who may, and what follows. All may sleep.
#pragma once
#include <services/cred/user_namespace.h>
#include <services/vfs/path.h>

// chmod(2), chown(2) (ID_INVALID: leave), utimensat(2), truncate(2).
err_t attributes_change_mode(const struct path *p borrowed, u32 mode, const struct cred *cred borrowed);
err_t attributes_change_owner(const struct path *p borrowed, u32 uid, u32 gid, const struct cred *cred borrowed);
enum time_choice { TIME_OMIT, TIME_NOW, TIME_SET };
struct times_change {
	enum time_choice access, modify;
	struct file_time access_time, modify_time;
};
err_t attributes_set_times(const struct path *p borrowed, const struct times_change *t borrowed,
	const struct cred *cred borrowed);
// By name: permission is checked. By file: the file was opened for writing.
err_t attributes_truncate(const struct path *p borrowed, u64 size, const struct cred *cred borrowed);
err_t attributes_truncate_opened(const struct path *p borrowed, u64 size);
// Flags of a file (ioctl_iflags(2)), by Linux's numbers. -ENOTTY: the file system has none; -EOPNOTSUPP: not that one;
// -EPERM: not the owner, or without CAP_LINUX_IMMUTABLE.
enum file_flag { FILE_FLAG_IMMUTABLE = 0x10, FILE_FLAG_APPEND = 0x20, FILE_FLAG_NO_DUMP = 0x40,
	FILE_FLAG_NO_ATIME = 0x80,
	FILE_FLAGS_ALL = 0xf0 };
err_t attributes_get_flags(const struct path *p borrowed, u32 *out borrowed);
err_t attributes_set_flags(const struct path *p borrowed, u32 flags, const struct cred *cred borrowed);
// What a file system read from its disk: flags become the inode's state.
void inode_set_flags(struct inode *i, u32 flags);
// access(2): may `cred` do `mask` at p, the mount's flags included?
err_t attributes_access(const struct path *p borrowed, u32 mask, const struct cred *cred borrowed);
// statx(2) with the mount's id filled in.
err_t attributes_stat(const struct path *p borrowed, struct file_stat *out borrowed);

// --- extended attributes: name spaces and who may use them. source: xattr(7) ---
#define XATTR_NAME_MAX 255u
#define XATTR_SIZE_MAX 65536u
#define XATTR_LIST_MAX 65536u
// File capabilities: the raw value of either version, and the root they are meant for as a kernel id (ID_INVALID:
// not mapped). -ENODATA, -EINVAL (not a value we know)
#define CAPABILITY_LENGTH_2 20u
#define CAPABILITY_LENGTH_3 24u
err_t xattr_capability_read(struct inode *i, span_t out, usize *length borrowed, u32 *root borrowed);
// Do capabilities meant for `root` count in ns: is it the root there or in a namespace above?
bool xattr_capability_counts(u32 root, struct user_namespace *ns borrowed);
// The attribute of an inode as somebody's namespace sees it and sets it, without a check of rights: for file systems
// above others (overlayfs).
ssize_r xattr_capability_get(struct inode *i, span_t out, const struct cred *cred borrowed);
err_t xattr_capability_set(struct inode *i, bytes_t value, u32 flags, const struct cred *cred borrowed);
#define XATTR_CAPABILITY STR("security.capability")
// Size 0 of `out` asks for the length. -ENODATA, -ERANGE, -EOPNOTSUPP, -EPERM.
ssize_r xattr_get(const struct path *p borrowed, bytes_t name, span_t out, const struct cred *cred borrowed);
err_t xattr_set(const struct path *p borrowed, bytes_t name, bytes_t value, u32 flags,
	const struct cred *cred borrowed);
// Names with their end marks; trusted ones only for those who may see them.
ssize_r xattr_list(const struct path *p borrowed, span_t out, const struct cred *cred borrowed);
err_t xattr_remove(const struct path *p borrowed, bytes_t name, const struct cred *cred borrowed);
