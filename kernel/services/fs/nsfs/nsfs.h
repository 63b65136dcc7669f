// SPDX-License-Identifier: MPL-2.0
// nsfs: namespaces as files, reached by the links in /proc/PID/ns. The inode number is the namespace's number;
// an open file or a bind mount of it keeps the namespace alive. source: namespaces(7), ioctl_ns(2)
#pragma once
#include <services/cred/namespace.h>
#include <services/vfs/file.h>

err_t nsfs_init(void);
// The place of a namespace's file: references in *out.
err_t nsfs_path(struct namespace *ns, struct path *out borrowed);
// The namespace behind an open nsfs file: a reference; NULL for any other file (setns: -EINVAL).
struct namespace *nsfs_namespace(struct file *f) owned;
