// SPDX-License-Identifier: MPL-2.0
// File systems in memory: tmpfs (with limits), ramfs and rootfs (without). source: tmpfs(5)
#pragma once
#include <services/vfs/file.h>
#include <services/vfs/superblock.h>

void tmpfs_init(void);	// registers the types

// memfd_create(2): an open file without a name, "memfd:NAME" in /proc.
enum tmpfs_memfd_flag { TMPFS_MEMFD_SEALING = 1 };
err_t tmpfs_memfd_create(bytes_t name, u32 flags, u32 open_flags, struct cred *cred, struct file **out borrowed);
// fcntl F_GET_SEALS, F_ADD_SEALS: -EINVAL for other files, -EPERM when sealed or not writable.
ssize_r tmpfs_seals(struct file *f);
err_t tmpfs_add_seals(struct file *f, u32 seals);
