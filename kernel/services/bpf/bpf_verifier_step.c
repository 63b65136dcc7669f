// SPDX-License-Identifier: MPL-2.0
// source: Linux's verifier documentation for what is refused; the error numbers are its.
#include <services/bpf/bpf_verifier_step.h>

#define CONTEXT_SIZE 12	// see bpf_internal.h

static err_t reserved(struct text *log borrowed)
{
	text_put(log, STR("instruction uses reserved fields\n"));
	return -EINVAL;
}

static err_t check_readable(const struct bpf_state *s borrowed, u32 reg, struct text *log borrowed)
{
	if (s->reg[reg].kind != BPF_UNKNOWN)
		return OK;
	text_printf(log, "R%u !read_ok\n", reg);
	return -EACCES;
}

static err_t check_writable(u32 reg, struct text *log borrowed)
{
	if (reg != BPF_FRAME_REGISTER)
		return OK;
	text_put(log, STR("frame pointer is read only\n"));
	return -EACCES;
}

// --- arithmetic --------------------------------------------------------------------------------------

static bool alu_is_well_formed(struct bpf_instruction i)
{
	const bool has_register = i.code & BPF_SOURCE_REGISTER;

	switch (bpf_operation_of(i.code)) {
	case BPF_NEG:
		return !has_register && !i.source && !i.offset && !i.immediate;
	case BPF_END:
		return bpf_class_of(i.code) == BPF_CLASS_ALU && !i.source && !i.offset &&
			(i.immediate == 16 || i.immediate == 32 || i.immediate == 64);
	default:
		return bpf_operation_of(i.code) <= BPF_END && !i.offset && (has_register ? !i.immediate : !i.source);
	}
}

static err_t alu_check_constant(struct bpf_instruction i, struct text *log borrowed)
{
	const u32 operation = bpf_operation_of(i.code);
	const s32 width = bpf_class_of(i.code) == BPF_CLASS_ALU64 ? 64 : 32;

	if (i.code & BPF_SOURCE_REGISTER)
		return OK;
	if ((operation == BPF_DIV || operation == BPF_MOD) && !i.immediate) {
		text_put(log, STR("div by zero\n"));
		return -EINVAL;
	}
	if (operation != BPF_LSH && operation != BPF_RSH && operation != BPF_ARSH)
		return OK;
	if (i.immediate >= 0 && i.immediate < width)
		return OK;
	text_printf(log, "invalid shift %d\n", i.immediate);
	return -EINVAL;
}

// Pointers move by constants, with 64 bits, and that is all.
static err_t move_pointer(struct bpf_instruction i, struct bpf_value *a borrowed, struct bpf_value b,
	struct text *log borrowed)
{
	const u32 operation = bpf_operation_of(i.code);

	if (bpf_class_of(i.code) != BPF_CLASS_ALU64 || (operation != BPF_ADD && operation != BPF_SUB) ||
		!bpf_is_constant(b)) {
		text_printf(log, "R%u pointer arithmetic prohibited\n", i.target);
		return -EACCES;
	}
	const s64 by = operation == BPF_ADD ? (s64)b.low : (s64)(0 - b.low);
	if (by > BPF_POINTER_REACH || by < -BPF_POINTER_REACH || a->offset + by > BPF_POINTER_REACH ||
		a->offset + by < -BPF_POINTER_REACH) {
		text_printf(log, "R%u pointer offset %ld is out of reach\n", i.target, by);
		return -EACCES;
	}
	a->offset += by;
	return OK;
}

static err_t alu_operands(const struct bpf_state *s borrowed, struct bpf_instruction i, struct text *log borrowed)
{
	err_t e = OK;

	if (bpf_operation_of(i.code) != BPF_MOV)
		e = check_readable(s, i.target, log);
	if (!e && (i.code & BPF_SOURCE_REGISTER) && bpf_operation_of(i.code) != BPF_END)
		e = check_readable(s, i.source, log);
	return e ? e : check_writable(i.target, log);
}

static err_t verify_alu(struct bpf_state *s, struct bpf_instruction i, struct text *log borrowed)
{
	if (!alu_is_well_formed(i))
		return reserved(log);
	err_t e = alu_operands(s, i, log);
	if (!e)
		e = alu_check_constant(i, log);
	if (e)
		return e;
	const u64 immediate = (u64)(s64)i.immediate;
	struct bpf_value a = s->reg[i.target], b = bpf_range(immediate, immediate);
	if ((i.code & BPF_SOURCE_REGISTER) && bpf_operation_of(i.code) != BPF_END)
		b = s->reg[i.source];
	if (bpf_operation_of(i.code) == BPF_MOV) {
		if (b.kind != BPF_NUMBER && bpf_class_of(i.code) == BPF_CLASS_ALU) {
			text_printf(log, "R%u partial copy of pointer\n", i.source);
			return -EACCES;
		}
		a = b.kind == BPF_NUMBER ? bpf_range_calculate(i, b, b) : b;
	} else if (a.kind != BPF_NUMBER) {
		e = move_pointer(i, &a, b, log);
	} else if (b.kind != BPF_NUMBER) {
		text_printf(log, "R%u pointer arithmetic prohibited\n", i.target);
		return -EACCES;
	} else {
		a = bpf_range_calculate(i, a, b);
	}
	s->reg[i.target] = a;
	return e;
}

// --- memory ------------------------------------------------------------------------------------------

static err_t check_stack_access(s64 offset, u32 size, struct text *log borrowed)
{
	if (offset < -BPF_STACK_SIZE || offset + (s64)size > 0) {
		text_printf(log, "invalid stack off=%ld size=%u\n", offset, size);
		return -EACCES;
	}
	if ((u64)(offset + BPF_STACK_SIZE) % size) {
		text_printf(log, "misaligned stack access off=%ld size=%u\n", offset, size);
		return -EACCES;
	}
	return OK;
}

static err_t load_from_stack(struct bpf_state *s, struct bpf_instruction i, s64 offset, struct text *log borrowed)
{
	const u32 size = bpf_access_size(i.code);
	const err_t e = check_stack_access(offset, size, log);
	if (e)
		return e;
	const struct bpf_value slot = s->slot[(u64)(offset + BPF_STACK_SIZE) / 8];
	if (size == 8) {
		s->reg[i.target] = slot.kind == BPF_UNKNOWN ? bpf_any_number() : slot;
		return OK;
	}
	if (slot.kind == BPF_STACK || slot.kind == BPF_CONTEXT) {
		text_put(log, STR("partial read of a pointer on the stack\n"));
		return -EACCES;
	}
	s->reg[i.target] = bpf_range(0, (1ul << (size * 8)) - 1);
	return OK;
}

// Whole words; of the access type also parts.
static err_t load_from_context(struct bpf_state *s, struct bpf_instruction i, s64 offset, struct text *log borrowed)
{
	const u32 size = bpf_access_size(i.code);

	if (offset < 0 || offset + (s64)size > CONTEXT_SIZE || offset % size || size > 4 || (offset >= 4 && size < 4)) {
		text_printf(log, "invalid bpf_context access off=%ld size=%u\n", offset, size);
		return -EACCES;
	}
	s->reg[i.target] = bpf_range(0, (1ul << (size * 8)) - 1);
	return OK;
}

static err_t verify_load(struct bpf_state *s, span_t program, u32 at, struct text *log borrowed)
{
	const struct bpf_instruction i = bpf_instruction_at(bytes_of(program), at);

	if ((i.code & BPF_MODE_MASK) != BPF_MODE_MEMORY || i.immediate)
		return reserved(log);
	err_t e = check_readable(s, i.source, log);
	if (!e)
		e = check_writable(i.target, log);
	if (e)
		return e;
	const struct bpf_value base = s->reg[i.source];
	switch (base.kind) {
	case BPF_STACK:
		return load_from_stack(s, i, base.offset + i.offset, log);
	case BPF_CONTEXT:
		if (base.offset) {
			text_printf(log, "dereference of modified ctx ptr R%u off=%ld disallowed\n", i.source,
				base.offset);
			return -EACCES;
		}
		span_at(program, (usize)at * BPF_INSTRUCTION_SIZE) =
			(u8)((i.code & ~BPF_MODE_MASK) | BPF_MODE_CONTEXT);
		return load_from_context(s, i, i.offset, log);
	default:
		text_printf(log, "R%u invalid mem access 'scalar'\n", i.source);
		return -EACCES;
	}
}

static err_t store_on_stack(struct bpf_state *s, struct bpf_instruction i, s64 offset, struct bpf_value v,
	struct text *log borrowed)
{
	const u32 size = bpf_access_size(i.code);
	const err_t e = check_stack_access(offset, size, log);
	if (e)
		return e;
	struct bpf_value *slot = array_ptr(s->slot, (u64)(offset + BPF_STACK_SIZE) / 8);
	if (size == 8) {
		*slot = v;
		return OK;
	}
	if (v.kind != BPF_NUMBER) {
		text_put(log, STR("invalid size of register spill\n"));
		return -EACCES;
	}
	*slot = bpf_any_number();
	return OK;
}

static err_t verify_store(struct bpf_state *s, struct bpf_instruction i, struct text *log borrowed)
{
	const bool is_register = bpf_class_of(i.code) == BPF_CLASS_STX;
	const u64 immediate = (u64)(s64)i.immediate;

	if ((i.code & BPF_MODE_MASK) != BPF_MODE_MEMORY || (is_register ? i.immediate != 0 : i.source != 0))
		return reserved(log);
	err_t e = check_readable(s, i.target, log);
	if (!e && is_register)
		e = check_readable(s, i.source, log);
	if (e)
		return e;
	const struct bpf_value base = s->reg[i.target];
	const struct bpf_value v = is_register ? s->reg[i.source] : bpf_range(immediate, immediate);
	if (base.kind == BPF_STACK)
		return store_on_stack(s, i, base.offset + i.offset, v, log);
	if (base.kind == BPF_CONTEXT)
		text_printf(log, "invalid bpf_context access off=%ld size=%u\n", base.offset + i.offset,
			bpf_access_size(i.code));
	else
		text_printf(log, "R%u invalid mem access 'scalar'\n", i.target);
	return -EACCES;
}

// --- jumps -------------------------------------------------------------------------------------------

static err_t verify_exit(const struct bpf_state *s borrowed, struct bpf_instruction i, struct text *log borrowed)
{
	if (i.code != BPF_CODE_EXIT || i.immediate || i.source || i.target)
		return reserved(log);
	const err_t e = check_readable(s, 0, log);
	if (e)
		return e;
	if (s->reg[0].kind == BPF_NUMBER && s->reg[0].high <= 1)
		return OK;
	text_put(log, STR("At program exit the register R0 should have been in (0x0; 0x1)\n"));
	return -EINVAL;
}

static err_t verify_jump(const struct bpf_state *s borrowed, struct bpf_instruction i, struct text *log borrowed)
{
	const u32 operation = bpf_operation_of(i.code);
	const bool has_register = i.code & BPF_SOURCE_REGISTER;

	if (operation == BPF_EXIT)
		return verify_exit(s, i, log);
	if (operation == BPF_CALL) {
		text_printf(log, "unknown func #%d\n", i.immediate);
		return -EINVAL;
	}
	if (operation >= BPF_JUMP_OPERATIONS) {
		text_printf(log, "invalid BPF_JMP opcode %x\n", operation);
		return -EINVAL;
	}
	if (operation == BPF_JA)
		return has_register || i.immediate || i.source || i.target || bpf_class_of(i.code) != BPF_CLASS_JMP
			? reserved(log) : OK;
	if (has_register ? i.immediate != 0 : i.source != 0)
		return reserved(log);
	err_t e = has_register ? check_readable(s, i.source, log) : OK;
	return e ? e : check_readable(s, i.target, log);
}

static err_t verify_wide_load(struct bpf_state *s, span_t program, u32 at, struct text *log borrowed)
{
	const struct bpf_instruction i = bpf_instruction_at(bytes_of(program), at);

	if (i.code != BPF_CODE_LOAD_WIDE) {
		text_put(log, STR("BPF_LD_[ABS|IND] instructions not allowed for this program type\n"));
		return -EINVAL;
	}
	if (i.source || i.offset) {
		text_put(log, STR("unrecognized bpf_ld_imm64 insn\n"));
		return -EINVAL;
	}
	const err_t e = check_writable(i.target, log);
	const u64 v = (u64)(u32)bpf_instruction_at(bytes_of(program), at + 1).immediate << 32 | (u32)i.immediate;
	s->reg[i.target] = bpf_range(v, v);
	return e;
}

err_t bpf_verify_step(struct bpf_state *s, span_t program, u32 at, struct text *log borrowed)
{
	const struct bpf_instruction i = bpf_instruction_at(bytes_of(program), at);

	if (i.target >= BPF_REGISTERS || i.source >= BPF_REGISTERS) {
		text_printf(log, "R%u is invalid\n", i.target >= BPF_REGISTERS ? i.target : i.source);
		return -EINVAL;
	}
	switch (bpf_class_of(i.code)) {
	case BPF_CLASS_ALU:
	case BPF_CLASS_ALU64:
		return verify_alu(s, i, log);
	case BPF_CLASS_LDX:
		return verify_load(s, program, at, log);
	case BPF_CLASS_ST:
	case BPF_CLASS_STX:
		return verify_store(s, i, log);
	case BPF_CLASS_LD:
		return verify_wide_load(s, program, at, log);
	default:
		return verify_jump(s, i, log);
	}
}
