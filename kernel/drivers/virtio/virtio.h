// SPDX-License-Identifier: MPL-2.0
// Virtio 1.x devices, whatever their transport (PCI, MMIO), and split virtqueues
// (source: Virtual I/O Device specification 1.2). A driver derives nothing: it is given a virtio_device,
// negotiates features, makes queues, and keeps its own object.
#pragma once
#include <core/device_memory.h>
#include <core/lock.h>
#include <core/page.h>

enum virtio_kind {
	VIRTIO_NET = 1,
	VIRTIO_BLOCK = 2,
	VIRTIO_CONSOLE = 3,
	VIRTIO_RNG = 4,
	VIRTIO_BALLOON = 5,
	VIRTIO_SCSI = 8,
	VIRTIO_VSOCK = 19,
	VIRTIO_FS = 26
};
#define VIRTIO_FEATURE_RING_INDIRECT 28u
#define VIRTIO_FEATURE_EVENT_INDEX 29u
#define VIRTIO_FEATURE_VERSION_1 32u
enum virtio_status {
	VIRTIO_ACKNOWLEDGE = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_NEEDS_RESET = 64,
	VIRTIO_FAILED = 128
};

struct virtio_device;
struct virtio_queue;
struct virtio_transport {
	u64 (*read_features)(struct virtio_device *d);
	void (*write_features)(struct virtio_device *d, u64 features);
	u32 (*read_status)(struct virtio_device *d);
	void (*write_status)(struct virtio_device *d, u32 status);
	// Largest size of queue `index`; 0: there is no such queue.
	u32 (*queue_size)(struct virtio_device *d, u32 index);
	// Tells the device where the rings are and switches the queue on; routes its interrupt to `action`.
	err_t (*queue_start)(struct virtio_device *d, struct virtio_queue *q, u32 cpu, struct irq_action *action);
	void (*notify)(struct virtio_device *d, const struct virtio_queue *q borrowed);
	// Device-specific configuration.
	u32 (*read_config)(struct virtio_device *d, u32 offset, u32 width_bytes);
	// Acknowledges a shared interrupt; false if it was not this device's. Not for MSI-X.
	bool (*acknowledge)(struct virtio_device *d);
};
// Base type of transports.
struct virtio_device {
	struct object object;
	const struct virtio_transport *transport;	// immutable
	u32 kind;					// immutable
	u64 features;					// negotiated; immutable after start
	u32 is_legacy;					// before 1.0: no VERSION_1, no FEATURES_OK; immutable
};
DECLARE_OBJECT(virtio_device)
struct virtio_driver {
	enum virtio_kind kind;
	err_t (*probe)(struct virtio_device *d);
};
// Drivers first, then the transports' scans (virtio_pci_init, virtio_mmio_init) offer what they find.
void virtio_driver_register(const struct virtio_driver *driver);
err_t virtio_offer(struct virtio_device *d);	// -ENODEV: no driver
void virtio_pci_init(void);
void virtio_mmio_init(void);

// Reset, acknowledge, negotiate `wanted` (bit numbers as a mask) and VERSION_1: -ENODEV if the device
// refuses. After that queues are made; then virtio_start().
err_t virtio_negotiate(struct virtio_device *d, u64 wanted);
void virtio_start(struct virtio_device *d);
static inline bool virtio_has(const struct virtio_device *d borrowed, u32 feature)
{
	return d->features >> feature & 1;
}
u64 virtio_config_u64(struct virtio_device *d, u32 offset);

// --- queues (virtio_queue.c). The caller serialises all calls on one queue. -----------------------
#define VIRTIO_QUEUE_MAX 256u
struct virtio_queue {
	struct object object;
	struct virtio_device *device;	// borrowed: the driver keeps both
	struct page *ring;		// page run of VIRTIO_RING_ORDER; descriptors, available, used
	u32 index, size;		// immutable
	u32 notify_offset;		// the transport's
	u16 free_head, free_count;	// descriptors
	u16 available_index;		// next to be published
	u16 used_index;			// next to be taken
	u16 chain_length[VIRTIO_QUEUE_MAX];	// by first descriptor
};
DECLARE_OBJECT(virtio_queue)
// `action` gets the queue's interrupts on `cpu`. -ENOENT: the device has no such queue.
err_t virtio_queue_create(
	struct virtio_device *d, u32 index, u32 cpu, struct irq_action *action, struct virtio_queue **out borrowed);
struct virtio_piece {
	u64 address;	// page_dma_address() and offset
	u32 length;
	u32 is_written;	// by the device
};
#define VIRTIO_PIECES_MAX 40u
struct virtio_chain {
	struct virtio_piece piece[VIRTIO_PIECES_MAX];
	u32 count;
};
void virtio_chain_add(struct virtio_chain *c borrowed, u64 address, u32 length, u32 is_written);
// Publishes a chain; *token identifies it until it is taken back (< VIRTIO_QUEUE_MAX). -ENOSPC
err_t virtio_queue_add(struct virtio_queue *q borrowed, const struct virtio_chain *c borrowed, u32 *token borrowed);
bool virtio_queue_has_room(const struct virtio_queue *q borrowed, u32 pieces);
// Tells the device, unless it asked not to be told.
void virtio_queue_notify(struct virtio_queue *q borrowed);
// Takes a finished chain: its token and how many bytes the device wrote. False when there is none. A
// device that reports nonsense is ignored.
bool virtio_queue_take(struct virtio_queue *q borrowed, u32 *token borrowed, u32 *written borrowed);
