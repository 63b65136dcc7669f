// SPDX-License-Identifier: MPL-2.0
// proves: core/memory/page/buddy.h: buddy_other buddy_joined buddy_order_at
#include "core/memory/page/buddy.h"

static bool is_block(u64 frame, u32 order)
{
	return order <= BUDDY_ORDER_MAX && !(frame & ((1ul << order) - 1));
}

// Buddies are blocks, each other's, beside each other, and overlap nowhere.
bool prove_buddies(u64 frame, u32 order)
{
	if (order >= BUDDY_ORDER_MAX || frame >> 52 || !is_block(frame, order))
		return true;
	u64 other = buddy_other(frame, order), joined = buddy_joined(frame, order);
	u64 gap = other > frame ? other - frame : frame - other;
	return is_block(other, order) && buddy_other(other, order) == frame && gap == 1ul << order &&
		is_block(joined, order + 1) && joined == buddy_joined(other, order) && (joined == frame ||
			joined == other);
}

// The piece that is taken from [start, end) is a block inside it, so that the rest is smaller; and no larger one fits.
bool prove_pieces(u64 start, u64 end)
{
	if (start >= end || end >> 52)
		return true;
	u32 order = buddy_order_at(start, end);
	bool larger = is_block(start, order + 1) && 2ul << order <= end - start;
	return is_block(start, order) && start + (1ul << order) <= end && !larger;
}
