// SPDX-License-Identifier: MPL-2.0
// The only code that touches user memory. Each function was given a range inside user space by its C
// caller, opens SMAP, and closes it on every way out. `fixup` names where a fault at the next
// instruction continues.
//
// Bulk copies move 8 bytes at a time by `rep movsq`, or bytes where the processor says that `rep movsb`
// is fast at every length. When a page is missing in the middle, the rest is tried byte by byte, so
// that the count is exact.

#include "core/arch/x86_64/trap/smap.h"

.macro fixup to
	.pushsection .fixup_table, "a"
	.long 8f - LAYOUT_IMAGE_BASE, \to - LAYOUT_IMAGE_BASE
	.popsection
8:
.endm

	.text
// usize user_copy_raw(void *to, const void *from, usize n): returns how many bytes are left.
	.balign 16
	.globl user_copy_raw
user_copy_raw:
	smap_open
	cmpb $0, user_copy_bytewise(%rip)
	jne 2f
	movq %rdx, %rcx
	shrq $3, %rcx
	andl $7, %edx
	jz 3f
	fixup 4f
	rep movsq
	movl %edx, %ecx
	fixup 5f
	rep movsb
	movq %rcx, %rax
	smap_close
	ret
3:	fixup 4f
	rep movsq
	movq %rcx, %rax
	smap_close
	ret
2:	movq %rdx, %rcx
	fixup 5f
	rep movsb
5:	movq %rcx, %rax
	smap_close
	ret
4:	leaq (%rdx, %rcx, 8), %rcx
	fixup 5b
	rep movsb
	movq %rcx, %rax
	smap_close
	ret

// usize user_zero_raw(void *to, usize n)
	.balign 16
	.globl user_zero_raw
user_zero_raw:
	smap_open
	xorl %eax, %eax
	movq %rsi, %rcx
	shrq $3, %rcx
	andl $7, %esi
	fixup 1f
	rep stosq
	movl %esi, %ecx
2:	fixup 3f
	rep stosb
3:	movq %rcx, %rax
	smap_close
	ret
1:	leaq (%rsi, %rcx, 8), %rcx
	jmp 2b

// s64 user_string_raw(u8 *to, const u8 *from, usize n): copies up to and without the zero byte; its
// length, n if there was none, or -14. Eight bytes at a time while they lie in one page.
	.balign 16
	.globl user_string_raw
user_string_raw:
	smap_open
	movq %rsi, %r8
	addq %rsi, %rdx                 // the end
	movabsq $0x0101010101010101, %r9
	movabsq $0x8080808080808080, %r10
1:	leaq 8(%rsi), %rax
	cmpq %rdx, %rax
	ja 3f
	movl %esi, %ecx
	andl $0xfff, %ecx
	cmpl $0xff8, %ecx
	ja 3f
	fixup 6f
	movq (%rsi), %rax
	movq %rax, %rcx
	subq %r9, %rcx
	movq %rax, %r11
	notq %r11
	andq %r11, %rcx
	andq %r10, %rcx
	jnz 3f                          // a zero byte among the eight
	movq %rax, (%rdi)
	addq $8, %rsi
	addq $8, %rdi
	jmp 1b
3:	cmpq %rdx, %rsi
	jae 5f
	fixup 6f
	movzbl (%rsi), %eax
	movb %al, (%rdi)
	testl %eax, %eax
	jz 5f
	incq %rsi
	incq %rdi
	testl $7, %esi
	jnz 3b
	jmp 1b
5:	movq %rsi, %rax
	subq %r8, %rax
	smap_close
	ret
6:	movq $-14, %rax
	smap_close
	ret

// s32 user_load_32(const u32 *from, u32 *to), user_load_64: 0 or -14.
.macro load name, move, register
	.balign 16
	.globl \name
\name:
	smap_open
	fixup user_access_failed
	\move (%rdi), \register
	smap_close
	\move \register, (%rsi)
	xorl %eax, %eax
	ret
.endm
	load user_load_32, movl, %ecx
	load user_load_64, movq, %rcx

// s32 user_store_32(u32 *to, u32 value), user_store_64: 0 or -14.
.macro store name, move, register
	.balign 16
	.globl \name
\name:
	smap_open
	fixup user_access_failed
	\move \register, (%rdi)
	smap_close
	xorl %eax, %eax
	ret
.endm
	store user_store_32, movl, %esi
	store user_store_64, movq, %rsi

// s32 user_exchange_32(u32 *at, u32 expected, u32 desired, u32 *old): 0 or -14.
	.balign 16
	.globl user_exchange_32
user_exchange_32:
	movl %esi, %eax
	smap_open
	fixup user_access_failed
	lock cmpxchgl %edx, (%rdi)
	smap_close
	movl %eax, (%rcx)
	xorl %eax, %eax
	ret

	.balign 16
user_access_failed:
	smap_close
	movl $-14, %eax
	ret
