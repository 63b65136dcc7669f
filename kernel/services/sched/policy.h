// SPDX-License-Identifier: MPL-2.0
// Between the files of this folder.
#pragma once
#include <core/types.h>

// Tasks that wait for a CPU, read without a lock.
u32 sched_queued(u32 cpu);
