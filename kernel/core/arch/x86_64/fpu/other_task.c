// SPDX-License-Identifier: MPL-2.0
// The vector state of a task that is looked at by another one (debuggers). The state is written only as a whole that
// the processor takes; two writers may mix two such states, which is one, too.
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/fpu/area.h"
#include "core/arch/x86_64/fpu/fpu.h"
#include "core/arch/x86_64/user/setup.h"
#include <core/user.h>

enum {
	COMPONENTS_OFFSET = 464,        // where Linux's regset names the components that are there
	SOFTWARE_OFFSET = 416,
	SOFTWARE_END = 512,
	STATE_LEGACY = 3,
};

void user_state_settle(struct user_context *context)
{
	struct task *task = arch_current_task();
	user_bases_sync(context);
	if (fpu_prepare(task) != OK)
		return;
	fpu_area_update(task->__fpu);
	fpu_area_take(task->__fpu);
}

static usize area_size(void)
{
	return cpu_features.xsave ? cpu_features.xsave_size : (usize)FPU_LEGACY_SIZE;
}

usize task_fpu_read(const struct task *t, span_t to)
{
	const struct fpu_state *state = t->__fpu;
	if (!state)
		return 0;
	span_copy_some(to, (bytes_t){ state->area, area_size() });
	if (to.__n >= SOFTWARE_END) {
		span_fill(span_slice(to, SOFTWARE_OFFSET, SOFTWARE_END - SOFTWARE_OFFSET), 0);
		if (cpu_features.xsave)
			span_put_u64le(to, COMPONENTS_OFFSET, cpu_features.xsave_mask);
	}
	return area_size();
}

static bool header_is_sane(const struct fpu_header *header)
{
	u64 reserved = header->compact;
	for (u32 i = 0; i < array_len(header->reserved); i++)
		reserved |= header->reserved[i];
	return !reserved && !(header->present & ~cpu_features.xsave_mask);
}

err_t task_fpu_write(struct task *t, bytes_t from)
{
	struct fpu_state *state = t->__fpu;
	struct fpu_header header = { .present = STATE_LEGACY };
	u32 mxcsr;
	if (!state || (from.__n != FPU_LEGACY_SIZE && from.__n != area_size()))
		return -EINVAL;
	mxcsr = bytes_get_u32le(from, __builtin_offsetof(struct fpu_legacy, mxcsr));
	if (mxcsr & ~fpu_mxcsr_mask())
		return -EINVAL;
	if (from.__n > FPU_LEGACY_SIZE)
		__builtin_memcpy(&header, from.__p + FPU_LEGACY_SIZE, sizeof(header));
	if (!header_is_sane(&header))
		return -EINVAL;
	__builtin_memcpy(state->area, from.__p, from.__n);
	if (cpu_features.xsave && from.__n == FPU_LEGACY_SIZE)
		((struct fpu_header *)(state->area + FPU_LEGACY_SIZE))->present |= STATE_LEGACY;
	return OK;
}
