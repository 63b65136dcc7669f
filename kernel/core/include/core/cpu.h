// SPDX-License-Identifier: MPL-2.0
// Processors. Number 0 is the boot processor.
#pragma once
#include <core/task.h>

u32 cpu_count(void);			// online
u32 cpu_current(void);			// stable only with preemption off
struct cpu_set cpu_online_set(void);
// Preemption off until the end of the block.
#ifdef CORE_INLINE
static inline void preempt_disable(void) { __preempt_count_up(); }
static inline void preempt_enable(void) { __preempt_count_down(); }
#else
void preempt_disable(void);
void preempt_enable(void);
#endif
static inline void __preempt_out(const u32 *unused borrowed) { (void)unused; preempt_enable(); }
static inline u32 __preempt_in(void) { preempt_disable(); return 0; }
#define preempt_guard() const u32 __CAT(__preempt_, __LINE__) auto_release(__preempt_out) maybe_unused = __preempt_in()
// True in an interrupt handler or under a spinlock: must not sleep.
bool cpu_is_atomic(void);

// CPUs set apart: on those of `apart` runs only what may run nowhere else; from and to those of `isolated` no task is
// moved for balance, it stays where it is. Where tasks are already is not looked at. => any context
void cpu_set_apart(const struct cpu_set *apart borrowed, const struct cpu_set *isolated borrowed);

struct cpu_times {
	u64 user_ns, system_ns, idle_ns, irq_ns, context_switches;
};
struct cpu_times cpu_read_times(u32 cpu);
// Does it run a task at the moment? (A snapshot.)
bool cpu_is_busy(u32 cpu);
// Identification for /proc/cpuinfo; text fields are zero padded.
struct cpu_identity {
	u8 vendor[16], model_name[64], flags[1024];
	u32 family, model, stepping, cache_kib, apic_id, physical_bits, virtual_bits;
	u64 tsc_khz;
};
void cpu_read_identity(u32 cpu, struct cpu_identity *out borrowed);
// HWCAP for AT_HWCAP (cpuid 1 edx) and AT_HWCAP2.
u64 cpu_hwcap(void);
u64 cpu_hwcap2(void);
