// SPDX-License-Identifier: MPL-2.0
// The loaders that can enter the kernel; shared with boot/entry.S.
#pragma once

#define BOOT_PROTOCOL_PVH        1
#define BOOT_PROTOCOL_MULTIBOOT2 2
