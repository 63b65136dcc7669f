// SPDX-License-Identifier: MPL-2.0
// The frame that a signal handler finds on its stack, and the way back from it (rt_sigreturn).
#pragma once
#include <services/process/thread.h>

// -EFAULT: the stack has no room or is not there.
err_t signal_frame_push(
	struct thread *t, const struct signal_info *info borrowed, const struct signal_action *action borrowed);
// Takes registers, mask, alternate stack and vector state from the frame at rsp. -EFAULT, -EINVAL
err_t signal_frame_pop(struct thread *t);
// Is address `sp` on the alternate stack of t?
bool signal_stack_has(const struct thread *t, u64 sp);
#define SIGNAL_STACK_DISABLE 2u
#define SIGNAL_STACK_ONSTACK 1u
#define SIGNAL_STACK_AUTODISARM (1u << 31)
#define SIGNAL_STACK_SIZE_MIN 2048u
// What sigaltstack(2) reports and takes.
u32 signal_stack_flags(const struct thread *t);
err_t signal_stack_set(struct thread *t, u64 base, u32 flags, u64 size);
