// SPDX-License-Identifier: MPL-2.0
#pragma once
#include <core/error.h>
#include <core/print.h>
#include <core/span.h>

// A step of the boot: without it there is no system.
static inline void step(bytes_t what, err_t err)
{
	if (!err)
		return;
	log_text(LOG_EMERGENCY, "cannot start", what);
	panic("boot failed: error %d", -(s32)err);
}
