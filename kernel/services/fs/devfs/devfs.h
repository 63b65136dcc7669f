// SPDX-License-Identifier: MPL-2.0
// devtmpfs: one tmpfs with a node for every registered device, and the
// memory devices null, zero, full, random, urandom, kmsg.
#pragma once
#include <core/error.h>

// Registers the memory devices and the type "devtmpfs". => once, after tmpfs
err_t devfs_init(void);
