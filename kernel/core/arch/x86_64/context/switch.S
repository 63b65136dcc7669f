// SPDX-License-Identifier: MPL-2.0
// Changing stacks.

	.text
	.balign 16
// void *context_switch_stacks(u64 *save, u64 load, void *previous): returns `previous` on the new stack.
	.globl context_switch_stacks
context_switch_stacks:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	movq %rdx, %rax
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

// The first return of a new task: r12 = entry, r13 = task, rax = the task that ran before.
	.balign 16
	.globl context_first
context_first:
	movq %r13, %rdi
	movq %rax, %rsi
	xorl %ebp, %ebp
	pushq $0                        // ends the back trace
	pushq $0
	movq %rsp, %rbp
	call *%r12
	ud2
