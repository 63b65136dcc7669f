// SPDX-License-Identifier: MPL-2.0
// The MADT: processors, I/O APICs, overrides of ISA interrupts. And the MCFG.
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/acpi/parse.h"
#include "core/arch/x86_64/apic/io.h"

enum {
	ENTRIES_AT = 44,
	ENTRY_LOCAL = 0,
	ENTRY_IO = 1,
	ENTRY_OVERRIDE = 2,
	ENTRY_LOCAL_X2 = 9,
	PROCESSOR_ENABLED = 1,
	ISA_LINES = 16,
	POLARITY_MASK = 3,
	POLARITY_LOW = 3,
	TRIGGER_MASK = 3 << 2,
	TRIGGER_LEVEL = 3 << 2,
};

static struct interrupt_source overrides[ISA_LINES];    // immutable after acpi_setup()
static u16 overridden;                                  // bit by ISA line

static void processor_add(u32 id, u32 flags)
{
	if (!(flags & PROCESSOR_ENABLED) || acpi_info.processor_count == ACPI_PROCESSORS_MAX)
		return;
	for (u32 i = 0; i < acpi_info.processor_count; i++)
		if (acpi_info.processor_ids[i] == id)
			return;
	acpi_info.processor_ids[acpi_info.processor_count++] = id;
}

static void override_add(bytes_t entry)
{
	u8 line = byte_at(entry, 3);
	u16 flags = bytes_get_u16le(entry, 8);
	if (line >= ISA_LINES)
		return;
	overrides[line] = (struct interrupt_source){
		.line = bytes_get_u32le(entry, 4),
		.is_low_active = (flags & POLARITY_MASK) == POLARITY_LOW,
		.is_level = (flags & TRIGGER_MASK) == TRIGGER_LEVEL,
	};
	overridden |= (u16)(1u << line);
}

static void entry_read(bytes_t entry)
{
	usize length = bytes_len(entry);
	switch (byte_at(entry, 0)) {
	case ENTRY_LOCAL:
		if (length >= 8)
			processor_add(byte_at(entry, 3), bytes_get_u32le(entry, 4));
		break;
	case ENTRY_LOCAL_X2:
		if (length >= 16)
			processor_add(bytes_get_u32le(entry, 4), bytes_get_u32le(entry, 8));
		break;
	case ENTRY_IO:
		if (length >= 12)
			(void)io_apic_add(bytes_get_u32le(entry, 4), bytes_get_u32le(entry, 8));
		break;
	case ENTRY_OVERRIDE:
		if (length >= 10)
			override_add(entry);
		break;
	default:
		break;
	}
}

void acpi_read_interrupts(bytes_t table)
{
	for (usize at = ENTRIES_AT; at + 2 <= bytes_len(table);) {
		usize length = byte_at(table, at + 1);
		if (length < 2 || at + length > bytes_len(table))
			return;
		entry_read(bytes_slice(table, at, length));
		at += length;
	}
}

struct interrupt_source acpi_interrupt_source(u32 line)
{
	if (line < ISA_LINES) {
		if (overridden >> line & 1)
			return overrides[line];
		return (struct interrupt_source){ .line = line };
	}
	for (u32 i = 0; i < acpi_info.virtio_count; i++)
		if (acpi_info.virtio[i].source.line == line)
			return acpi_info.virtio[i].source;
	return (struct interrupt_source){ .line = line, .is_level = true, .is_low_active = true };
}

void acpi_read_ecam(bytes_t table)
{
	for (usize at = ENTRIES_AT; at + 16 <= bytes_len(table) && acpi_info.ecam_count < ACPI_ECAM_MAX; at += 16) {
		acpi_info.ecam[acpi_info.ecam_count++] = (struct acpi_ecam){
			.base = bytes_get_u64le(table, at),
			.segment = bytes_get_u16le(table, at + 8),
			.first_bus = byte_at(table, at + 10),
			.last_bus = byte_at(table, at + 11),
		};
	}
}
