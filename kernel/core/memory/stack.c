// SPDX-License-Identifier: MPL-2.0
// Kernel stacks: mapped in the kernel's areas above an unmapped guard page, so that an overflow faults
// instead of running into something. A free stack stays mapped and is used again; the list of free
// stacks goes through their lowest words, which no checked code can reach. Stacks that lie idle give their
// memory back; their addresses wait to be mapped again.
#include <core/arch/boot_info.h>
#include <core/arch/core_memory.h>
#include <core/arch/layout.h>
#include <core/arch/paging.h>
#include <core/lock.h>
#include <core/print.h>
#include "core/memory/page/page_allocator.h"
#include "core/memory/slab/slab.h"

enum { STACK_ORDER = 2 };
_Static_assert(LAYOUT_STACK_SIZE == PAGE_SIZE << STACK_ORDER, "stack order");

struct free_stack {
	struct free_stack *next;
};
// Addresses of a stack whose memory was given back.
struct stack_area {
	struct stack_area *next;
	u64 address;
};
enum { STACKS_KEPT = 16, TRIM_BATCH = 32 };

static struct spinlock stack_lock = SPINLOCK_INIT(RANK_SLAB);
static struct free_stack *free_stacks;	// guarded by stack_lock, as are the following
static u64 free_count, free_least;	// least since the last look
static struct stack_area *vacant_areas, *spare_areas;
static u64 area_next;

u64 kernel_area_reserve(usize size)
{
	irq_guard(&stack_lock);
	if (!area_next)
		area_next = arch_area_start();
	u64 at = area_next;

	size = page_round_up(size);
	if (!size || size > LAYOUT_AREA_END - at)
		return 0;
	area_next += size;
	return at;
}

static struct free_stack *stack_pop(void)
{
	irq_guard(&stack_lock);
	struct free_stack *s = free_stacks;

	if (!s)
		return NULL;
	free_stacks = s->next;
	if (--free_count < free_least)
		free_least = free_count;
	return s;
}

static u64 area_take(void)
{
	{
		irq_guard(&stack_lock);
		struct stack_area *a = vacant_areas;

		if (a) {
			vacant_areas = a->next;
			a->next = spare_areas;
			spare_areas = a;
			return a->address;
		}
	}
	u64 area = kernel_area_reserve(LAYOUT_STACK_SIZE + PAGE_SIZE);

	return area ? area + PAGE_SIZE : 0;
}

static u8 *stack_map(void)
{
	void *memory = kernel_pages_alloc(STACK_ORDER);

	if (!memory)
		return NULL;
	u64 address = area_take();
	u64 physical = virtual_to_physical(memory);

	if (!address || arch_kernel_map(address, physical, LAYOUT_STACK_SIZE, KERNEL_MAP_WRITE) != OK) {
		if (address)
			arch_kernel_unmap(address, LAYOUT_STACK_SIZE);
		kernel_pages_free(memory, STACK_ORDER);
		return NULL;
	}
	memory_use_add(MEMORY_USE_STACK, 1l << STACK_ORDER);
	return (u8 *)address;
}

u8 *kernel_stack_alloc(void)
{
	struct free_stack *s = stack_pop();

	return s ? (u8 *)s : stack_map();
}

void kernel_stack_free(u8 *stack)
{
	struct free_stack *s = (struct free_stack *)(void *)stack;

	irq_guard(&stack_lock);
	s->next = free_stacks;
	free_stacks = s;
	free_count++;
}

// --- giving back ------------------------------------------------------------------------------------

// Up to TRIM_BATCH stacks that are not needed.
static u32 stacks_take(u8 *stacks[TRIM_BATCH], enum slab_reclaim_mode mode, u64 *left)
{
	u32 count = 0;

	irq_guard(&stack_lock);
	u64 idle = mode == SLAB_RECLAIM_ALL ? free_count : min(free_least, free_count);

	for (*left = idle > STACKS_KEPT ? idle - STACKS_KEPT : 0; *left && count < TRIM_BATCH; (*left)--) {
		stacks[count++] = (u8 *)free_stacks;
		free_stacks = free_stacks->next;
		free_count--;
		free_least -= min(free_least, 1ul);
	}
	return count;
}

static struct stack_area *area_record(void)
{
	{
		irq_guard(&stack_lock);
		struct stack_area *a = spare_areas;

		if (a) {
			spare_areas = a->next;
			return a;
		}
	}
	return slab_meta_alloc(sizeof(struct stack_area));
}

// A free stack that is mapped: nobody looks at it. Without memory for the record it stays a free stack.
static void *stack_unmap(u8 *stack)
{
	struct stack_area *a = area_record();

	if (!a) {
		kernel_stack_free(stack);
		return NULL;
	}
	void *memory = physical_to_virtual(arch_kernel_translate((u64)stack));

	arch_kernel_unmap((u64)stack, LAYOUT_STACK_SIZE);
	arch_kernel_flush((u64)stack, LAYOUT_STACK_SIZE);
	memory_use_add(MEMORY_USE_STACK, -(1l << STACK_ORDER));
	irq_guard(&stack_lock);
	a->address = (u64)stack;
	a->next = vacant_areas;
	vacant_areas = a;
	return memory;
}

u64 kernel_stacks_trim(enum slab_reclaim_mode mode)
{
	u8 *stacks[TRIM_BATCH];
	u64 pages = 0, left;

	do {
		u32 count = stacks_take(stacks, mode, &left);

		for (u32 i = 0; i < count; i++) {
			void *memory = stack_unmap(stacks[i]);

			if (!memory)
				continue;
			kernel_pages_free(memory, STACK_ORDER);
			pages += 1ul << STACK_ORDER;
		}
	} while (left);
	irq_guard(&stack_lock);
	free_least = free_count;
	return pages;
}

u8 *kernel_stack_end(u8 *stack)
{
	return stack + LAYOUT_STACK_SIZE;
}

u64 core_secondary_stack(u32 cpu)
{
	u8 *stack = kernel_stack_alloc();

	if (!stack)
		panic("no memory for the stack of processor %u", cpu);
	return (u64)kernel_stack_end(stack);
}
