// SPDX-License-Identifier: MPL-2.0
// Layout of the rings in their page run; shared by virtio_queue.c and the transports.
#pragma once

#define VIRTIO_RING_ORDER 2u
#define DESCRIPTOR_BYTES 16u
#define AVAILABLE_OFFSET 4096u
#define USED_OFFSET 8192u
enum { DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2, USED_NO_NOTIFY = 1 };
