// SPDX-License-Identifier: MPL-2.0
// ext2, reading and writing (e2fsprogs' defaults: revision 1, filetype, sparse_super, large_file; dir_index is
// read as plain folders and its flag cleared when a folder changes). Registered as "ext2".
#pragma once
#include <core/error.h>

void ext2_init(void);
