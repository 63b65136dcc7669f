// SPDX-License-Identifier: MPL-2.0
// Classic BPF over a message. A program that was checked ends (jumps go forward) and stays inside of itself and of its
// memory; what it loads from the message is checked as it runs: a load beyond the end drops the message.
#include <services/net/socket/socket_filter.h>

#define MEMORY_WORDS 16u
#define OFFSET_MAX 0x7fffffffu	// above are Linux's extensions, which are not offered

enum filter_class { CLASS_LOAD, CLASS_LOADX, CLASS_STORE, CLASS_STOREX, CLASS_ALU, CLASS_JUMP, CLASS_RETURN,
	CLASS_MISC };
enum filter_code {
	CODE_LOAD_IMMEDIATE = 0x00, CODE_LOAD_MEMORY = 0x60, CODE_LOAD_LENGTH = 0x80,
	CODE_LOAD_WORD = 0x20, CODE_LOAD_HALF = 0x28, CODE_LOAD_BYTE = 0x30,
	CODE_LOAD_WORD_AT_X = 0x40, CODE_LOAD_HALF_AT_X = 0x48, CODE_LOAD_BYTE_AT_X = 0x50,
	CODE_LOADX_IMMEDIATE = 0x01, CODE_LOADX_MEMORY = 0x61, CODE_LOADX_LENGTH = 0x81, CODE_LOADX_HEADER = 0xb1,
	CODE_STORE = 0x02, CODE_STOREX = 0x03,
	CODE_ADD = 0x04, CODE_SUB = 0x14, CODE_MUL = 0x24, CODE_DIV = 0x34, CODE_OR = 0x44, CODE_AND = 0x54,
	CODE_LSH = 0x64, CODE_RSH = 0x74, CODE_NEG = 0x84, CODE_MOD = 0x94, CODE_XOR = 0xa4,
	CODE_JUMP = 0x05, CODE_EQUAL = 0x15, CODE_GREATER = 0x25, CODE_NOT_LESS = 0x35, CODE_ANY_BIT = 0x45,
	CODE_RETURN = 0x06, CODE_RETURN_A = 0x16, CODE_A_TO_X = 0x07, CODE_X_TO_A = 0x87
};
#define OPERAND_X 8u

struct filter_step {
	u32 code, if_true, if_false, k;
};
static struct filter_step step_at(bytes_t program, u32 at)
{
	const u64 raw = bytes_get_u64le(program, (usize)at * SOCKET_FILTER_INSTRUCTION_BYTES);

	return (struct filter_step){ .code = raw & 0xffff, .if_true = raw >> 16 & 0xff, .if_false = raw >> 24 & 0xff,
		.k = (u32)(raw >> 32) };
}

static bool is_calculation(struct filter_step i)
{
	switch (i.code & ~OPERAND_X) {
	case CODE_ADD: case CODE_SUB: case CODE_MUL: case CODE_OR: case CODE_AND: case CODE_XOR:
		return true;
	case CODE_NEG:
		return i.code == CODE_NEG;
	case CODE_DIV: case CODE_MOD:
		return (i.code & OPERAND_X) || i.k;
	case CODE_LSH: case CODE_RSH:
		return (i.code & OPERAND_X) || i.k < 32;
	default:
		return false;
	}
}

static bool is_well_formed_step(struct filter_step i, u32 at, u32 count)
{
	switch (i.code) {
	case CODE_LOAD_WORD: case CODE_LOAD_HALF: case CODE_LOAD_BYTE:
		return i.k <= OFFSET_MAX;
	case CODE_LOAD_WORD_AT_X: case CODE_LOAD_HALF_AT_X: case CODE_LOAD_BYTE_AT_X: case CODE_LOADX_HEADER:
	case CODE_LOAD_IMMEDIATE: case CODE_LOAD_LENGTH: case CODE_LOADX_IMMEDIATE: case CODE_LOADX_LENGTH:
	case CODE_RETURN: case CODE_RETURN_A: case CODE_A_TO_X: case CODE_X_TO_A:
		return true;
	case CODE_LOAD_MEMORY: case CODE_LOADX_MEMORY: case CODE_STORE: case CODE_STOREX:
		return i.k < MEMORY_WORDS;
	case CODE_JUMP:
		return i.k < count - at - 1;
	case CODE_EQUAL: case CODE_GREATER: case CODE_NOT_LESS: case CODE_ANY_BIT:
	case CODE_EQUAL | OPERAND_X: case CODE_GREATER | OPERAND_X: case CODE_NOT_LESS | OPERAND_X:
	case CODE_ANY_BIT | OPERAND_X:
		return at + i.if_true + 1 < count && at + i.if_false + 1 < count;
	default:
		return is_calculation(i);
	}
}

static err_t check_program(bytes_t program)
{
	const u32 count = (u32)(bytes_len(program) / SOCKET_FILTER_INSTRUCTION_BYTES);

	if (!count || count > SOCKET_FILTER_INSTRUCTIONS_MAX)
		return -EINVAL;
	for (u32 at = 0; at < count; at++) {
		if (!is_well_formed_step(step_at(program, at), at, count))
			return -EINVAL;
	}
	const u32 last = step_at(program, count - 1).code;

	return last == CODE_RETURN || last == CODE_RETURN_A ? OK : (err_t)-EINVAL;
}

static void socket_filter_release(struct socket_filter *f)
{
	buf_free(take(f->program));
}
DEFINE_OBJECT(socket_filter, socket_filter_release)

err_t socket_filter_create(bytes_t program, struct socket_filter **out borrowed)
{
	const err_t err = check_program(program);

	if (err)
		return err;
	struct socket_filter *f object_auto(socket_filter) = socket_filter_alloc();
	if (!f)
		return -ENOMEM;
	f->program = buf_from(program);
	if (!f->program)
		return -ENOMEM;
	*out = take(f);
	return OK;
}

// --- running --------------------------------------------------------------------------------------------------------
struct stack_only filter_machine {
	bytes_t message;
	u32 a, x;
	bool is_over;		// something was loaded from beyond the end, or divided by nothing
	u32 memory[MEMORY_WORDS];	// zero at first, so that nothing of the kernel's can be read
};

// Big-endian.
static u32 load(struct filter_machine *m borrowed, u64 offset, u32 size)
{
	u32 value = 0;

	if (offset + size > bytes_len(m->message)) {
		m->is_over = true;
		return 0;
	}
	for (u32 n = 0; n < size; n++)
		value = value << 8 | byte_at(m->message, offset + n);
	return value;
}

static u32 calculate_step(struct filter_machine *m borrowed, u32 code, u32 b)
{
	switch (code & ~OPERAND_X) {
	case CODE_ADD:
		return m->a + b;
	case CODE_SUB:
		return m->a - b;
	case CODE_MUL:
		return m->a * b;
	case CODE_OR:
		return m->a | b;
	case CODE_AND:
		return m->a & b;
	case CODE_XOR:
		return m->a ^ b;
	case CODE_LSH:
		return m->a << (b & 31);
	case CODE_RSH:
		return m->a >> (b & 31);
	case CODE_NEG:
		return 0 - m->a;
	default:
		m->is_over |= !b;
		if (!b)
			return 0;
		return (code & ~OPERAND_X) == CODE_DIV ? m->a / b : m->a % b;
	}
}

static bool holds(u32 code, u32 a, u32 b)
{
	switch (code & ~OPERAND_X) {
	case CODE_EQUAL:
		return a == b;
	case CODE_GREATER:
		return a > b;
	case CODE_NOT_LESS:
		return a >= b;
	default:
		return a & b;
	}
}

static void load_a(struct filter_machine *m borrowed, struct filter_step i)
{
	switch (i.code) {
	case CODE_LOAD_IMMEDIATE:
		m->a = i.k;
		break;
	case CODE_LOAD_LENGTH:
		m->a = (u32)bytes_len(m->message);
		break;
	case CODE_LOAD_MEMORY:
		m->a = m->memory[i.k & (MEMORY_WORDS - 1)];
		break;
	case CODE_LOAD_WORD: case CODE_LOAD_HALF: case CODE_LOAD_BYTE:
		m->a = load(m, i.k, i.code == CODE_LOAD_WORD ? 4 : i.code == CODE_LOAD_HALF ? 2 : 1);
		break;
	default:	// the offset is a sum of 32 bits; what is negative then is beyond the end
		m->a = load(m, m->x + i.k, i.code == CODE_LOAD_WORD_AT_X ? 4 : i.code == CODE_LOAD_HALF_AT_X ? 2 : 1);
		break;
	}
}

static void load_x(struct filter_machine *m borrowed, struct filter_step i)
{
	if (i.code == CODE_LOADX_IMMEDIATE)
		m->x = i.k;
	else if (i.code == CODE_LOADX_LENGTH)
		m->x = (u32)bytes_len(m->message);
	else if (i.code == CODE_LOADX_MEMORY)
		m->x = m->memory[i.k & (MEMORY_WORDS - 1)];
	else	// the length of an IPv4 header
		m->x = 4 * (load(m, i.k, 1) & 15);
}

// All but jumps and returns.
static void do_step(struct filter_machine *m borrowed, struct filter_step i)
{
	switch (i.code & 7) {
	case CLASS_LOAD:
		load_a(m, i);
		break;
	case CLASS_LOADX:
		load_x(m, i);
		break;
	case CLASS_STORE:
		m->memory[i.k & (MEMORY_WORDS - 1)] = m->a;
		break;
	case CLASS_STOREX:
		m->memory[i.k & (MEMORY_WORDS - 1)] = m->x;
		break;
	case CLASS_MISC:
		if (i.code == CODE_A_TO_X)
			m->x = m->a;
		else
			m->a = m->x;
		break;
	default:
		m->a = calculate_step(m, i.code, i.code & OPERAND_X ? m->x : i.k);
		break;
	}
}

u32 socket_filter_run(const struct socket_filter *f borrowed, bytes_t message)
{
	struct filter_machine m = { .message = message };

	if (!f)
		return (u32)bytes_len(message);
	for (u32 at = 0; !m.is_over; at++) {
		const struct filter_step i = step_at(buf_bytes(f->program), at);

		if (i.code == CODE_RETURN || i.code == CODE_RETURN_A)
			return i.code == CODE_RETURN ? i.k : m.a;
		if (i.code == CODE_JUMP)
			at += i.k;
		else if ((i.code & 7) == CLASS_JUMP)
			at += holds(i.code, m.a, i.code & OPERAND_X ? m.x : i.k) ? i.if_true : i.if_false;
		else
			do_step(&m, i);
	}
	return 0;
}
