// SPDX-License-Identifier: MPL-2.0
// Start of the VFS, in this order, before the first file is used.
#pragma once
#include <core/error.h>
#include <core/span.h>

// Caches, internal file systems. The file system types register themselves (tmpfs_init() ...) before
// vfs_mount_root().
err_t vfs_init(void);
// The initial mount namespace with a rootfs at "/".
err_t vfs_mount_root(void);
