// SPDX-License-Identifier: MPL-2.0
// What the verifier knows about a program at one place, and how knowledge is changed and joined.
#pragma once
#include <core/object.h>
#include <core/text.h>
#include <services/bpf/bpf_instruction.h>

enum bpf_kind { BPF_UNKNOWN /* never written, or of two kinds: not readable */, BPF_NUMBER, BPF_CONTEXT, BPF_STACK };
#define BPF_SLOTS 64u			// of eight bytes each, from the bottom of the stack
#define BPF_POINTER_REACH (1l << 29)	// a pointer may not stray further from where it points

// A number is between low and high; a pointer is `offset` bytes from the context's begin or the stack's top.
struct bpf_value {
	u32 kind;	// enum bpf_kind
	u32 reserved;
	s64 offset;
	u64 low, high;
};
struct bpf_state {
	struct object object;
	struct bpf_value reg[BPF_REGISTERS];
	struct bpf_value slot[BPF_SLOTS];
};
DECLARE_OBJECT(bpf_state)
struct bpf_state *bpf_state_create(void) owned;		// all unknown; NULL without memory
void bpf_state_copy(struct bpf_state *to borrowed, const struct bpf_state *from borrowed);
// `to` keeps what holds in both.
void bpf_state_join(struct bpf_state *to borrowed, const struct bpf_state *from borrowed);

static inline struct bpf_value bpf_range(u64 low, u64 high)
{
	return (struct bpf_value){ .kind = BPF_NUMBER, .low = low, .high = high };
}
static inline struct bpf_value bpf_any_number(void) { return bpf_range(0, U64_MAX); }
static inline bool bpf_is_constant(struct bpf_value v) { return v.kind == BPF_NUMBER && v.low == v.high; }

// The range of what an arithmetic instruction makes of two numbers.
struct bpf_value bpf_range_calculate(struct bpf_instruction i, struct bpf_value a, struct bpf_value b);
// What is left of number `a` when the comparison with constant b came out as `holds` (1 or 0). False: it cannot.
bool bpf_range_refine(u32 code, u32 holds, struct bpf_value *a borrowed, u64 b);
