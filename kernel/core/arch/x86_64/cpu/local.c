// SPDX-License-Identifier: MPL-2.0
// The processors' own areas. The boot processor's is in use before any C code runs.
#include <core/arch/cpu.h>
#include "core/arch/x86_64/cpu/local.h"
#include "core/arch/x86_64/cpu/registers.h"

#define AT(field, offset) _Static_assert(__builtin_offsetof(struct cpu_local, field) == (offset))

AT(self, CPU_LOCAL_SELF);
AT(current, CPU_LOCAL_CURRENT);
AT(preempt_count, CPU_LOCAL_PREEMPT_COUNT);
AT(reschedule_needed, CPU_LOCAL_RESCHEDULE);
AT(index, CPU_LOCAL_INDEX);
AT(interrupt_depth, CPU_LOCAL_INTERRUPT_DEPTH);
AT(user_stack_pointer, CPU_LOCAL_USER_STACK);
AT(stack_canary, CPU_LOCAL_CANARY);
AT(fpu_owner, CPU_LOCAL_FPU_OWNER);
AT(apic_id, CPU_LOCAL_APIC_ID);
AT(user, CPU_LOCAL_USER);
AT(page_table, CPU_LOCAL_PAGE_TABLE);
AT(user_fs_base, CPU_LOCAL_USER_FS);
AT(user_gs_base, CPU_LOCAL_USER_GS);
AT(interrupted_user, CPU_LOCAL_INTERRUPTED_USER);
AT(task_state, CPU_LOCAL_TASK_STATE);
AT(task_state.kernel_stack_pointer, CPU_LOCAL_KERNEL_STACK);
_Static_assert(sizeof(struct cpu_local) == CPU_LOCAL_SIZE);

// One cache line pair each; written by its processor, so never read-only.
extern struct cpu_local cpu_locals[ARCH_CPU_MAX];
struct cpu_local cpu_locals[ARCH_CPU_MAX] __attribute__((aligned(128)));

static u32 count = 1;
static _Atomic(u32) online = 1;

u32 arch_cpu_count(void)
{
	return count;
}

u32 arch_cpu_online_count(void)
{
	return __c11_atomic_load(&online, __ATOMIC_ACQUIRE);
}

struct cpu_local *arch_cpu_local(u32 index)
{
	return &cpu_locals[index];
}

void cpu_local_setup(u32 index, u32 apic_id)
{
	struct cpu_local *cpu = &cpu_locals[index];
	cpu->self = cpu;
	cpu->index = index;
	cpu->apic_id = apic_id;
	// One value for all: a function may start on one processor and return on another.
	cpu->stack_canary = cpu_locals[0].stack_canary;
	if (index >= count)
		count = index + 1;
}

void cpu_local_online(void)
{
	__c11_atomic_fetch_add(&online, 1, __ATOMIC_ACQ_REL);
}

void cpu_local_limit(u32 limit)
{
	count = limit;
}
