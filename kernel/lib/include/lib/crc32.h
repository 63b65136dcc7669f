// SPDX-License-Identifier: MPL-2.0
// CRC-32 as in GPT, gzip and Ethernet (polynomial 0xedb88320, reflected).
#pragma once
#include <core/span.h>

// Continues `crc` (0 to begin) over `data`.
u32 crc32(u32 crc, bytes_t data);
