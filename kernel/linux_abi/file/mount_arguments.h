// SPDX-License-Identifier: MPL-2.0
// What the mount calls share.
#pragma once
#include <services/vfs/mount.h>

// The current thread as somebody who mounts.
void mounter_set(struct mounter *who borrowed);
// CAP_SYS_ADMIN in the mount namespace. -EPERM
err_t mounter_check(const struct mounter *who borrowed);
// One of MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE; false for anything else.
bool propagation_of(u32 flag, enum mount_propagation *out borrowed);
