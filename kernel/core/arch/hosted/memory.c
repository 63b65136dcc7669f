// SPDX-License-Identifier: MPL-2.0
// The hosted machine's memory: 64 MiB of "physical" pages, stacks and objects from malloc.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#undef NULL
#include <core/arch/boot_info.h>
#include <core/arch/core_memory.h>
#include <core/arch/cpu.h>
#include <core/arch/layout.h>
#include <core/arch/paging.h>
#include <core/memory.h>
#include "core/arch/hosted/hosted_internal.h"
#include "core/memory/page/page_allocator.h"
#include "core/memory/slab/slab.h"

enum { PHYSICAL_SIZE = 64 << 20 };

u64 direct_map_base;
static struct boot_info info;

void hosted_memory_start(void)
{
	void *m = mmap(NULL, PHYSICAL_SIZE + (4 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		hosted_abort("no memory");
	direct_map_base = ((u64)m + (4 << 20) - 1) & ~((4ul << 20) - 1);
	info.free_count = 1;
	info.free[0].start = PAGE_SIZE;
	info.free[0].end = PHYSICAL_SIZE;
	info.memory_bytes = info.memory_end = PHYSICAL_SIZE;
}

const struct boot_info *boot_info(void)
{
	return &info;
}

// --- objects: in place of memory/slab.c ---------------------------------------------------------------

bool slab_make_ready(struct slab_cache *cache, const char *name, usize size)
{
	cache_of(cache)->object_size = size;
	return true;
}

void *slab_alloc(struct slab_cache *cache, const char *name, usize size)
{
	void *p;

	if (memory_should_fail())
		return NULL;
	slab_make_ready(cache, name, size);
	p = aligned_alloc(64, (size + 63) & ~63ul);
	if (p)
		memset(p, 0, size);
	return p;
}

void slab_give(struct slab_cache *cache, void *object)
{
	free(object);
}

void slab_free(struct slab_cache *cache, void *object)
{
	free(object);
}

void slab_keep_pages(struct slab_cache *cache)
{
}

u64 memory_give_back(void)
{
	return 0;
}

// free() gives back at once: nothing lies idle.
void memory_reclaim_start(void)
{
}

bool memory_slab_info(u32 index, struct slab_info *out borrowed)
{
	return false;
}

// --- stacks: in place of memory/stack.c ----------------------------------------------------------------

u8 *kernel_stack_alloc(void)
{
	return memory_should_fail() ? NULL : aligned_alloc(64, HOSTED_STACK_SIZE);
}

void kernel_stack_free(u8 *stack)
{
	free(stack);
}

u8 *kernel_stack_end(u8 *stack)
{
	return stack + HOSTED_STACK_SIZE;
}

u64 kernel_area_reserve(usize size)
{
	return 0;
}
