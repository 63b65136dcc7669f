// SPDX-License-Identifier: MPL-2.0
// Shared by entry.c and rename.c.
#pragma once
#include <services/vfs/dentry.h>
#include <services/vfs/path.h>

// The folder of `name` and its last component; the right to search the folder is checked.
err_t entry_parent(const struct lookup_context *c borrowed, bytes_t name, struct path *parent borrowed,
	struct last_component *last borrowed);
// Makes a file at the negative child d of parent, whose directory_lock is held for writing; `mask`: the umask.
err_t entry_create_locked(const struct path *parent borrowed, struct dentry *d, bytes_t component, u32 mode,
	u32 mask, struct cred *cred);
