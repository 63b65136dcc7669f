// SPDX-License-Identifier: MPL-2.0
// UDP over IPv4 and IPv6. source: udp(7), RFC 768
#pragma once

// Registers the protocol; before the first network namespace, after inet_init() and ip_init().
void udp_init(void);
