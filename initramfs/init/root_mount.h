// SPDX-License-Identifier: MPL-2.0
// Mounts the root device: with the type that was asked for, the one its superblock shows, or any that
// the kernel lists in /proc/filesystems.
#pragma once

#include "../../rootfs/lib/fault.h"

enum root_access { ROOT_READ_ONLY, ROOT_READ_WRITE };

struct root_options {
	const char *type;	// comma-separated list from rootfstype=, or NULL
	const char *data;	// options for the file system from rootflags=, or NULL
	enum root_access access;
};

// => a negative errno and a sentence that names device, type and reason.
int root_mount(const char *device, const char *target, const struct root_options *options,
	       struct fault *fault);
