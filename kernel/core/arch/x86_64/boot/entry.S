// SPDX-License-Identifier: MPL-2.0
// The first instructions: two loaders enter here in 32-bit protected mode without paging.
//
// PVH (QEMU -kernel, Firecracker, Cloud Hypervisor) finds the address in an ELF note and passes a
// struct hvm_start_info in %ebx. Multiboot2 (GRUB) finds it in a header tag, passes a magic number in
// %eax and a list of tags in %ebx. Both paths build the same early tables (the first 4 GiB at their
// physical addresses, the first 1 GiB again at the image's base), enable long mode and call C.

#include <core/arch/cpu_offsets.h>
#include "core/arch/x86_64/boot/early_switch.h"
#include "core/arch/x86_64/boot/protocol.h"

#define CPUID_LM_NX     0x20100000

	.section .boot.header, "a"
	.balign 8
header_start:
	.long 0xe85250d6, 0, header_end - header_start
	.long -(0xe85250d6 + 0 + (header_end - header_start))
	.balign 8
	.short 3, 0                     // entry address
	.long 12, boot_multiboot_physical
	.balign 8
	.short 6, 0                     // modules on page boundaries
	.long 8
	.balign 8
	.short 0, 0
	.long 8
header_end:

	.section .note.Xen, "a"
	.balign 4
	.long 4, 8, 18                  // XEN_ELFNOTE_PHYS32_ENTRY
	.asciz "Xen"
	.quad boot_pvh_physical

	.section .boot.text, "ax"
	.code32
	.globl boot_pvh_entry
boot_pvh_entry:
	movl $BOOT_PROTOCOL_PVH, %edi
	jmp enter_common

	.globl boot_multiboot_entry
boot_multiboot_entry:
	cmpl $0x36d76289, %eax
	jne halt
	movl $BOOT_PROTOCOL_MULTIBOOT2, %edi

enter_common:
	cli
	cld
	movl %ebx, %esi
	movl $PHYSICAL(boot_stack_end), %esp

	movl $0x80000001, %eax
	cpuid
	andl $CPUID_LM_NX, %edx
	cmpl $CPUID_LM_NX, %edx
	jne halt

	// 2048 entries of 2 MiB: four page directories.
	movl $PHYSICAL(boot_directories), %ecx
	movl $0x83, %eax
1:	movl %eax, (%ecx)
	addl $8, %ecx
	addl $0x200000, %eax
	jnc 1b

	movl $PHYSICAL(boot_directories) + 3, %eax
	movl %eax, PHYSICAL(boot_pointers_low)
	movl %eax, PHYSICAL(boot_pointers_high) + 510 * 8
	addl $0x1000, %eax
	movl %eax, PHYSICAL(boot_pointers_low) + 8
	addl $0x1000, %eax
	movl %eax, PHYSICAL(boot_pointers_low) + 16
	addl $0x1000, %eax
	movl %eax, PHYSICAL(boot_pointers_low) + 24
	movl $PHYSICAL(boot_pointers_low) + 3, PHYSICAL(boot_root)
	movl $PHYSICAL(boot_pointers_high) + 3, PHYSICAL(boot_root) + 511 * 8

	early_paging
	lgdt PHYSICAL(boot_gdt_pointer)
	ljmp $SEGMENT_KERNEL_CODE, $PHYSICAL(enter_long)

halt:
	hlt
	jmp halt

	.code64
enter_long:
	movabsq $enter_image, %rax
	jmp *%rax
enter_image:
	lgdt boot_gdt_pointer_high(%rip)
	early_segments
	leaq boot_stack_end(%rip), %rsp

	leaq cpu_locals(%rip), %rax
	early_local_area
	rdtsc
	shlq $32, %rax
	xorq %rdx, %rax
	movabsq $0x9e3779b97f4a7c15, %rcx
	imulq %rcx, %rax
	shlq $8, %rax                   // a zero byte stops string overruns
	movq %rax, %gs:CPU_LOCAL_CANARY

	movl %esi, %esi                 // the upper halves are undefined after the switch
	movl %edi, %edi
	xorl %ebp, %ebp
	call boot_start
	ud2

	.section .rodata, "a"
	.balign 8
boot_gdt:
	early_descriptors
boot_gdt_end:
boot_gdt_pointer:
	.short boot_gdt_end - boot_gdt - 1
	.long PHYSICAL(boot_gdt)
	.long 0
boot_gdt_pointer_high:
	.short boot_gdt_end - boot_gdt - 1
	.quad boot_gdt

	.bss
	.balign 4096
	.globl boot_root
boot_root:              .skip 4096
boot_pointers_low:      .skip 4096
boot_pointers_high:     .skip 4096
boot_directories:       .skip 4 * 4096
	.globl boot_stack_start, boot_stack_end
boot_stack_start:       .skip LAYOUT_STACK_SIZE
boot_stack_end:
