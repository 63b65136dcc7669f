// SPDX-License-Identifier: MPL-2.0
// From low to high addresses: the restorer's address (8 bytes), ucontext (304), siginfo (128), then the
// vector state, 64-byte aligned. At the handler's first instruction rsp + 8 is a multiple of 16.
// source: sigaction(2), sigaltstack(2), UAPI struct sigcontext for x86-64, System V ABI (red zone of 128 bytes)
#include <linux_abi/signal/frame.h>
#include <linux_abi/signal/rseq.h>
#include <linux_abi/signal/siginfo.h>
#include <services/cred/user_namespace.h>
#include <services/process/process_signal.h>

#define RED_ZONE 128u
#define UCONTEXT_AT 8u
#define UCONTEXT_SIZE 304u
#define SIGINFO_AT (UCONTEXT_AT + UCONTEXT_SIZE)
#define FRAME_SIZE (SIGINFO_AT + SIGINFO_SIZE)

// Offsets within ucontext.
#define UC_FLAGS 0u
#define UC_STACK 16u	// base, flags, size
#define UC_REGISTERS 40u // r8..r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags
#define UC_SEGMENTS 184u // cs, gs, fs, ss: 16 bits each
#define UC_ERROR 192u
#define UC_TRAP 200u
#define UC_OLD_MASK 208u
#define UC_CR2 216u
#define UC_FPSTATE 224u
#define UC_MASK 296u

#define UC_FP_XSTATE 1u
#define UC_SIGCONTEXT_SS 2u
#define UC_STRICT_RESTORE_SS 4u

#define FLAG_TRAP 0x100ul
#define FLAG_DIRECTION 0x400ul
#define FLAG_RESUME 0x10000ul

// --- the alternate stack ------------------------------------------------------------------------

bool signal_stack_has(const struct thread *t, u64 sp)
{
	if (t->alternate_stack_flags & SIGNAL_STACK_AUTODISARM)
		return false;
	return sp > t->alternate_stack && sp - t->alternate_stack <= t->alternate_stack_size;
}

u32 signal_stack_flags(const struct thread *t)
{
	if (!t->alternate_stack_size)
		return SIGNAL_STACK_DISABLE;
	return (signal_stack_has(t, t->user.rsp) ? SIGNAL_STACK_ONSTACK : 0) |
		(t->alternate_stack_flags & SIGNAL_STACK_AUTODISARM);
}

err_t signal_stack_set(struct thread *t, u64 base, u32 flags, u64 size)
{
	u32 mode = flags & ~SIGNAL_STACK_AUTODISARM;
	if (signal_stack_has(t, t->user.rsp))
		return -EPERM;
	if (mode != 0 && mode != SIGNAL_STACK_ONSTACK && mode != SIGNAL_STACK_DISABLE)
		return -EINVAL;
	if (mode == SIGNAL_STACK_DISABLE) {
		base = 0;
		size = 0;
	} else if (size < SIGNAL_STACK_SIZE_MIN) {
		return -ENOMEM;
	}
	t->alternate_stack = base;
	t->alternate_stack_size = size;
	t->alternate_stack_flags = flags & SIGNAL_STACK_AUTODISARM;
	return OK;
}

// --- pushing --------------------------------------------------------------------------------------

// Out of line: each inlined view of a span costs room in the frame.
no_inline static void put_16(span_t out, usize at, u16 value)
{
	span_put_u16le(out, at, value);
}
no_inline static void put_32(span_t out, usize at, u32 value)
{
	span_put_u32le(out, at, value);
}
no_inline static void put_64(span_t out, usize at, u64 value)
{
	span_put_u64le(out, at, value);
}
no_inline static u64 get_64(bytes_t in, usize at)
{
	return bytes_get_u64le(in, at);
}

no_inline static void put_registers(span_t at, const struct user_context *u borrowed)
{
	u64 value[18] = { u->r8, u->r9, u->r10, u->r11, u->r12, u->r13, u->r14, u->r15, u->rdi,
			  u->rsi, u->rbp, u->rbx, u->rdx, u->rax, u->rcx, u->rsp, u->rip, u->rflags };
	for (u32 i = 0; i < array_len(value); i++)
		span_put_u64le(at, (usize)i * 8, value[i]);
}

no_inline static void put_ucontext(span_t uc, struct thread *t, u64 fpu)
{
	const struct user_context *u = &t->user;
	struct signal_set mask = t->restore_saved_blocked ? t->saved_blocked : t->blocked;
	put_64(uc, UC_FLAGS, UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS);
	put_64(uc, UC_STACK, t->alternate_stack);
	put_32(uc, UC_STACK + 8, signal_stack_flags(t));
	put_64(uc, UC_STACK + 16, t->alternate_stack_size);
	put_registers(span_slice(uc, UC_REGISTERS, 144), u);
	put_16(uc, UC_SEGMENTS, 0x33);
	put_16(uc, UC_SEGMENTS + 6, 0x2b);
	put_64(uc, UC_ERROR, u->error_code);
	put_64(uc, UC_TRAP, u->trap_number);
	put_64(uc, UC_OLD_MASK, mask.bits);
	put_64(uc, UC_CR2, u->fault_address);
	put_64(uc, UC_FPSTATE, fpu);
	put_64(uc, UC_MASK, mask.bits);
}

// Where the stack of the handler begins, downward. 0: an alternate stack that has overflowed.
static u64 choose_stack(const struct thread *t, const struct signal_action *action borrowed)
{
	u64 sp = t->user.rsp - RED_ZONE;
	if ((action->flags & SIGNAL_ACTION_ONSTACK) && t->alternate_stack_size && !signal_stack_has(t, t->user.rsp))
		return t->alternate_stack + t->alternate_stack_size;
	if (signal_stack_has(t, t->user.rsp) && !signal_stack_has(t, sp - FRAME_SIZE))
		return 0;
	return sp;
}

static void enter_handler(struct thread *t, const struct signal_info *info borrowed,
	const struct signal_action *action borrowed, u64 frame)
{
	t->user.rdi = (u64)info->signal;
	t->user.rsi = frame + SIGINFO_AT;
	t->user.rdx = frame + UCONTEXT_AT;
	t->user.rax = 0;
	t->user.rsp = frame;
	t->user.rip = action->handler;
	t->user.rflags &= ~(FLAG_TRAP | FLAG_DIRECTION | FLAG_RESUME);
	t->user.must_iret = 1;
	if (t->alternate_stack_flags & SIGNAL_STACK_AUTODISARM) {
		t->alternate_stack = 0;
		t->alternate_stack_size = 0;
		t->alternate_stack_flags = 0;
	}
}

err_t signal_frame_push(
	struct thread *t, const struct signal_info *info borrowed, const struct signal_action *action borrowed)
{
	u8 room[FRAME_SIZE] = { 0 };
	if (rseq_abort(t))
		return -EFAULT;
	u64 top = choose_stack(t, action);
	if (!top || !(action->flags & SIGNAL_ACTION_RESTORER))
		return -EFAULT;
	u64 fpu = (top - user_fpu_size()) & ~63ul;
	u64 frame = ((fpu - FRAME_SIZE) & ~15ul) - 8;
	err_t err = user_fpu_save(user_addr(fpu));
	if (err)
		return err;
	span_t out = array_span(room);
	span_put_u64le(out, 0, action->restorer);
	put_ucontext(span_slice(out, UCONTEXT_AT, UCONTEXT_SIZE), t, fpu);
	siginfo_encode(span_slice(out, SIGINFO_AT, SIGINFO_SIZE), info, t->cred->user_ns);
	err = user_copy_out(user_addr(frame), bytes_of(out));
	if (err)
		return err;
	enter_handler(t, info, action, frame);
	return OK;
}

// --- the way back -------------------------------------------------------------------------------------

no_inline static void get_registers(bytes_t at, struct user_context *u borrowed)
{
	u->r8 = get_64(at, 0);
	u->r9 = get_64(at, 8);
	u->r10 = get_64(at, 16);
	u->r11 = get_64(at, 24);
	u->r12 = get_64(at, 32);
	u->r13 = get_64(at, 40);
	u->r14 = get_64(at, 48);
	u->r15 = get_64(at, 56);
	u->rdi = get_64(at, 64);
	u->rsi = get_64(at, 72);
	u->rbp = get_64(at, 80);
	u->rbx = get_64(at, 88);
	u->rdx = get_64(at, 96);
	u->rax = get_64(at, 104);
	u->rcx = get_64(at, 112);
	u->rsp = get_64(at, 120);
	u->rip = get_64(at, 128);
	u->rflags = get_64(at, 136);
}

err_t signal_frame_pop(struct thread *t)
{
	u8 room[UCONTEXT_SIZE];
	// The handler's return has taken the restorer's address off: rsp is at the ucontext.
	err_t err = user_copy_in(array_span(room), user_addr(t->user.rsp));
	if (err)
		return err;
	bytes_t uc = array_bytes(room);
	err = user_fpu_restore(user_addr(get_64(uc, UC_FPSTATE)));
	if (err)
		return err;
	get_registers(bytes_slice(uc, UC_REGISTERS, 144), &t->user);
	t->user.orig_rax = ~0ul;
	t->user.must_iret = 1;
	signal_set_blocked((struct signal_set){ get_64(uc, UC_MASK) });
	err_t stack =
		signal_stack_set(t, get_64(uc, UC_STACK), bytes_get_u32le(uc, UC_STACK + 8), get_64(uc, UC_STACK + 16));
	(void)stack; // as with Linux: a bad one leaves it as it is
	return OK;
}
