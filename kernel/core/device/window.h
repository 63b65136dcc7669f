// SPDX-License-Identifier: MPL-2.0
// Private to core/device: making register windows.
#pragma once

#include <core/device_memory.h>

// NULL when the range touches RAM, or without memory. => may sleep
struct register_window *window_from_memory(u64 physical, u64 size) owned;
struct register_window *window_from_ports(u32 port, u32 size) owned;
// Does the range touch memory that the kernel uses as such?
bool range_is_memory(u64 start, u64 size);
