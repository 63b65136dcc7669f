// SPDX-License-Identifier: MPL-2.0
// What the core's memory offers to the rest of the privileged core (never to services).
#pragma once

#include <core/object.h>
#include <core/page.h>

// Called once by core_start(), on the boot processor: the physical allocator over boot_info()'s free ranges.
void memory_init(void);
// Gives a physical range that was not in the free list (initramfs, start-up code) to the allocator.
void memory_add_range(u64 start, u64 end);
// Starts the thread that gives idle slabs and stacks back, once tasks run.
void memory_reclaim_start(void);

// Kernel pages (page tables, slabs, stacks): a run of 2^order pages, zeroed; NULL without memory.
void *kernel_pages_alloc(u32 order);
void kernel_pages_free(void *pages, u32 order);

struct page *page_of_frame(u64 frame);	// traps for a frame without a record
bool page_frame_exists(u64 frame);	// is there a record for it?

// Reserves kernel virtual addresses for ever; page aligned. Nothing is mapped. 0: exhausted.
u64 kernel_area_reserve(usize size);

// Kernel stacks of LAYOUT_STACK_SIZE bytes over a page that is never mapped. NULL without memory.
u8 *kernel_stack_alloc(void);
void kernel_stack_free(u8 *stack);
u8 *kernel_stack_end(u8 *stack);

// Untyped objects of the core itself (FPU areas): zeroed, 64-byte aligned for sizes that are multiples of 64.
void *slab_alloc(struct slab_cache *cache, const char *name, usize size);
void slab_free(struct slab_cache *cache, void *object);
