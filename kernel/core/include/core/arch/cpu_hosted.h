// SPDX-License-Identifier: MPL-2.0
// The inline half of core/arch/cpu.h where the kernel is a Linux program: one processor, whose state is a
// global. See core/arch/hosted.
#pragma once

struct hosted_cpu {
	struct task *current;
	u32 preempt_count, reschedule_needed, interrupt_depth, interrupts_enabled;
};
extern struct hosted_cpu hosted_cpu;

#define ARCH_FLAGS_INTERRUPT 0x200UL

static inline u32 arch_cpu_index(void) { return 0; }
static inline struct task *arch_current_task(void) { return hosted_cpu.current; }
static inline void arch_current_task_set(struct task *task) { hosted_cpu.current = task; }
static inline void arch_preempt_count_add(u32 n) { hosted_cpu.preempt_count += n; }
static inline void arch_preempt_count_subtract(u32 n) { hosted_cpu.preempt_count -= n; }
static inline u32 arch_preempt_count(void) { return hosted_cpu.preempt_count; }
static inline void arch_preempt_count_set(u32 n) { hosted_cpu.preempt_count = n; }
static inline u32 arch_reschedule_needed(void) { return hosted_cpu.reschedule_needed; }
static inline void arch_reschedule_needed_set(u32 needed) { hosted_cpu.reschedule_needed = needed; }
static inline u32 arch_interrupt_depth(void) { return hosted_cpu.interrupt_depth; }
static inline u64 arch_flags(void) { return hosted_cpu.interrupts_enabled ? ARCH_FLAGS_INTERRUPT : 0; }
static inline void arch_interrupts_disable(void) { hosted_cpu.interrupts_enabled = 0; }
static inline void arch_interrupts_enable(void) { hosted_cpu.interrupts_enabled = 1; }
static inline bool arch_interrupts_enabled(void) { return hosted_cpu.interrupts_enabled; }
static inline void arch_cpu_relax(void) { }

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

void hosted_idle(void);
no_return void hosted_abort(const char *why);
u64 arch_clock_ns(void);

static inline void arch_cpu_idle(void) { hosted_idle(); }
[[noreturn]] static inline void arch_cpu_halt(void) { hosted_abort("halted"); }
static inline u64 arch_timestamp(void) { return arch_clock_ns(); }
