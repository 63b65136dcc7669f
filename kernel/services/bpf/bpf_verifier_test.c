// SPDX-License-Identifier: MPL-2.0
// Programs at random: what the verifier accepts ends without a trap and gives 0 or 1, whatever device is asked about.
#include <lib/test.h>
#include <services/bpf/bpf_instruction.h>
#include <services/bpf/bpf_internal.h>

enum { INSTRUCTIONS = 14, CODE_EXIT = BPF_CODE_EXIT, CODE_SET = 0xb7 };
struct code {
	u8 bytes[INSTRUCTIONS * BPF_INSTRUCTION_SIZE];
	u32 count;
};

static u32 any_code(u32 *seed borrowed)
{
	static const u8 codes[] = { 0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x57, 0x5f, 0x67,
		0x6f, 0x77, 0x7f, 0x87, 0x97, 0x9f, 0xa7, 0xb7, 0xb7, 0xb7, 0xbf, 0xbf, 0xc7, 0xcf, 0x04, 0x0c,
		0x34, 0x3c, 0x54, 0x64, 0x74, 0xb4, 0xbc, 0xc4, 0xd4, 0xdc, 0x61, 0x61, 0x61, 0x69, 0x71, 0x79,
		0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73, 0x7b, 0x7b, 0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x45,
		0x55, 0x5d, 0x65, 0x75, 0xa5, 0xc5, 0x16, 0x26, 0x56, 0xd5, 0x95, 0x18, 0x85, 0xdb };

	return test_random(seed) % 80 ? codes[test_random(seed) % sizeof(codes)] : test_random(seed) & 0xff;
}

static u32 any_register(u32 *seed borrowed)
{
	static const u8 often[] = { 0, 0, 1, 1, 2, 3, 10 };

	return test_random(seed) % 12 ? often[test_random(seed) % sizeof(often)] : test_random(seed) % 16;
}

static u16 any_offset(u32 *seed borrowed, u32 code)
{
	const u32 class = bpf_class_of(code);

	if (class == BPF_CLASS_JMP || class == BPF_CLASS_JMP32)
		return (u16)(test_random(seed) % 4);
	if (class >= BPF_CLASS_ALU || test_random(seed) % 40 == 0)
		return test_random(seed) % 30 ? 0 : (u16)test_random(seed);
	return test_random(seed) % 2 ? (u16)(test_random(seed) % 4 * 4) : (u16)(0 - 8 * (test_random(seed) % 66));
}

static u32 any_immediate(u32 *seed borrowed)
{
	switch (test_random(seed) % 8) {
	case 0: return test_random(seed) << 12 ^ test_random(seed);
	case 1: return 0x80000000u;
	case 2: return ~0u;
	case 3: return 16u << test_random(seed) % 3;
	default: return test_random(seed) % 4;
	}
}

static void put(struct code *c borrowed, u32 code, u32 registers, u16 offset, u32 immediate)
{
	const u64 raw = code | (u64)registers << 8 | (u64)offset << 16 | (u64)immediate << 32;

	span_put_u64le(array_span(c->bytes), c->count++ * BPF_INSTRUCTION_SIZE, raw);
}

static void code_make(struct code *c borrowed, u32 *seed borrowed)
{
	const u32 wanted = test_random(seed) % (INSTRUCTIONS - 2);

	while (c->count < wanted) {
		const u32 code = any_code(seed);

		put(c, code, any_register(seed) | any_register(seed) << 4, any_offset(seed, code), any_immediate(seed));
	}
	if (test_random(seed) % 3)
		put(c, CODE_SET, 0, 0, test_random(seed) % 2);
	put(c, CODE_EXIT, 0, 0, 0);
}

static void run_often(const struct bpf_program *p borrowed, u32 *seed borrowed)
{
	for (u32 n = 0; n < 6; n++) {
		const struct bpf_device_context context = { test_random(seed) << 12 ^ test_random(seed),
			test_random(seed) % 3, test_random(seed) << 8 };

		EXPECT(bpf_run(p, &context) <= 1);
	}
}

// Whether the program was accepted.
static bool try_program(u32 *seed borrowed)
{
	struct code c = { };
	struct bpf_program *p object_auto(bpf_program) = NULL;
	u8 log[256] = { };
	struct text said = text_to(array_span(log));

	code_make(&c, seed);
	const struct bpf_load load = { .type = BPF_TYPE_CGROUP_DEVICE,
		.instructions = bytes_first(array_bytes(c.bytes), c.count * BPF_INSTRUCTION_SIZE) };
	if (bpf_program_load(&load, &said, &p))
		return false;
	run_often(p, seed);
	return true;
}

TEST(bpf_accepted_programs_end_and_give_0_or_1)
{
	u32 seed = 9, accepted = 0;

	for (u32 round = 0; round < test_rounds() * 20; round++)
		accepted += try_program(&seed);
	EXPECT(accepted > test_rounds() / 4);
}
