// SPDX-License-Identifier: MPL-2.0
// Virtio over MMIO (section 4.2): one register page a device, one interrupt line for all queues. Version 2, and the
// legacy version 1, which QEMU's microvm gives unless told otherwise: there a queue is one page number, and the
// rings follow each other as our page run has them, if the queue has VIRTIO_QUEUE_MAX entries.
#include <core/print.h>
#include <drivers/virtio/virtio.h>
#include <drivers/virtio/virtio_ring_internal.h>

enum mmio_offset {
	MMIO_MAGIC = 0,
	MMIO_VERSION = 4,
	MMIO_DEVICE_ID = 8,
	MMIO_DEVICE_FEATURES = 0x10,
	MMIO_DEVICE_FEATURES_SELECT = 0x14,
	MMIO_DRIVER_FEATURES = 0x20,
	MMIO_DRIVER_FEATURES_SELECT = 0x24,
	MMIO_QUEUE_SELECT = 0x30,
	MMIO_QUEUE_SIZE_MAX = 0x34,
	MMIO_QUEUE_SIZE = 0x38,
	MMIO_QUEUE_READY = 0x44,
	MMIO_QUEUE_NOTIFY = 0x50,
	MMIO_INTERRUPT_STATUS = 0x60,
	MMIO_INTERRUPT_ACKNOWLEDGE = 0x64,
	MMIO_STATUS = 0x70,
	MMIO_QUEUE_DESCRIPTORS = 0x80,
	MMIO_QUEUE_DRIVER = 0x90,
	MMIO_QUEUE_DEVICE = 0xa0,
	MMIO_CONFIG = 0x100
};
#define MMIO_MAGIC_VALUE 0x74726976u
#define MMIO_VERSION_LEGACY 1u
#define MMIO_VERSION_MODERN 2u
enum mmio_legacy_offset { MMIO_GUEST_PAGE_SIZE = 0x28, MMIO_QUEUE_ALIGN = 0x3c, MMIO_QUEUE_PAGE = 0x40 };

struct virtio_mmio {
	struct virtio_device base;
	struct register_window *window;	// reference; immutable
	u32 irq_line;			// immutable
};
static exclusive_access void virtio_mmio_release(struct virtio_mmio *v)
{
	register_window_put(take(v->window));
}
DEFINE_DERIVED(virtio_mmio, virtio_device, virtio_mmio_release)

static u32 mmio_read(struct virtio_device *d, u32 offset)
{
	return register_read_u32(virtio_mmio_from_virtio_device(d)->window, offset);
}

static void mmio_write(struct virtio_device *d, u32 offset, u32 value)
{
	register_write_u32(virtio_mmio_from_virtio_device(d)->window, offset, value);
}

static u64 mmio_read_features(struct virtio_device *d)
{
	u64 low;

	mmio_write(d, MMIO_DEVICE_FEATURES_SELECT, 0);
	low = mmio_read(d, MMIO_DEVICE_FEATURES);
	mmio_write(d, MMIO_DEVICE_FEATURES_SELECT, 1);
	return low | (u64)mmio_read(d, MMIO_DEVICE_FEATURES) << 32;
}

static void mmio_write_features(struct virtio_device *d, u64 features)
{
	mmio_write(d, MMIO_DRIVER_FEATURES_SELECT, 0);
	mmio_write(d, MMIO_DRIVER_FEATURES, (u32)features);
	mmio_write(d, MMIO_DRIVER_FEATURES_SELECT, 1);
	mmio_write(d, MMIO_DRIVER_FEATURES, (u32)(features >> 32));
}

static u32 mmio_read_status(struct virtio_device *d)
{
	return mmio_read(d, MMIO_STATUS);
}

static void mmio_write_status(struct virtio_device *d, u32 status)
{
	mmio_write(d, MMIO_STATUS, status);
}

static u32 mmio_queue_size(struct virtio_device *d, u32 index)
{
	u32 size;

	mmio_write(d, MMIO_QUEUE_SELECT, index);
	size = mmio_read(d, MMIO_QUEUE_SIZE_MAX);
	if (d->is_legacy)
		return size >= VIRTIO_QUEUE_MAX && !mmio_read(d, MMIO_QUEUE_PAGE) ? size : 0;
	return mmio_read(d, MMIO_QUEUE_READY) ? 0 : size;
}

static void mmio_write_u64(struct virtio_device *d, u32 offset, u64 value)
{
	mmio_write(d, offset, (u32)value);
	mmio_write(d, offset + 4, (u32)(value >> 32));
}

static err_t mmio_queue_start(struct virtio_device *d, struct virtio_queue *q, u32 cpu, struct irq_action *action)
{
	u64 ring = page_dma_address(q->ring);
	err_t err = irq_attach_line(action, virtio_mmio_from_virtio_device(d)->irq_line);

	if (err)
		return err;
	mmio_write(d, MMIO_QUEUE_SELECT, q->index);
	mmio_write(d, MMIO_QUEUE_SIZE, q->size);
	if (d->is_legacy) {
		mmio_write(d, MMIO_QUEUE_ALIGN, (u32)PAGE_SIZE);
		mmio_write(d, MMIO_QUEUE_PAGE, (u32)(ring / PAGE_SIZE));
		return OK;
	}
	mmio_write_u64(d, MMIO_QUEUE_DESCRIPTORS, ring);
	mmio_write_u64(d, MMIO_QUEUE_DRIVER, ring + AVAILABLE_OFFSET);
	mmio_write_u64(d, MMIO_QUEUE_DEVICE, ring + USED_OFFSET);
	mmio_write(d, MMIO_QUEUE_READY, 1);
	return OK;
}

static void mmio_notify(struct virtio_device *d, const struct virtio_queue *q borrowed)
{
	mmio_write(d, MMIO_QUEUE_NOTIFY, q->index);
}

static u32 mmio_read_config(struct virtio_device *d, u32 offset, u32 width)
{
	struct register_window *w = virtio_mmio_from_virtio_device(d)->window;

	if (MMIO_CONFIG + offset + width > register_window_size(w))
		return 0;
	return width == 1 ? register_read_u8(w, MMIO_CONFIG + offset)
	     : width == 2 ? register_read_u16(w, MMIO_CONFIG + offset)
			  : register_read_u32(w, MMIO_CONFIG + offset);
}

static bool mmio_acknowledge(struct virtio_device *d)
{
	u32 status = mmio_read(d, MMIO_INTERRUPT_STATUS);

	mmio_write(d, MMIO_INTERRUPT_ACKNOWLEDGE, status);
	return status;
}

static const struct virtio_transport mmio_transport = {
	.read_features = mmio_read_features, .write_features = mmio_write_features, .read_status = mmio_read_status,
	.write_status = mmio_write_status, .queue_size = mmio_queue_size, .queue_start = mmio_queue_start,
	.notify = mmio_notify, .read_config = mmio_read_config, .acknowledge = mmio_acknowledge,
};

static err_t mmio_probe(struct register_window *w, u32 irq_line, u32 version)
{
	struct virtio_mmio *v object_auto(virtio_mmio) = virtio_mmio_alloc();

	if (!v)
		return -ENOMEM;
	v->window = register_window_get(w);
	v->irq_line = irq_line;
	v->base.transport = &mmio_transport;
	v->base.kind = mmio_read(&v->base, MMIO_DEVICE_ID);
	v->base.is_legacy = version == MMIO_VERSION_LEGACY;
	if (v->base.is_legacy && v->base.kind)
		mmio_write(&v->base, MMIO_GUEST_PAGE_SIZE, (u32)PAGE_SIZE);
	return v->base.kind ? virtio_offer(&v->base) : OK;
}

void virtio_mmio_init(void)
{
	for (u32 i = 0;; i++) {
		u32 line = 0;
		struct register_window *w object_auto(register_window) = platform_virtio_mmio(i, &line);
		err_t err;

		if (!w)
			return;
		if (register_read_u32(w, MMIO_MAGIC) != MMIO_MAGIC_VALUE)
			continue;
		u32 version = register_read_u32(w, MMIO_VERSION);
		if (version != MMIO_VERSION_MODERN && version != MMIO_VERSION_LEGACY)
			continue;
		err = mmio_probe(w, line, version);
		if (err && err != -ENODEV)
			log_error("virtio: MMIO device %u could not be started: error %d", i, -(s32)err);
	}
}
