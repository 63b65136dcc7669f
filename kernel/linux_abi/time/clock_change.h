// SPDX-License-Identifier: MPL-2.0
// Settings of the real-time clock: how many there were.
#pragma once
#include <linux_abi/time/clocks.h>

extern struct atomic_u32 clock_changes;
