// SPDX-License-Identifier: MPL-2.0
// Devices that nothing enumerates: legacy ports, and virtio over memory-mapped registers as the command
// line or ACPI's byte code announces it.
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/cpu/port.h"
#include "core/device/window.h"
#include <core/arch/serial.h>
#include <core/boot.h>

enum {
	SERIAL_0 = 0x3f8,
	SERIAL_1 = 0x2f8,
	SERIAL_SIZE = 8,
	SERIAL_SCRATCH = 7,
	SCRATCH_VALUE = 0x5a,
	CLOCK_PORT = 0x70,
	CLOCK_SIZE = 2,
};

struct register_window *platform_window(bytes_t name)
{
	if (bytes_equal(name, STR("serial0")))
		return arch_serial_present() ? window_from_ports(SERIAL_0, SERIAL_SIZE) : NULL;
	if (bytes_equal(name, STR("serial1"))) {
		port_write_8(SERIAL_1 + SERIAL_SCRATCH, SCRATCH_VALUE);
		if (port_read_8(SERIAL_1 + SERIAL_SCRATCH) != SCRATCH_VALUE)
			return NULL;
		return window_from_ports(SERIAL_1, SERIAL_SIZE);
	}
	if (bytes_equal(name, STR("rtc")))
		return window_from_ports(CLOCK_PORT, CLOCK_SIZE);
	return NULL;
}

// SIZE with a suffix of K or M.
static bool size_parse(bytes_t text, u64 *size)
{
	usize n = bytes_len(text);
	u32 shift = 0;
	if (n && (byte_at(text, n - 1) | 0x20) == 'k')
		shift = 10;
	else if (n && (byte_at(text, n - 1) | 0x20) == 'm')
		shift = 20;
	if (!bytes_parse_u64(bytes_first(text, shift ? n - 1 : n), 0, size))
		return false;
	*size <<= shift;
	return *size != 0 && *size <= 1 << 20;
}

// "SIZE@BASE:IRQ" or "SIZE@BASE:IRQ:ID".
static bool announcement_parse(bytes_t value, struct acpi_virtio *v)
{
	usize at = bytes_find(value, '@');
	if (at == bytes_len(value))
		return false;
	bytes_t rest = bytes_from(value, at + 1);
	usize colon = bytes_find(rest, ':');
	if (colon == bytes_len(rest))
		return false;
	bytes_t line = bytes_from(rest, colon + 1);
	u64 size, base, irq;
	if (!size_parse(bytes_first(value, at), &size) || !bytes_parse_u64(bytes_first(rest, colon), 0, &base) ||
	    !bytes_parse_u64(bytes_first(line, bytes_find(line, ':')), 0, &irq) || irq > 255)
		return false;
	*v = (struct acpi_virtio){ .base = base, .size = (u32)size, .source.line = (u32)irq };
	return true;
}

// The device number *index among the command line's; lowers *index by how many there are before.
static bool announcement_find(u32 *index, struct acpi_virtio *v)
{
	bytes_t line = boot_command_line(), key = STR("virtio_mmio.device=");
	for (usize at = 0; at < bytes_len(line);) {
		bytes_t word = bytes_from(line, at);
		word = bytes_first(word, bytes_find(word, ' '));
		at += bytes_len(word) + 1;
		if (!bytes_start_with(word, key) || !announcement_parse(bytes_from(word, bytes_len(key)), v))
			continue;
		if ((*index)-- == 0)
			return true;
	}
	return false;
}

struct register_window *platform_virtio_mmio(u32 index, u32 *irq_line)
{
	struct acpi_virtio v;
	if (!announcement_find(&index, &v)) {
		if (index >= acpi_info.virtio_count)
			return NULL;
		v = acpi_info.virtio[index];
	}
	*irq_line = v.source.line;
	return window_from_memory(v.base, v.size);
}
