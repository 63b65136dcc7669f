// SPDX-License-Identifier: MPL-2.0
// The file system type "cgroup2": the hierarchy of control groups as folders. source: cgroups(7)
#pragma once
#include <core/error.h>

struct cgroup;
struct file;
// The group of an open folder. -EBADF: it is none of ours; -ENOENT: it was removed.
err_t cgroupfs_group_of_folder(struct file *f, struct cgroup **out borrowed);
void cgroupfs_init(void); // registers the type; after cgroup_init()
