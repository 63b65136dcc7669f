// SPDX-License-Identifier: MPL-2.0
// The instruction set: 8 bytes an instruction (code, registers, offset, immediate). source: RFC 9669
#pragma once
#include <core/span.h>

#define BPF_INSTRUCTION_SIZE 8u
#define BPF_REGISTERS 11u	// r0 ... r10
#define BPF_FRAME_REGISTER 10u
#define BPF_STACK_SIZE 512

enum bpf_class { BPF_CLASS_LD, BPF_CLASS_LDX, BPF_CLASS_ST, BPF_CLASS_STX, BPF_CLASS_ALU, BPF_CLASS_JMP,
	BPF_CLASS_JMP32, BPF_CLASS_ALU64 };
enum bpf_alu_operation { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_NEG, BPF_MOD,
	BPF_XOR, BPF_MOV, BPF_ARSH, BPF_END };
enum bpf_jump_operation { BPF_JA, BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT, BPF_JSGE, BPF_CALL, BPF_EXIT,
	BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE, BPF_JUMP_OPERATIONS };
#define BPF_SOURCE_REGISTER 8u	// in code: the operand is a register
#define BPF_CODE_LOAD_WIDE 0x18u	// LD | IMM | DW: two places long
#define BPF_MODE_MASK 0xe0u
#define BPF_MODE_MEMORY 0x60u
#define BPF_MODE_CONTEXT 0x20u	// ours, after the verifier: a load from the context, not the stack
#define BPF_CODE_EXIT 0x95u

struct bpf_instruction {
	u32 code;
	u32 target, source;	// registers
	s32 offset, immediate;
};

static inline struct bpf_instruction bpf_instruction_at(bytes_t program, u32 index)
{
	const u64 raw = bytes_get_u64le(program, (usize)index * BPF_INSTRUCTION_SIZE);

	return (struct bpf_instruction){
		.code = raw & 0xff,
		.target = raw >> 8 & 15,
		.source = raw >> 12 & 15,
		.offset = (s16)(raw >> 16),
		.immediate = (s32)(raw >> 32),
	};
}

static inline u32 bpf_class_of(u32 code) { return code & 7; }
static inline u32 bpf_operation_of(u32 code) { return code >> 4; }
static inline u32 bpf_access_size(u32 code)
{
	static const u8 sizes[4] = { 4, 2, 1, 8 };

	return sizes[code >> 3 & 3];
}

// What an arithmetic instruction makes of its operands; 32 bit ones give 32 bits. Used by the interpreter, and by
// the verifier on constants. BPF_NEG and BPF_END look at `a` alone (END: immediate = width in bits).
u64 bpf_calculate(struct bpf_instruction i, u64 a, u64 b);
// Does the comparison of a jump hold?
bool bpf_compare(u32 code, u64 a, u64 b);
