// SPDX-License-Identifier: MPL-2.0
// Kernel mappings: the direct map of all RAM, and pages in the kernel's virtual areas.
#pragma once

#include <core/error.h>
#include <core/arch/layout.h>

extern u64 direct_map_base;             // immutable once core_start() runs

static inline void *physical_to_virtual(u64 physical)
{
	return (void *)(direct_map_base + physical);
}

// Only for addresses in the direct map.
static inline u64 virtual_to_physical(const void *address)
{
	return (u64)address - direct_map_base;
}

enum kernel_map_flags {
	KERNEL_MAP_READ = 0,
	KERNEL_MAP_WRITE = 1 << 0,
	KERNEL_MAP_DEVICE = 1 << 1,     // uncached
	KERNEL_MAP_WRITE_COMBINE = 1 << 2,
};

// Maps one contiguous physical range (page aligned) at `address` in the kernel areas, not executable,
// global. Uses 2 MiB pages where both sides allow. -ENOMEM without page-table pages; what was mapped
// stays and is the caller's to unmap. Serialised by the architecture's own lock.
err_t arch_kernel_map(u64 address, u64 physical, usize size, enum kernel_map_flags flags);

// Removes mappings; pages not mapped are skipped. Does not flush: see arch_kernel_flush().
void arch_kernel_unmap(u64 address, usize size);

// Forgets the translations of a range on every processor and waits. Interrupts enabled.
void arch_kernel_flush(u64 address, usize size);

// The physical address that a kernel address maps to, or ~0.
u64 arch_kernel_translate(u64 address);

// The part of the kernel areas for the virtual area allocator: page aligned, random start.
u64 arch_area_start(void);
u64 arch_area_end(void);

// Hooks that the core provides: zeroed page-table pages, physical addresses; ~0 when out of memory.
u64 core_table_page_allocate(void);
u64 core_user_table_page_allocate(void);	// charged to the current task's account
void core_table_page_free(u64 physical);
