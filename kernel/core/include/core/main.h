// SPDX-License-Identifier: MPL-2.0
// Where the core hands over: kernel/main implements it.
#pragma once

// Runs in the first kernel thread on the boot processor, interrupts on. It may return.
void kernel_main(void);
// Starts the other processors; kernel_main calls it after the scheduling policy is registered. Once.
void core_start_processors(void);
