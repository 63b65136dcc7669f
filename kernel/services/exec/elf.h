// SPDX-License-Identifier: MPL-2.0
// ELF64 programs for x86-64: reading the headers, mapping the segments. source: elf(5)
// Every number comes from a file that may be hostile: sums are checked, nothing is believed.
#pragma once
#include <core/buf.h>
#include <services/vfs/file.h>
#include <services/vm/vm_space.h>

#define ELF_INTERPRETER_MAX 4096u
enum elf_type { ELF_TYPE_FIXED = 2, ELF_TYPE_DYNAMIC = 3 };
struct elf_image {
	struct object object;
	struct file *file;	// reference
	u32 type;		// enum elf_type
	u32 segment_count;	// of program headers in the table
	u64 entry;		// as in the file
	u64 headers_offset;	// of the program headers in the file
	struct buf *headers;	// owned: the program headers
	u64 start, end;		// addresses of all segments, page aligned
	u64 headers_address;	// where the program headers are mapped; 0: nowhere
	u32 executable_stack;
	u32 interpreter_length;	// without its end mark; 0: none
	u64 interpreter_offset;
	// After elf_map:
	u64 bias;		// added to the file's addresses
	u64 code_start, code_end, data_start, data_end, break_start;
};
DECLARE_OBJECT(elf_image)
// -ENOEXEC for anything that is not a sound program for this machine. => may sleep
err_t elf_read(struct file *f, struct elf_image **out borrowed);
// The interpreter's name; its length is image->interpreter_length. -ENOEXEC
err_t elf_read_interpreter(struct elf_image *image, span_t out);
// Maps all segments into s, position independent ones at `base` (0: the space's choice).
err_t elf_map(struct elf_image *image, struct vm_space *s, u64 base);
// Zeroes the parts of pages between the files' bytes and the segments' ends: s is active.
err_t elf_zero_tails(struct elf_image *image);
