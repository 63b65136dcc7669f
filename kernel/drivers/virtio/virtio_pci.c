// SPDX-License-Identifier: MPL-2.0
// Virtio over PCI (section 4.1): four structures in the BARs, found through vendor capabilities.
// Each queue has an MSI-X vector of its own; without MSI-X all share the INTx line.
#include <core/print.h>
#include <drivers/pci/pci.h>
#include <drivers/virtio/virtio.h>
#include <drivers/virtio/virtio_ring_internal.h>

#define VIRTIO_VENDOR 0x1af4u
#define VIRTIO_PRODUCT_FIRST 0x1000u
#define VIRTIO_PRODUCT_MODERN 0x1040u
#define VIRTIO_PRODUCT_LAST 0x107fu
#define NO_VECTOR 0xffffu
enum structure { STRUCTURE_COMMON = 1, STRUCTURE_NOTIFY, STRUCTURE_ISR, STRUCTURE_DEVICE, STRUCTURE_COUNT };
enum common_offset { DEVICE_FEATURE_SELECT = 0, DEVICE_FEATURE = 4, DRIVER_FEATURE_SELECT = 8, DRIVER_FEATURE = 12,
	CONFIG_VECTOR = 16, QUEUE_COUNT = 18, DEVICE_STATUS = 20, QUEUE_SELECT = 22, QUEUE_SIZE = 24, QUEUE_VECTOR = 26,
	QUEUE_ENABLE = 28, QUEUE_NOTIFY_OFFSET = 30, QUEUE_DESCRIPTORS = 32, QUEUE_DRIVER = 40, QUEUE_DEVICE = 48 };

struct virtio_place {
	struct register_window *window;	// reference
	u64 offset;
	u32 length;
};
struct virtio_pci {
	struct virtio_device base;
	struct pci_device *pci;		// reference; immutable
	struct virtio_place place[STRUCTURE_COUNT];	// immutable
	u32 notify_multiplier;
	u32 vector_count, vectors_used;	// start-up only
};
static exclusive_access void virtio_pci_release(struct virtio_pci *v)
{
	for (u32 i = 0; i < STRUCTURE_COUNT; i++)
		if (v->place[i].window)
			register_window_put(take(v->place[i].window));
	if (v->pci)
		pci_device_put(take(v->pci));
}
DEFINE_DERIVED(virtio_pci, virtio_device, virtio_pci_release)

static u32 common_read(struct virtio_pci *v, u32 offset, u32 width)
{
	struct virtio_place *p = array_ptr(v->place, STRUCTURE_COMMON);

	return width == 1 ? register_read_u8(p->window, p->offset + offset)
	     : width == 2 ? register_read_u16(p->window, p->offset + offset)
			  : register_read_u32(p->window, p->offset + offset);
}

static void common_write(struct virtio_pci *v, u32 offset, u32 width, u32 value)
{
	struct virtio_place *p = array_ptr(v->place, STRUCTURE_COMMON);

	if (width == 1)
		register_write_u8(p->window, p->offset + offset, (u8)value);
	else if (width == 2)
		register_write_u16(p->window, p->offset + offset, (u16)value);
	else
		register_write_u32(p->window, p->offset + offset, value);
}

static void common_write_u64(struct virtio_pci *v, u32 offset, u64 value)
{
	common_write(v, offset, 4, (u32)value);
	common_write(v, offset + 4, 4, (u32)(value >> 32));
}

static u64 pci_read_features(struct virtio_device *d)
{
	struct virtio_pci *v = virtio_pci_from_virtio_device(d);
	u64 low;

	common_write(v, DEVICE_FEATURE_SELECT, 4, 0);
	low = common_read(v, DEVICE_FEATURE, 4);
	common_write(v, DEVICE_FEATURE_SELECT, 4, 1);
	return low | (u64)common_read(v, DEVICE_FEATURE, 4) << 32;
}

static void pci_write_features(struct virtio_device *d, u64 features)
{
	struct virtio_pci *v = virtio_pci_from_virtio_device(d);

	common_write(v, DRIVER_FEATURE_SELECT, 4, 0);
	common_write(v, DRIVER_FEATURE, 4, (u32)features);
	common_write(v, DRIVER_FEATURE_SELECT, 4, 1);
	common_write(v, DRIVER_FEATURE, 4, (u32)(features >> 32));
}

static u32 pci_read_status(struct virtio_device *d)
{
	return common_read(virtio_pci_from_virtio_device(d), DEVICE_STATUS, 1);
}

static void pci_write_status(struct virtio_device *d, u32 status)
{
	common_write(virtio_pci_from_virtio_device(d), DEVICE_STATUS, 1, status);
}

static u32 pci_queue_size(struct virtio_device *d, u32 index)
{
	struct virtio_pci *v = virtio_pci_from_virtio_device(d);

	if (index >= common_read(v, QUEUE_COUNT, 2))
		return 0;
	common_write(v, QUEUE_SELECT, 2, index);
	return common_read(v, QUEUE_SIZE, 2);
}

static err_t route_interrupt(struct virtio_pci *v, u32 cpu, struct irq_action *action)
{
	u32 vector = v->vectors_used;
	err_t err;

	if (v->vector_count == 0)
		return irq_attach_pci_line(action, v->pci->address);
	if (vector >= v->vector_count)
		return -ENOSPC;
	err = pci_msix_attach(v->pci, vector, cpu, action);
	if (err)
		return err;
	v->vectors_used++;
	common_write(v, QUEUE_VECTOR, 2, vector);
	return common_read(v, QUEUE_VECTOR, 2) == vector ? OK : (err_t)-EIO;
}

static err_t pci_queue_start(struct virtio_device *d, struct virtio_queue *q, u32 cpu, struct irq_action *action)
{
	struct virtio_pci *v = virtio_pci_from_virtio_device(d);
	u64 ring = page_dma_address(q->ring);
	err_t err;

	common_write(v, QUEUE_SELECT, 2, q->index);
	common_write(v, QUEUE_SIZE, 2, q->size);
	err = route_interrupt(v, cpu, action);
	if (err)
		return err;
	common_write_u64(v, QUEUE_DESCRIPTORS, ring);
	common_write_u64(v, QUEUE_DRIVER, ring + AVAILABLE_OFFSET);
	common_write_u64(v, QUEUE_DEVICE, ring + USED_OFFSET);
	q->notify_offset = common_read(v, QUEUE_NOTIFY_OFFSET, 2) * v->notify_multiplier;
	common_write(v, QUEUE_ENABLE, 2, 1);
	return OK;
}

static void pci_notify(struct virtio_device *d, const struct virtio_queue *q borrowed)
{
	struct virtio_place *p = array_ptr(virtio_pci_from_virtio_device(d)->place, STRUCTURE_NOTIFY);

	register_write_u16(p->window, p->offset + q->notify_offset, (u16)q->index);
}

static u32 pci_read_device_config(struct virtio_device *d, u32 offset, u32 width)
{
	struct virtio_place *p = array_ptr(virtio_pci_from_virtio_device(d)->place, STRUCTURE_DEVICE);

	if (!p->window || offset + width > p->length)
		return 0;
	return width == 1 ? register_read_u8(p->window, p->offset + offset)
	     : width == 2 ? register_read_u16(p->window, p->offset + offset)
			  : register_read_u32(p->window, p->offset + offset);
}

static bool pci_acknowledge(struct virtio_device *d)
{
	struct virtio_pci *v = virtio_pci_from_virtio_device(d);
	struct virtio_place *p = array_ptr(v->place, STRUCTURE_ISR);

	return v->vector_count || (register_read_u8(p->window, p->offset) & 1);
}

static const struct virtio_transport pci_transport = {
	.read_features = pci_read_features, .write_features = pci_write_features, .read_status = pci_read_status,
	.write_status = pci_write_status, .queue_size = pci_queue_size, .queue_start = pci_queue_start,
	.notify = pci_notify, .read_config = pci_read_device_config, .acknowledge = pci_acknowledge,
};

// Finds the structures; the first capability of each kind counts.
static err_t find_structures(struct virtio_pci *v)
{
	for (u32 at = pci_capability(v->pci, PCI_CAPABILITY_VENDOR, 0); at;
		at = pci_capability(v->pci, PCI_CAPABILITY_VENDOR, at)) {
		u32 kind = pci_read(v->pci, at + 3, 1);

		if (kind == 0 || kind >= STRUCTURE_COUNT || v->place[kind].window)
			continue;
		struct register_window *w object_auto(register_window) =
			pci_bar_window(v->pci->address, pci_read(v->pci, at + 4, 1));
		v->place[kind].offset = pci_read(v->pci, at + 8, 4);
		v->place[kind].length = pci_read(v->pci, at + 12, 4);
		if (!w || v->place[kind].offset + v->place[kind].length > register_window_size(w))
			continue;
		v->place[kind].window = take(w);
		if (kind == STRUCTURE_NOTIFY)
			v->notify_multiplier = pci_read(v->pci, at + 16, 4);
	}
	return v->place[STRUCTURE_COMMON].window && v->place[STRUCTURE_NOTIFY].window && v->place[STRUCTURE_ISR].window
		? OK
		: (err_t)-ENODEV;
}

static bool pci_match(const struct pci_device *d borrowed)
{
	return d->vendor == VIRTIO_VENDOR && d->product >= VIRTIO_PRODUCT_FIRST && d->product <= VIRTIO_PRODUCT_LAST;
}

static err_t pci_probe(struct pci_device *d)
{
	struct virtio_pci *v object_auto(virtio_pci) = virtio_pci_alloc();
	err_t err = pci_enable(d);

	if (!v)
		return -ENOMEM;
	if (err)
		return err;
	v->pci = pci_device_get(d);
	v->base.transport = &pci_transport;
	v->base.kind = d->product >= VIRTIO_PRODUCT_MODERN ? d->product - VIRTIO_PRODUCT_MODERN : d->subsystem;
	err = find_structures(v);
	if (err)
		return err;
	v->vector_count = pci_msix_enable(d);
	common_write(v, CONFIG_VECTOR, 2, NO_VECTOR);
	err = virtio_offer(&v->base);
	// Without a driver the device rests; its record is not needed.
	return err == -ENODEV ? OK : err;
}

static const struct pci_driver virtio_pci_driver = { .match = pci_match, .probe = pci_probe };

void virtio_pci_init(void)
{
	pci_driver_register(&virtio_pci_driver);
}
