// SPDX-License-Identifier: MPL-2.0
#pragma once

// Goes over to the reference clock for good, without a step.
void time_drop_tsc(void);
