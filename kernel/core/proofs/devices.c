// SPDX-License-Identifier: MPL-2.0
// proves: core/device/window.c: access_is_inside
#include "core/device/window.c"

bool prove_registers_are_inside(u64 size, u64 offset, u64 width)
{
	if (width != 1 && width != 2 && width != 4 && width != 8)
		return true;
	return !access_is_inside(size, offset, width) ||
		(offset + width > offset && offset + width <= size && offset % width == 0);
}
