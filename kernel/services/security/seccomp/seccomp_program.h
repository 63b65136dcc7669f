// SPDX-License-Identifier: MPL-2.0
// Classic BPF as seccomp takes it. source: seccomp(2), <linux/filter.h>
#pragma once
#include <core/span.h>
#include <services/security/seccomp/seccomp_internal.h>

#define SECCOMP_MEMORY_WORDS 16u

enum seccomp_code {
	CBPF_LOAD = 0x20, CBPF_LOAD_LENGTH = 0x80, CBPF_LOAD_CONSTANT = 0x00, CBPF_LOAD_MEMORY = 0x60,
	CBPF_LOADX_LENGTH = 0x81, CBPF_LOADX_CONSTANT = 0x01, CBPF_LOADX_MEMORY = 0x61,
	CBPF_STORE = 0x02, CBPF_STOREX = 0x03,
	CBPF_ADD = 0x04, CBPF_SUB = 0x14, CBPF_MUL = 0x24, CBPF_DIV = 0x34, CBPF_OR = 0x44, CBPF_AND = 0x54,
	CBPF_LSH = 0x64, CBPF_RSH = 0x74, CBPF_NEG = 0x84, CBPF_XOR = 0xa4,
	CBPF_JUMP = 0x05, CBPF_JEQ = 0x15, CBPF_JGT = 0x25, CBPF_JGE = 0x35, CBPF_JSET = 0x45,
	CBPF_RETURN = 0x06, CBPF_RETURN_A = 0x16, CBPF_TAX = 0x07, CBPF_TXA = 0x87,
	CBPF_X = 8	// the operand is X instead of the constant
};
struct seccomp_instruction {
	u32 code, if_true, if_false, k;
};
static inline struct seccomp_instruction seccomp_instruction_at(bytes_t program, u32 index)
{
	const u64 raw = bytes_get_u64le(program, (usize)index * SECCOMP_INSTRUCTION_SIZE);

	return (struct seccomp_instruction){ .code = raw & 0xffff, .if_true = raw >> 16 & 0xff,
		.if_false = raw >> 24 & 0xff, .k = (u32)(raw >> 32) };
}
