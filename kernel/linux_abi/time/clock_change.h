// SPDX-License-Identifier: MPL-2.0
// Settings of the real-time clock: how many there were, and where they are told.
#pragma once
#include <linux_abi/time/clocks.h>
#include <services/poll/poll.h>

extern struct atomic_u32 clock_changes;
extern struct wait_queue clock_change_event;
