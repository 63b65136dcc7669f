// SPDX-License-Identifier: MPL-2.0
// How drivers, which are checked code, reach devices: through objects that the core makes and
// bounds. PCI configuration space, BARs and platform windows come from the core's enumeration, so a
// driver can only touch registers of devices, never memory.
#pragma once
#include <core/object.h>
#include <core/span.h>

// A window of device registers (memory-mapped or I/O ports). Accesses out of bounds trap.
struct register_window;
DECLARE_OBJECT(register_window)
u64 register_window_size(const struct register_window *w borrowed);
u8 register_read_u8(struct register_window *w borrowed, u64 offset);
u16 register_read_u16(struct register_window *w borrowed, u64 offset);
u32 register_read_u32(struct register_window *w borrowed, u64 offset);
u64 register_read_u64(struct register_window *w borrowed, u64 offset);
void register_write_u8(struct register_window *w borrowed, u64 offset, u8 value);
void register_write_u16(struct register_window *w borrowed, u64 offset, u16 value);
void register_write_u32(struct register_window *w borrowed, u64 offset, u32 value);
void register_write_u64(struct register_window *w borrowed, u64 offset, u64 value);

// PCI configuration space (ECAM where ACPI MCFG names it, else ports CF8/CFC).
struct pci_address {
	u16 segment;
	u8 bus, device, function;
	u8 pad[3];
};
u32 pci_config_read(struct pci_address a, u32 offset, u32 width_bytes); // ~0 when absent
// Refuses (-EPERM) to move a BAR onto memory; everything else is the driver's.
err_t pci_config_write(struct pci_address a, u32 offset, u32 width_bytes, u32 value);
// The window of BAR `index` of a device (must be decoded and outside RAM). NULL otherwise.
struct register_window *pci_bar_window(struct pci_address a, u32 index) owned;
// Virtio-MMIO transports from the command line (virtio_mmio.device=) or ACPI: index from 0; NULL at the end.
struct register_window *platform_virtio_mmio(u32 index, u32 *irq_line borrowed) owned;
// Named legacy ranges: "serial0" (0x3f8), "rtc" (0x70). NULL when absent.
struct register_window *platform_window(bytes_t name) owned;

// --- interrupts --------------------------------------------------------------------------------
// `handle` runs with interrupts off and must not sleep; it returns false if the device did not
// interrupt (shared lines). Derive a type from it to hold the driver's pointer.
struct irq_action {
	struct object object;
	core_private struct list_link __link;
	core_private u32 __line;
	core_private u32 __vector;
	bool (*handle)(struct irq_action *action); // immutable once attached
};
DECLARE_OBJECT(irq_action)
err_t irq_attach_line(struct irq_action *action, u32 line);	// ISA or ACPI global interrupt
// PCI: the INTx line of a device as routed by ACPI/firmware.
err_t irq_attach_pci_line(struct irq_action *action, struct pci_address a);
// MSI-X/MSI: allocates a vector on `cpu`; returns what to write into the device's table.
struct msi_message {
	u64 address;
	u32 data;
	u32 pad;
};
err_t irq_attach_message(struct irq_action *action, u32 cpu, struct msi_message *out borrowed);
void irq_detach(struct irq_action *action);
// Interrupt counts for /proc/interrupts: line index from 0; false at the end.
bool irq_read_count(u32 index, u32 cpu, u64 *count borrowed, u32 *line borrowed);
