// SPDX-License-Identifier: MPL-2.0
// The kernel's page table: direct map, image, window.
//
// Every top-level slot that the kernel will ever use is filled here and never changes, so address
// spaces copy those slots once and need no synchronisation. No page is writable and executable: the
// image is mapped section by section, and its read-only pages are read-only in the direct map too. What
// is written before this and never after (section `.sealed`) becomes read-only here.
#include "core/arch/x86_64/paging/start.h"
#include "core/arch/x86_64/boot/boot.h"
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/cpu/registers.h"
#include "core/arch/x86_64/paging/entry.h"
#include <core/arch/cpu.h>
#include <core/arch/paging.h>
#include <core/boot.h>
#include <core/lock.h>

#define GIB (1UL << 30)
#define SLOT_SIZE (1UL << 39)

u64 direct_map_base;
static u64 area_start;

static u64 kernel_root[ENTRY_COUNT] __attribute__((aligned(4096)));
static u64 window_next = LAYOUT_WINDOW_START;
static bool tables_in_direct_map;       // false while tables are reached at their physical addresses

static u32 kernel_slots[KERNEL_SLOT_MAX];
static u32 kernel_slot_count;

static u64 *table_at(u64 physical)
{
	return tables_in_direct_map ? physical_to_virtual(physical) : (u64 *)physical;
}

static u64 table_allocate(void)
{
	if (!tables_in_direct_map)
		return boot_page_allocate();
	return core_table_page_allocate();
}

// The table of `level` that covers `address`; made on the way if needed. NULL without memory.
static u64 *table_reach(u64 address, u32 level)
{
	u64 *table = kernel_root;
	for (u32 l = 3; l > level; l--) {
		u64 *entry = &table[level_index(address, l)];
		if (!(*entry & ENTRY_PRESENT)) {
			u64 page = table_allocate();
			if (page == ~0UL)
				return NULL;
			*entry = page | ENTRY_TABLE;
		}
		table = table_at(*entry & ENTRY_ADDRESS);
	}
	return table;
}

u64 *paging_kernel_table(void)
{
	return kernel_root;
}

u64 *paging_table_reach(u64 address, struct spinlock *lock)
{
	u64 *table = kernel_root;
	for (u32 l = 3; l > 0; l--) {
		u64 *entry = &table[level_index(address, l)];
		if (!(__atomic_load_n(entry, __ATOMIC_ACQUIRE) & ENTRY_PRESENT)) {
			u64 page = core_table_page_allocate();
			if (page == ~0UL)
				return NULL;
			u64 saved = spin_lock_irq(lock);
			bool lost = *entry & ENTRY_PRESENT;
			if (!lost)
				__atomic_store_n(entry, page | ENTRY_TABLE, __ATOMIC_RELEASE);
			spin_unlock_irq(lock, saved);
			if (lost)
				core_table_page_free(page);
		}
		table = table_at(*entry & ENTRY_ADDRESS);
	}
	return table;
}

static void map_boot(u64 address, u64 physical, u64 size, u64 flags)
{
	u32 top = cpu_features.huge_pages ? 2 : 1;
	while (size) {
		u32 level = top;
		while (level && ((address | physical) & (level_size(level) - 1) || size < level_size(level)))
			level--;
		u64 *table = table_reach(address, level);
		u64 large = level ? ENTRY_LARGE : 0;
		table[level_index(address, level)] = physical | flags | large | ENTRY_PRESENT | ENTRY_GLOBAL |
			ENTRY_ACCESSED | (flags & ENTRY_WRITE ? ENTRY_DIRTY : 0);
		address += level_size(level);
		physical += level_size(level);
		size -= level_size(level);
	}
}

static void map_direct(u64 start, u64 end)
{
	u64 sealed_start = image_physical(image_text_start), sealed_end = image_physical(image_sealed_end);
	u64 writable = ENTRY_WRITE | ENTRY_NO_EXECUTE;
	if (start < sealed_start && end > sealed_start) {
		map_direct(start, sealed_start);
		start = sealed_start;
	}
	if (start < sealed_end && end > sealed_end) {
		map_direct(sealed_end, end);
		end = sealed_end;
	}
	bool sealed = start >= sealed_start && end <= sealed_end;
	map_boot(direct_map_base + start, start, end - start, sealed ? ENTRY_NO_EXECUTE : writable);
}

static void map_section(const u8 *start, const u8 *end, u64 flags)
{
	map_boot((u64)start, image_physical(start), (u64)(end - start), flags);
}

static u64 entropy(void)
{
	u64 x = arch_hardware_random() ^ arch_timestamp() * 0x9e3779b97f4a7c15UL;
	x ^= x >> 32;
	return x * 0xd6e8feb86659fd93UL >> 8;
}

static void layout_choose(void)
{
	bytes_t value;
	direct_map_base = LAYOUT_DIRECT_START;
	area_start = LAYOUT_AREA_START;
	if (boot_option(STR("nokaslr"), &value))
		return;
	u64 room = (LAYOUT_DIRECT_END - LAYOUT_DIRECT_START - boot_information.memory_end) / GIB;
	direct_map_base += entropy() % room * GIB;
	area_start += entropy() % ((LAYOUT_AREA_END - LAYOUT_AREA_START) / SLOT_SIZE) * SLOT_SIZE;
	area_start += entropy() % (SLOT_SIZE / 2 / LAYOUT_PAGE_SIZE) * LAYOUT_PAGE_SIZE;
}

u64 arch_area_start(void)
{
	return area_start;
}

u64 arch_area_end(void)
{
	return (area_start | (SLOT_SIZE - 1)) + 1;
}

u64 paging_kernel_root(void)
{
	return image_physical((const u8 *)kernel_root);
}

void paging_copy_kernel(u64 *root)
{
	for (u32 i = 0; i < kernel_slot_count; i++)
		root[kernel_slots[i]] = kernel_root[kernel_slots[i]];
}

// A boot loader may leave the end of the initramfs in memory that the firmware calls its own (QEMU does, with many
// disks): its pages outside of usable ranges are mapped, too.
static void map_initrd(const struct boot_info *info)
{
	const u64 end = page_round_up(info->initrd_start + info->initrd_size);
	for (u64 at = page_round_down(info->initrd_start); info->initrd_size && at < end; at += LAYOUT_PAGE_SIZE)
		if (!boot_range_is_usable(at, at + LAYOUT_PAGE_SIZE))
			map_boot(direct_map_base + at, at, LAYOUT_PAGE_SIZE, ENTRY_NO_EXECUTE);
}

void paging_start(void)
{
	const struct boot_info *info = boot_info();
	layout_choose();
	for (u32 i = 0; i < info->range_count; i++) {
		const struct boot_range *r = &info->ranges[i];
		if (r->kind == BOOT_RANGE_USABLE && page_round_up(r->start) < page_round_down(r->end))
			map_direct(page_round_up(r->start), page_round_down(r->end));
	}
	map_initrd(info);
	map_section(image_text_start, image_text_end, 0);
	map_section(image_rodata_start, image_rodata_end, ENTRY_NO_EXECUTE);
	map_section(image_sealed_start, image_sealed_end, ENTRY_NO_EXECUTE);
	map_section(image_data_start, image_data_end, ENTRY_WRITE | ENTRY_NO_EXECUTE);
	(void)table_reach(area_start, 2);
	(void)table_reach(LAYOUT_WINDOW_START, 2);

	for (u32 i = ENTRY_COUNT / 2; i < ENTRY_COUNT; i++) {
		if (!kernel_root[i])
			continue;
		if (kernel_slot_count == KERNEL_SLOT_MAX)
			boot_fail("more memory than the direct map can hold");
		kernel_slots[kernel_slot_count++] = i;
	}
	cr3_write(paging_kernel_root());
	tables_in_direct_map = true;
}

void *paging_window_map(u64 physical, u64 size, u64 cache)
{
	u64 start = page_round_down(physical), end = page_round_up(physical + size);
	u64 address = window_next;
	if (end <= start || end - start > LAYOUT_WINDOW_END - window_next)
		return NULL;
	window_next += end - start;
	for (u64 at = start; at < end; at += LAYOUT_PAGE_SIZE) {
		u64 to = address + (at - start);
		u64 *table = table_reach(to, 0);
		if (!table)
			return NULL;
		table[level_index(to, 0)] = at | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_NO_EXECUTE | ENTRY_GLOBAL |
			ENTRY_ACCESSED | ENTRY_DIRTY | cache;
	}
	return (void *)(address + page_offset(physical));
}
