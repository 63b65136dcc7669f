// SPDX-License-Identifier: MPL-2.0
// The interpreter. The program was checked: indices are masked to the size of what they index and need no more.
#include <services/security/seccomp/seccomp_program.h>

struct stack_only seccomp_machine {
	u32 a, x;
	u32 memory[SECCOMP_MEMORY_WORDS];
};

static u32 calculate(u32 code, u32 a, u32 b)
{
	switch (code & ~(u32)CBPF_X) {
	case CBPF_ADD:
		return a + b;
	case CBPF_SUB:
		return a - b;
	case CBPF_MUL:
		return a * b;
	case CBPF_OR:
		return a | b;
	case CBPF_AND:
		return a & b;
	case CBPF_XOR:
		return a ^ b;
	case CBPF_LSH:
		return (u32)((u64)a << (b & 31));
	case CBPF_RSH:
		return a >> (b & 31);
	case CBPF_NEG:
		return 0 - a;
	default:
		return b ? a / b : 0;
	}
}

static u32 jump(struct seccomp_instruction i, u32 a, u32 b)
{
	bool holds;

	switch (i.code & ~(u32)CBPF_X) {
	case CBPF_JEQ:
		holds = a == b;
		break;
	case CBPF_JGT:
		holds = a > b;
		break;
	case CBPF_JGE:
		holds = a >= b;
		break;
	default:
		holds = a & b;
		break;
	}
	return holds ? i.if_true : i.if_false;
}

static void step(struct seccomp_machine *m borrowed, struct seccomp_instruction i,
	const struct seccomp_call *call borrowed)
{
	switch (i.code) {
	case CBPF_LOAD:
		m->a = call->word[i.k / 4 & (SECCOMP_CALL_WORDS - 1)];
		break;
	case CBPF_LOAD_LENGTH:
		m->a = sizeof(*call);
		break;
	case CBPF_LOADX_LENGTH:
		m->x = sizeof(*call);
		break;
	case CBPF_LOAD_CONSTANT:
		m->a = i.k;
		break;
	case CBPF_LOADX_CONSTANT:
		m->x = i.k;
		break;
	case CBPF_LOAD_MEMORY:
		m->a = m->memory[i.k & (SECCOMP_MEMORY_WORDS - 1)];
		break;
	case CBPF_LOADX_MEMORY:
		m->x = m->memory[i.k & (SECCOMP_MEMORY_WORDS - 1)];
		break;
	case CBPF_STORE:
		m->memory[i.k & (SECCOMP_MEMORY_WORDS - 1)] = m->a;
		break;
	case CBPF_STOREX:
		m->memory[i.k & (SECCOMP_MEMORY_WORDS - 1)] = m->x;
		break;
	case CBPF_TAX:
		m->x = m->a;
		break;
	case CBPF_TXA:
		m->a = m->x;
		break;
	default:
		m->a = calculate(i.code, m->a, i.code & CBPF_X ? m->x : i.k);
		break;
	}
}

#define CLASS_JUMP 5u
#define CLASS_RETURN 6u
u32 seccomp_run(bytes_t program, const struct seccomp_call *call borrowed)
{
	struct seccomp_machine m = {};

	for (u32 at = 0;; at++) {
		const struct seccomp_instruction i = seccomp_instruction_at(program, at);
		const u32 class = i.code & 7;

		if (class == CLASS_RETURN)
			return i.code == CBPF_RETURN ? i.k : m.a;
		if (class == CLASS_JUMP)
			at += i.code == CBPF_JUMP ? i.k : jump(i, m.a, i.code & CBPF_X ? m.x : i.k);
		else if (i.code == (CBPF_DIV | CBPF_X) && !m.x)
			return SECCOMP_KILL_THREAD;	// as by the rules of classic BPF
		else
			step(&m, i, call);
	}
}
