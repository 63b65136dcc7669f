// SPDX-License-Identifier: MPL-2.0
// The PCI bus: enumeration, capabilities, interrupts, drivers (source: PCI Local Bus 3.0, PCI Express base).
// Devices are found once at start-up; hot plug is not supported.
#pragma once
#include <core/device_memory.h>

#define PCI_COMMAND 0x04u
#define PCI_COMMAND_IO 1u
#define PCI_COMMAND_MEMORY 2u
#define PCI_COMMAND_BUS_MASTER 4u
#define PCI_COMMAND_INTX_OFF 0x400u
#define PCI_CAPABILITY_VENDOR 0x09u
#define PCI_CAPABILITY_MSIX 0x11u

struct pci_device {
	struct object object;
	struct list_link link;
	struct pci_address address;	// the following: immutable
	u16 vendor, product, subsystem_vendor, subsystem;
	u32 class_code;			// class << 16 | subclass << 8 | interface
	u32 is_claimed;			// start-up only
	struct register_window *msix_table;	// reference; set by pci_msix_enable()
	u64 msix_offset;
	u32 msix_count, msix_capability;
};
DECLARE_OBJECT(pci_device)
struct pci_driver {
	// Does the driver want this device?
	bool (*match)(const struct pci_device *d borrowed);
	err_t (*probe)(struct pci_device *d);
};
// Finds all devices. Drivers registered before or after are offered each unclaimed one.
void pci_init(void);
void pci_driver_register(const struct pci_driver *driver);
// In order; NULL at the end.
struct pci_device *pci_device_at(u32 index) owned;

u32 pci_read(const struct pci_device *d borrowed, u32 offset, u32 width_bytes);
err_t pci_write(const struct pci_device *d borrowed, u32 offset, u32 width_bytes, u32 value);
// Memory and I/O decoding and bus mastering on.
err_t pci_enable(const struct pci_device *d borrowed);
// The next capability of `kind` after `previous` (0: first); 0 when there is none.
u32 pci_capability(const struct pci_device *d borrowed, u32 kind, u32 previous);
// Number of MSI-X vectors, all masked; 0 when the device has none.
u32 pci_msix_enable(struct pci_device *d);
// Attaches the action to MSI-X vector `index`, delivered on `cpu`, and unmasks it.
err_t pci_msix_attach(struct pci_device *d, u32 index, u32 cpu, struct irq_action *action);
