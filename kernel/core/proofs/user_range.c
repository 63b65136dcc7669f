// SPDX-License-Identifier: MPL-2.0
// proves: core/arch/x86_64/user/copy.c: range_is_below
#include "core/arch/x86_64/user/copy.c"

// No address that user copies are given after the check is the kernel's, nor can the processor's address arithmetic
// leave the canonical lower half.
bool prove_a_checked_range_is_user_memory(u64 address, usize length, usize at)
{
	if (!range_is_below(LAYOUT_USER_END, address, length) || at >= length)
		return true;
	return address + at >= address && address + at < LAYOUT_USER_END && !((address + at) >> 47);
}

bool prove_user_memory_is_not_refused(u64 address, usize length)
{
	if (address + length < address || address + length > LAYOUT_USER_END)
		return true;
	return range_is_below(LAYOUT_USER_END, address, length);
}
