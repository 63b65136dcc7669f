// SPDX-License-Identifier: MPL-2.0
// The few instructions that every lock and every look at the current task consist of, to be compiled
// into their callers (the words are those of struct cpu_local). Not in host and debug builds.
#pragma once

#include <core/arch/cpu_offsets.h>
#include <core/types.h>

struct task;

#if !defined(CONFIG_HOSTED) && !defined(CONFIG_DEBUG)
#define CORE_INLINE 1

// A flow of control is one task for all its life, so the answer may be kept.
static inline struct task *__current_task(void)
{
	struct task *t;

	asm("movq %%gs:%c1, %0" : "=r"(t) : "i"(CPU_LOCAL_CURRENT));
	return t;
}

static inline void __preempt_count_up(void)
{
	asm volatile("incl %%gs:%c0" : : "i"(CPU_LOCAL_PREEMPT_COUNT) : "memory", "cc");
}

void __preempt_check(void);
static inline void __preempt_count_down(void)
{
	bool due;

	asm volatile("decl %%gs:%c1\n\tcmpl $0, %%gs:%c2"
		     : "=@ccne"(due)
		     : "i"(CPU_LOCAL_PREEMPT_COUNT), "i"(CPU_LOCAL_RESCHEDULE)
		     : "memory");
	if (__unlikely(due))
		__preempt_check();
}
#endif
