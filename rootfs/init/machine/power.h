// SPDX-License-Identifier: MPL-2.0
// The end: processes, file systems, machine.
#pragma once

enum power_action { POWER_ON, POWER_OFF, POWER_REBOOT, POWER_HALT };

// Ends every process, unmounts what can be unmounted, makes the rest read-only and switches off, starts
// again or halts. Does not return. The containers have ended already.
_Noreturn void power_finish(enum power_action action);
