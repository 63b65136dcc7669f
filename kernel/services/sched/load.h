// SPDX-License-Identifier: MPL-2.0
// Load averages over 1, 5 and 15 minutes: the runnable tasks, sampled every five seconds.
#pragma once
#include <core/error.h>

#define LOAD_ONE (1u << 16)	// fixed point: 1.0, as sysinfo(2) reports it
struct load_average {
	u64 value[3];
};
// Starts the sampling. -ENOMEM.
err_t load_init(void);
struct load_average load_read(void);
// Tasks that run or wait for a CPU now.
u32 load_runnable(void);
