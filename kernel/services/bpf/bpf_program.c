// SPDX-License-Identifier: MPL-2.0
// A program: loaded once, never changed. The table of numbers holds no reference; the last put takes it out.
#include <core/time.h>
#include <services/bpf/bpf_instruction.h>
#include <services/bpf/bpf_internal.h>

DEFINE_TREE(bpf_program_tree, bpf_program, link)
static struct spinlock table_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct bpf_program_tree table GUARDED_BY(table_lock);
static u32 last_id GUARDED_BY(table_lock);

static void table_leave(struct bpf_program *p)
{
	spin_guard(&table_lock);
	if (bpf_program_tree_is_linked(p))
		bpf_program_tree_remove(&table, p);
}

static exclusive_access void bpf_program_release(struct bpf_program *p)
{
	table_leave(p);
	buf_free(take(p->original));
	buf_free(take(p->code));
}
DEFINE_OBJECT(bpf_program, bpf_program_release)

static bool id_is_used(u32 id) REQUIRES(table_lock)
{
	const struct bpf_program *p = bpf_program_tree_at_most(&table, id);

	return p && bpf_program_tree_key(p) == id;
}

exclusive_access static void table_enter(struct bpf_program *p)
{
	spin_guard(&table_lock);
	do {
		last_id = last_id >= BPF_PROGRAM_ID_MAX ? 1 : last_id + 1;
	} while (id_is_used(last_id));
	p->id = last_id;
	bpf_program_tree_insert(&table, p, last_id);
}

exclusive_access static err_t program_fill(struct bpf_program *p, const struct bpf_load *l borrowed)
{
	p->type = l->type;
	p->original = buf_from(l->instructions);
	p->code = buf_from(l->instructions);
	if (!p->original || !p->code)
		return -ENOMEM;
	p->instruction_count = (u32)(bytes_len(l->instructions) / BPF_INSTRUCTION_SIZE);
	p->load_time_ns = clock_monotonic_ns();
	p->uid = l->uid;
	p->is_gpl = l->is_gpl;
	p->expected_attach_type = l->expected_attach_type;
	span_copy(array_span(p->name), array_bytes(l->name));
	bpf_tag(l->instructions, array_span(p->tag));
	return OK;
}

err_t bpf_program_load(const struct bpf_load *l borrowed, struct text *log borrowed, struct bpf_program **out borrowed)
{
	if (bytes_len(l->instructions) > BPF_PROGRAM_INSTRUCTIONS_MAX * BPF_INSTRUCTION_SIZE)
		return -E2BIG;
	struct bpf_program *p object_auto(bpf_program) = bpf_program_alloc();
	if (!p)
		return -ENOMEM;
	err_t e = program_fill(p, l);
	if (!e)
		e = bpf_verify(buf_span(p->code), p->type, log);
	if (e)
		return e;
	table_enter(p);
	*out = take(p);
	return OK;
}

struct bpf_program *bpf_program_find(u32 id)
{
	spin_guard(&table_lock);
	struct bpf_program *p = bpf_program_tree_at_most(&table, id);

	return p && bpf_program_tree_key(p) == id ? bpf_program_try_get(p) : NULL;
}

bool bpf_program_next_id(u32 *id borrowed)
{
	spin_guard(&table_lock);
	const struct bpf_program *p = bpf_program_tree_at_least(&table, (u64)*id + 1);

	if (p)
		*id = (u32)bpf_program_tree_key(p);
	return p;
}

u32 bpf_program_id(const struct bpf_program *p borrowed)
{
	return p->id;
}

void bpf_program_read(const struct bpf_program *p borrowed, struct bpf_program_facts *out borrowed)
{
	out->type = p->type;
	out->id = p->id;
	out->instruction_count = p->instruction_count;
	out->uid = p->uid;
	out->is_gpl = p->is_gpl;
	out->load_time_ns = p->load_time_ns;
	span_copy(array_span(out->tag), array_bytes(p->tag));
	span_copy(array_span(out->name), array_bytes(p->name));
}

void bpf_program_copy(const struct bpf_program *p borrowed, span_t to)
{
	span_copy_some(to, buf_bytes(p->original));
}
