// SPDX-License-Identifier: MPL-2.0
// The DSDT without an interpreter. Two constant shapes are searched in the byte code:
//
// - Name (_S5, Package {a, b, ...}): which values put the machine into the soft-off state.
// - Devices with the identifier LNRO0005 (virtio over memory-mapped registers) and the fixed memory
//   and interrupt descriptors of their resource buffers, as QEMU's microvm has them.
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/acpi/parse.h"

enum {
	OP_BYTE = 0x0a,
	OP_WORD = 0x0b,
	OP_PACKAGE = 0x12,
	DESCRIPTOR_MEMORY = 0x86,
	DESCRIPTOR_INTERRUPT = 0x89,
	DEVICE_SPAN = 160,              // a device's descriptors follow its name within this
	INTERRUPT_EDGE = 1 << 1,
	INTERRUPT_LOW = 1 << 2,
};

static usize find(bytes_t code, usize from, bytes_t what)
{
	for (usize i = from; i + bytes_len(what) <= bytes_len(code); i++)
		if (bytes_equal(bytes_slice(code, i, bytes_len(what)), what))
			return i;
	return bytes_len(code);
}

// A small constant at *at, which moves behind it; -1 for anything else.
static s32 constant_read(bytes_t code, usize *at)
{
	if (*at + 3 > bytes_len(code))
		return -1;
	u8 op = byte_at(code, (*at)++);
	if (op <= 1)
		return op;
	if (op == OP_BYTE)
		return byte_at(code, (*at)++);
	if (op != OP_WORD)
		return -1;
	*at += 2;
	return bytes_get_u16le(code, *at - 2);
}

static void off_state_scan(bytes_t code)
{
	usize at = find(code, 0, STR("_S5_")) + 4;
	if (at + 8 > bytes_len(code) || byte_at(code, at) != OP_PACKAGE)
		return;
	at += 2 + (byte_at(code, at + 1) >> 6);         // the length's own length
	at++;                                           // number of elements
	acpi_info.off_type_a = constant_read(code, &at);
	acpi_info.off_type_b = constant_read(code, &at);
}

static void virtio_read(bytes_t device)
{
	struct acpi_virtio v = { 0 };
	bool memory = false, interrupt = false;
	for (usize i = 0; i + 12 <= bytes_len(device); i++) {
		if (!memory && byte_at(device, i) == DESCRIPTOR_MEMORY && bytes_get_u16le(device, i + 1) == 9) {
			v.base = bytes_get_u32le(device, i + 4);
			v.size = bytes_get_u32le(device, i + 8);
			memory = true;
			i += 11;
		} else if (memory && byte_at(device, i) == DESCRIPTOR_INTERRUPT &&
			   bytes_get_u16le(device, i + 1) == 6) {
			v.source.line = bytes_get_u32le(device, i + 5);
			v.source.is_level = !(byte_at(device, i + 3) & INTERRUPT_EDGE);
			v.source.is_low_active = (byte_at(device, i + 3) & INTERRUPT_LOW) != 0;
			interrupt = true;
			break;
		}
	}
	if (memory && interrupt && acpi_info.virtio_count < ACPI_VIRTIO_MAX)
		acpi_info.virtio[acpi_info.virtio_count++] = v;
}

void acpi_scan_code(bytes_t table)
{
	if (bytes_len(table) == 0)
		return;
	off_state_scan(table);
	for (usize at = find(table, 0, STR("LNRO0005")); at < bytes_len(table);) {
		usize next = find(table, at + 8, STR("LNRO0005"));
		usize end = next < at + DEVICE_SPAN ? next : at + DEVICE_SPAN;
		virtio_read(bytes_slice(table, at, (end < bytes_len(table) ? end : bytes_len(table)) - at));
		at = next;
	}
}
