// SPDX-License-Identifier: MPL-2.0
// Names for addresses, from the table that the build makes out of the linked kernel (tools/symbols.py):
// addresses ascending, as offsets from the image's base, and names one after the other.
#include <core/arch/layout.h>
#include "debug_internal.h"

struct symbol {
	u32 address;	// from LAYOUT_IMAGE_BASE
	u32 name;	// offset into kernel_symbol_names
};
// The first pass of linking has no table yet.
extern const u32 kernel_symbol_count __attribute__((weak));
extern const struct symbol kernel_symbols[] __attribute__((weak));
extern const char kernel_symbol_names[] __attribute__((weak));

static const struct symbol *symbol_find(u32 offset)
{
	u32 low = 0, high = &kernel_symbol_count ? kernel_symbol_count : 0;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (kernel_symbols[middle].address <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &kernel_symbols[low - 1] : NULL;
}

void symbol_print(struct text *t borrowed, u64 address)
{
	const struct symbol *s = address >= LAYOUT_IMAGE_BASE ? symbol_find((u32)(address - LAYOUT_IMAGE_BASE)) : NULL;

	text_printf(t, "%016lx ", address);
	if (!s)
		return;
	const char *name = kernel_symbol_names + s->name;
	usize n = 0;

	while (name[n])
		n++;
	text_put(t, (bytes_t){ (const u8 *)name, n });
	text_printf(t, "+0x%x", (u32)(address - LAYOUT_IMAGE_BASE) - s->address);
}
