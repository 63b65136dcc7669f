// SPDX-License-Identifier: MPL-2.0
// The Multiboot2 information list (Multiboot2 specification 2.0, section 3.6).
#include "core/arch/x86_64/boot/boot.h"

enum {
	TAG_END = 0,
	TAG_COMMAND_LINE = 1,
	TAG_MODULE = 3,
	TAG_MEMORY_MAP = 6,
	TAG_ACPI_OLD = 14,
	TAG_ACPI_NEW = 15,
	ACPI_ROOT_MAX = 64,
};

struct tag {
	u32 kind;
	u32 size;
};

struct tag_module {
	struct tag tag;
	u32 start;
	u32 end;
};

struct tag_memory_map {
	struct tag tag;
	u32 entry_size;
	u32 entry_version;
};

struct memory_entry {
	u64 address;
	u64 size;
	u32 kind;
	u32 reserved;
};

// GRUB hands over a copy of the root pointer inside the list, which dies with it.
static u8 acpi_root_copy[ACPI_ROOT_MAX] __attribute__((aligned(16)));

static void parse_acpi_root(const struct tag *tag)
{
	const u8 *from = (const u8 *)(tag + 1);
	usize size = tag->size - sizeof(*tag);
	if (size > ACPI_ROOT_MAX)
		size = ACPI_ROOT_MAX;
	for (usize i = 0; i < size; i++)
		acpi_root_copy[i] = from[i];
	boot_information.acpi_root = image_physical(acpi_root_copy);
}

static void parse_memory_map(const struct tag_memory_map *map)
{
	if (map->entry_size < sizeof(struct memory_entry))
		return;
	u64 end = (u64)map + map->tag.size;
	for (u64 at = (u64)(map + 1); at + map->entry_size <= end; at += map->entry_size) {
		const struct memory_entry *entry = (const struct memory_entry *)at;
		boot_range_add(entry->address, entry->size, entry->kind);
	}
}

static void parse_tag(const struct tag *tag)
{
	switch (tag->kind) {
	case TAG_COMMAND_LINE:
		boot_command_line_set((const char *)(tag + 1), tag->size - sizeof(*tag));
		break;
	case TAG_MODULE: {
		const struct tag_module *module = (const struct tag_module *)tag;
		if (boot_information.initrd_size == 0 && module->end > module->start) {
			boot_information.initrd_start = module->start;
			boot_information.initrd_size = module->end - module->start;
		}
		break;
	}
	case TAG_MEMORY_MAP:
		parse_memory_map((const struct tag_memory_map *)tag);
		break;
	case TAG_ACPI_OLD:
		if (boot_information.acpi_root == 0)
			parse_acpi_root(tag);
		break;
	case TAG_ACPI_NEW:
		parse_acpi_root(tag);
		break;
	default:
		break;
	}
}

const char *boot_parse_multiboot2(u64 info)
{
	boot_information.loader = "Multiboot2";
	u64 end = info + *(const u32 *)info;
	for (u64 at = info + 8; at + sizeof(struct tag) <= end;) {
		const struct tag *tag = (const struct tag *)at;
		if (tag->kind == TAG_END)
			break;
		if (tag->size < sizeof(*tag) || at + tag->size > end)
			return "Multiboot2 information with a broken tag";
		parse_tag(tag);
		at = (at + tag->size + 7) & ~7UL;
	}
	return boot_information.range_count ? NULL : "Multiboot2 information without a memory map";
}
