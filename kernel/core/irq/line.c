// SPDX-License-Identifier: MPL-2.0
// core/device_memory.h, interrupts: from lines and messages to vectors.
//
// A line below 16 is an ISA interrupt and goes through the firmware's overrides; others are global
// interrupt numbers. A line gets its vector with its first listener and keeps it.
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/apic/io.h"
#include "core/irq/irq.h"
#include <core/arch/cpu.h>
#include <core/lock.h>

enum {
	LINE_MAX = 256,
	LINE_NONE = 0xffffffff,         // message-signalled
	MESSAGE_ADDRESS = 0xfee00000,
	MESSAGE_TARGET_SHIFT = 12,
	PCI_INTERRUPT_LINE = 0x3c,
	PCI_LINE_NONE = 0xff,
};

static struct mutex lines_lock = MUTEX_INIT(RANK_SLEEPING_LEAF);
static u8 line_vectors[LINE_MAX];       // guarded by lines_lock

err_t irq_attach_line(struct irq_action *action, u32 line)
{
	struct interrupt_source source = acpi_interrupt_source(line);
	if (source.line >= LINE_MAX || !action->handle)
		return -EINVAL;
	mutex_guard(&lines_lock);
	if (line_vectors[source.line] == 0) {
		u32 vector = vector_allocate(line);
		if (vector == 0)
			return -ENOSPC;
		line_vectors[source.line] = (u8)vector;
		action->__line = line;
		vector_attach(vector, action);
		if (io_apic_route(&source, vector, (u32)arch_cpu_local(0)->apic_id))
			return OK;
		vector_detach(vector, action);
		vector_free(vector);
		line_vectors[source.line] = 0;
		return -ENODEV;
	}
	action->__line = line;
	vector_attach(line_vectors[source.line], action);
	return OK;
}

err_t irq_attach_pci_line(struct irq_action *action, struct pci_address a)
{
	u32 line = pci_config_read(a, PCI_INTERRUPT_LINE, 1);
	if (line == 0 || line >= PCI_LINE_NONE)
		return -ENODEV;
	return irq_attach_line(action, line);
}

err_t irq_attach_message(struct irq_action *action, u32 cpu, struct msi_message *out)
{
	if (cpu >= arch_cpu_count() || !action->handle)
		return -EINVAL;
	u64 target = arch_cpu_local(cpu)->apic_id;
	if (target > 0xff)                      // needs interrupt remapping
		target = arch_cpu_local(0)->apic_id;
	u32 vector = vector_allocate(LINE_NONE);
	if (vector == 0)
		return -ENOSPC;
	action->__line = LINE_NONE;
	vector_attach(vector, action);
	*out = (struct msi_message){ .address = MESSAGE_ADDRESS | target << MESSAGE_TARGET_SHIFT, .data = vector };
	return OK;
}

void irq_detach(struct irq_action *action)
{
	u32 vector = action->__vector, line = action->__line;
	if (vector == 0)
		return;
	action->__vector = 0;
	mutex_guard(&lines_lock);
	vector_detach(vector, action);
	if (line == LINE_NONE)
		vector_free(vector);
}
