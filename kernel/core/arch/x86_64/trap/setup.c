// SPDX-License-Identifier: MPL-2.0
// Descriptor tables: segments, the 256 trap vectors, and the emergency stacks.
#include "core/arch/x86_64/trap/setup.h"
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/cpu/registers.h"
#include "core/arch/x86_64/trap/frame.h"
#include "core/arch/x86_64/trap/segments.h"
#include <core/arch/cpu.h>
#include <core/arch/paging.h>

enum {
	GATE_INTERRUPT = 0x8e,
	GATE_USER = 0x60,
	STUB_SIZE = 16,
	SMAP_INSTRUCTION_SIZE = 3,
};

struct gate {
	u16 offset_low;
	u16 selector;
	u8 stack_slot;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

struct __ATTR(packed) table_pointer {
	u16 limit;
	u64 address;
};

extern const u8 trap_stubs[];           // trap/entry.S: one stub of 16 bytes for each vector
extern const u8 syscall_entry[];
extern const u32 smap_sites_start[], smap_sites_end[];

static struct gate gates[VECTOR_COUNT] __ATTR(aligned(16)) __ATTR(section(".sealed"));
static u64 segments[ARCH_CPU_MAX][SEGMENT_COUNT] __ATTR(aligned(64));
static u8 boot_stacks[STACK_SLOT_COUNT][STACK_SLOT_SIZE] __ATTR(aligned(16));

static void gate_set(u32 vector, u8 type, u8 stack_slot)
{
	u64 address = (u64)trap_stubs + vector * STUB_SIZE;
	gates[vector] = (struct gate){
		.offset_low = (u16)address,
		.selector = SEGMENT_KERNEL_CODE,
		.stack_slot = stack_slot,
		.type = type,
		.offset_middle = (u16)(address >> 16),
		.offset_high = (u32)(address >> 32),
	};
}

static void smap_instructions_remove(void)
{
	for (const u32 *site = smap_sites_start; site < smap_sites_end; site++) {
		u8 *code = (u8 *)(LAYOUT_IMAGE_BASE | *site);
		code[0] = 0x0f;         // a three-byte no-operation
		code[1] = 0x1f;
		code[2] = 0x00;
	}
}

// The word above the first frame says whose stack it is: entry.S has nothing else to find the processor's area by.
static void trap_setup_stack(u32 cpu, u32 slot, u8 *bottom)
{
	u64 *top = (u64 *)(bottom + STACK_SLOT_SIZE - 16);
	*top = (u64)arch_cpu_local(cpu);
	arch_cpu_local(cpu)->task_state.stacks[slot] = (u64)top;
}

void trap_setup_table(void)
{
	for (u32 i = 0; i < VECTOR_COUNT; i++)
		gate_set(i, GATE_INTERRUPT, 0);
	gate_set(VECTOR_DEBUG, GATE_INTERRUPT, STACK_SLOT_DEBUG);
	gate_set(VECTOR_NMI, GATE_INTERRUPT, STACK_SLOT_NMI);
	gate_set(VECTOR_DOUBLE_FAULT, GATE_INTERRUPT, STACK_SLOT_DOUBLE);
	gate_set(VECTOR_MACHINE_CHECK, GATE_INTERRUPT, STACK_SLOT_MACHINE);
	gate_set(VECTOR_BREAKPOINT, GATE_INTERRUPT | GATE_USER, 0);
	for (u32 i = 0; i < STACK_SLOT_COUNT; i++)
		trap_setup_stack(0, i, boot_stacks[i]);
	if (!cpu_features.smap)
		smap_instructions_remove();
}

bool trap_prepare_cpu(u32 index)
{
	for (u32 i = 0; i < STACK_SLOT_COUNT; i++) {
		u64 page = core_table_page_allocate();
		if (page == ~0UL)
			return false;
		trap_setup_stack(index, i, physical_to_virtual(page));
	}
	return true;
}

static void segments_load(u32 index)
{
	u64 *table = segments[index];
	struct cpu_local *cpu = arch_cpu_local(index);
	u64 state = (u64)&cpu->task_state;
	cpu->task_state.port_map = sizeof(struct task_state);
	table[SEGMENT_KERNEL_CODE / 8] = 0x00af9b000000ffff;
	table[SEGMENT_KERNEL_DATA / 8] = 0x00cf93000000ffff;
	table[SEGMENT_USER_DATA / 8] = 0x00cff3000000ffff;
	table[SEGMENT_USER_CODE / 8] = 0x00affb000000ffff;
	table[SEGMENT_TASK / 8] = (sizeof(struct task_state) - 1) | (state & 0xffffff) << 16 |
		0x89UL << 40 | (state >> 24 & 0xff) << 56;
	table[SEGMENT_TASK / 8 + 1] = state >> 32;

	struct table_pointer pointer = { sizeof(segments[0]) - 1, (u64)table };
	asm volatile("lgdt %0\n\t"
		     "pushq %1\n\t"
		     "leaq 1f(%%rip), %%rax\n\t"
		     "pushq %%rax\n\t"
		     "lretq\n"
		     "1:\tmovl %2, %%ss\n\t"
		     "movl %3, %%ds\n\t"
		     "movl %3, %%es\n\t"
		     "ltr %w4"
		     :: "m"(pointer), "i"(SEGMENT_KERNEL_CODE), "r"(SEGMENT_KERNEL_DATA), "r"(0), "r"(SEGMENT_TASK)
		     : "rax", "memory");
}

void trap_setup_cpu(u32 index)
{
	segments_load(index);
	struct table_pointer pointer = { sizeof(gates) - 1, (u64)gates };
	asm volatile("lidt %0" :: "m"(pointer));

	u64 flags = RFLAGS_TRAP | RFLAGS_INTERRUPT | RFLAGS_DIRECTION | RFLAGS_IOPL | RFLAGS_NESTED |
		RFLAGS_ALIGNMENT | 0x8d5;
	msr_write(MSR_STAR, (u64)(SEGMENT_USER_BASE & ~3) << 48 | (u64)SEGMENT_KERNEL_CODE << 32);
	msr_write(MSR_LSTAR, (u64)syscall_entry);
	msr_write(MSR_SYSCALL_MASK, flags);
	msr_write(MSR_KERNEL_GS_BASE, 0);
	msr_write(MSR_FS_BASE, 0);
}
