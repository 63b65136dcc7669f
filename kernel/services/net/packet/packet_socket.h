// SPDX-License-Identifier: MPL-2.0
// AF_PACKET: frames as interfaces have them. source: packet(7)
#pragma once

void packet_socket_init(void);	// registers the family; before net_namespace_init()
