// SPDX-License-Identifier: MPL-2.0
// When dirty pages are written: the settings under /proc/sys/vm. source: proc_sys_vm(5)
#pragma once
#include <core/atomic.h>

struct synchronised writeback_settings {
	struct atomic_u32 background_percent;	// of memory: the thread begins to write
	struct atomic_u32 dirty_percent;	// of memory: writers wait
	struct atomic_u32 expire_centiseconds;	// how long a page may be dirty
	struct atomic_u32 period_centiseconds;	// how often the thread looks
};
extern struct writeback_settings writeback_settings;
