// SPDX-License-Identifier: MPL-2.0
// Programs at random: what the checker accepts ends without a trap for any call, and what it says is always allowed is.
#include <lib/test.h>
#include <services/security/seccomp/seccomp_program.h>

enum { INSTRUCTIONS = 12 };
struct program {
	u8 bytes[INSTRUCTIONS * SECCOMP_INSTRUCTION_SIZE];
	u32 count;
};

static u32 any_code(u32 *seed borrowed)
{
	static const u8 codes[] = { CBPF_LOAD, CBPF_LOAD, CBPF_LOAD, CBPF_LOAD_LENGTH, CBPF_LOAD_CONSTANT,
		CBPF_LOAD_MEMORY, CBPF_LOADX_LENGTH, CBPF_LOADX_CONSTANT, CBPF_LOADX_MEMORY, CBPF_STORE,
		CBPF_STOREX, CBPF_ADD, CBPF_SUB, CBPF_MUL, CBPF_DIV, CBPF_DIV | CBPF_X, CBPF_OR, CBPF_AND,
		CBPF_LSH | CBPF_X, CBPF_RSH, CBPF_NEG, CBPF_XOR, CBPF_JUMP, CBPF_JEQ, CBPF_JEQ,
		CBPF_JEQ | CBPF_X, CBPF_JGT, CBPF_JGE, CBPF_JSET, CBPF_RETURN, CBPF_RETURN_A, CBPF_TAX,
		CBPF_TXA };

	if (test_random(seed) % 60 == 0)
		return test_random(seed) & 0xffff;
	return codes[test_random(seed) % sizeof(codes)];
}

static u32 any_word(u32 *seed borrowed, u32 code)
{
	switch (test_random(seed) % 24) {
	case 0: return test_random(seed) << 12 ^ test_random(seed);
	case 1: return SECCOMP_ARCHITECTURE;
	default: break;
	}
	if (code == CBPF_RETURN)
		return test_random(seed) % 2 ? SECCOMP_ALLOW : 0x50001;
	return test_random(seed) % (code == CBPF_LOAD ? 17 : 5) * (code == CBPF_LOAD ? 4 : 1);
}

static void program_make(struct program *p borrowed, u32 *seed borrowed)
{
	p->count = 1 + test_random(seed) % INSTRUCTIONS;
	for (u32 n = 0; n < p->count; n++) {
		const bool is_last = n + 1 == p->count && test_random(seed) % 16;
		const u32 code = is_last ? CBPF_RETURN : any_code(seed);
		const u64 raw = code | (u64)(test_random(seed) % 4) << 16 | (u64)(test_random(seed) % 4) << 24 |
			(u64)any_word(seed, code) << 32;

		span_put_u64le(array_span(p->bytes), n * SECCOMP_INSTRUCTION_SIZE, raw);
	}
}

static void call_make(struct seccomp_call *c borrowed, u32 number, u32 *seed borrowed)
{
	for (u32 n = 0; n < SECCOMP_CALL_WORDS; n++)
		c->word[n] = test_random(seed) % 3 ? test_random(seed) % 5 : test_random(seed) << 9;
	c->word[0] = number;
	c->word[1] = SECCOMP_ARCHITECTURE;
}

TEST(seccomp_accepted_programs_end_and_judge_alike)
{
	u32 seed = 5, accepted = 0, allowed = 0;

	for (u32 round = 0; round < test_rounds() * 50; round++) {
		struct program p = { };
		struct seccomp_call call = { };

		program_make(&p, &seed);
		const bytes_t program = bytes_first(array_bytes(p.bytes), p.count * SECCOMP_INSTRUCTION_SIZE);
		if (seccomp_check(program))
			continue;
		accepted++;
		for (u32 number = 0; number < 6; number++) {
			call_make(&call, number, &seed);
			const u32 action = seccomp_run(program, &call);
			if (!seccomp_always_allows(program, number))
				continue;
			allowed++;
			EXPECT(action == SECCOMP_ALLOW);
		}
	}
	EXPECT(accepted > test_rounds() / 4);
	EXPECT(allowed > 0);
}
