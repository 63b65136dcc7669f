// SPDX-License-Identifier: MPL-2.0
// I/O APICs (82093AA and followers): an index and a data register; two words for each line.
#include "core/arch/x86_64/apic/io.h"
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/cpu/port.h"
#include "core/arch/x86_64/paging/entry.h"
#include "core/arch/x86_64/paging/start.h"
#include "core/arch/x86_64/trap/frame.h"
#include <core/lock.h>

enum {
	CONTROLLERS_MAX = 8,
	INDEX = 0,
	DATA = 4,                       // in words
	REGISTER_VERSION = 1,
	REGISTER_LINES = 0x10,
	LINE_LOW_ACTIVE = 1 << 13,
	LINE_LEVEL = 1 << 15,
	LINE_MASKED = 1 << 16,
	TARGET_SHIFT = 24,
	MAPPED_SIZE = 0x20,
};

struct io_apic {
	volatile u32 *registers;        // immutable
	u32 first_line, line_count;
};

static struct io_apic controllers[CONTROLLERS_MAX];
static u32 controller_count;
static struct spinlock io_apic_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);   // index and data go together

static u32 io_read(struct io_apic *a, u32 at)
{
	a->registers[INDEX] = at;
	return a->registers[DATA];
}

static void io_write(struct io_apic *a, u32 at, u32 value)
{
	a->registers[INDEX] = at;
	a->registers[DATA] = value;
}

bool io_apic_add(u64 physical, u32 first_line)
{
	if (controller_count == CONTROLLERS_MAX)
		return false;
	struct io_apic *a = &controllers[controller_count];
	a->registers = paging_window_map(physical, MAPPED_SIZE, ENTRY_CACHE_DEVICE);
	if (!a->registers)
		return false;
	u32 version = io_read(a, REGISTER_VERSION);
	if (version == U32_MAX)                 // nobody there
		return false;
	a->first_line = first_line;
	a->line_count = (version >> 16 & 0xff) + 1;
	for (u32 i = 0; i < a->line_count; i++)
		io_write(a, REGISTER_LINES + 2 * i, LINE_MASKED);
	controller_count++;
	return true;
}

bool io_apic_route(const struct interrupt_source *source, u32 vector, u32 target)
{
	irq_guard(&io_apic_lock);
	for (u32 i = 0; i < controller_count; i++) {
		struct io_apic *a = &controllers[i];
		if (source->line < a->first_line || source->line - a->first_line >= a->line_count)
			continue;
		u32 at = REGISTER_LINES + 2 * (source->line - a->first_line);
		u32 low = vector | (source->is_level ? LINE_LEVEL : 0) | (source->is_low_active ? LINE_LOW_ACTIVE : 0);
		io_write(a, at, LINE_MASKED);
		io_write(a, at + 1, target << TARGET_SHIFT);
		io_write(a, at, low);
		return true;
	}
	return false;
}

void legacy_pic_silence(void)
{
	// Initialisation words move the chips' vectors off the exceptions, for a spurious interrupt
	// that may come even when all lines are masked.
	static const u8 first[] = { 0x11, VECTOR_LEGACY_FIRST, 0x04, 0x01 };
	static const u8 second[] = { 0x11, VECTOR_LEGACY_FIRST + 8, 0x02, 0x01 };
	for (u32 i = 0; i < array_len(first); i++) {
		port_write_8(i ? 0x21 : 0x20, first[i]);
		port_write_8(i ? 0xa1 : 0xa0, second[i]);
	}
	port_write_8(0x21, 0xff);
	port_write_8(0xa1, 0xff);
}
