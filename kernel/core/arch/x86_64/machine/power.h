// SPDX-License-Identifier: MPL-2.0
#pragma once

// Listens to the power button, where the machine has fixed ACPI hardware. Needs interrupts and slabs.
void power_setup(void);
