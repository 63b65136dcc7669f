// SPDX-License-Identifier: MPL-2.0
// The PVH start information (Xen's public hvm/start_info.h, version 1).
#include "core/arch/x86_64/boot/boot.h"

enum { START_INFO_MAGIC = 0x336ec578 };

struct start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 module_count;
	u64 modules;
	u64 command_line;
	u64 acpi_root;
	u64 memory_map;
	u32 memory_map_count;
	u32 reserved;
};

struct start_module {
	u64 address;
	u64 size;
	u64 command_line;
	u64 reserved;
};

struct start_memory {
	u64 address;
	u64 size;
	u32 kind;
	u32 reserved;
};

const char *boot_parse_pvh(u64 info)
{
	const struct start_info *start = (const struct start_info *)info;
	if (start->magic != START_INFO_MAGIC)
		return "PVH start information without its magic number";
	if (start->version < 1 || start->memory_map_count == 0)
		return "PVH start information without a memory map";

	boot_information.loader = "PVH";
	boot_information.acpi_root = start->acpi_root;
	if (start->command_line)
		boot_command_line_set((const char *)start->command_line, BOOT_COMMAND_LINE_MAX);
	if (start->module_count) {
		const struct start_module *module = (const struct start_module *)start->modules;
		boot_information.initrd_start = module->address;
		boot_information.initrd_size = module->size;
	}
	const struct start_memory *memory = (const struct start_memory *)start->memory_map;
	for (u32 i = 0; i < start->memory_map_count; i++)
		boot_range_add(memory[i].address, memory[i].size, memory[i].kind);
	return NULL;
}
