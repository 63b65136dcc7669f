// SPDX-License-Identifier: MPL-2.0
// Vector state: saved when a task leaves its processor, loaded before user mode if the registers do
// not still hold it. The kernel itself never touches these registers.
//
// A processor remembers whose state it loaded last, a state remembers on which processor: only when
// both agree the registers are current. A freed state at the same address is told apart by `cpu`.
#include "core/arch/x86_64/fpu/fpu.h"
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/fpu/area.h"
#include <core/arch/core_memory.h>
#include <core/user.h>
#include "core/memory/account.h"

static struct slab_cache state_cache;
static u32 mxcsr_mask;                  // immutable after fpu_setup()

u32 fpu_mxcsr_mask(void)
{
	return mxcsr_mask;
}

void fpu_area_reset(u8 *area)
{
	__builtin_memset(area, 0, cpu_features.xsave_size);
	struct fpu_legacy *legacy = (struct fpu_legacy *)area;
	legacy->control = 0x37f;
	legacy->mxcsr = 0x1f80;
}

#define MASK_OPERANDS "a"((u32)cpu_features.xsave_mask), "d"((u32)(cpu_features.xsave_mask >> 32))

// Whole: also parts in their initial state, which XSAVEOPT leaves unwritten.
static void save_all(u8 *area)
{
	if (cpu_features.xsave)
		asm volatile("xsave64 (%0)" :: "r"(area), MASK_OPERANDS : "memory");
	else
		asm volatile("fxsave64 (%0)" :: "r"(area) : "memory");
}

static void save(u8 *area)
{
	if (cpu_features.xsaveopt)
		asm volatile("xsaveopt64 (%0)" :: "r"(area), MASK_OPERANDS : "memory");
	else
		save_all(area);
}

static void restore(const u8 *area)
{
	if (cpu_features.xsave)
		asm volatile("xrstor64 (%0)" :: "r"(area), MASK_OPERANDS : "memory");
	else
		asm volatile("fxrstor64 (%0)" :: "r"(area) : "memory");
}

void fpu_setup(void)
{
	static u8 probe[FPU_LEGACY_SIZE] __ATTR(aligned(64));
	asm volatile("fninit; fxsave64 (%0)" :: "r"(probe) : "memory");
	mxcsr_mask = ((struct fpu_legacy *)probe)->mxcsr_mask;
	if (mxcsr_mask == 0)
		mxcsr_mask = 0xffbf;
}

static usize state_size(void)
{
	return (sizeof(struct fpu_state) + cpu_features.xsave_size + 63) & ~63UL;
}

err_t fpu_prepare(struct task *task)
{
	if (task->__fpu)
		return OK;
	u32 owner;
	if (!account_charge_current(state_size(), MEMORY_ACCOUNT_SLAB, &owner))
		return -ENOMEM;
	struct fpu_state *state = slab_alloc(&state_cache, "fpu_state", state_size());
	if (!state) {
		account_uncharge(owner, state_size(), MEMORY_ACCOUNT_SLAB);
		return -ENOMEM;
	}
	state->owner = owner;
	state->cpu = U32_MAX;
	fpu_area_reset(state->area);
	task->__fpu = state;
	return OK;
}

void fpu_release(struct task *task)
{
	struct fpu_state *state = task->__fpu;
	task->__fpu = NULL;
	if (!state)
		return;
	account_uncharge(state->owner, state_size(), MEMORY_ACCOUNT_SLAB);
	slab_free(&state_cache, state);
}

void fpu_leave(struct task *task)
{
	struct fpu_state *state = task->__fpu;
	if (!state || !state->dirty)
		return;
	save(state->area);
	state->dirty = 0;
}

void fpu_load(struct fpu_state *state)
{
	restore(state->area);
	state->cpu = arch_cpu_index();
	cpu_word(struct fpu_state *, CPU_LOCAL_FPU_OWNER) = state;
}

void fpu_area_update(struct fpu_state *state)
{
	u64 flags = arch_interrupts_save();
	// After XSAVEOPT at a switch the area may have holes: load and save whole.
	if (!state->dirty)
		restore(state->area);
	save_all(state->area);
	state->cpu = arch_cpu_index();
	cpu_word(struct fpu_state *, CPU_LOCAL_FPU_OWNER) = state;
	state->dirty = 0;
	arch_interrupts_restore(flags);
}

void fpu_area_take(struct fpu_state *state)
{
	u64 flags = arch_interrupts_save();
	state->dirty = 0;
	state->cpu = U32_MAX;
	arch_interrupts_restore(flags);
}

void user_fpu_reset(void)
{
	struct fpu_state *state = arch_current_task()->__fpu;
	if (!state)
		return;
	fpu_area_take(state);
	fpu_area_reset(state->area);
}

err_t user_fpu_clone(struct task *to)
{
	struct fpu_state *state = arch_current_task()->__fpu;
	err_t e = fpu_prepare(to);
	if (e || !state)
		return e;
	fpu_area_update(state);
	struct fpu_state *copy = to->__fpu;
	__builtin_memcpy(copy->area, state->area, cpu_features.xsave_size);
	return OK;
}
