// SPDX-License-Identifier: MPL-2.0
// Inside the pseudo room.
#pragma once
#include <services/vfs/pseudo/pseudo.h>

extern const struct file_ops pseudo_file_ops;
err_t pseudo_open(struct inode *i, struct file *f);
extern const struct inode_ops pseudo_folder_ops;
u64 pseudo_child_number(u64 dir_number, bytes_t name);
// An inode of sb that belongs to nobody yet.
err_t pseudo_inode_make(struct superblock *sb, u64 number, u32 mode, const struct pseudo_kind *kind,
	struct object *subject, u64 value, struct inode **out borrowed);
