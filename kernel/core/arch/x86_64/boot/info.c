// SPDX-License-Identifier: MPL-2.0
// The boot information: one sorted memory map, the command line, and memory before the allocator.
//
// Loaders report ranges in any order, sometimes overlapping. Where two overlap the stricter kind wins:
// memory is usable only where nobody claims otherwise. The free list is what is usable less what is
// already occupied; until the core takes it over, page tables are cut from its front.
#include "core/arch/x86_64/boot/boot.h"
#include <core/arch/layout.h>
#include <core/arch/serial.h>

#define PAGE_MASK (LAYOUT_PAGE_SIZE - 1UL)

enum {
	LOW_RESERVED_END = 0x10000,     // the real-mode vectors and the processors' start-up page
};

struct boot_info boot_information;
static struct boot_range raw_ranges[BOOT_RANGE_MAX];
static u32 raw_count;

const struct boot_info *boot_info(void)
{
	return &boot_information;
}

void boot_fail(const char *what)
{
	usize length = 0;
	while (what[length])
		length++;
	arch_serial_write("boot: ", 6);
	arch_serial_write(what, length);
	arch_serial_write("\n", 1);
	for (;;)
		asm volatile("cli; hlt");
}

void boot_range_add(u64 start, u64 size, u32 kind)
{
	if (size == 0 || start + size < start)
		return;
	if (raw_count == BOOT_RANGE_MAX)
		boot_fail("more memory ranges than the kernel can hold");
	if (kind < BOOT_RANGE_USABLE || kind > BOOT_RANGE_BAD)
		kind = BOOT_RANGE_RESERVED;
	raw_ranges[raw_count++] = (struct boot_range){ start, start + size, kind };
	boot_information.range_count = raw_count;
}

void boot_command_line_set(const char *text, usize max)
{
	usize n = 0;
	while (n < max && n < BOOT_COMMAND_LINE_MAX - 1 && text[n]) {
		boot_information.command_line[n] = text[n];
		n++;
	}
	boot_information.command_line[n] = 0;
}

// Of all ranges covering [at, ..): the strictest kind, 0 for none; `*until` is lowered to where that
// answer may change.
static u32 kind_at(u64 at, u64 *until)
{
	static const u8 strictness[] = {
		[BOOT_RANGE_USABLE] = 1, [BOOT_RANGE_RESERVED] = 4, [BOOT_RANGE_ACPI] = 2,
		[BOOT_RANGE_ACPI_SAVED] = 3, [BOOT_RANGE_BAD] = 5,
	};
	u32 kind = 0;
	for (u32 i = 0; i < raw_count; i++) {
		const struct boot_range *r = &raw_ranges[i];
		if (r->start > at && r->start < *until)
			*until = r->start;
		if (r->start > at || r->end <= at)
			continue;
		if (r->end < *until)
			*until = r->end;
		if (kind == 0 || strictness[r->kind] > strictness[kind])
			kind = r->kind;
	}
	return kind;
}

static void list_append(struct boot_range *list, u32 *count, u64 start, u64 end, u32 kind)
{
	if (start >= end)
		return;
	if (*count && list[*count - 1].end == start && list[*count - 1].kind == kind) {
		list[*count - 1].end = end;
		return;
	}
	if (*count == BOOT_RANGE_MAX)
		boot_fail("more memory ranges than the kernel can hold");
	list[(*count)++] = (struct boot_range){ start, end, kind };
}

void boot_range_reserve(u64 start, u64 end)
{
	struct boot_info *info = &boot_information;
	start &= ~PAGE_MASK;
	end = (end + PAGE_MASK) & ~PAGE_MASK;
	for (u32 i = 0; i < info->free_count; i++) {
		struct boot_range *r = &info->free[i];
		if (r->end <= start || r->start >= end)
			continue;
		if (r->start < start && r->end > end) {
			if (info->free_count == BOOT_RANGE_MAX)
				boot_fail("more memory ranges than the kernel can hold");
			for (u32 j = info->free_count++; j > i + 1; j--)
				info->free[j] = info->free[j - 1];
			info->free[i + 1] = (struct boot_range){ end, r->end, r->kind };
			r->end = start;
		} else if (r->start < start) {
			r->end = start;
		} else if (r->end > end) {
			r->start = end;
		} else {
			r->end = r->start;
		}
	}
	u32 kept = 0;
	for (u32 i = 0; i < info->free_count; i++)
		if (info->free[i].start < info->free[i].end)
			info->free[kept++] = info->free[i];
	info->free_count = kept;
}

bool boot_range_is_usable(u64 start, u64 end)
{
	const struct boot_info *info = &boot_information;
	for (u32 i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->ranges[i];
		if (r->kind == BOOT_RANGE_USABLE && r->start <= start && r->end >= end)
			return true;
	}
	return false;
}

void boot_ranges_finish(void)
{
	struct boot_info *info = &boot_information;
	info->range_count = 0;
	for (u64 at = 0, until; at != ~0UL; at = until) {
		until = ~0UL;
		u32 kind = kind_at(at, &until);
		if (kind)
			list_append(info->ranges, &info->range_count, at, until, kind);
	}
	for (u32 i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->ranges[i];
		if (r->kind != BOOT_RANGE_USABLE)
			continue;
		u64 start = (r->start + PAGE_MASK) & ~PAGE_MASK, end = r->end & ~PAGE_MASK;
		if (start >= end)
			continue;
		info->memory_bytes += end - start;
		info->memory_end = end;
		list_append(info->free, &info->free_count, start, end, BOOT_RANGE_USABLE);
	}
	boot_range_reserve(0, LOW_RESERVED_END);
	boot_range_reserve(image_physical(image_start), image_physical(image_end));
	if (info->initrd_size)
		boot_range_reserve(info->initrd_start, info->initrd_start + info->initrd_size);
}

u64 boot_page_allocate(void)
{
	struct boot_info *info = &boot_information;
	for (u32 i = 0; i < info->free_count; i++) {
		struct boot_range *r = &info->free[i];
		if (r->start < image_physical(image_start) || r->start >= 0x100000000)
			continue;
		u64 page = r->start;
		boot_range_reserve(page, page + LAYOUT_PAGE_SIZE);
		u64 *words = (u64 *)page;
		for (u32 w = 0; w < LAYOUT_PAGE_SIZE / sizeof(u64); w++)
			words[w] = 0;
		return page;
	}
	boot_fail("no memory for page tables");
}
