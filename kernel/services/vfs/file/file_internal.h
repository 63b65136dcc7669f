// SPDX-License-Identifier: MPL-2.0
// Inside the file room.
#pragma once
#include <services/vfs/file.h>

struct plain_file {
	struct file base;
};
// Fills the parts that do not depend on a place.
// -ENFILE
err_t file_init(struct file *f, const struct file_ops *ops, u32 flags, struct cred *cred);
// A file at a place, not yet opened by its inode.
err_t file_create(const struct path *p borrowed, u32 flags, struct cred *cred, struct file **out borrowed);
// The last reference: flock and record locks of this open file go.
void file_drop_locks(struct file *f);
// A place of no folder: a new anonymous inode. A label that ends with ':' gets "[number]".
err_t anonymous_place(bytes_t label, u32 mode_with_type, const struct cred *cred borrowed, struct path *out borrowed);
// f keeps its mount and superblock from becoming read-only.
err_t file_count_writer(struct file *f);
