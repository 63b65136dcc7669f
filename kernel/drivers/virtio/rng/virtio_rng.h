// SPDX-License-Identifier: MPL-2.0
// Virtio entropy source (section 5.4): feeds the core's random numbers at start-up and then every minute.
#pragma once

// Registers the driver with the virtio bus. Before the transports scan.
void virtio_rng_init(void);
