// SPDX-License-Identifier: MPL-2.0
#pragma once

// Tells netlink how to resolve them; at start-up.
void network_namespaces_init(void);
