// SPDX-License-Identifier: MPL-2.0
#include <services/exec/elf.h>

// Offsets in the file header and in a program header. source: elf(5)
#define HEADER_SIZE 64u
#define EH_TYPE 16u
#define EH_MACHINE 18u
#define EH_ENTRY 24u
#define EH_PHOFF 32u
#define EH_PHENTSIZE 54u
#define EH_PHNUM 56u
#define PROGRAM_HEADER_SIZE 56u
#define PH_TYPE 0u
#define PH_FLAGS 4u
#define PH_OFFSET 8u
#define PH_VADDR 16u
#define PH_FILESZ 32u
#define PH_MEMSZ 40u
#define PT_LOAD 1u
#define PT_INTERP 3u
#define PT_PHDR 6u
#define PT_GNU_STACK 0x6474e551u
#define PF_X 1u
#define PF_W 2u
#define PF_R 4u
#define MACHINE_X86_64 62u
#define HEADERS_BYTES_MAX 65536u

static void elf_image_release(struct elf_image *e) exclusive_access
{
	if (e->file)
		file_put(take(e->file));
	buf_free(take(e->headers));
}
DEFINE_OBJECT(elf_image, elf_image_release)

struct segment {
	u32 type, flags;
	u64 offset, address, file_size, memory_size;
};

static struct segment segment_at(const struct elf_image *e borrowed, u32 i)
{
	bytes_t h = bytes_slice(buf_bytes(e->headers), (usize)i * PROGRAM_HEADER_SIZE, PROGRAM_HEADER_SIZE);
	return (struct segment){
		.type = bytes_get_u32le(h, PH_TYPE),
		.flags = bytes_get_u32le(h, PH_FLAGS),
		.offset = bytes_get_u64le(h, PH_OFFSET),
		.address = bytes_get_u64le(h, PH_VADDR),
		.file_size = bytes_get_u64le(h, PH_FILESZ),
		.memory_size = bytes_get_u64le(h, PH_MEMSZ),
	};
}

static bool header_is_sound(bytes_t h)
{
	static const u8 magic[7] = { 0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little endian */, 1 };
	u32 type = bytes_get_u16le(h, EH_TYPE);
	return bytes_start_with(h, array_bytes(magic)) && (type == ELF_TYPE_FIXED || type == ELF_TYPE_DYNAMIC) &&
		bytes_get_u16le(h, EH_MACHINE) == MACHINE_X86_64 &&
		bytes_get_u16le(h, EH_PHENTSIZE) == PROGRAM_HEADER_SIZE && bytes_get_u16le(h, EH_PHNUM) >= 1 &&
		bytes_get_u16le(h, EH_PHNUM) * PROGRAM_HEADER_SIZE <= HEADERS_BYTES_MAX;
}

// A segment that may be mapped: page and file offsets agree, all of it within user space.
static bool load_is_sound(const struct segment *s borrowed)
{
	return s->file_size <= s->memory_size && s->memory_size <= USER_TOP &&
		s->address <= USER_TOP - s->memory_size && page_offset(s->address) == page_offset(s->offset) &&
		s->offset <= S64_MAX - s->file_size - PAGE_SIZE;
}

static err_t note_load(struct elf_image *e, const struct segment *s borrowed, bool is_first)
{
	if (!load_is_sound(s))
		return -ENOEXEC;
	u64 start = page_round_down(s->address), end = page_round_up(s->address + s->memory_size);
	e->start = is_first ? start : min(e->start, start);
	e->end = is_first ? end : max(e->end, end);
	if (e->headers_offset >= s->offset && e->headers_offset - s->offset < s->file_size)
		e->headers_address = s->address + (e->headers_offset - s->offset);
	return OK;
}

static err_t note_segments(struct elf_image *e)
{
	u32 loads = 0;
	e->executable_stack = 1;	// unless a PT_GNU_STACK says otherwise
	for (u32 i = 0; i < e->segment_count; i++) {
		struct segment s = segment_at(e, i);
		if (s.type == PT_LOAD && s.memory_size) {
			err_t err = note_load(e, &s, loads++ == 0);
			if (err)
				return err;
		} else if (s.type == PT_INTERP && !e->interpreter_length) {
			if (s.file_size < 2 || s.file_size > ELF_INTERPRETER_MAX)
				return -ENOEXEC;
			e->interpreter_offset = s.offset;
			e->interpreter_length = (u32)s.file_size - 1;
		} else if (s.type == PT_GNU_STACK) {
			e->executable_stack = s.flags & PF_X;
		}
	}
	return loads ? OK : -ENOEXEC;
}

err_t elf_read(struct file *f, struct elf_image **out borrowed)
{
	u8 head[HEADER_SIZE];
	err_t err = file_read_exact(f, 0, array_span(head));
	if (err)
		return err;
	bytes_t h = array_bytes(head);
	if (!header_is_sound(h))
		return -ENOEXEC;
	struct elf_image *e object_auto(elf_image) = elf_image_alloc();
	if (!e)
		return -ENOMEM;
	e->file = file_get(f);
	e->type = bytes_get_u16le(h, EH_TYPE);
	e->entry = bytes_get_u64le(h, EH_ENTRY);
	e->segment_count = bytes_get_u16le(h, EH_PHNUM);
	e->headers_offset = bytes_get_u64le(h, EH_PHOFF);
	if (e->headers_offset > S64_MAX - HEADERS_BYTES_MAX)
		return -ENOEXEC;
	e->headers = buf_alloc((usize)e->segment_count * PROGRAM_HEADER_SIZE);
	if (!e->headers)
		return -ENOMEM;
	err = file_read_exact(f, e->headers_offset, buf_span(e->headers));
	if (!err)
		err = note_segments(e);
	if (!err)
		*out = take(e);
	return err;
}

err_t elf_read_interpreter(struct elf_image *e, span_t out)
{
	u8 end[1];
	err_t err = file_read_exact(e->file, e->interpreter_offset, span_first(out, e->interpreter_length));
	if (!err)
		err = file_read_exact(e->file, e->interpreter_offset + e->interpreter_length, array_span(end));
	if (err)
		return err;
	return end[0] ? -ENOEXEC : OK;
}

// --- mapping ------------------------------------------------------------------------------------

static u32 protection_of(const struct segment *s borrowed)
{
	return (s->flags & PF_R ? PAGE_READ : 0) | (s->flags & PF_W ? PAGE_WRITE : 0) |
		(s->flags & PF_X ? PAGE_EXECUTE : 0);
}

static err_t map_fixed(
	struct vm_space *space, u64 start, u64 end, struct file *f, u64 offset, u32 protection, u32 flags)
{
	if (start >= end)
		return OK;
	struct vm_map_request r = { .address = start,
		.length = end - start,
		.offset = offset,
		.protection = protection,
		.flags = flags,
		.file = f };
	u64 address = 0;
	return vm_space_map(space, &r, &address);
}

// The file's part, then pages of zeros up to the end in memory.
static err_t map_segment(struct elf_image *e, struct vm_space *space, const struct segment *s borrowed, u32 flags)
{
	u64 address = s->address + e->bias;
	u64 start = page_round_down(address), file_end = page_round_up(address + s->file_size),
	    end = page_round_up(address + s->memory_size);
	err_t err = OK;
	if (s->file_size)
		err = map_fixed(space, start, file_end, e->file, page_round_down(s->offset), protection_of(s), flags);
	else
		file_end = start;
	return err ? err : map_fixed(space, file_end, end, NULL, 0, protection_of(s), flags);
}

static void note_layout(struct elf_image *e, const struct segment *s borrowed)
{
	u64 start = s->address + e->bias, file_end = start + s->file_size, end = start + s->memory_size;
	if ((s->flags & PF_X) && (!e->code_start || start < e->code_start))
		e->code_start = start;
	if ((s->flags & PF_X) && file_end > e->code_end)
		e->code_end = file_end;
	e->data_start = max(e->data_start, start);
	e->data_end = max(e->data_end, file_end);
	e->break_start = max(e->break_start, end);
}

// Finds the place of a position independent image: all of its range is taken in one piece first, so that
// its segments keep their distances.
static err_t place(struct elf_image *e, struct vm_space *space, u64 base)
{
	if (e->type == ELF_TYPE_FIXED)
		return OK;
	u64 length = e->end - e->start, address = 0;
	struct vm_map_request r = {
		.address = base, .length = length, .protection = PAGE_NONE, .flags = VM_MAP_NORESERVE
	};
	err_t err = vm_space_map(space, &r, &address);
	e->bias = address - e->start;
	return err;
}

err_t elf_map(struct elf_image *e, struct vm_space *space, u64 base)
{
	err_t err = place(e, space, base);
	u32 flags = e->type == ELF_TYPE_FIXED ? VM_MAP_FIXED_NOREPLACE : VM_MAP_FIXED;
	u64 mapped_to = 0;
	for (u32 i = 0; !err && i < e->segment_count; i++) {
		struct segment s = segment_at(e, i);
		if (s.type != PT_LOAD || !s.memory_size)
			continue;
		// Segments of a fixed program may share a page at their border: the later one wins there.
		u32 how = page_round_down(s.address + e->bias) < mapped_to ? VM_MAP_FIXED : flags;
		err = map_segment(e, space, &s, how);
		note_layout(e, &s);
		mapped_to = max(mapped_to, page_round_up(s.address + e->bias + s.memory_size));
	}
	return err;
}

err_t elf_zero_tails(struct elf_image *e)
{
	err_t err = OK;
	for (u32 i = 0; !err && i < e->segment_count; i++) {
		struct segment s = segment_at(e, i);
		if (s.type != PT_LOAD || s.memory_size <= s.file_size || !s.file_size || !(s.flags & PF_W))
			continue;
		// To the end of the page, past memory_size too: glibc's loader allocates from there and counts on
		// zeros.
		u64 from = s.address + e->bias + s.file_size, page_end = page_round_up(from);
		if (page_end > from)
			err = user_zero(user_addr(from), page_end - from);
	}
	return err;
}
