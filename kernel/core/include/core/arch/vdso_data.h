// SPDX-License-Identifier: MPL-2.0
// The page that the vDSO reads: written by core/time, mapped read-only into user space.
// Read it as: wait until `sequence` is even, read the rest, begin again if `sequence` has changed.
//   monotonic_ns = base_ns + (((rdtsc - base_tsc) * multiplier) >> 32)         (128-bit product)
//   realtime_ns  = monotonic_ns + realtime_offset_ns                           (wraps)
// When `usable` is 0 the system call must be used.
#pragma once
#include <core/types.h>

struct vdso_data {
	u32 sequence;
	u32 usable;
	u64 base_tsc;
	u64 base_ns;
	u64 multiplier;
	u64 realtime_offset_ns;
};
