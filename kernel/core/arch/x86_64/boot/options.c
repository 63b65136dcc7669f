// SPDX-License-Identifier: MPL-2.0
// core/boot.h: the command line's words, the initial file system image and the memory map.
#include "core/arch/x86_64/boot/boot.h"
#include <core/arch/core_memory.h>
#include <core/arch/paging.h>
#include <core/boot.h>

static bool initrd_freed;

static usize command_line_length(void)
{
	usize n = 0;
	while (boot_information.command_line[n])
		n++;
	return n;
}

bytes_t boot_command_line(void)
{
	return (bytes_t){ (const u8 *)boot_information.command_line, command_line_length() };
}

bytes_t boot_initrd(void)
{
	if (initrd_freed || boot_information.initrd_size == 0)
		return bytes_empty();
	const u8 *data = physical_to_virtual(boot_information.initrd_start);
	return (bytes_t){ data, boot_information.initrd_size };
}

void boot_initrd_free(void)
{
	if (initrd_freed || boot_information.initrd_size == 0)
		return;
	initrd_freed = true;
	const u64 end = page_round_down(boot_information.initrd_start + boot_information.initrd_size);
	for (u64 at = page_round_up(boot_information.initrd_start); at < end; at += LAYOUT_PAGE_SIZE)
		if (boot_range_is_usable(at, at + LAYOUT_PAGE_SIZE))
			memory_add_range(at, at + LAYOUT_PAGE_SIZE);
}

// The end of the word that starts at `at`: a blank outside double quotes.
static usize word_end(const char *line, usize at)
{
	bool quoted = false;
	while (line[at] && (quoted || (line[at] != ' ' && line[at] != '\n' && line[at] != '\t'))) {
		quoted ^= line[at] == '"';
		at++;
	}
	return at;
}

// The value in a word, less quotes around the value or around the whole word.
static bytes_t word_value(const char *line, usize start, usize end)
{
	if (start < end && line[start] == '=')
		start++;
	if (end > start && line[start] == '"')
		start++;
	if (end > start && line[end - 1] == '"')
		end--;
	return (bytes_t){ (const u8 *)line + start, end - start };
}

static bool word_matches(const char *line, usize start, usize end, bytes_t key)
{
	if (key.__n == 0 || end - start < key.__n)
		return false;
	for (usize i = 0; i < key.__n; i++) {
		char c = line[start + i];
		// Linux takes '-' and '_' in names for the same.
		if ((c == '-' ? '_' : c) != (key.__p[i] == '-' ? '_' : key.__p[i]))
			return false;
	}
	return end - start == key.__n || line[start + key.__n] == '=';
}

bool boot_option(bytes_t key, bytes_t *value)
{
	const char *line = boot_information.command_line;
	bool found = false;
	for (usize at = 0; line[at];) {
		if (line[at] == ' ' || line[at] == '\n' || line[at] == '\t') {
			at++;
			continue;
		}
		usize start = at;
		at = word_end(line, at);
		usize name = line[start] == '"' ? start + 1 : start;
		if (!word_matches(line, name, at, key))
			continue;
		*value = word_value(line, name + key.__n, at);
		found = true;
	}
	return found;
}

bool boot_memory_range(u32 index, struct memory_range *out)
{
	if (index >= boot_information.range_count)
		return false;
	const struct boot_range *r = &boot_information.ranges[index];
	*out = (struct memory_range){ r->start, r->end, (u32)r->kind };
	return true;
}
