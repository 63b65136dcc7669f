// SPDX-License-Identifier: MPL-2.0
// overlayfs: several folders seen as one, changes kept in the uppermost. Registered as "overlay".
// source: Documentation/filesystems/overlayfs (the options and the form on disk), mount(8)
#pragma once
#include <core/error.h>

void overlayfs_init(void);
