// SPDX-License-Identifier: MPL-2.0
#pragma once
#include <services/vfs/file.h>

// True: the file is a namespace's and the request one of ioctl_ns(2); *result is the call's.
bool ioctl_namespace(struct file *f, u32 request, u64 argument, s64 *result borrowed);
