// SPDX-License-Identifier: MPL-2.0
// Shared by trampoline.S and start.c.
#pragma once

// In the low part of memory that boot/info.c keeps off the free list.
#define TRAMPOLINE_ADDRESS 0x8000
