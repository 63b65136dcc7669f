// SPDX-License-Identifier: MPL-2.0
// Between the files of this folder.
#pragma once
#include <core/error.h>

err_t memory_devices_register(void);
// Files for block devices, present and to come.
void block_nodes_init(void);
