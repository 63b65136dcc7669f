// SPDX-License-Identifier: MPL-2.0
// Enumeration walks bus 0 and the bridges behind it; each function found is offered to the drivers.
#include <core/lock.h>
#include <core/print.h>
#include <drivers/pci/pci.h>

#define PCI_HEADER_TYPE 0x0eu
#define PCI_HEADER_BRIDGE 1u
#define PCI_SECONDARY_BUS 0x19u
#define PCI_STATUS_CAPABILITIES 0x10u
#define PCI_BUS_DEPTH_MAX 8u
#define PCI_DRIVERS_MAX 16u
#define CAPABILITY_STEPS_MAX 48u

static exclusive_access void pci_device_release(struct pci_device *d)
{
	if (d->msix_table)
		register_window_put(take(d->msix_table));
}
DEFINE_OBJECT(pci_device, pci_device_release)
DEFINE_LIST(pci_device_list, pci_device, link)

struct pci_driver_slot {
	const struct pci_driver *driver;
};
static struct synchronised pci_bus {
	struct mutex lock;
	struct pci_device_list devices GUARDED_BY(lock);	// a reference each
	struct pci_driver_slot drivers[PCI_DRIVERS_MAX] GUARDED_BY(lock);
	u32 driver_count GUARDED_BY(lock);
} bus = { .lock = MUTEX_INIT(RANK_BOOT) };

u32 pci_read(const struct pci_device *d borrowed, u32 offset, u32 width_bytes)
{
	return pci_config_read(d->address, offset, width_bytes);
}

err_t pci_write(const struct pci_device *d borrowed, u32 offset, u32 width_bytes, u32 value)
{
	return pci_config_write(d->address, offset, width_bytes, value);
}

err_t pci_enable(const struct pci_device *d borrowed)
{
	return pci_write(d, PCI_COMMAND, 2,
		pci_read(d, PCI_COMMAND, 2) | PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
}

u32 pci_capability(const struct pci_device *d borrowed, u32 kind, u32 previous)
{
	u32 at;

	if (!(pci_read(d, 0x06, 2) & PCI_STATUS_CAPABILITIES))
		return 0;
	at = pci_read(d, previous ? previous + 1 : 0x34, 1) & 0xfc;
	for (u32 steps = 0; at >= 0x40 && steps < CAPABILITY_STEPS_MAX; steps++) {
		if (pci_read(d, at, 1) == kind)
			return at;
		at = pci_read(d, at + 1, 1) & 0xfc;
	}
	return 0;
}

static bool offer(const struct pci_driver *driver, struct pci_device *d)
{
	err_t err;

	if (!driver->match(d))
		return false;
	err = driver->probe(d);
	if (err)
		log_error("pci: device %04x:%04x at %02x:%02x.%u could not be started: error %d", d->vendor, d->product,
			  d->address.bus, d->address.device, d->address.function, -(s32)err);
	return !err;
}

static err_t add_device(struct pci_address a, u32 id) REQUIRES(bus.lock)
{
	struct pci_device *d object_auto(pci_device) = pci_device_alloc();

	if (!d)
		return -ENOMEM;
	d->address = a;
	d->vendor = (u16)id;
	d->product = (u16)(id >> 16);
	d->class_code = pci_config_read(a, 0x08, 4) >> 8;
	d->subsystem_vendor = (u16)pci_config_read(a, 0x2c, 2);
	d->subsystem = (u16)pci_config_read(a, 0x2e, 2);
	pci_device_list_append(&bus.devices, take(d));
	return OK;
}

// Buses still to be scanned, found through bridges. Depth is bounded by the number of buses.
struct bus_queue {
	u8 pending[256];
	u32 count;
};

static void scan_function(struct pci_address a, struct bus_queue *q borrowed) REQUIRES(bus.lock)
{
	u32 id = pci_config_read(a, 0, 4);
	u32 header = pci_config_read(a, PCI_HEADER_TYPE, 1) & 0x7f;

	if ((id & 0xffff) == 0xffff)
		return;
	if (header == PCI_HEADER_BRIDGE) {
		u32 secondary = pci_config_read(a, PCI_SECONDARY_BUS, 1);

		if (secondary > a.bus && q->count < array_len(q->pending)) {
			q->pending[q->count] = (u8)secondary;
			q->count++;
		}
	}
	if (add_device(a, id))
		log_error("pci: no memory for a device record");
}

static void scan_slot(u8 number, u8 slot, struct bus_queue *q borrowed) REQUIRES(bus.lock)
{
	struct pci_address a = { .bus = number, .device = slot };
	u32 functions;

	if ((pci_config_read(a, 0, 2) & 0xffff) == 0xffff)
		return;
	functions = pci_config_read(a, PCI_HEADER_TYPE, 1) & 0x80 ? 8 : 1;
	for (u32 f = 0; f < functions; f++) {
		a.function = (u8)f;
		scan_function(a, q);
	}
}

void pci_init(void)
{
	struct bus_queue q = { .count = 1 };

	mutex_guard(&bus.lock);
	for (u32 next = 0; next < q.count; next++)
		for (u32 slot = 0; slot < 32; slot++)
			scan_slot(q.pending[next % array_len(q.pending)], (u8)slot, &q);
	list_for_each(pci_device_list, d, &bus.devices)
		for (u32 i = 0; i < bus.driver_count && !d->is_claimed; i++)
			d->is_claimed = offer(bus.drivers[i].driver, d);
}

void pci_driver_register(const struct pci_driver *driver)
{
	mutex_guard(&bus.lock);
	if (bus.driver_count == PCI_DRIVERS_MAX) {
		log_error("pci: too many drivers");
		return;
	}
	bus.drivers[bus.driver_count].driver = driver;
	bus.driver_count++;
	list_for_each(pci_device_list, d, &bus.devices)
		if (!d->is_claimed)
			d->is_claimed = offer(driver, d);
}

struct pci_device *pci_device_at(u32 index)
{
	u32 i = 0;

	mutex_guard(&bus.lock);
	list_for_each(pci_device_list, d, &bus.devices) {
		if (i == index)
			return pci_device_get(d);
		i++;
	}
	return NULL;
}
