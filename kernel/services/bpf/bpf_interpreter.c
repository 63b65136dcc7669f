// SPDX-License-Identifier: MPL-2.0
// Runs verified programs. Registers hold numbers; a pointer to the context or the stack is one from a range of
// its own, and the verifier has noted in each load which of the two it reads, so that an access is an offset into
// one array, checked like any other. The program has no loop: it ends after at most as many steps as it is long.
#include <services/bpf/bpf_instruction.h>
#include <services/bpf/bpf_internal.h>

#define CONTEXT_BASE 0x100000ul
#define STACK_TOP 0x200000ul
#define PLACES 16u	// registers, rounded up so that four bits need no check

struct stack_only bpf_machine {
	u64 reg[PLACES];
	u8 stack[BPF_STACK_SIZE];
	u8 context[BPF_CONTEXT_SIZE];
};

static u64 swap_bytes(u64 v, u32 bits)
{
	const u64 reversed = __builtin_bswap64(v);

	return bits >= 64 ? reversed : reversed >> (64 - bits);
}

static u64 change_order(struct bpf_instruction i, u64 v)
{
	const u32 bits = (u32)i.immediate & 127;

	if (i.code & BPF_SOURCE_REGISTER)	// to big endian
		return swap_bytes(v, bits);
	return bits >= 64 ? v : v & ((1ul << bits) - 1);
}

static u64 calculate_32(u32 operation, u32 a, u32 b)
{
	switch (operation) {
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : a;
	case BPF_LSH:
		return (u32)((u64)a << (b & 31));
	case BPF_RSH:
		return a >> (b & 31);
	case BPF_ARSH:
		return (u32)((s64)(s32)a >> (b & 31));
	case BPF_NEG:
		return (u32)(0u - a);
	default:
		return 0;
	}
}

static u64 calculate_64(u32 operation, u64 a, u64 b)
{
	switch (operation) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_MOV:
		return b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : a;
	case BPF_LSH:
		return a << (b & 63);
	case BPF_RSH:
		return a >> (b & 63);
	case BPF_ARSH:
		return a >> (b & 63) | (a >> 63 && (b & 63) ? ~0ul << (64 - (b & 63)) : 0);
	case BPF_NEG:
		return 0 - a;
	default:
		return 0;
	}
}

u64 bpf_calculate(struct bpf_instruction i, u64 a, u64 b)
{
	const u32 operation = bpf_operation_of(i.code);

	if (operation == BPF_END)
		return change_order(i, a);
	if (bpf_class_of(i.code) == BPF_CLASS_ALU64)
		return calculate_64(operation, a, b);
	switch (operation) {
	case BPF_DIV:
	case BPF_MOD:
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
	case BPF_NEG:
		return calculate_32(operation, (u32)a, (u32)b);
	default:
		return (u32)calculate_64(operation, a, b);
	}
}

bool bpf_compare(u32 code, u64 a, u64 b)
{
	const bool is_32 = bpf_class_of(code) == BPF_CLASS_JMP32;
	const s64 x = is_32 ? (s32)a : (s64)a, y = is_32 ? (s32)b : (s64)b;

	if (is_32) {
		a = (u32)a;
		b = (u32)b;
	}
	switch (bpf_operation_of(code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return a & b;
	case BPF_JSGT:
		return x > y;
	case BPF_JSGE:
		return x >= y;
	case BPF_JSLT:
		return x < y;
	case BPF_JSLE:
		return x <= y;
	default:
		return true;
	}
}

static u64 load(bytes_t from, u64 at, u32 size)
{
	switch (size) {
	case 1:
		return byte_at(from, at);
	case 2:
		return bytes_get_u16le(from, at);
	case 4:
		return bytes_get_u32le(from, at);
	default:
		return bytes_get_u64le(from, at);
	}
}

static void store(span_t to, u64 at, u32 size, u64 value)
{
	switch (size) {
	case 1:
		span_at(to, at) = (u8)value;
		break;
	case 2:
		span_put_u16le(to, at, (u16)value);
		break;
	case 4:
		span_put_u32le(to, at, (u32)value);
		break;
	default:
		span_put_u64le(to, at, value);
		break;
	}
}

static u64 machine_load(const struct bpf_machine *m borrowed, struct bpf_instruction i)
{
	const u64 at = m->reg[i.source] + (u64)(s64)i.offset;

	if ((i.code & BPF_MODE_MASK) == BPF_MODE_CONTEXT)
		return load(array_bytes(m->context), at - CONTEXT_BASE, bpf_access_size(i.code));
	return load(array_bytes(m->stack), at - (STACK_TOP - BPF_STACK_SIZE), bpf_access_size(i.code));
}

static void machine_store(struct bpf_machine *m borrowed, struct bpf_instruction i)
{
	const u64 at = m->reg[i.target] + (u64)(s64)i.offset;
	const u64 value = bpf_class_of(i.code) == BPF_CLASS_STX ? m->reg[i.source] : (u64)(s64)i.immediate;

	store(array_span(m->stack), at - (STACK_TOP - BPF_STACK_SIZE), bpf_access_size(i.code), value);
}

static u64 operand(const struct bpf_machine *m borrowed, struct bpf_instruction i)
{
	return i.code & BPF_SOURCE_REGISTER ? m->reg[i.source] : (u64)(s64)i.immediate;
}

// One instruction at *place, which moves on. False: the end.
static bool machine_step(struct bpf_machine *m borrowed, bytes_t program, u32 *place borrowed)
{
	const struct bpf_instruction i = bpf_instruction_at(program, (*place)++);

	switch (bpf_class_of(i.code)) {
	case BPF_CLASS_ALU:
	case BPF_CLASS_ALU64:
		m->reg[i.target] = bpf_calculate(i, m->reg[i.target], operand(m, i));
		return true;
	case BPF_CLASS_JMP:
	case BPF_CLASS_JMP32:
		if (i.code == BPF_CODE_EXIT)
			return false;
		if (bpf_compare(i.code, m->reg[i.target], operand(m, i)))
			*place = (u32)((s32)*place + i.offset);
		return true;
	case BPF_CLASS_LDX:
		m->reg[i.target] = machine_load(m, i);
		return true;
	case BPF_CLASS_ST:
	case BPF_CLASS_STX:
		machine_store(m, i);
		return true;
	default: // the wide load
		m->reg[i.target] = (u64)(u32)bpf_instruction_at(program, *place).immediate << 32 | (u32)i.immediate;
		(*place)++;
		return true;
	}
}

u64 bpf_run(const struct bpf_program *p borrowed, const struct bpf_device_context *context borrowed)
{
	struct bpf_machine m = {};
	u32 place = 0;

	span_copy(array_span(m.context), object_bytes(context));
	m.reg[1] = CONTEXT_BASE;
	m.reg[BPF_FRAME_REGISTER] = STACK_TOP;
	while (machine_step(&m, buf_bytes(p->code), &place))
		;
	return m.reg[0];
}
