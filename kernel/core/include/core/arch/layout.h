// SPDX-License-Identifier: MPL-2.0
// The fixed virtual layout: four-level paging, one table of addresses, usable from C, assembly and
// the linker script. Everything else that needs an address takes it from here.
//
//   0000000000001000 - 00007ffffffff000   user (the null page and the last page are never mapped)
//   ffff880000000000 - ffffc80000000000   direct map of all RAM, at a random 1 GiB-aligned base
//   ffffc90000000000 - ffffe90000000000   kernel virtual areas (stacks with guard pages, slabs, MMIO)
//   ffffff0000000000 - ffffff0040000000   the architecture's own early window (APIC, ACPI tables)
//   ffffffff80000000 - ffffffffc0000000   kernel image
#pragma once

#define LAYOUT_USER_START       0x0000000000001000
#define LAYOUT_USER_END         0x00007ffffffff000

#define LAYOUT_DIRECT_START     0xffff880000000000
#define LAYOUT_DIRECT_END       0xffffc80000000000

#define LAYOUT_AREA_START       0xffffc90000000000
#define LAYOUT_AREA_END         0xffffe90000000000

#define LAYOUT_WINDOW_START     0xffffff0000000000
#define LAYOUT_WINDOW_END       0xffffff0040000000

#define LAYOUT_IMAGE_BASE       0xffffffff80000000
#define LAYOUT_IMAGE_PHYSICAL   0x0000000000200000

#define LAYOUT_PAGE_SHIFT       12
#define LAYOUT_PAGE_SIZE        0x1000
#define LAYOUT_STACK_SIZE       0x4000
