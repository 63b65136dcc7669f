// SPDX-License-Identifier: MPL-2.0
// Virtio block devices: /dev/vda, vdb, ... (section 5.2 of the specification).
#pragma once

// Registers the driver with the virtio bus. Before the transports scan.
void virtio_block_init(void);
