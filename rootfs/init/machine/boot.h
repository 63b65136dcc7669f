// SPDX-License-Identifier: MPL-2.0
// The once-only part of init: everything before the first container.
#pragma once

// Where init's own program lies on a mount that is read-only once boot_prepare() has returned.
#define BOOT_PROTECTED_INIT "/usr/lib/keel/init"

// Mounts the kernel's file systems and those of /etc/fstab, leaves the root control group, names the
// machine, raises lo. What fails is said and does not stop the rest.
void boot_prepare(void);
