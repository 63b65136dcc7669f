// SPDX-License-Identifier: MPL-2.0
// The units of /etc/containers.d: started at boot in the order of their file names.
#pragma once

#define UNITS_FOLDER "/etc/containers.d"

// Reads and starts every *.yaml there. A bad file is said, with its line, and harms no other.
void units_start_all(void);
