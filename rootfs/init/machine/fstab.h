// SPDX-License-Identifier: MPL-2.0
// /etc/fstab: what to mount besides the root, one line each: device (see disk_spec.h) or source, mount
// point, type, options.
#pragma once

// Mounts every line in order. A line that is wrong or fails is said, the others go on.
void fstab_mount_all(const char *path);
