// SPDX-License-Identifier: MPL-2.0
// The initramfs: cpio archives ("newc"), plain or gzip, one after another, unpacked into the root file
// system at start-up (source: the kernel's documentation of the initramfs buffer format).
#pragma once
#include <core/error.h>

// Unpacks boot_initrd() and gives its memory back. -ENOENT: there was none; -EINVAL: damaged (what came
// before the damage stays, and the log says where). => may sleep; once
err_t initramfs_unpack(void);
