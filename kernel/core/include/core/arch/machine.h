// SPDX-License-Identifier: MPL-2.0
// Ends of the machine's life.
#pragma once

#include <core/types.h>

// Each tries what the firmware described, then the classic ways, then halts.
no_return void arch_machine_power_off(void);
no_return void arch_machine_reboot(void);
// Leaves QEMU with a status by the isa-debug-exit device; returns if there is none.
void arch_machine_debug_exit(u32 status);
