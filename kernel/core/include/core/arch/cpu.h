// SPDX-License-Identifier: MPL-2.0
// This processor, seen from the core: its own area, its interrupt flag, its instructions.
//
// Each processor's GS base points to its struct cpu_local while the kernel runs. Words that only this
// processor touches are read and written by one GS-relative instruction, so they are safe against
// preemption by being indivisible, not by a lock.
#pragma once

#include <core/types.h>
#include <core/arch/cpu_offsets.h>

struct task;
struct user_context;
struct page_table;
struct fpu_state;

// The hardware's task state segment: stacks for traps.
struct task_state {
	u32 reserved0;
	u64 kernel_stack_pointer;       // where traps from user mode land; set by each user_enter()
	u64 ring_stacks[2];
	u64 reserved1;
	u64 stacks[7];                  // the interrupt stack table
	u64 reserved2;
	u16 reserved3;
	u16 port_map;
} __ATTR(packed);

// Fields are "this CPU only" unless said otherwise. Offsets are shared with assembly (cpu_offsets.h).
struct cpu_local {
	struct cpu_local *self;         // immutable
	struct task *current;           // the running task; written by the scheduler's switch
	u32 preempt_count;              // 0: the running task may be preempted
	u32 reschedule_needed;          // set by this CPU, or by another one before its IPI (atomic)
	u32 index;                      // immutable: 0 .. cpu_count() - 1
	u32 interrupt_depth;            // 0 outside interrupt handlers
	u64 user_stack_pointer;         // scratch of the system call entry
	u64 stack_canary;
	struct fpu_state *fpu_owner;    // whose vector state the registers hold, or NULL
	u64 apic_id;                    // immutable
	struct user_context *user;      // the context that user mode runs on
	struct page_table *page_table;  // as loaded; NULL: the kernel's own
	u64 user_fs_base;               // as loaded in the processor
	u64 user_gs_base;
	u32 interrupted_user;           // the interrupt being handled came from user mode
	u32 reserved0[7];
	u32 reserved1;
	struct task_state task_state;
	u32 reserved2[5];
};

#ifdef CONFIG_HOSTED
#include <core/arch/cpu_hosted.h>
#else
#define cpu_word(type, offset) (*(type __seg_gs *)(offset))

static inline u32 arch_cpu_index(void)
{
	return cpu_word(u32, CPU_LOCAL_INDEX);
}

static inline struct task *arch_current_task(void)
{
	return cpu_word(struct task *volatile, CPU_LOCAL_CURRENT);
}

static inline void arch_current_task_set(struct task *task)
{
	cpu_word(struct task *volatile, CPU_LOCAL_CURRENT) = task;
}

// Preemption of the running task: CORE's preempt_enable() calls the scheduler when the count drops to
// zero while a reschedule is needed.
static inline void arch_preempt_count_add(u32 n)
{
	asm volatile("addl %0, %%gs:%c1" :: "ri"(n), "i"(CPU_LOCAL_PREEMPT_COUNT) : "memory", "cc");
}

static inline void arch_preempt_count_subtract(u32 n)
{
	asm volatile("subl %0, %%gs:%c1" :: "ri"(n), "i"(CPU_LOCAL_PREEMPT_COUNT) : "memory", "cc");
}

static inline u32 arch_preempt_count(void)
{
	return cpu_word(volatile u32, CPU_LOCAL_PREEMPT_COUNT);
}

static inline void arch_preempt_count_set(u32 n)
{
	cpu_word(volatile u32, CPU_LOCAL_PREEMPT_COUNT) = n;
}

static inline u32 arch_reschedule_needed(void)
{
	return cpu_word(volatile u32, CPU_LOCAL_RESCHEDULE);
}

static inline void arch_reschedule_needed_set(u32 needed)
{
	cpu_word(volatile u32, CPU_LOCAL_RESCHEDULE) = needed;
}

static inline u32 arch_interrupt_depth(void)
{
	return cpu_word(volatile u32, CPU_LOCAL_INTERRUPT_DEPTH);
}

#define ARCH_FLAGS_INTERRUPT 0x200UL

static inline u64 arch_flags(void)
{
	u64 flags;
	asm volatile("pushfq; popq %0" : "=r"(flags) :: "memory");
	return flags;
}

static inline void arch_interrupts_disable(void)
{
	asm volatile("cli" ::: "memory");
}

static inline void arch_interrupts_enable(void)
{
	asm volatile("sti" ::: "memory");
}

// The flag as it was, to hand back to arch_interrupts_restore().
static inline u64 arch_interrupts_save(void)
{
	u64 flags = arch_flags();
	arch_interrupts_disable();
	return flags;
}

static inline void arch_interrupts_restore(u64 flags)
{
	if (flags & ARCH_FLAGS_INTERRUPT)
		arch_interrupts_enable();
}

static inline bool arch_interrupts_enabled(void)
{
	return (arch_flags() & ARCH_FLAGS_INTERRUPT) != 0;
}

static inline void arch_cpu_relax(void)
{
	asm volatile("pause" ::: "memory");
}

// Called with interrupts disabled: enables them and sleeps until the next one, without losing one
// that arrives in between.
static inline void arch_cpu_idle(void)
{
	asm volatile("sti; hlt" ::: "memory");
}

no_return static inline void arch_cpu_halt(void)
{
	for (;;)
		asm volatile("cli; hlt" ::: "memory");
}

static inline u64 arch_timestamp(void)
{
	u32 low, high;
	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}
#endif

// A hardware random word. Returns 0 when the processor has none or it failed; never a random zero.
u64 arch_hardware_random(void);

// Processors that were found (1 .. ARCH_CPU_MAX) and that run now. Both are 1 until arch_smp_start().
u32 arch_cpu_count(void);
u32 arch_cpu_online_count(void);
struct cpu_local *arch_cpu_local(u32 index);
