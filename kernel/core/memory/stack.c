// SPDX-License-Identifier: MPL-2.0
// Kernel stacks: mapped in the kernel's areas above an unmapped guard page, so that an overflow faults
// instead of running into something. A free stack stays mapped and is used again; the list of free
// stacks goes through their lowest words, which no checked code can reach.
#include <core/arch/boot_info.h>
#include <core/arch/core_memory.h>
#include <core/arch/layout.h>
#include <core/arch/paging.h>
#include <core/lock.h>
#include <core/print.h>
#include "page_allocator.h"

enum { STACK_ORDER = 2 };
_Static_assert(LAYOUT_STACK_SIZE == PAGE_SIZE << STACK_ORDER, "stack order");

struct free_stack {
	struct free_stack *next;
};

static struct spinlock stack_lock = SPINLOCK_INIT(RANK_SLAB);
static struct free_stack *free_stacks;	// guarded by stack_lock
static u64 area_next;			// guarded by stack_lock

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

	if (s)
		free_stacks = s->next;
	return s;
}

static u8 *stack_map(void)
{
	void *memory = kernel_pages_alloc(STACK_ORDER);

	if (!memory)
		return NULL;
	u64 area = kernel_area_reserve(LAYOUT_STACK_SIZE + PAGE_SIZE);

	u64 physical = virtual_to_physical(memory);

	if (!area || arch_kernel_map(area + PAGE_SIZE, physical, LAYOUT_STACK_SIZE, KERNEL_MAP_WRITE) != OK) {
		if (area)
			arch_kernel_unmap(area + PAGE_SIZE, LAYOUT_STACK_SIZE);
		kernel_pages_free(memory, STACK_ORDER);
		return NULL;
	}
	memory_use_add(MEMORY_USE_STACK, 1l << STACK_ORDER);
	return (u8 *)(area + PAGE_SIZE);
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
