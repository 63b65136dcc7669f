// SPDX-License-Identifier: MPL-2.0
#include <services/bpf/bpf_verifier.h>

static exclusive_access void bpf_state_release(struct bpf_state *s)
{
}
DEFINE_OBJECT(bpf_state, bpf_state_release)

struct bpf_state *bpf_state_create(void)
{
	return bpf_state_alloc();
}

void bpf_state_copy(struct bpf_state *to borrowed, const struct bpf_state *from borrowed)
{
	for (u32 n = 0; n < BPF_REGISTERS; n++)
		to->reg[n] = from->reg[n];
	for (u32 n = 0; n < BPF_SLOTS; n++)
		to->slot[n] = from->slot[n];
}

// Two kinds at one place are a register that cannot be read, or bytes on the stack.
static void value_join(struct bpf_value *to borrowed, const struct bpf_value *from borrowed)
{
	if (to->kind == BPF_NUMBER && from->kind == BPF_NUMBER) {
		to->low = min(to->low, from->low);
		to->high = max(to->high, from->high);
	} else if (to->kind != from->kind || to->offset != from->offset) {
		*to = (struct bpf_value){ .kind = BPF_UNKNOWN };
	}
}

void bpf_state_join(struct bpf_state *to borrowed, const struct bpf_state *from borrowed)
{
	for (u32 n = 0; n < BPF_REGISTERS; n++)
		value_join(array_ptr(to->reg, n), array_ptr(from->reg, n));
	for (u32 n = 0; n < BPF_SLOTS; n++)
		value_join(array_ptr(to->slot, n), array_ptr(from->slot, n));
}
