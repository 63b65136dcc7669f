// SPDX-License-Identifier: MPL-2.0
// Shows of a program, before it ever runs, that it ends, reads only registers that were written, touches only its stack
// (zeros at first) and its context, and returns 0 or 1.
//
// Programs have no loops, so the instructions can be put in an order in which each comes after all that lead to it
// (bpf_flow.c). One pass in that order is enough: the knowledge before an instruction is what holds on every way to it
// (joined), the instruction changes it, and it is handed on to where control goes next. A way that a comparison rules
// out is not followed. Time and memory are linear in the length; what two ways know of each other is lost where they
// meet, so some programs that Linux accepts are refused.
#include <services/bpf/bpf_flow.h>
#include <services/bpf/bpf_internal.h>
#include <services/bpf/bpf_verifier.h>
#include <services/bpf/bpf_verifier_step.h>

DEFINE_POINTER_TABLE(bpf_state_table, bpf_state)

// The knowledge `from` reaches instruction `to`.
static err_t hand_on(struct bpf_state_table *states, const struct bpf_state *from borrowed, u64 to)
{
	struct bpf_state *there = states->slot[to];

	if (there) {
		bpf_state_join(there, from);
		return OK;
	}
	struct bpf_state *s object_auto(bpf_state) = bpf_state_create();
	if (!s)
		return -ENOMEM;
	bpf_state_copy(s, from);
	states->slot[to] = take(s);
	return OK;
}

// The constant that a jump compares with; false: it is none.
static bool compared_constant(const struct bpf_state *s borrowed, struct bpf_instruction i, u64 *out borrowed)
{
	if (!(i.code & BPF_SOURCE_REGISTER)) {
		*out = (u64)(s64)i.immediate;
		return true;
	}
	const struct bpf_value v = s->reg[i.source];

	*out = v.low;
	return bpf_is_constant(v);
}

// On a conditional jump: hands on to both sides what is known there.
static err_t hand_on_both(struct bpf_state_table *states, struct bpf_state *s, struct bpf_instruction i, u64 next,
	u64 jump)
{
	const struct bpf_value before = s->reg[i.target];
	u64 constant = 0;

	if (before.kind != BPF_NUMBER || !compared_constant(s, i, &constant)) {
		const err_t e = hand_on(states, s, next);

		return e ? e : hand_on(states, s, jump);
	}
	struct bpf_value v = before;
	err_t e = OK;
	if (bpf_range_refine(i.code, 0, &v, constant)) {
		s->reg[i.target] = v;
		e = hand_on(states, s, next);
	}
	v = before;
	if (!e && bpf_range_refine(i.code, 1, &v, constant)) {
		s->reg[i.target] = v;
		e = hand_on(states, s, jump);
	}
	return e;
}

static err_t verify_at(struct bpf_state_table *states, span_t program, u32 at, struct text *log borrowed)
{
	struct bpf_state *s object_auto(bpf_state) = states->slot[at];
	u64 next = 0, jump = 0;

	states->slot[at] = NULL;
	if (!s)
		return OK; // no way leads here
	const struct bpf_instruction i = bpf_instruction_at(bytes_of(program), at);
	const err_t e = bpf_verify_step(s, program, at, log);
	if (e) {
		text_printf(log, "%u: (%02x) dst=r%u src=r%u off=%d imm=%d\n", at, i.code, i.target, i.source,
			i.offset, i.immediate);
		return e;
	}
	switch (bpf_successors(bytes_of(program), at, &next, &jump)) {
	case BPF_GOES_ON:
		return hand_on(states, s, next);
	case BPF_JUMPS:
		return hand_on(states, s, jump);
	case BPF_GOES_ON | BPF_JUMPS:
		return hand_on_both(states, s, i, next, jump);
	default:
		return OK;
	}
}

static void states_free(struct bpf_state_table *states consumes)
{
	for (u32 n = 0; n < bpf_state_table_count(states); n++) {
		if (states->slot[n])
			bpf_state_put(take(states->slot[n]));
	}
	bpf_state_table_free(states);
}

static err_t verify_in_order(span_t program, enum bpf_type type, bytes_t order, u32 places,
	struct text *log borrowed)
{
	const u32 count = (u32)(span_len(program) / BPF_INSTRUCTION_SIZE);
	struct bpf_state *first object_auto(bpf_state) = bpf_state_create();
	struct bpf_state_table *states = bpf_state_table_alloc(count);
	err_t e = OK;

	if (!states)
		return -ENOMEM;
	if (first) {
		if (type == BPF_TYPE_CGROUP_DEVICE)
			first->reg[1] = (struct bpf_value){ .kind = BPF_CONTEXT };
		first->reg[BPF_FRAME_REGISTER] = (struct bpf_value){ .kind = BPF_STACK };
		states->slot[0] = take(first);
	} else {
		e = -ENOMEM;
	}
	for (u32 n = 0; !e && n < places; n++)
		e = verify_at(states, program, bytes_get_u32le(order, (usize)n * 4), log);
	states_free(take(states));
	return e;
}

err_t bpf_verify(span_t program, enum bpf_type type, struct text *log borrowed)
{
	struct buf *order buf_auto = NULL;
	u32 places = 0;
	err_t e = bpf_flow_order(bytes_of(program), &order, &places, log);

	if (!e)
		e = verify_in_order(program, type, buf_bytes(order), places, log);
	text_printf(log, "processed %u insns\n", places);
	return e;
}
