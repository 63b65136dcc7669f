// SPDX-License-Identifier: MPL-2.0
#pragma once

// Chooses the copy routine for the processor. Once, at boot.
void user_copy_setup(void);
