// SPDX-License-Identifier: MPL-2.0
// User mode, as a function call: user_enter() runs the current task's program until something happens
// that the services must see. Interrupts that ask for nothing are handled here and lead straight back.
//
// Segment bases and vector state are loaded by comparison with what the processor holds, so neither a
// system call nor a switch to a kernel thread and back pays for them. Where programs can write the bases
// themselves (FSGSBASE) the registers count from the first entry until the task leaves its processor.
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/cpu/registers.h"
#include "core/arch/x86_64/fpu/fpu.h"
#include "core/arch/x86_64/trap/frame.h"
#include "core/arch/x86_64/trap/segments.h"
#include "core/arch/x86_64/user/bases.h"
#include "core/arch/x86_64/user/context_offsets.h"
#include "core/irq/irq.h"
#include <core/arch/cpu.h>
#include <core/arch/interrupts.h>
#include <core/arch/layout.h>
#include <core/page_table.h>
#include <core/user.h>

#define AT(field, offset) _Static_assert(__builtin_offsetof(struct user_context, field) == (offset))
AT(r15, CONTEXT_R15);
AT(r14, CONTEXT_R14);
AT(r13, CONTEXT_R13);
AT(r12, CONTEXT_R12);
AT(rbp, CONTEXT_RBP);
AT(rbx, CONTEXT_RBX);
AT(r11, CONTEXT_R11);
AT(r10, CONTEXT_R10);
AT(r9, CONTEXT_R9);
AT(r8, CONTEXT_R8);
AT(rax, CONTEXT_RAX);
AT(rcx, CONTEXT_RCX);
AT(rdx, CONTEXT_RDX);
AT(rsi, CONTEXT_RSI);
AT(rdi, CONTEXT_RDI);
AT(orig_rax, CONTEXT_ORIG_RAX);
AT(rip, CONTEXT_RIP);
AT(cs, CONTEXT_CS);
AT(rflags, CONTEXT_RFLAGS);
AT(rsp, CONTEXT_RSP);
AT(ss, CONTEXT_SS);
AT(trap_number, CONTEXT_TRAP);
AT(error_code, CONTEXT_ERROR);
AT(fault_address, CONTEXT_FAULT);
AT(must_iret, CONTEXT_MUST_IRET);

// What a program may have in its flags: CF PF AF ZF SF TF DF OF RF AC ID.
#define FLAGS_USER 0x250dd5UL
// SYSRET cannot restore these.
#define FLAGS_IRET (RFLAGS_TRAP | RFLAGS_RESUME)
#define DR6_RESET 0xffff0ff0UL

// entry.S: 0 after a system call, 1 after a trap. Interrupts are disabled before and after.
u32 user_run(struct user_context *context);

static bool is_canonical(u64 address)
{
	return (u64)((s64)(address << 16) >> 16) == address;
}

// Any canonical base is harmless: what user mode reads through it is checked as any other address.
static void bases_load(struct user_context *context)
{
	if (!is_canonical(context->fs_base))
		context->fs_base = 0;
	if (!is_canonical(context->gs_base))
		context->gs_base = 0;
	msr_write(MSR_FS_BASE, context->fs_base);
	msr_write(MSR_KERNEL_GS_BASE, context->gs_base);
	cpu_word(u64, CPU_LOCAL_USER_FS) = context->fs_base;
	cpu_word(u64, CPU_LOCAL_USER_GS) = context->gs_base;
}

static inline void state_load(struct task *task, struct user_context *context)
{
	struct fpu_state *fpu = task->__fpu;
	if (__unlikely(cpu_word(struct fpu_state *, CPU_LOCAL_FPU_OWNER) != fpu || fpu->cpu != arch_cpu_index()))
		fpu_load(fpu);
	fpu->dirty = 1;
	if (task->__bases == BASES_LIVE)
		return;
	user_bases_hand_over(task, context);
	if (__unlikely(cpu_word(u64, CPU_LOCAL_USER_FS) != context->fs_base ||
		       cpu_word(u64, CPU_LOCAL_USER_GS) != context->gs_base))
		bases_load(context);
	task->__bases = cpu_features.fsgsbase ? BASES_LIVE : BASES_IN_CONTEXT;
}

void user_bases_sync(struct user_context *context)
{
	u64 flags = arch_interrupts_save();
	user_bases_leave(arch_current_task());
	user_bases_hand_over(arch_current_task(), context);
	arch_interrupts_restore(flags);
}

// Which unmasked exceptions a vector of floating point reports. The registers are still the program's.
static u32 float_fault(u64 vector)
{
	u16 status = 0, control = 0;
	u32 mxcsr = 0;
	if (vector == VECTOR_FLOAT_VECTOR) {
		asm volatile("stmxcsr %0" : "=m"(mxcsr));
		return mxcsr & ~(mxcsr >> 7) & 0x3f;
	}
	asm volatile("fnstsw %0" : "=m"(status));
	asm volatile("fnstcw %0" : "=m"(control));
	return status & ~(u32)control & 0x3f;
}

static enum user_exit exception(struct user_context *context)
{
	enum user_exit exit = USER_EXIT_EXCEPTION;
	if (context->trap_number == VECTOR_PAGE_FAULT) {
		context->fault_address = cr2_read();
		exit = USER_EXIT_FAULT;
	} else if (context->trap_number == VECTOR_DEBUG) {
		u64 status;
		asm volatile("movq %%dr6, %0" : "=r"(status));
		asm volatile("movq %0, %%dr6" :: "r"(DR6_RESET));
		context->error_code = status;
	} else if (context->trap_number == VECTOR_FLOAT || context->trap_number == VECTOR_FLOAT_VECTOR) {
		context->error_code = float_fault(context->trap_number);
	}
	arch_interrupts_enable();
	return exit;
}

static enum user_exit bad_address(struct user_context *context)
{
	context->trap_number = VECTOR_PROTECTION;
	context->error_code = 0;
	context->orig_rax = U64_MAX;
	return USER_EXIT_EXCEPTION;
}

// Memory for the first vector state ran out: the task waits for it, unless it is to die.
static bool first_entry(struct task *task)
{
	while (fpu_prepare(task) != OK) {
		if (task_pending_work(task) & ~(u32)TASK_WORK_RESCHEDULE)
			return false;
		task_yield();
	}
	return true;
}

enum user_exit user_enter(struct user_context *context)
{
	struct task *task = arch_current_task();
	if (__unlikely(!task->__fpu) && !first_entry(task))
		return USER_EXIT_WORK;
	context->rflags = (context->rflags & FLAGS_USER) | RFLAGS_FIXED | RFLAGS_INTERRUPT;
	if (__unlikely((context->rip >> 47) || (context->rflags & FLAGS_IRET))) {
		if (!is_canonical(context->rip))
			return bad_address(context);
		context->must_iret = 1;
	}
	if (__unlikely(context->cs != SEGMENT_USER_CODE)) {
		context->cs = SEGMENT_USER_CODE;        // the only one; for those who look
		context->ss = SEGMENT_USER_DATA;
	}
	for (;;) {
		arch_interrupts_disable();
		if (__unlikely(__atomic_load_n(&task->__work, __ATOMIC_ACQUIRE) & ~(u32)TASK_WORK_RESCHEDULE)) {
			arch_interrupts_enable();
			return USER_EXIT_WORK;
		}
		if (__unlikely(arch_reschedule_needed())) {
			core_preempt();
			continue;
		}
		state_load(task, context);
		if (user_run(context) == 0) {
			arch_interrupts_enable();
			return USER_EXIT_SYSCALL;
		}
		if (context->trap_number < VECTOR_EXCEPTION_END)
			return exception(context);
		interrupt_handle((u32)context->trap_number, INTERRUPT_FROM_USER);
	}
}
