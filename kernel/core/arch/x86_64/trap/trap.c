// SPDX-License-Identifier: MPL-2.0
// Traps from kernel mode: interrupts, faults of user copies, and bugs.
//
// Kernel code may fault only in the user copy routines (user/copy.S), each of whose accesses has an
// entry in the fix-up table. Such a fault asks the vm service to bring the page in, if the copy may
// sleep; otherwise, or when the service declines, the copy continues at its fix-up and reports what is
// left. Every other fault is a bug.
#include "core/arch/x86_64/trap/trap.h"
#include "core/arch/x86_64/cpu/registers.h"
#include "core/arch/x86_64/trap/frame.h"
#include "core/irq/irq.h"
#include <core/arch/context.h>
#include <core/arch/cpu.h>
#include <core/arch/interrupts.h>
#include <core/arch/layout.h>
#include <core/print.h>
#include <core/user.h>

struct fixup {
	u32 at;                         // offsets in the image
	u32 to;
};

extern const struct fixup image_fixup_start[], image_fixup_end[];

static err_t (*fault_handler)(u64 address, u32 access);        // immutable once registered

// Called by entry.S.
void trap_from_kernel(struct trap_frame *frame);
void trap_paranoid_from_kernel(struct trap_frame *frame);

static const char *const names[VECTOR_EXCEPTION_END] = {
	"divide error", "debug trap", "non-maskable interrupt", "breakpoint", "overflow", "bound range exceeded",
	"invalid instruction", "no coprocessor", "double fault (kernel stack overflow?)", "coprocessor overrun",
	"invalid task state", "segment not present", "stack segment fault", "general protection fault",
	"page fault", "exception 15", "floating-point error", "alignment check", "machine check",
	"vector floating-point error", "virtualisation exception", "control protection fault",
};

void user_set_fault_handler(err_t (*handler)(u64 address, u32 access))
{
	fault_handler = handler;
}

const char *trap_name(u64 vector)
{
	return vector < VECTOR_EXCEPTION_END && names[vector] ? names[vector] : "unknown trap";
}

void arch_trap_frame_print(const struct trap_frame *f)
{
	log_error("rip %016lx  rsp %016lx  rflags %08lx  error %lx  cr2 %016lx", f->rip, f->rsp, f->rflags,
		  f->error_code, cr2_read());
	log_error("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx", f->rax, f->rbx, f->rcx, f->rdx);
	log_error("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx", f->rsi, f->rdi, f->rbp, f->r8);
	log_error("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx", f->r9, f->r10, f->r11, f->r12);
	log_error("r13 %016lx  r14 %016lx  r15 %016lx  processor %u", f->r13, f->r14, f->r15, arch_cpu_index());
}

static const struct fixup *fixup_find(u64 rip)
{
	for (const struct fixup *f = image_fixup_start; f < image_fixup_end; f++)
		if (rip == (LAYOUT_IMAGE_BASE | f->at))
			return f;
	return NULL;
}

static bool fault_may_sleep(const struct trap_frame *frame)
{
	return fault_handler && (frame->rflags & RFLAGS_INTERRUPT) && arch_preempt_count() == 0 &&
	       arch_interrupt_depth() == 0;
}

static void user_copy_fault(struct trap_frame *frame, const struct fixup *fixup)
{
	u64 address = cr2_read();
	if (frame->vector == VECTOR_PAGE_FAULT && address < LAYOUT_USER_END && fault_may_sleep(frame)) {
		arch_interrupts_enable();
		err_t e = fault_handler(address, frame->error_code & FAULT_WRITE ? USER_FAULT_WRITE : 0);
		arch_interrupts_disable();
		if (e == OK)
			return;
	}
	frame->rip = LAYOUT_IMAGE_BASE | fixup->to;
}

void trap_from_kernel(struct trap_frame *frame)
{
	if (frame->vector >= VECTOR_EXCEPTION_END) {
		interrupt_handle((u32)frame->vector, INTERRUPT_FROM_KERNEL);
		if (arch_reschedule_needed() && arch_preempt_count() == 0 && arch_interrupt_depth() == 0 &&
		    (frame->rflags & RFLAGS_INTERRUPT))
			core_preempt();
		return;
	}
	const struct fixup *fixup = fixup_find(frame->rip);
	if (fixup && (frame->vector == VECTOR_PAGE_FAULT || frame->vector == VECTOR_PROTECTION)) {
		user_copy_fault(frame, fixup);
		return;
	}
	core_trap_panic(frame, trap_name(frame->vector), frame->rip, frame->rbp);
}

void trap_paranoid_from_kernel(struct trap_frame *frame)
{
	switch (frame->vector) {
	case VECTOR_DEBUG:
		// A single step that user mode started and that fired at the kernel's first instruction.
		frame->rflags &= ~RFLAGS_TRAP;
		return;
	case VECTOR_NMI:
		interrupt_nmi();
		return;
	default:
		core_trap_panic(frame, trap_name(frame->vector), frame->rip, frame->rbp);
	}
}
