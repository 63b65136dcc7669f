// SPDX-License-Identifier: MPL-2.0
// Between the files of this folder: the kinds of the large folders.
#pragma once
#include <services/vfs/pseudo/pseudo.h>

extern const struct pseudo_kind sysfs_class_kind, sysfs_block_kind, sysfs_dev_kind;
