// SPDX-License-Identifier: MPL-2.0
// Private to boot/ and paging/: gathering what the loader passed, and memory before the allocator.
#pragma once

#include <core/arch/boot_info.h>

// Mutable until core_start().
extern struct boot_info boot_information;

// The loaders' parsers. `info` is a physical address; the first 4 GiB are mapped at their physical
// addresses while they run. They return NULL, or what is wrong.
const char *boot_parse_pvh(u64 info);
const char *boot_parse_multiboot2(u64 info);

// Called by the parsers.
void boot_range_add(u64 start, u64 size, u32 kind);
void boot_command_line_set(const char *text, usize max);

// Sorts the ranges, resolves overlap and computes the free list, less the image, the initrd and the
// first megabyte's low part.
void boot_ranges_finish(void);

// Takes one zeroed page below 4 GiB off the free list; stops the machine when there is none. Usable
// until the boot tables go (`paging_start()`).
u64 boot_page_allocate(void);

// Takes [start, end) off the free list for good.
void boot_range_reserve(u64 start, u64 end);

// Before anything can print: says `what` on the serial port and halts.
no_return void boot_fail(const char *what);

// Image boundaries, from kernel.ld.
extern const u8 image_start[], image_text_start[], image_text_end[], image_rodata_start[];
extern const u8 image_rodata_end[], image_sealed_start[], image_sealed_end[];
extern const u8 image_data_start[], image_data_end[], image_end[];

static inline u64 image_physical(const u8 *symbol)
{
	return (u64)symbol - 0xffffffff80000000;
}
