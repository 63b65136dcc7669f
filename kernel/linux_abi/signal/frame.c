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

// struct sigcontext's general registers, in its order.
struct frame_registers {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
};
struct frame_ucontext {
	u64 flags, link;
	u64 stack_base;
	u32 stack_flags, stack_pad;
	u64 stack_size;
	struct frame_registers registers;
	u16 cs, gs, fs, ss;
	u64 error_code, trap_number, old_mask, fault_address, fpstate;
	u64 reserved[8];
	u64 mask;
};
struct signal_frame {
	u64 restorer;
	struct frame_ucontext ucontext;
	u8 siginfo[SIGINFO_SIZE];
};
#define UCONTEXT_AT 8u
#define UCONTEXT_SIZE 304u
#define SIGINFO_AT (UCONTEXT_AT + UCONTEXT_SIZE)
#define FRAME_SIZE (SIGINFO_AT + SIGINFO_SIZE)
_Static_assert(sizeof(struct frame_ucontext) == UCONTEXT_SIZE && sizeof(struct signal_frame) == FRAME_SIZE);

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

static void put_registers(struct frame_registers *r borrowed, const struct user_context *u borrowed)
{
	*r = (struct frame_registers){ u->r8, u->r9, u->r10, u->r11, u->r12, u->r13, u->r14, u->r15, u->rdi,
		u->rsi, u->rbp, u->rbx, u->rdx, u->rax, u->rcx, u->rsp, u->rip, u->rflags };
}

static void put_ucontext(struct frame_ucontext *uc borrowed, struct thread *t, u64 fpu)
{
	const struct user_context *u = &t->user;
	const struct signal_set mask = t->restore_saved_blocked ? t->saved_blocked : t->blocked;
	uc->flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	uc->stack_base = t->alternate_stack;
	uc->stack_flags = signal_stack_flags(t);
	uc->stack_size = t->alternate_stack_size;
	put_registers(&uc->registers, u);
	uc->cs = 0x33;
	uc->ss = 0x2b;
	uc->error_code = u->error_code;
	uc->trap_number = u->trap_number;
	uc->old_mask = mask.bits;
	uc->fault_address = u->fault_address;
	uc->fpstate = fpu;
	uc->mask = mask.bits;
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
	struct signal_frame out = {};
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
	out.restorer = action->restorer;
	put_ucontext(&out.ucontext, t, fpu);
	siginfo_encode(array_span(out.siginfo), info, t->cred->user_ns);
	err = user_copy_out(user_addr(frame), object_bytes(&out));
	if (err)
		return err;
	enter_handler(t, info, action, frame);
	return OK;
}

// --- the way back -------------------------------------------------------------------------------------

static void get_registers(const struct frame_registers *r borrowed, struct user_context *u borrowed)
{
	u->r8 = r->r8;
	u->r9 = r->r9;
	u->r10 = r->r10;
	u->r11 = r->r11;
	u->r12 = r->r12;
	u->r13 = r->r13;
	u->r14 = r->r14;
	u->r15 = r->r15;
	u->rdi = r->rdi;
	u->rsi = r->rsi;
	u->rbp = r->rbp;
	u->rbx = r->rbx;
	u->rdx = r->rdx;
	u->rax = r->rax;
	u->rcx = r->rcx;
	u->rsp = r->rsp;
	u->rip = r->rip;
	u->rflags = r->rflags;
}

err_t signal_frame_pop(struct thread *t)
{
	struct frame_ucontext uc = {};
	// The handler's return has taken the restorer's address off: rsp is at the ucontext.
	err_t err = user_copy_in(object_span(&uc), user_addr(t->user.rsp));
	if (err)
		return err;
	err = user_fpu_restore(user_addr(uc.fpstate));
	if (err)
		return err;
	get_registers(&uc.registers, &t->user);
	t->user.orig_rax = ~0ul;
	t->user.must_iret = 1;
	signal_set_blocked((struct signal_set){ uc.mask });
	err_t stack = signal_stack_set(t, uc.stack_base, uc.stack_flags, uc.stack_size);
	(void)stack; // as with Linux: a bad one leaves it as it is
	return OK;
}
