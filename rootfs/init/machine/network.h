// SPDX-License-Identifier: MPL-2.0
// The machine's interfaces at boot: each gets its address by DHCP.
#pragma once

// Starts a DHCP client for every interface but lo; does not wait for answers.
void network_start(void);
