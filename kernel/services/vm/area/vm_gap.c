// SPDX-License-Identifier: MPL-2.0
// Where new mappings go: the highest gap below the base of mappings that is long enough. A search starts
// below the last place found as long as no longer gap is known above it. Below a stack stays a guard gap.
#include <core/boot.h>
#include <core/random.h>
#include <services/vm/vm_space_internal.h>

static u64 vm_area_low_edge(const struct vm_area *a borrowed)
{
	if (!(a->flags & VM_MAP_GROWSDOWN))
		return a->start;
	return a->start > VM_STACK_GUARD_BYTES ? a->start - VM_STACK_GUARD_BYTES : 0;
}

static bool vm_gap_below(struct vm_space *s, u64 top, u64 length, u64 *address borrowed) REQUIRES(s->lock)
{
	struct vm_area *a = vm_area_tree_at_most(&s->areas, top - 1), *above = vm_area_tree_at_least(&s->areas, top);

	if (above)
		top = min(top, vm_area_low_edge(above));
	for (;;) {
		u64 bottom = a ? a->end : USER_BOTTOM;

		if (top > bottom && top - bottom >= length) {
			*address = top - length;
			return true;
		}
		if (top > bottom)
			s->largest_hole = max(s->largest_hole, top - bottom);
		if (!a)
			return false;
		top = min(top, vm_area_low_edge(a));
		a = vm_area_tree_prev(a);
	}
}

err_t vm_gap_find(struct vm_space *s, u64 length, u64 *address borrowed)
{
	u64 base = s->layout.mmap_base;

	if (length > USER_TOP - USER_BOTTOM)
		return -ENOMEM;
	if (length <= s->largest_hole || s->search_top > base || s->search_top < USER_BOTTOM + length) {
		s->search_top = base;
		s->largest_hole = 0;
	}
	if (!vm_gap_below(s, s->search_top, length, address)) {
		s->search_top = base;
		s->largest_hole = 0;
		if (!vm_gap_below(s, base, length, address) && !vm_gap_below(s, USER_TOP, length, address))
			return -ENOMEM;
	}
	if (*address < base)
		s->search_top = *address + length;
	return OK;
}

err_t vm_gap_find_below(struct vm_space *s, u64 top, u64 length, u64 *address borrowed)
{
	u64 largest = s->largest_hole;
	bool is_found = vm_gap_below(s, top, length, address);

	s->largest_hole = largest; // holes down there say nothing about those above search_top
	return is_found ? OK : -ENOMEM;
}

void vm_gap_opened(struct vm_space *s, u64 end)
{
	if (end > s->search_top && end <= s->layout.mmap_base)
		s->search_top = end;
}

// The command line does not change: it is looked at once.
enum { LAYOUT_UNKNOWN, LAYOUT_RANDOM, LAYOUT_FIXED };
static struct atomic_u32 layout_choice;

static bool vm_is_randomised(u32 is_random)
{
	bytes_t value = bytes_empty();

	if (atomic_u32_load_relaxed(&layout_choice) == LAYOUT_UNKNOWN)
		atomic_u32_store(&layout_choice, boot_option(STR("norandmaps"), &value) ? LAYOUT_FIXED : LAYOUT_RANDOM);
	return is_random && atomic_u32_load_relaxed(&layout_choice) == LAYOUT_RANDOM;
}

u64 vm_random_stack_top(u32 is_random)
{
	u64 top = USER_TOP;

	if (vm_is_randomised(is_random))
		top -= random_below(1ul << 22) << PAGE_SHIFT;	// 34 bits of address, 22 of pages; the rest is below
	return top;
}

u64 vm_random_mmap_base(u32 is_random, u64 stack_limit_bytes, u64 stack_top)
{
	u64 room = min(max(stack_limit_bytes, 128ul << 20), USER_TOP / 6 * 5);
	u64 base = page_round_down(stack_top - min(room, stack_top / 2)) - VM_STACK_GUARD_BYTES;

	if (vm_is_randomised(is_random))
		base -= random_below(1ul << 28) << PAGE_SHIFT;
	return base;
}

u64 vm_random_break(u32 is_random, u64 end_of_program)
{
	u64 start = page_round_up(end_of_program);

	if (vm_is_randomised(is_random))
		start += random_below(1ul << 13) << PAGE_SHIFT;	// 32 MiB, as Linux
	return start;
}
