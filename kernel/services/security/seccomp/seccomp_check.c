// SPDX-License-Identifier: MPL-2.0
// What makes a program well-formed: known instructions, jumps forward and inside, a return at the end, loads only of
// aligned words of the call, and of memory only what was stored on every way there. Such a program ends and needs no
// check when it runs.
#include <services/security/seccomp/seccomp_program.h>

static bool is_jump_on_condition(u32 code)
{
	switch (code & ~(u32)CBPF_X) {
	case CBPF_JEQ:
	case CBPF_JGT:
	case CBPF_JGE:
	case CBPF_JSET:
		return true;
	default:
		return false;
	}
}

// The instruction by itself, at `at` of `count`.
static bool is_well_formed(struct seccomp_instruction i, u32 at, u32 count)
{
	switch (i.code) {
	case CBPF_LOAD:
		return i.k < SECCOMP_CALL_WORDS * 4 && !(i.k & 3);
	case CBPF_LOAD_MEMORY:
	case CBPF_LOADX_MEMORY:
	case CBPF_STORE:
	case CBPF_STOREX:
		return i.k < SECCOMP_MEMORY_WORDS;
	case CBPF_DIV:
		return i.k;
	case CBPF_LSH:
	case CBPF_RSH:
		return i.k < 32;
	case CBPF_JUMP:
		return i.k < count - at - 1;
	case CBPF_LOAD_LENGTH:
	case CBPF_LOADX_LENGTH:
	case CBPF_LOAD_CONSTANT:
	case CBPF_LOADX_CONSTANT:
	case CBPF_ADD: case CBPF_ADD | CBPF_X:
	case CBPF_SUB: case CBPF_SUB | CBPF_X:
	case CBPF_MUL: case CBPF_MUL | CBPF_X:
	case CBPF_DIV | CBPF_X:
	case CBPF_OR: case CBPF_OR | CBPF_X:
	case CBPF_AND: case CBPF_AND | CBPF_X:
	case CBPF_LSH | CBPF_X:
	case CBPF_RSH | CBPF_X:
	case CBPF_XOR: case CBPF_XOR | CBPF_X:
	case CBPF_NEG:
	case CBPF_RETURN:
	case CBPF_RETURN_A:
	case CBPF_TAX:
	case CBPF_TXA:
		return true;
	default:
		return is_jump_on_condition(i.code) && at + i.if_true + 1 < count && at + i.if_false + 1 < count;
	}
}

// `known`: a mask for each instruction of the words of memory that are stored on every way to it (u16; all ones at
// first). Hands `mask` on to instruction `to`.
static void hand_on(span_t known, u32 to, u32 mask)
{
	span_put_u16le(known, (usize)to * 2, (u16)(bytes_get_u16le(bytes_of(known), (usize)to * 2) & mask));
}

static bool check_memory_at(bytes_t program, span_t known, u32 at)
{
	const struct seccomp_instruction i = seccomp_instruction_at(program, at);
	u32 mask = bytes_get_u16le(bytes_of(known), (usize)at * 2);

	switch (i.code) {
	case CBPF_STORE:
	case CBPF_STOREX:
		mask |= 1u << (i.k & 15);
		break;
	case CBPF_LOAD_MEMORY:
	case CBPF_LOADX_MEMORY:
		if (!(mask >> (i.k & 15) & 1))
			return false;
		break;
	case CBPF_JUMP:
		hand_on(known, at + i.k + 1, mask);
		return true;
	case CBPF_RETURN:
	case CBPF_RETURN_A:
		return true;
	default:
		if (!is_jump_on_condition(i.code))
			break;
		hand_on(known, at + i.if_true + 1, mask);
		hand_on(known, at + i.if_false + 1, mask);
		return true;
	}
	hand_on(known, at + 1, mask);
	return true;
}

static err_t check_memory(bytes_t program, u32 count)
{
	struct buf *known buf_auto = buf_alloc((usize)count * 2);
	if (!known)
		return -ENOMEM;
	span_fill(buf_span(known), 0xff);
	hand_on(buf_span(known), 0, 0);
	for (u32 n = 0; n < count; n++) {
		if (!check_memory_at(program, buf_span(known), n))
			return -EINVAL;
	}
	return OK;
}

err_t seccomp_check(bytes_t program)
{
	const u32 count = (u32)(bytes_len(program) / SECCOMP_INSTRUCTION_SIZE);

	if (!count || count > SECCOMP_INSTRUCTIONS_MAX)
		return -EINVAL;
	for (u32 n = 0; n < count; n++) {
		if (!is_well_formed(seccomp_instruction_at(program, n), n, count))
			return -EINVAL;
	}
	const u32 last = seccomp_instruction_at(program, count - 1).code;
	return last == CBPF_RETURN || last == CBPF_RETURN_A ? check_memory(program, count) : -EINVAL;
}

static bool condition_of(struct seccomp_instruction i, u32 a)
{
	switch (i.code) {
	case CBPF_JEQ:
		return a == i.k;
	case CBPF_JGT:
		return a > i.k;
	case CBPF_JGE:
		return a >= i.k;
	default:
		return a & i.k;
	}
}

bool seccomp_always_allows(bytes_t program, u32 number)
{
	u32 a = 0;

	for (u32 at = 0;; at++) {
		const struct seccomp_instruction i = seccomp_instruction_at(program, at);

		switch (i.code) {
		case CBPF_LOAD:
			if (i.k > 4)
				return false;
			a = i.k ? SECCOMP_ARCHITECTURE : number;
			break;
		case CBPF_AND:
			a &= i.k;
			break;
		case CBPF_JUMP:
			at += i.k;
			break;
		case CBPF_JEQ:
		case CBPF_JGT:
		case CBPF_JGE:
		case CBPF_JSET:
			at += condition_of(i, a) ? i.if_true : i.if_false;
			break;
		case CBPF_RETURN:
			return i.k == SECCOMP_ALLOW;
		default:
			return false;
		}
	}
}
