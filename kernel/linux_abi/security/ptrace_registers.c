// SPDX-License-Identifier: MPL-2.0
// struct user_regs_struct is 27 words: those of struct user_context in the same order, then the selectors, of which
// none can be changed.
#include <core/buf.h>
#include <linux_abi/security/ptrace_request.h>

#define WORDS 27u
#define CONTEXT_WORDS 23u
#define REGISTERS_SIZE (WORDS * 8u)
#define VECTOR_SIZE 512u
#define VECTOR_MAX 8192u
#define DEBUG_OFFSET 848u	// of u_debugreg in struct user
#define DEBUG_WORDS 8u
#define USER_SIZE 912u
#define NT_PRSTATUS 1u
#define NT_PRFPREG 2u
#define NT_X86_XSTATE 0x202u
#define SELECTOR_CODE 0x33u
#define SELECTOR_DATA 0x2bu
#define FLAGS_CHANGEABLE 0x254dd5ul	// CF PF AF ZF SF TF DF OF NT RF AC ID, as on Linux
#define FLAG_TRAP 0x100ul

struct registers_layout {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, rflags, rsp, ss,
		fs_base, gs_base, ds, es, fs, gs;
};
_Static_assert(sizeof(struct registers_layout) == REGISTERS_SIZE, "user_regs_struct");

static bool forced_step(struct thread *t)
{
	spin_guard(&process_tree_lock);
	return t->trace && t->trace->is_stepping;
}

static void read_registers(struct thread *t, struct registers_layout *out borrowed)
{
	span_copy_some(object_span(out), bytes_first(object_bytes(&t->user), CONTEXT_WORDS * 8));
	out->cs = SELECTOR_CODE;
	out->ss = SELECTOR_DATA;
	if (forced_step(t))
		out->rflags &= ~FLAG_TRAP;
}

static bool is_canonical(u64 address)
{
	return address < 0x0000800000000000ul;
}

static s64 write_registers(struct thread *t, const struct registers_layout *in borrowed)
{
	struct user_context *u = &t->user;
	if (!is_canonical(in->fs_base) || !is_canonical(in->gs_base))
		return -EIO;
	if ((in->cs && in->cs != SELECTOR_CODE) || (in->ss && in->ss != SELECTOR_DATA))
		return -EIO;
	const u64 rflags = (u->rflags & ~FLAGS_CHANGEABLE) | (in->rflags & FLAGS_CHANGEABLE);
	const u64 cs = u->cs, ss = u->ss;
	span_copy_some(object_span(u), bytes_first(object_bytes(in), CONTEXT_WORDS * 8));
	u->rflags = rflags;
	u->cs = cs;
	u->ss = ss;
	u->must_iret = 1;
	return 0;
}

s64 ptrace_peek_user(struct thread *t, u64 offset, user_addr_t to)
{
	struct registers_layout r = {};
	if ((offset & 7) || offset >= USER_SIZE)
		return -EIO;
	if (offset >= REGISTERS_SIZE)
		return user_write_u64(to, 0);	// no debug registers are set
	read_registers(t, &r);
	return user_write_u64(to, bytes_get_u64le(object_bytes(&r), offset));
}

s64 ptrace_poke_user(struct thread *t, u64 offset, u64 value)
{
	struct registers_layout r = {};
	if ((offset & 7) || offset >= USER_SIZE)
		return -EIO;
	if (offset >= REGISTERS_SIZE)
		return offset >= DEBUG_OFFSET && offset < DEBUG_OFFSET + DEBUG_WORDS * 8 && value ? -EINVAL : 0;
	read_registers(t, &r);
	span_put_u64le(object_span(&r), offset, value);
	return write_registers(t, &r);
}

s64 ptrace_get_registers(struct thread *t, user_addr_t to)
{
	struct registers_layout r = {};
	read_registers(t, &r);
	return user_copy_out_object(to, &r);
}

s64 ptrace_set_registers(struct thread *t, user_addr_t from)
{
	struct registers_layout r = {};
	const err_t e = user_copy_in_object(&r, from);
	return e ? e : write_registers(t, &r);
}

// --- vector state -------------------------------------------------------------------------------------------

static s64 get_vector(struct thread *t, user_addr_t to, u64 room, u64 *used borrowed)
{
	struct buf *b buf_auto = buf_alloc(VECTOR_MAX);
	if (!b)
		return -ENOMEM;
	const usize size = task_fpu_read(&t->base, buf_span(b));
	if (!size)
		return -EIO;
	*used = min(room, (u64)min(size, (usize)VECTOR_MAX));
	return user_copy_out(to, bytes_first(buf_bytes(b), *used));
}

static s64 set_vector(struct thread *t, user_addr_t from, u64 length)
{
	struct buf *b buf_auto = length && length <= VECTOR_MAX ? buf_alloc(length) : NULL;
	if (!b)
		return length && length <= VECTOR_MAX ? -ENOMEM : -EINVAL;
	const err_t e = user_copy_in(buf_span(b), from);
	return e ? e : task_fpu_write(&t->base, buf_bytes(b));
}

s64 ptrace_get_vector(struct thread *t, user_addr_t to)
{
	u64 used = 0;
	return get_vector(t, to, VECTOR_SIZE, &used);
}

s64 ptrace_set_vector(struct thread *t, user_addr_t from)
{
	return set_vector(t, from, VECTOR_SIZE);
}

// --- sets ---------------------------------------------------------------------------------------------------

static s64 general_set(struct thread *t, user_addr_t at, u64 *length borrowed, u32 is_set)
{
	struct registers_layout r = {};
	*length = min(*length, (u64)REGISTERS_SIZE);
	if (*length & 7)
		return -EINVAL;
	read_registers(t, &r);
	if (!is_set)
		return user_copy_out(at, bytes_first(object_bytes(&r), *length));
	const err_t e = user_copy_in(span_first(object_span(&r), *length), at);
	return e ? e : write_registers(t, &r);
}

static s64 vector_set(struct thread *t, user_addr_t at, u64 *length borrowed, u64 most, u32 is_set)
{
	*length = min(*length, most);
	if (is_set)
		return set_vector(t, at, *length);
	return get_vector(t, at, *length, length);
}

s64 ptrace_register_set(struct thread *t, u32 kind, user_addr_t vector, u32 is_set)
{
	u64 base = 0, length = 0;
	s64 result;
	err_t e = user_read_u64(vector, &base);
	if (!e)
		e = user_read_u64(user_offset(vector, 8), &length);
	if (e)
		return e;
	switch (kind) {
	case NT_PRSTATUS:
		result = general_set(t, user_addr(base), &length, is_set);
		break;
	case NT_PRFPREG:
		result = vector_set(t, user_addr(base), &length, VECTOR_SIZE, is_set);
		break;
	case NT_X86_XSTATE:
		result = vector_set(t, user_addr(base), &length, VECTOR_MAX, is_set);
		break;
	default:
		return -EINVAL;
	}
	return result ? result : user_write_u64(user_offset(vector, 8), length);
}
