// SPDX-License-Identifier: MPL-2.0
#pragma once

// Looks for the port and sets it to 115200 baud, 8N1. First thing at boot.
void serial_setup(void);
