// SPDX-License-Identifier: MPL-2.0
// proves: core/include/core/span.h: __fits
// proves: core/include/core/types.h: page_round_down page_round_up page_offset
#include <core/span.h>
#include <core/page.h>

// What fits lies inside, byte by byte, and nothing that lies inside is refused.
bool prove_fitting_is_inside(usize size, usize offset, usize length)
{
	return !__fits(size, offset, length) || (offset + length >= offset && offset + length <= size);
}

bool prove_nothing_inside_is_refused(usize size, usize offset, usize length)
{
	return __fits(size, offset, length) || offset + length < offset || offset + length > size;
}

bool refute_the_sum_cannot_wrap(usize size, usize offset, usize length)
{
	return offset + length > size || offset + length >= offset;
}

bool prove_rounding(u64 x)
{
	u64 down = page_round_down(x), up = page_round_up(x);
	bool good = down <= x && x - down == page_offset(x) && !page_offset(down);
	return good && (x > 0xfffffffffffff000ul || (up >= x && up - x < PAGE_SIZE && !page_offset(up)));
}
