// SPDX-License-Identifier: MPL-2.0
// For assembly: what the boot processor and the others do alike on their way from 32-bit mode to C.
#pragma once
#include <core/arch/layout.h>
#include "core/arch/x86_64/trap/segments.h"

#define PHYSICAL(symbol) ((symbol) - LAYOUT_IMAGE_BASE)

#define CR0_BOOT        0x80010033      // PG WP NE ET MP PE
#define CR4_BOOT        0x000000a0      // PGE PAE
#define MSR_EFER        0xc0000080
#define MSR_GS_BASE     0xc0000101
#define EFER_BOOT       0x00000901      // NXE LME SCE

// Paging with the boot tables, and long mode from the next far jump on. Changes eax, ecx, edx.
.macro early_paging
	movl $CR4_BOOT, %eax
	movl %eax, %cr4
	movl $PHYSICAL(boot_root), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	movl $EFER_BOOT, %eax
	xorl %edx, %edx
	wrmsr
	movl $CR0_BOOT, %eax
	movl %eax, %cr0
.endm

// In long mode no data segment is used. Changes eax.
.macro early_segments
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %eax, %fs
	movl %eax, %gs
.endm

// rax: this processor's own area; compiled code reads the stack canary from it at once. Changes rax, rcx, rdx.
.macro early_local_area
	movq %rax, %rdx
	shrq $32, %rdx
	movl $MSR_GS_BASE, %ecx
	wrmsr
.endm

.macro early_descriptors
	.quad 0
	.quad 0
	.quad 0x00af9b000000ffff        // SEGMENT_KERNEL_CODE: long mode, ring 0
	.quad 0x00cf93000000ffff        // SEGMENT_KERNEL_DATA
.endm
