// SPDX-License-Identifier: MPL-2.0
// What the loader told us, in one form for every loader, and the hand-over from the architecture to
// the core.
//
// Order on the boot processor, interrupts disabled all the way:
//   entry.S -> boot_start(): serial, boot information, direct map, kernel image W^X, GDT/IDT
//   -> core_start() (the core): memory, then arch_devices_init(): ACPI, APIC, clock, timer
//   -> the core starts its scheduler, then arch_smp_start() brings up the other processors, each of
//      which ends in core_start_secondary() with interrupts disabled on its own idle stack.
#pragma once

#include <core/types.h>

enum {
	BOOT_RANGE_MAX = 128,
	BOOT_COMMAND_LINE_MAX = 2048,
};

enum boot_range_kind {
	BOOT_RANGE_USABLE = 1,
	BOOT_RANGE_RESERVED = 2,
	BOOT_RANGE_ACPI = 3,
	BOOT_RANGE_ACPI_SAVED = 4,
	BOOT_RANGE_BAD = 5,
};

struct boot_range {
	u64 start;
	u64 end;                        // one past the last byte
	enum boot_range_kind kind;
};

// Immutable once core_start() runs.
struct boot_info {
	u32 range_count;
	struct boot_range ranges[BOOT_RANGE_MAX];       // sorted, without overlap
	u32 free_count;
	struct boot_range free[BOOT_RANGE_MAX];         // usable, page aligned, in the direct map, and
	                                                // owned by nobody: the physical allocator's
	u64 memory_bytes;               // sum of the usable ranges
	u64 memory_end;                 // one past the highest byte of RAM in the direct map
	u64 initrd_start;               // physical; the loader's copy, outside every free range
	u64 initrd_size;                // 0: none
	u64 acpi_root;                  // physical address of the RSDP, or 0
	const char *loader;             // "PVH" or "Multiboot2"
	char command_line[BOOT_COMMAND_LINE_MAX];
};

const struct boot_info *boot_info(void);
// Is all of it memory that we may use?
bool boot_range_is_usable(u64 start, u64 end);

// (The command line's words: boot_option() of core/boot.h, which works from core_start() on.)

// The core's entry points, called by the architecture.
no_return void core_start(void);
no_return void core_start_secondary(void);

// Needs the physical allocator, slabs and kernel areas. ACPI, interrupt controllers, clock and timer.
void arch_devices_init(void);

// Starts every other processor; returns when each runs or has been given up on. Needs threads:
// `core_secondary_stack(index)` (the core) returns the end of the idle stack of that processor.
void arch_smp_start(void);
u64 core_secondary_stack(u32 cpu);
