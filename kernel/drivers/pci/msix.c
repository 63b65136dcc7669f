// SPDX-License-Identifier: MPL-2.0
// MSI-X: a table of messages in one of the device's BARs, one interrupt vector each.
#include <drivers/pci/pci.h>

#define MSIX_CONTROL 2u
#define MSIX_ENABLE 0x8000u
#define MSIX_FUNCTION_MASK 0x4000u
#define MSIX_TABLE 4u
#define MSIX_ENTRY_BYTES 16u
#define MSIX_ENTRY_MASKED 1u

u32 pci_msix_enable(struct pci_device *d)
{
	u32 at = pci_capability(d, PCI_CAPABILITY_MSIX, 0);
	u32 control, place;

	if (!at)
		return 0;
	control = pci_read(d, at + MSIX_CONTROL, 2);
	place = pci_read(d, at + MSIX_TABLE, 4);
	struct register_window *w object_auto(register_window) = pci_bar_window(d->address, place & 7);
	if (!w)
		return 0;
	d->msix_count = (control & 0x7ff) + 1;
	d->msix_offset = place & ~7u;
	if (register_window_size(w) < d->msix_offset + d->msix_count * MSIX_ENTRY_BYTES)
		return 0;
	for (u32 i = 0; i < d->msix_count; i++)
		register_write_u32(w, d->msix_offset + i * MSIX_ENTRY_BYTES + 12, MSIX_ENTRY_MASKED);
	if (pci_write(d, at + MSIX_CONTROL, 2, (control | MSIX_ENABLE) & ~MSIX_FUNCTION_MASK) ||
	    pci_write(d, PCI_COMMAND, 2, pci_read(d, PCI_COMMAND, 2) | PCI_COMMAND_INTX_OFF))
		return 0;
	d->msix_table = take(w);
	return d->msix_count;
}

err_t pci_msix_attach(struct pci_device *d, u32 index, u32 cpu, struct irq_action *action)
{
	struct msi_message m = { };
	u64 entry = d->msix_offset + index * MSIX_ENTRY_BYTES;
	err_t err;

	if (!d->msix_table || index >= d->msix_count)
		return -EINVAL;
	err = irq_attach_message(action, cpu, &m);
	if (err)
		return err;
	register_write_u32(d->msix_table, entry, (u32)m.address);
	register_write_u32(d->msix_table, entry + 4, (u32)(m.address >> 32));
	register_write_u32(d->msix_table, entry + 8, m.data);
	register_write_u32(d->msix_table, entry + 12, 0);
	return OK;
}
