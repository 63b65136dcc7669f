// SPDX-License-Identifier: MPL-2.0
// Devices without hardware: dummy, veth, bridge. Made by name through services/net/device/net_kind.h.
#pragma once

void net_virtual_init(void);	// registers the kinds
void dummy_init(void);
void veth_init(void);
void bridge_init(void);
