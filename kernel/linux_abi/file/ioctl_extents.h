// SPDX-License-Identifier: MPL-2.0
// Requests about where a file's content lies: FS_IOC_FIEMAP, FIBMAP, FIGETBSZ.
#pragma once
#include <core/user.h>
#include <services/vfs/file.h>

bool ioctl_extents_is(u32 request);
// The call's result.
s64 ioctl_extents(struct file *f, u32 request, user_addr_t at);
