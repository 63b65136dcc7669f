// SPDX-License-Identifier: MPL-2.0
#include <core/boot.h>
#include <linux_abi/dispatch.h>
#include <linux_abi/process/exit_work.h>
#include <linux_abi/signal/frame.h>
#include <linux_abi/signal/rseq.h>
#include <linux_abi/syscall_table.h>
#include <linux_abi/time/cpu_timers.h>
#include <linux_abi/vdso_map.h>
#include <services/process/exit.h>
#include <services/process/trace.h>
#include <services/security/seccomp/seccomp.h>

static s64 call(u64 number, const struct syscall_args *args borrowed)
{
	return number < SYSCALL_COUNT ? syscall_handlers[number](args) : -ENOSYS;
}

static struct syscall_args arguments_of(const struct user_context *u borrowed)
{
	return (struct syscall_args){ { u->rdi, u->rsi, u->rdx, u->r10, u->r8, u->r9 } };
}

// Does the thread's filter let the call through? If not the result is there, or the thread ends here. A tracer that
// the filter asks may change the call, which is then judged again, or take it back.
static bool passes_filter(struct thread *t)
{
	for (bool was_asked = false;; was_asked = true) {
		u32 data = 0;
		const enum seccomp_answer answer = seccomp_judge(t, &data);

		if (answer == SECCOMP_END_THREAD)
			thread_exit(data);
		if (answer != SECCOMP_ASK_TRACER)
			return answer == SECCOMP_GO_ON;
		if (was_asked)
			return true;
		if (!trace_call_filtered(t, data) || (u32)t->user.orig_rax == U32_MAX)
			return false;
	}
}

static void call_now(struct thread *t)
{
	struct syscall_args args = arguments_of(&t->user);
	t->user.rax = (u64)call(t->user.orig_rax & U32_MAX, &args);
}

// Of a thread that is restricted or traced.
static no_inline void system_call_watched(struct thread *t)
{
	const u64 number = t->user.orig_rax;
	bool is_to_be_done = true;
	if (thread_is_traced(t)) {
		t->user.rax = (u64)-ENOSYS;
		is_to_be_done = trace_call_begins(t);
	}
	const bool is_taken_back = t->user.orig_rax != number && (u32)t->user.orig_rax == U32_MAX;
	if (is_to_be_done && !is_taken_back &&
	    (!(atomic_u32_load(&t->call_work) & THREAD_CALL_SECCOMP) || passes_filter(t)))
		call_now(t);
	if (thread_is_traced(t))
		trace_call_ends(t);
}

// A program cannot make the kernel's own result numbers appear: only services return them.
static void system_call(struct thread *t)
{
	if (atomic_u32_load_relaxed(&t->call_work))
		system_call_watched(t);
	else
		call_now(t);
}

static void system_call_traced(struct thread *t)
{
	u64 number = t->user.orig_rax;
	tracer_enter(t);
	system_call(t);
	tracer_leave(t, number, (s64)t->user.rax);
}

static void service_work(struct thread *t)
{
	cpu_watch_check(t->process);
}

static void timer_signal_taken(struct thread *t, struct signal_info *info borrowed)
{
	process_timer_signal_taken(t->process, info);
}

static void program_changes(struct thread *t)
{
	process_timers_exec(t->process);
}

static const struct user_mode_ops ops = {
	.system_call = system_call,
	.deliver_signal = signal_frame_push,
	.timer_signal_taken = timer_signal_taken,
	.thread_exits = exit_work_thread_exits,
	.service_work = service_work,
	.switched = rseq_switched,
	.program_changes = program_changes,
};
static const struct user_mode_ops traced_ops = {
	.system_call = system_call_traced,
	.deliver_signal = signal_frame_push,
	.timer_signal_taken = timer_signal_taken,
	.thread_exits = exit_work_thread_exits,
	.service_work = service_work,
	.switched = rseq_switched,
	.program_changes = program_changes,
};

void linux_abi_init(void)
{
	bytes_t value = bytes_empty();
	tracer_init();
	thread_set_user_mode_ops(boot_option(STR("strace"), &value) ? &traced_ops : &ops);
	vdso_map_init();
}
