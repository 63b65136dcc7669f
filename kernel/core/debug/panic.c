// SPDX-License-Identifier: MPL-2.0
// When something is wrong with our own code.
//
// A trap (core_trap, a failed bounds check, a bad memory access) in a task that runs a system call, holds
// no lock and is not in an interrupt has damaged nothing but that task: the task is ended as if killed.
// Anywhere else, what the lock guards may be half changed, so the machine stops: `panic=N` on the command
// line reboots after N seconds, at once when N is negative, never when it is 0.
#include <core/arch/clock.h>
#include <core/arch/context.h>
#include <core/arch/cpu.h>
#include <core/arch/interrupts.h>
#include <core/arch/layout.h>
#include <core/arch/machine.h>
#include <core/boot.h>
#include <core/cpu.h>
#include <core/debug.h>
#include <core/print.h>
#include <lib/format.h>
#include "debug_internal.h"

enum { TRACE_MAX = 32, PANIC_LINE_MAX = 256 };

static u32 panicking;				// atomic: CPU number + 1
static void (*crash_handler)(void);		// immutable once registered
static struct task *crashing;			// atomic: the last task that was ended so

void back_trace_print(u64 frame_pointer)
{
	u64 addresses[TRACE_MAX] = { 0 };
	u32 n = arch_back_trace(frame_pointer, addresses, TRACE_MAX);

	for (u32 i = 0; i < n; i++) {
		u8 line[128];
		struct text t = text_to(array_span(line));

		// A return address may lie behind the last instruction of its function.
		symbol_print(&t, addresses[i] - 1);
		log_text(LOG_ERROR, "  at", text_bytes(&t));
	}
}

void debug_back_trace(void)
{
	back_trace_print(0);
}

static void log_place(const char *what, u64 address)
{
	u8 line[128];
	struct text t = text_to(array_span(line));

	symbol_print(&t, address);
	log_text(LOG_ERROR, what, text_bytes(&t));
}

static void log_task(void)
{
	struct task *t = arch_current_task();

	u8 name[TASK_NAME_MAX];

	if (t)
		log_text(LOG_ERROR, "task", bytes_first(array_bytes(name), task_name(t, array_span(name))));
}

static no_return void machine_stop(void)
{
	bytes_t value = bytes_empty();
	s64 seconds = 0;
	bool reboots = boot_option(STR("panic"), &value) && bytes_parse_s64(value, 10, &seconds) && seconds;

	arch_machine_debug_exit(0x7f);
	if (!reboots) {
		log_error("end of kernel panic; the machine is stopped");
		arch_cpu_halt();
	}
	log_error("rebooting");
	if (seconds > 0)
		arch_delay_ns((u64)min(seconds, 3600l) * 1000000000ul);
	arch_machine_reboot();
}

static void panic_begin(void)
{
	u32 none = 0, me = arch_cpu_index() + 1;

	arch_interrupts_disable();
	if (!__atomic_compare_exchange_n(&panicking, &none, me, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		if (none != me)
			arch_cpu_halt(); // another CPU tells the story
		arch_machine_debug_exit(0x7f);
		arch_cpu_halt(); // a panic inside a panic
	}
	arch_stop_other_cpus();
	log_enter_panic();
}

void panic(const char *format, ...)
{
	u8 line[PANIC_LINE_MAX];
	struct text t = text_to(array_span(line));
	__builtin_va_list arguments;

	__builtin_va_start(arguments, format);
	text_vprintf(&t, format, arguments);
	__builtin_va_end(arguments);
	panic_begin();
	log_text(LOG_EMERGENCY, "kernel panic", text_bytes(&t));
	log_task();
	back_trace_print(0);
	machine_stop();
}

void task_set_crash_handler(void (*handler)(void))
{
	crash_handler = handler;
}

// Is everything but this task intact? A second trap of the same task is not believed.
static bool task_can_end(void)
{
	struct task *t = arch_current_task();
	u64 here = (u64)__builtin_frame_address(0);

	// A fault for lack of stack is told of on another one.
	if (!t || here - (u64)t->__stack >= LAYOUT_STACK_SIZE)
		return false;
	return crash_handler && t->__page_table && !arch_preempt_count() && !arch_interrupt_depth() &&
	       !t->__held_count && __atomic_exchange_n(&crashing, t, __ATOMIC_RELAXED) != t;
}

static no_return void crash(u64 frame_pointer, const struct trap_frame *frame)
{
	bool ends = task_can_end();

	if (!ends)
		panic_begin();
	if (frame)
		arch_trap_frame_print(frame);
	log_task();
	back_trace_print(frame_pointer);
	if (!ends) {
		log_print(LOG_EMERGENCY, "kernel panic: a bug where more than one task may be damaged");
		machine_stop();
	}
	log_error("the task is ended, the system goes on");
	arch_interrupts_enable();
	crash_handler();
	panic("a task that was to end came back");
}

void core_trap_panic(const struct trap_frame *frame, const char *what, u64 rip, u64 frame_pointer)
{
	log_error("kernel bug: %s", what);
	log_place("  at", rip);
	crash(frame_pointer, frame);
}

// The compiler's check of a function's frame failed: something wrote past a local. Nothing is trusted.
void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
	panic("a stack frame was overwritten");
}

void core_trap(void)
{
	log_error("kernel bug: a check of the core failed");
	crash(0, NULL);
}
