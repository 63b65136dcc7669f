// SPDX-License-Identifier: MPL-2.0
// File handles: a file known whatever its names, as name_to_handle_at(2) gives it. What the bytes mean only the file
// system knows; those of the simple ones are the inode's number and generation. source: open_by_handle_at(2)
#pragma once
#include <services/vfs/path.h>

#define FILE_HANDLE_MAX 128u	// MAX_HANDLE_SZ
struct file_handle {
	u32 type, length;	// `length` bytes are used
	u8 bytes[FILE_HANDLE_MAX];
};
// -EOPNOTSUPP: the file system gives none.
err_t file_handle_of(const struct path *p borrowed, struct file_handle *out borrowed);
// The file as a place of the mount `at`: references in *out; what is no folder has no name there. -ESTALE: it is
// gone. => may sleep
err_t file_handle_find(const struct path *at borrowed, const struct file_handle *h borrowed, struct path *out borrowed);
// The name of a folder that was found without one: its way up to the root is looked up. -ESTALE: it has none any
// more; -ENAMETOOLONG. => may sleep, takes directory locks
err_t file_handle_connect(struct inode *dir, struct dentry **out borrowed);
// A folder by its path below `root`, as a privileged look-up without mounts. -ESTALE
err_t file_handle_walk(struct dentry *root, bytes_t path, struct dentry **out borrowed);
