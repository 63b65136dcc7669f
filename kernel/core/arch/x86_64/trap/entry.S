// SPDX-License-Identifier: MPL-2.0
// All traps. Each vector has a stub of 16 bytes that pushes what the hardware did not, so that the
// stack always holds: vector, error code, rip, cs, rflags, rsp, ss.
//
// From user mode, registers go straight into the user context and the kernel continues behind
// user_run() (user/enter.S), as if that call had returned: no frame stays on the stack. From kernel
// mode, a struct trap_frame is pushed and trap_from_kernel() is called.
//
// NMI, machine check, double fault and debug traps may arrive anywhere, also between the first
// instruction of an entry and its SWAPGS, and user mode may have loaded any GS base. They have stacks of
// their own, at whose top the processor's area is written, and put back the base that they found.

#include <core/arch/cpu_offsets.h>
#include "core/arch/x86_64/trap/segments.h"
#include "core/arch/x86_64/trap/smap.h"
#include "core/arch/x86_64/user/context_offsets.h"

#define VECTOR_DEBUG         1
#define MSR_GS_BASE          0xc0000101
#define FRAME_VECTOR         0
#define FRAME_ERROR          8
#define FRAME_RIP            16
#define FRAME_CS             24
#define FRAME_RFLAGS         32
#define FRAME_RSP            40
#define FRAME_LOCAL          56      // above the frame: see trap_setup_stack()
#define FRAME_REGISTERS      120

	.section .text.trap_stubs, "ax"
	.balign 16
	.globl trap_stubs
trap_stubs:
vector = 0
	.rept 256
	.balign 16
	.if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
	.else
	pushq $0
	.endif
	pushq $vector
	.if vector == 2 || vector == 8 || vector == 18 || vector == VECTOR_DEBUG
	jmp trap_paranoid
	.else
	jmp trap_common
	.endif
vector = vector + 1
	.endr

.macro frame_push
	pushq %rax
	pushq %rbx
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %rbp
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
.endm

.macro frame_pop
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rbp
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbx
	popq %rax
	addq $16, %rsp
.endm

	.text
	.balign 16
trap_common:
	testb $3, FRAME_CS(%rsp)
	jnz trap_user
	frame_push
	cld
	smap_close
	movq %rsp, %rdi
	pushq 17*8(%rsp)                // the interrupted rip and rbp: a link for the back trace
	pushq 9*8(%rsp)
	movq %rsp, %rbp
	call trap_from_kernel
	addq $16, %rsp
	frame_pop
	iretq

trap_user:
	swapgs
	pushq %rax
	movq %gs:CPU_LOCAL_USER, %rax
	movq %r15, CONTEXT_R15(%rax)
	movq %r14, CONTEXT_R14(%rax)
	movq %r13, CONTEXT_R13(%rax)
	movq %r12, CONTEXT_R12(%rax)
	movq %rbp, CONTEXT_RBP(%rax)
	movq %rbx, CONTEXT_RBX(%rax)
	movq %r11, CONTEXT_R11(%rax)
	movq %r10, CONTEXT_R10(%rax)
	movq %r9, CONTEXT_R9(%rax)
	movq %r8, CONTEXT_R8(%rax)
	movq %rcx, CONTEXT_RCX(%rax)
	movq %rdx, CONTEXT_RDX(%rax)
	movq %rsi, CONTEXT_RSI(%rax)
	movq %rdi, CONTEXT_RDI(%rax)
	popq CONTEXT_RAX(%rax)
	popq CONTEXT_TRAP(%rax)
	popq CONTEXT_ERROR(%rax)
	popq CONTEXT_RIP(%rax)
	popq %rcx                       // cs is always the one user code segment
	popq CONTEXT_RFLAGS(%rax)
	popq CONTEXT_RSP(%rax)
	movq $1, CONTEXT_MUST_IRET(%rax)
	movq $-1, CONTEXT_ORIG_RAX(%rax)
	movq %gs:CPU_LOCAL_KERNEL_STACK, %rsp
	cld
	smap_close
	movl $1, %eax
	jmp user_run_return

	.balign 16
trap_paranoid:
	cmpl $VECTOR_DEBUG, FRAME_VECTOR(%rsp)
	jne 1f
	testb $3, FRAME_CS(%rsp)
	jnz trap_user
1:	frame_push
	cld
	smap_close
	movl $MSR_GS_BASE, %ecx
	rdmsr
	movl %eax, %r12d
	movl %edx, %r13d
	movl FRAME_REGISTERS + FRAME_LOCAL(%rsp), %eax
	movl FRAME_REGISTERS + FRAME_LOCAL + 4(%rsp), %edx
	wrmsr
	movq %rsp, %rdi
	pushq 17*8(%rsp)
	pushq 9*8(%rsp)
	movq %rsp, %rbp
	call trap_paranoid_from_kernel
	addq $16, %rsp
	movl $MSR_GS_BASE, %ecx
	movl %r12d, %eax
	movl %r13d, %edx
	wrmsr
	frame_pop
	iretq

// SYSCALL arrives here with interrupts and direction flag off, the user's stack, rcx = rip and
// r11 = rflags. The context itself serves as the place to save to: rsp points to it, not to a stack.
	.balign 16
	.globl syscall_entry
syscall_entry:
	swapgs
	movq %rsp, %gs:CPU_LOCAL_USER_STACK
	movq %gs:CPU_LOCAL_USER, %rsp
	movq %r15, CONTEXT_R15(%rsp)
	movq %r14, CONTEXT_R14(%rsp)
	movq %r13, CONTEXT_R13(%rsp)
	movq %r12, CONTEXT_R12(%rsp)
	movq %rbp, CONTEXT_RBP(%rsp)
	movq %rbx, CONTEXT_RBX(%rsp)
	movq %r11, CONTEXT_R11(%rsp)
	movq %r11, CONTEXT_RFLAGS(%rsp)
	movq %r10, CONTEXT_R10(%rsp)
	movq %r9, CONTEXT_R9(%rsp)
	movq %r8, CONTEXT_R8(%rsp)
	movq %rax, CONTEXT_RAX(%rsp)
	movq %rax, CONTEXT_ORIG_RAX(%rsp)
	movq %rcx, CONTEXT_RCX(%rsp)
	movq %rcx, CONTEXT_RIP(%rsp)
	movq %rdx, CONTEXT_RDX(%rsp)
	movq %rsi, CONTEXT_RSI(%rsp)
	movq %rdi, CONTEXT_RDI(%rsp)
	movq %gs:CPU_LOCAL_USER_STACK, %rcx
	movq %rcx, CONTEXT_RSP(%rsp)
	movq $0, CONTEXT_MUST_IRET(%rsp)
	movq %gs:CPU_LOCAL_KERNEL_STACK, %rsp
	xorl %eax, %eax
	// falls into user_run_return

// Back in the kernel: the callee-saved registers that user_run() pushed, the other ones cleared so
// that no user value is live in speculation. eax: what user_run() returns.
user_run_return:
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	xorl %edi, %edi
	xorl %r8d, %r8d
	xorl %r9d, %r9d
	xorl %r10d, %r10d
	xorl %r11d, %r11d
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

// u32 user_run(struct user_context *context): interrupts are disabled, registers are sane (the C
// caller checked rip and rflags). Returns 0 for a system call, 1 for a trap; interrupts disabled.
	.balign 16
	.globl user_run
user_run:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, %gs:CPU_LOCAL_KERNEL_STACK
	movq %rdi, %gs:CPU_LOCAL_USER
	movq CONTEXT_R15(%rdi), %r15
	movq CONTEXT_R14(%rdi), %r14
	movq CONTEXT_R13(%rdi), %r13
	movq CONTEXT_R12(%rdi), %r12
	movq CONTEXT_RBP(%rdi), %rbp
	movq CONTEXT_RBX(%rdi), %rbx
	movq CONTEXT_R10(%rdi), %r10
	movq CONTEXT_R9(%rdi), %r9
	movq CONTEXT_R8(%rdi), %r8
	movq CONTEXT_RAX(%rdi), %rax
	movq CONTEXT_RDX(%rdi), %rdx
	movq CONTEXT_RSI(%rdi), %rsi
	cmpq $0, CONTEXT_MUST_IRET(%rdi)
	jne 1f
	movq CONTEXT_RIP(%rdi), %rcx
	movq CONTEXT_RFLAGS(%rdi), %r11
	movq CONTEXT_RSP(%rdi), %rsp
	movq CONTEXT_RDI(%rdi), %rdi
	swapgs
	sysretq

1:	movq CONTEXT_R11(%rdi), %r11
	movq CONTEXT_RCX(%rdi), %rcx
	pushq $SEGMENT_USER_DATA
	pushq CONTEXT_RSP(%rdi)
	pushq CONTEXT_RFLAGS(%rdi)
	pushq $SEGMENT_USER_CODE
	pushq CONTEXT_RIP(%rdi)
	movq CONTEXT_RDI(%rdi), %rdi
	swapgs
	iretq
