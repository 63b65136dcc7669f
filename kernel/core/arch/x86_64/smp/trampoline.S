// SPDX-License-Identifier: MPL-2.0
// A processor's way from real mode to C. The code between the two labels is copied to the page that the
// start-up message names (physical 0x8000); it uses the boot tables, where that page stands at its
// physical address and the image at its own.

#include "core/arch/x86_64/boot/early_switch.h"
#include "core/arch/x86_64/smp/trampoline.h"

#define HERE(symbol) ((symbol) - smp_trampoline_start + TRAMPOLINE_ADDRESS)

	.section .rodata, "a"
	.balign 16
	.globl smp_trampoline_start, smp_trampoline_end
smp_trampoline_start:
	.code16
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl HERE(descriptors_pointer)
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $SEGMENT_KERNEL_DATA + 8, $HERE(protected_mode)

	.code32
protected_mode:
	movw $SEGMENT_KERNEL_DATA, %ax
	movw %ax, %ds
	movw %ax, %ss
	early_paging
	ljmpl $SEGMENT_KERNEL_CODE, $HERE(long_mode)

	.code64
long_mode:
	movabsq $smp_processor_start, %rax
	jmp *%rax

	.balign 8
descriptors:
	early_descriptors
	.quad 0x00cf9b000000ffff        // 32-bit code, for one instruction
descriptors_pointer:
	.short descriptors_pointer - descriptors - 1
	.long HERE(descriptors)
smp_trampoline_end:

	.text
smp_processor_start:
	early_segments
	movq smp_start_root(%rip), %rax
	movq %rax, %cr3                 // the stack is not in the boot tables
	movq smp_start_stack(%rip), %rsp
	movq smp_start_local(%rip), %rax
	early_local_area
	xorl %ebp, %ebp
	pushq $0
	pushq $0
	call smp_processor_enter
	ud2
