// SPDX-License-Identifier: MPL-2.0
// The order in which the verifier looks at instructions: each after all that can come before it. A depth-first walk
// over the jumps finds it, and refuses loops, jumps out of the program, and code that nothing leads to.
#include <services/bpf/bpf_flow.h>
#include <services/bpf/bpf_instruction.h>

enum visit { VISIT_NONE, VISIT_FIRST_DONE, VISIT_OPEN, VISIT_DONE, VISIT_SECOND_HALF };

u32 bpf_successors(bytes_t program, u32 at, u64 *next borrowed, u64 *jump borrowed)
{
	const struct bpf_instruction i = bpf_instruction_at(program, at);
	const u32 class = bpf_class_of(i.code);

	*next = (u64)at + (i.code == BPF_CODE_LOAD_WIDE ? 2 : 1);
	*jump = (u64)((s64)at + 1 + i.offset);
	if (class != BPF_CLASS_JMP && class != BPF_CLASS_JMP32)
		return BPF_GOES_ON;
	switch (bpf_operation_of(i.code)) {
	case BPF_EXIT:
		return 0;
	case BPF_CALL:
		return BPF_GOES_ON;
	case BPF_JA:
		return BPF_JUMPS;
	default:
		return BPF_GOES_ON | BPF_JUMPS;
	}
}

struct stack_only flow_walk {
	bytes_t program;
	span_t visits;	// enum visit, one byte an instruction
	span_t stack;	// places, from the front
	span_t order;	// filled from the back
	u32 count, depth, left;
};

// Goes to `to` unless it has been there.
static err_t walk_enter(struct flow_walk *w borrowed, u32 from, u64 to, struct text *log borrowed)
{
	if (to >= w->count) {
		text_printf(log, "jump out of range from insn %u to %ld\n", from, (s64)to);
		return -EINVAL;
	}
	const u8 seen = span_at(w->visits, to);
	if (seen == VISIT_SECOND_HALF) {
		text_printf(log, "jump into the middle of ldimm64 insn %lu\n", to);
		return -EINVAL;
	}
	if (seen == VISIT_OPEN || seen == VISIT_FIRST_DONE) {
		text_printf(log, "back-edge from insn %u to %lu\n", from, to);
		return -EINVAL;
	}
	if (seen == VISIT_DONE)
		return OK;
	span_at(w->visits, to) = VISIT_OPEN;
	span_put_u32le(w->stack, (usize)w->depth++ * 4, (u32)to);
	return OK;
}

// Takes one step from the place on top of the stack.
static err_t walk_step(struct flow_walk *w borrowed, struct text *log borrowed)
{
	const u32 at = bytes_get_u32le(bytes_of(w->stack), (usize)(w->depth - 1) * 4);
	u64 next = 0, jump = 0;
	const u32 ways = bpf_successors(w->program, at, &next, &jump);

	if (span_at(w->visits, at) == VISIT_OPEN) {
		span_at(w->visits, at) = VISIT_FIRST_DONE;
		if (ways & BPF_GOES_ON)
			return walk_enter(w, at, next, log);
	}
	const u32 depth = w->depth;
	const err_t e = ways & BPF_JUMPS ? walk_enter(w, at, jump, log) : OK;
	if (e || w->depth != depth)
		return e;
	span_at(w->visits, at) = VISIT_DONE;
	span_put_u32le(w->order, (usize)--w->left * 4, at);
	w->depth--;
	return OK;
}

// Marks second halves of wide loads; -EINVAL for one that is cut off or odd.
static err_t mark_wide_loads(struct flow_walk *w borrowed, u32 *places borrowed, struct text *log borrowed)
{
	for (u32 n = 0; n < w->count; n++) {
		(*places)++;
		if (bpf_instruction_at(w->program, n).code != BPF_CODE_LOAD_WIDE)
			continue;
		if (++n == w->count || (bytes_get_u64le(w->program, (usize)n * BPF_INSTRUCTION_SIZE) & U32_MAX)) {
			text_put(log, STR("invalid bpf_ld_imm64 insn\n"));
			return -EINVAL;
		}
		span_at(w->visits, n) = VISIT_SECOND_HALF;
	}
	return OK;
}

static err_t walk_all(struct flow_walk *w borrowed, struct text *log borrowed)
{
	u32 places = 0;
	err_t e = mark_wide_loads(w, &places, log);

	w->left = places;
	if (!e)
		e = walk_enter(w, 0, 0, log);
	while (!e && w->depth)
		e = walk_step(w, log);
	for (u32 n = 0; !e && n < w->count; n++) {
		if (span_at(w->visits, n) != VISIT_NONE)
			continue;
		text_printf(log, "unreachable insn %u\n", n);
		e = -EINVAL;
	}
	return e;
}

err_t bpf_flow_order(bytes_t program, struct buf **out borrowed, u32 *places borrowed, struct text *log borrowed)
{
	const u32 count = (u32)(bytes_len(program) / BPF_INSTRUCTION_SIZE);
	struct buf *visits buf_auto = buf_alloc(count);
	struct buf *stack buf_auto = buf_alloc((usize)count * 4);
	struct buf *order buf_auto = buf_alloc((usize)count * 4);

	if (!visits || !stack || !order)
		return -ENOMEM;
	struct flow_walk w = { .program = program, .visits = buf_span(visits), .stack = buf_span(stack),
		.order = buf_span(order), .count = count };
	const err_t e = walk_all(&w, log);
	if (e)
		return e;
	*places = 0;
	for (u32 n = 0; n < count; n++)
		*places += span_at(w.visits, n) == VISIT_DONE;
	*out = take(order);
	return OK;
}
