// SPDX-License-Identifier: MPL-2.0
// Numbers known by their unsigned bounds: coarse, and enough for masks, comparisons and constants.
#include <services/bpf/bpf_verifier.h>

// All ones from the highest one of v down.
static u64 fill_below(u64 v)
{
	return v ? U64_MAX >> __builtin_clzl(v) : 0;
}

static struct bpf_value cut_to_32(struct bpf_value v)
{
	if (v.low >> 32 == v.high >> 32)
		return bpf_range((u32)v.low, (u32)v.high);
	return bpf_range(0, U32_MAX);
}

static struct bpf_value range_add(struct bpf_value a, struct bpf_value b)
{
	return a.high > U64_MAX - b.high ? bpf_any_number() : bpf_range(a.low + b.low, a.high + b.high);
}

static struct bpf_value range_subtract(struct bpf_value a, struct bpf_value b)
{
	return a.low < b.high ? bpf_any_number() : bpf_range(a.low - b.high, a.high - b.low);
}

static struct bpf_value range_multiply(struct bpf_value a, struct bpf_value b)
{
	return a.high > U32_MAX || b.high > U32_MAX ? bpf_any_number() : bpf_range(a.low * b.low, a.high * b.high);
}

static struct bpf_value range_divide(struct bpf_value a, struct bpf_value b)
{
	return b.low ? bpf_range(a.low / b.high, a.high / b.low) : bpf_range(0, a.high);
}

static struct bpf_value range_remainder(struct bpf_value a, struct bpf_value b)
{
	return bpf_range(0, b.low ? min(a.high, b.high - 1) : a.high);
}

static struct bpf_value range_shift_left(struct bpf_value a, struct bpf_value b, u32 width)
{
	const u64 by = b.low & (width - 1);

	if (!bpf_is_constant(b) || a.high > U64_MAX >> by)
		return bpf_any_number();
	return bpf_range(a.low << by, a.high << by);
}

static struct bpf_value range_shift_right(struct bpf_value a, struct bpf_value b, u32 width)
{
	const u64 by = b.low & (width - 1);

	return bpf_is_constant(b) ? bpf_range(a.low >> by, a.high >> by) : bpf_range(0, a.high);
}

static struct bpf_value range_of_operation(u32 operation, struct bpf_value a, struct bpf_value b, u32 width)
{
	switch (operation) {
	case BPF_MOV:
		return b;
	case BPF_ADD:
		return range_add(a, b);
	case BPF_SUB:
		return range_subtract(a, b);
	case BPF_MUL:
		return range_multiply(a, b);
	case BPF_DIV:
		return range_divide(a, b);
	case BPF_MOD:
		return range_remainder(a, b);
	case BPF_AND:
		return bpf_range(0, min(a.high, b.high));
	case BPF_OR:
		return bpf_range(max(a.low, b.low), fill_below(a.high | b.high));
	case BPF_XOR:
		return bpf_range(0, fill_below(a.high | b.high));
	case BPF_LSH:
		return range_shift_left(a, b, width);
	case BPF_RSH:
		return range_shift_right(a, b, width);
	case BPF_ARSH:
		return a.high >> (width - 1) ? bpf_any_number() : range_shift_right(a, b, width);
	default:
		return bpf_any_number();
	}
}

struct bpf_value bpf_range_calculate(struct bpf_instruction i, struct bpf_value a, struct bpf_value b)
{
	const u32 operation = bpf_operation_of(i.code);

	if (bpf_is_constant(a) && bpf_is_constant(b)) {
		const u64 v = bpf_calculate(i, a.low, b.low);

		return bpf_range(v, v);
	}
	if (operation == BPF_END)
		return bpf_range(0, i.immediate == 64 ? U64_MAX : (1ul << (i.immediate & 63)) - 1);
	if (bpf_class_of(i.code) == BPF_CLASS_ALU64)
		return range_of_operation(operation, a, b, 64);
	return cut_to_32(range_of_operation(operation, cut_to_32(a), cut_to_32(b), 32));
}

static bool cut_low(struct bpf_value *a borrowed, u64 low)
{
	a->low = max(a->low, low);
	return a->low <= a->high;
}

static bool cut_high(struct bpf_value *a borrowed, u64 high)
{
	a->high = min(a->high, high);
	return a->low <= a->high;
}

static bool cut_out(struct bpf_value *a borrowed, u64 b)
{
	if (a->low == b && a->high == b)
		return false;
	if (a->low == b)
		a->low++;
	if (a->high == b)
		a->high--;
	return true;
}

bool bpf_range_refine(u32 code, u32 holds, struct bpf_value *a borrowed, u64 b)
{
	const bool is_32 = bpf_class_of(code) == BPF_CLASS_JMP32;

	if (is_32)
		b = (u32)b;
	if (bpf_is_constant(*a))
		return bpf_compare(code, a->low, b) == !!holds;
	if (is_32 && a->high > U32_MAX)
		return true;
	switch (bpf_operation_of(code)) {
	case BPF_JEQ:
		return holds ? cut_low(a, b) && cut_high(a, b) : cut_out(a, b);
	case BPF_JNE:
		return holds ? cut_out(a, b) : cut_low(a, b) && cut_high(a, b);
	case BPF_JGT:
		return holds ? b != U64_MAX && cut_low(a, b + 1) : cut_high(a, b);
	case BPF_JGE:
		return holds ? cut_low(a, b) : b && cut_high(a, b - 1);
	case BPF_JLT:
		return holds ? b && cut_high(a, b - 1) : cut_low(a, b);
	case BPF_JLE:
		return holds ? cut_high(a, b) : b != U64_MAX && cut_low(a, b + 1);
	default:
		return true;
	}
}
