// SPDX-License-Identifier: MPL-2.0
// The FADT: power management registers, reset, and the DSDT's address.
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/acpi/parse.h"
#include "core/arch/x86_64/cpu/port.h"
#include "core/arch/x86_64/paging/entry.h"
#include "core/arch/x86_64/paging/start.h"

enum {
	FLAG_TIMER_32 = 1 << 8,
	FLAG_RESET = 1 << 10,
	FLAG_REDUCED = 1 << 20,
	CONTROL_ENABLED = 1,
	SPACE_PORTS = 1,
	ENABLE_SPIN_MAX = 1000000,
};

static u32 word_at(bytes_t table, usize at)
{
	return at + 4 <= bytes_len(table) ? bytes_get_u32le(table, at) : 0;
}

static u16 half_at(bytes_t table, usize at)
{
	return at + 2 <= bytes_len(table) ? bytes_get_u16le(table, at) : 0;
}

static struct acpi_register register_at(bytes_t table, usize at)
{
	if (at + 12 > bytes_len(table))
		return (struct acpi_register){ 0 };
	return (struct acpi_register){
		.space = byte_at(table, at),
		.width_bits = byte_at(table, at + 1),
		.address = bytes_get_u64le(table, at + 4),
	};
}

void acpi_read_fixed(bytes_t table)
{
	struct acpi_info *a = &acpi_info;
	u32 flags = word_at(table, 112);
	a->is_reduced = (flags & FLAG_REDUCED) != 0;
	a->power_line = half_at(table, 46);
	if (!a->is_reduced) {
		a->smi_command = (u16)word_at(table, 48);
		a->enable_value = (u8)half_at(table, 52);
		a->event_a = (u16)word_at(table, 56);
		a->event_b = (u16)word_at(table, 60);
		a->control_a = (u16)word_at(table, 64);
		a->control_b = (u16)word_at(table, 68);
		a->event_size = (u8)half_at(table, 88);
		a->pm_timer = (struct acpi_register){ SPACE_PORTS, 32, word_at(table, 76) };
		a->pm_timer_bits = flags & FLAG_TIMER_32 ? 32 : 24;
	}
	if (flags & FLAG_RESET) {
		a->reset = register_at(table, 116);
		a->reset_value = (u8)half_at(table, 128);
	}
	a->sleep_control = register_at(table, 244);
	u64 code = bytes_len(table) >= 148 ? bytes_get_u64le(table, 140) : 0;
	acpi_scan_code(acpi_table_map(code ? code : word_at(table, 40)));
}

void acpi_register_write(const struct acpi_register *r, u32 value)
{
	if (r->space == SPACE_PORTS) {
		if (r->width_bits > 8)
			port_write_16((u16)r->address, (u16)value);
		else
			port_write_8((u16)r->address, (u8)value);
		return;
	}
	volatile u8 *memory = r->space == 0 ? paging_window_map(r->address, 4, ENTRY_CACHE_DEVICE) : NULL;
	if (memory)
		*memory = (u8)value;
}

void acpi_enable(void)
{
	const struct acpi_info *a = &acpi_info;
	if (!a->control_a || !a->smi_command || (port_read_16(a->control_a) & CONTROL_ENABLED))
		return;
	port_write_8(a->smi_command, a->enable_value);
	for (u32 i = 0; i < ENABLE_SPIN_MAX && !(port_read_16(a->control_a) & CONTROL_ENABLED); i++)
		;
}
