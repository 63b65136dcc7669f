// SPDX-License-Identifier: MPL-2.0
// Network cards: each becomes an interface eth0, eth1 ... of the initial network namespace.
#pragma once

void virtio_net_init(void);	// registers the driver; after the network namespace, before the buses are scanned
