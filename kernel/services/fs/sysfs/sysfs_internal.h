// SPDX-License-Identifier: MPL-2.0
// Between the files of this folder: the kinds of the large folders.
#pragma once
#include <services/vfs/pseudo/pseudo.h>

struct net_namespace;
// Whose interfaces are shown: the network namespace of who mounted it. Borrowed from the superblock.
struct net_namespace *sysfs_net_namespace(struct superblock *sb);
extern const struct pseudo_kind sysfs_net_kind, sysfs_class_kind, sysfs_block_kind, sysfs_dev_kind;
