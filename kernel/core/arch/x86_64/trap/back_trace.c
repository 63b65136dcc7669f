// SPDX-License-Identifier: MPL-2.0
// Back traces by frame pointers. A broken chain must not fault: each word is looked up first.
#include "core/arch/x86_64/cpu/registers.h"
#include <core/arch/context.h>
#include <core/arch/paging.h>

static bool readable(u64 address)
{
	return !(address & 7) && (s64)address < 0 && arch_kernel_translate(address) != ~0UL &&
	       arch_kernel_translate(address + 8) != ~0UL;
}

u32 arch_back_trace(u64 frame, u64 *addresses, u32 max)
{
	u32 count = 0;
	if (frame == 0)
		frame = (u64)__builtin_frame_address(0);
	while (count < max && readable(frame)) {
		const u64 *link = (const u64 *)frame;
		if (link[1] == 0)
			break;
		addresses[count++] = link[1];
		if (link[0] <= frame)           // stacks grow down: a chain only goes up
			break;
		frame = link[0];
	}
	return count;
}
