// SPDX-License-Identifier: MPL-2.0
// The first stack of a program, from its top down: eight bytes of zeros, the file name, the environment's
// and the arguments' strings, the platform's name, random bytes, the auxiliary vector, the two tables of
// pointers, the argument count, where rsp points. source: System V ABI for x86-64, 3.4.1; getauxval(3)
#include <core/cpu.h>
#include <core/random.h>
#include <services/cred/user_namespace.h>
#include <services/exec/exec_internal.h>

#define STACK_SPARE (128u << 10)	// mapped below what is written; grows further by itself
#define AUX_MAX 28u

enum auxiliary {
	AT_NULL = 0, AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_BASE = 7, AT_FLAGS = 8, AT_ENTRY = 9,
	AT_UID = 11, AT_EUID = 12, AT_GID = 13, AT_EGID = 14, AT_PLATFORM = 15, AT_HWCAP = 16, AT_CLKTCK = 17,
	AT_SECURE = 23, AT_RANDOM = 25, AT_HWCAP2 = 26, AT_EXECFN = 31,
	AT_SYSINFO_EHDR = 33, AT_MINSIGSTKSZ = 51
};

struct auxiliary_vector {
	u64 word[2 * AUX_MAX];
	u32 count;	// of words
};

static void aux_add(struct auxiliary_vector *v borrowed, u64 type, u64 value)
{
	v->word[v->count++] = type;
	v->word[v->count++] = value;
}

#define SIGNAL_FRAME_FIXED 1024u	// red zone, siginfo, ucontext, alignment

static void aux_fill(struct auxiliary_vector *v borrowed, const struct exec_plan *plan borrowed, u64 platform,
	u64 random, u64 file_name)
{
	const struct elf_image *image = plan->image;
	const struct cred *c = plan->cred;
	struct user_namespace *ns = plan->cred->user_ns;
	if (plan->vdso)
		aux_add(v, AT_SYSINFO_EHDR, plan->vdso);
	aux_add(v, AT_MINSIGSTKSZ, SIGNAL_FRAME_FIXED + user_fpu_size());
	aux_add(v, AT_HWCAP, cpu_hwcap());
	aux_add(v, AT_PAGESZ, PAGE_SIZE);
	aux_add(v, AT_CLKTCK, 100);
	if (image->headers_address)
		aux_add(v, AT_PHDR, image->headers_address + image->bias);
	aux_add(v, AT_PHENT, 56);
	aux_add(v, AT_PHNUM, image->segment_count);
	aux_add(v, AT_BASE, plan->interpreter ? plan->interpreter->bias : 0);
	aux_add(v, AT_FLAGS, 0);
	aux_add(v, AT_ENTRY, image->entry + image->bias);
	aux_add(v, AT_UID, user_namespace_uid_show(ns, c->uid));
	aux_add(v, AT_EUID, user_namespace_uid_show(ns, c->euid));
	aux_add(v, AT_GID, user_namespace_gid_show(ns, c->gid));
	aux_add(v, AT_EGID, user_namespace_gid_show(ns, c->egid));
	aux_add(v, AT_SECURE, plan->is_secure);
	aux_add(v, AT_RANDOM, random);
	aux_add(v, AT_HWCAP2, cpu_hwcap2());
	aux_add(v, AT_EXECFN, file_name);
	aux_add(v, AT_PLATFORM, platform);
	aux_add(v, AT_NULL, 0);
}

// Everything above the tables: sizes are known before anything is written.
static u64 strings_start(const struct exec_plan *plan borrowed)
{
	return plan->stack_top - 8 - (buf_len(plan->path) + 1) - exec_strings_size(plan->strings);
}

err_t exec_stack_map(struct exec_plan *plan)
{
	u64 pointers = ((u64)plan->strings->argument_count + plan->strings->environment_count + 3 + 2 * AUX_MAX) * 8;
	u64 used = plan->stack_top - strings_start(plan) + pointers + 4096;
	u64 length = page_round_up(used + STACK_SPARE);
	struct vm_map_request r = {
		.address = plan->stack_top - length,
		.length = length,
		.protection = PAGE_READ | PAGE_WRITE | (plan->image->executable_stack ? PAGE_EXECUTE : 0),
		.flags = VM_MAP_FIXED_NOREPLACE | VM_MAP_GROWSDOWN | VM_MAP_STACK,
	};
	u64 address = 0;
	return vm_space_map(plan->space, &r, &address);
}

// Words on their way to user memory, in pieces of a page.
struct stack_only word_writer {
	span_t room;
	usize used;
	u64 to;
	err_t err;
};

static void words_flush(struct word_writer *w borrowed)
{
	if (!w->err && w->used)
		w->err = user_copy_out(user_addr(w->to), bytes_first(bytes_of(w->room), w->used));
	w->to += w->used;
	w->used = 0;
}

static void words_put(struct word_writer *w borrowed, u64 value)
{
	if (w->used == span_len(w->room))
		words_flush(w);
	span_put_u64le(w->room, w->used, value);
	w->used += 8;
}

// Pointers to `count` strings from *position on, and a NULL.
static void put_pointers(
	struct word_writer *w borrowed, struct exec_strings *s, u64 start, u64 *position borrowed, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		words_put(w, start + *position);
		*position += exec_strings_length_at(s, *position);
	}
	words_put(w, 0);
}

static err_t write_bytes(u64 to, bytes_t from)
{
	return user_copy_out(user_addr(to), from);
}

static err_t write_tables(struct exec_plan *plan, u64 start, const struct auxiliary_vector *aux borrowed)
{
	struct exec_strings *s = plan->strings;
	struct buf *room buf_auto = buf_alloc(PAGE_SIZE);
	if (!room)
		return -ENOMEM;
	struct word_writer w = { .room = buf_span(room), .to = plan->stack_pointer };
	u64 position = 0;
	words_put(&w, s->argument_count);
	put_pointers(&w, s, start, &position, s->argument_count);
	plan->layout.arg_start = start;
	plan->layout.arg_end = plan->layout.env_start = start + position;
	put_pointers(&w, s, start, &position, s->environment_count);
	plan->layout.env_end = start + position;
	for (u32 i = 0; i < aux->count; i++)
		words_put(&w, aux->word[i]);
	words_flush(&w);
	return w.err;
}

err_t exec_stack_write(struct exec_plan *plan)
{
	struct exec_strings *s = plan->strings;
	u8 random[16];
	random_fill(array_span(random));
	u8 platform[8] = { 'x', '8', '6', '_', '6', '4', 0, 0 };
	u64 file_name = plan->stack_top - 8 - (buf_len(plan->path) + 1), start = strings_start(plan);
	u64 platform_at = (start - sizeof(platform)) & ~7ul, random_at = platform_at - sizeof(random);
	struct auxiliary_vector aux = { .count = 0 };
	aux_fill(&aux, plan, platform_at, random_at, file_name);
	u64 words = 1 + (u64)s->argument_count + 1 + s->environment_count + 1 + aux.count;
	plan->stack_pointer = (random_at - words * 8) & ~15ul;
	err_t err = exec_strings_write(s, user_addr(start));
	if (!err)
		err = write_bytes(file_name, buf_bytes(plan->path));
	if (!err)
		err = write_bytes(platform_at, array_bytes(platform));
	if (!err)
		err = write_bytes(random_at, array_bytes(random));
	return err ? err : write_tables(plan, start, &aux);
}
