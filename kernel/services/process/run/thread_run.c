// SPDX-License-Identifier: MPL-2.0
// The loop in which a thread alternates between user mode and the kernel, and what its exceptions become.
#include <services/process/process_internal.h>
#include <services/vm/vm_space.h>

static struct spinlock ops_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static const struct user_mode_ops *registered_ops GUARDED_BY(ops_lock);

void thread_set_user_mode_ops(const struct user_mode_ops *ops)
{
	spin_guard(&ops_lock);
	registered_ops = ops;
}

const struct user_mode_ops *thread_user_mode_ops(void)
{
	spin_guard(&ops_lock);
	return registered_ops;
}

// source: sigaction(2), SIGFPE codes; several at once are reported in this order
static s32 float_code(u64 fault)
{
	if (fault & USER_FLOAT_INVALID)
		return FPE_FLTINV;
	if (fault & USER_FLOAT_DIVIDE)
		return FPE_FLTDIV;
	if (fault & USER_FLOAT_OVERFLOW)
		return FPE_FLTOVF;
	if (fault & (USER_FLOAT_DENORMAL | USER_FLOAT_UNDERFLOW))
		return FPE_FLTUND;
	return fault & USER_FLOAT_INEXACT ? FPE_FLTRES : SI_KERNEL;
}

// x86 vectors. source: Intel SDM vol. 3, 6.15; signal(7), sigaction(2) for the codes
static struct signal_info exception_info(const struct user_context *u borrowed)
{
	struct signal_info info = { .signal = SIGSEGV, .code = SI_KERNEL, .kind = SIGNAL_INFO_FAULT };
	switch (u->trap_number) {
	case 0:
		info.signal = SIGFPE;
		info.code = FPE_INTDIV;
		break;
	case 1:
		info.signal = SIGTRAP;
		info.code = TRAP_TRACE;
		break;
	case 3:
		info.signal = SIGTRAP;
		info.code = SI_KERNEL;
		break;
	case 6:
		info.signal = SIGILL;
		info.code = ILL_ILLOPN;
		break;
	case 16:
	case 19:
		info.signal = SIGFPE;
		info.code = float_code(u->error_code);
		break;
	case 17:
		info.signal = SIGBUS;
		info.code = BUS_ADRALN;
		break;
	default:
		return info;
	}
	info.address = u->rip;
	return info;
}

#define FAULT_ERROR_WRITE 2u
#define FAULT_ERROR_FETCH 16u

static void handle_page_fault(struct thread *t)
{
	u64 address = t->user.fault_address;
	u32 access = (t->user.error_code & FAULT_ERROR_WRITE ? USER_FAULT_WRITE : 0) |
		     (t->user.error_code & FAULT_ERROR_FETCH ? USER_FAULT_EXECUTE : 0);
	err_t err = vm_space_fault(t->space, address, access);
	if (!err || err == (err_t)-ERESTARTSYS)
		return;		// ERESTARTSYS: a fatal signal waits; the fault happens again otherwise
	struct signal_info info = {
		.signal = SIGSEGV, .code = SEGV_MAPERR, .kind = SIGNAL_INFO_FAULT, .address = address
	};
	if (err == (err_t)-ENOMEM) {
		// The out-of-memory policy has chosen somebody: if not us, try again.
		if (!(atomic_u32_load(&t->process->flags) & PROCESS_GROUP_EXIT))
			task_yield();
		return;
	}
	if (err == (err_t)-EACCES)
		info.code = SEGV_ACCERR;
	if (err == (err_t)-ENXIO || err == (err_t)-EIO) {
		info.signal = SIGBUS;
		info.code = BUS_ADRERR;
	}
	signal_force_current(&info);
}

static void handle_exit(struct thread *t, enum user_exit why)
{
	if (why == USER_EXIT_FAULT) {
		handle_page_fault(t);
	} else if (why == USER_EXIT_EXCEPTION) {
		struct signal_info info = exception_info(&t->user);
		signal_force_current(&info);
	}
}

// A system call's result that asks for a restart, or a bit of work: look closer.
static bool needs_attention(const struct thread *t)
{
	return (task_pending_work(&t->base) &
		(TASK_WORK_SIGNAL | TASK_WORK_KILL | TASK_WORK_SERVICE | TASK_WORK_SWITCHED)) ||
		t->user.rax - (u64)-ERESTART_RESTARTBLOCK <= ERESTART_RESTARTBLOCK - ERESTARTSYS ||
		t->restore_saved_blocked;
}

void thread_main(struct task *self)
{
	struct thread *t = thread_of_task(self);
	const struct user_mode_ops *ops = thread_user_mode_ops();
	vm_space_activate(t->space);
	if (!user_is_null(t->set_child_tid)) {
		err_t err = user_write_u32(t->set_child_tid, thread_number(t));
		(void)err; // as with Linux: nobody to tell
	}
	thread_attend(t, ops);
	for (;;) {
		enum user_exit why = user_enter(&t->user);
		if (why == USER_EXIT_SYSCALL)
			ops->system_call(t);
		else
			handle_exit(t, why);
		if (needs_attention(t))
			thread_attend(t, ops);
	}
}
