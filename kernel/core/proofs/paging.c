// SPDX-License-Identifier: MPL-2.0
// proves: core/arch/x86_64/paging/entry.h: level_shift level_size level_index
// proves: core/arch/x86_64/paging/table.h: entry_make entry_protection entry_kind entry_is_mapped leaf_end
// proves: core/arch/x86_64/paging/map.c: address_is_user range_is_user
#include "core/arch/x86_64/paging/map.c"

bool prove_an_index_is_inside_a_table(u64 address, u32 level)
{
	return level > 3 || level_index(address, level) < ENTRY_COUNT;
}

// The four digits and the offset are the address.
bool prove_indices_tell_addresses_apart(u64 address)
{
	if (address >> 48)
		return true;
	return ((u64)level_index(address, 3) << 39 | (u64)level_index(address, 2) << 30 |
		(u64)level_index(address, 1) << 21 | (u64)level_index(address,
			0) << 12 | page_offset(address)) == address;
}

// User addresses use the lower half of the root only: the kernel's half is never reached.
bool prove_user_addresses_stay_in_the_lower_half(u64 address)
{
	return !address_is_user(address) || (level_index(address, 3) < ENTRY_COUNT / 2 && !(address >> 47));
}

bool prove_user_ranges(u64 start, u64 end)
{
	return !range_is_user(start, end) || start == end || (address_is_user(start) &&
		address_is_user(end - PAGE_SIZE));
}

#define PROTECTION_ALL (PAGE_READ | PAGE_WRITE | PAGE_EXECUTE | PAGE_SOFT_COW | PAGE_UNCACHED | KIND_BITS)

// Whatever the protection says, the entry names the page that it was made for, belongs to user mode, is never a
// large page, and allows writing and execution only where asked for.
bool prove_an_entry_allows_what_was_asked(u64 physical, u32 protection)
{
	if ((physical & ~ENTRY_ADDRESS) || (protection & ~PROTECTION_ALL))
		return true;
	u64 e = entry_make(physical, protection);
	bool writes = (e & ENTRY_PRESENT) && (e & ENTRY_WRITE), executes = (e & ENTRY_PRESENT) &&
		!(e & ENTRY_NO_EXECUTE);
	return (e & ENTRY_ADDRESS) == physical && (e & ENTRY_USER) && !(e & (ENTRY_LARGE | ENTRY_GLOBAL)) &&
		entry_is_mapped(e) && writes == !!(protection & PAGE_WRITE) &&
			executes == !!(protection & PAGE_EXECUTE);
}

bool prove_protection_comes_back(u64 physical, u32 protection)
{
	if ((physical & ~ENTRY_ADDRESS) || (protection & ~PROTECTION_ALL))
		return true;
	u32 back = entry_protection(entry_make(physical, protection));
	// x86 has no write-only and no execute-only memory: reading comes with them.
	u32 reads = protection & (PAGE_WRITE | PAGE_EXECUTE) ? PAGE_READ : 0;
	return back == (protection | reads);
}

bool prove_a_leaf_ends(u64 address, u64 end)
{
	if (address >= end || end > USER_TOP)
		return true;
	u64 stop = leaf_end(address, end);
	return stop > address && stop <= end && (address ^ (stop - 1)) < LEAF_SPAN;
}
