// SPDX-License-Identifier: MPL-2.0
// ACPI tables (ACPI 6.4, chapter 5). Firmware is input: every length is checked before it is used, and
// a broken table is an absent one.
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/acpi/parse.h"
#include "core/arch/x86_64/boot/boot.h"
#include "core/arch/x86_64/paging/start.h"
#include <core/print.h>

enum {
	HEADER_SIZE = 36,
	TABLE_SIZE_MAX = 1 << 20,
	TABLES_MAX = 64,
	ROOT_SIZE = 20,
	ROOT_REVISION = 15,
	ROOT_RSDT = 16,
	ROOT_XSDT = 24,
	ROOT_EXTENDED_SIZE = 36,
	BIOS_AREA_START = 0xe0000,
	BIOS_AREA_END = 0x100000,
};

struct acpi_info acpi_info = { .off_type_a = -1, .off_type_b = -1 };

static bool sum_is_zero(bytes_t table)
{
	u8 sum = 0;
	for (usize i = 0; i < bytes_len(table); i++)
		sum = (u8)(sum + byte_at(table, i));
	return sum == 0;
}

bytes_t acpi_table_map(u64 physical)
{
	const u8 *header = paging_window_map(physical, HEADER_SIZE, 0);
	if (!header || physical == 0)
		return bytes_empty();
	u32 length = bytes_get_u32le((bytes_t){ header, HEADER_SIZE }, 4);
	if (length < HEADER_SIZE || length > TABLE_SIZE_MAX)
		return bytes_empty();
	const u8 *whole = paging_window_map(physical, length, 0);
	bytes_t table = { whole, length };
	return whole && sum_is_zero(table) ? table : bytes_empty();
}

static bytes_t root_find(void)
{
	u64 at = boot_information.acpi_root;
	if (at) {
		const u8 *p = paging_window_map(at, ROOT_EXTENDED_SIZE, 0);
		if (p && bytes_equal((bytes_t){ p, 8 }, STR("RSD PTR ")))
			return (bytes_t){ p, ROOT_EXTENDED_SIZE };
	}
	const u8 *area = paging_window_map(BIOS_AREA_START, BIOS_AREA_END - BIOS_AREA_START, 0);
	for (u32 i = 0; area && i + ROOT_EXTENDED_SIZE <= BIOS_AREA_END - BIOS_AREA_START; i += 16)
		if (bytes_equal((bytes_t){ area + i, 8 }, STR("RSD PTR ")) &&
			sum_is_zero((bytes_t){ area + i, ROOT_SIZE }))
			return (bytes_t){ area + i, ROOT_EXTENDED_SIZE };
	return bytes_empty();
}

static void table_read(bytes_t table)
{
	bytes_t name = bytes_first(table, 4);
	if (bytes_equal(name, STR("APIC")))
		acpi_read_interrupts(table);
	else if (bytes_equal(name, STR("FACP")))
		acpi_read_fixed(table);
	else if (bytes_equal(name, STR("HPET")) && bytes_len(table) >= 52)
		acpi_info.hpet = bytes_get_u64le(table, 44);
	else if (bytes_equal(name, STR("MCFG")))
		acpi_read_ecam(table);
}

void acpi_setup(void)
{
	bytes_t root = root_find();
	if (bytes_len(root) == 0)
		return;
	bool wide = byte_at(root, ROOT_REVISION) >= 2 && bytes_get_u64le(root, ROOT_XSDT) != 0;
	u64 list_at = wide ? bytes_get_u64le(root, ROOT_XSDT) : bytes_get_u32le(root, ROOT_RSDT);
	bytes_t list = acpi_table_map(list_at);
	u32 step = wide ? 8 : 4;
	for (u32 i = 0, at = HEADER_SIZE; i < TABLES_MAX && at + step <= bytes_len(list); i++, at += step) {
		bytes_t table = acpi_table_map(wide ? bytes_get_u64le(list, at) : bytes_get_u32le(list, at));
		if (bytes_len(table))
			table_read(table);
	}
	acpi_info.is_present = bytes_len(list) != 0;
}
