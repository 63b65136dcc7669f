// SPDX-License-Identifier: MPL-2.0
// Entries of folders: making, linking, removing and renaming names. Each call resolves the names,
// checks permissions, takes the folders' locks and asks the file system. All may sleep.
#pragma once
#include <services/vfs/path.h>

// mkdir(2); mknod(2) with the type in `mode` (regular, fifo, socket, devices); umask is applied.
err_t entry_make_directory(const struct lookup_context *c borrowed, bytes_t name, u32 mode);
err_t entry_make_node(const struct lookup_context *c borrowed, bytes_t name, u32 mode, u64 device);
// The same, and the new place in *out (bind of an AF_UNIX socket).
err_t entry_make_node_at(const struct lookup_context *c borrowed, bytes_t name, u32 mode, u64 device,
	struct path *out borrowed);
err_t entry_symlink(const struct lookup_context *c borrowed, bytes_t target, bytes_t name);
err_t entry_link(const struct path *from borrowed, const struct lookup_context *c borrowed, bytes_t name);
err_t entry_unlink(const struct lookup_context *c borrowed, bytes_t name);
err_t entry_remove_directory(const struct lookup_context *c borrowed, bytes_t name);
// renameat2(2): flags RENAME_* of dentry.h.
err_t entry_rename(const struct lookup_context *from borrowed, bytes_t old_name,
	const struct lookup_context *to borrowed,
		   bytes_t new_name, u32 flags);
// May c remove or replace `victim` in `dir`: write and search, sticky bit, immutable.
err_t entry_may_delete(const struct path *dir borrowed, struct inode *victim, const struct cred *cred borrowed);
err_t entry_may_create(const struct path *dir borrowed, const struct cred *cred borrowed);
