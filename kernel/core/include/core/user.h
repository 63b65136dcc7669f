// SPDX-License-Identifier: MPL-2.0
// User memory and user mode. A user address is opaque: it can be copied from and to, never
// dereferenced. Copies check the range, and take page faults through the vm service's handler; where
// sleeping is impossible (spinlock held, interrupt) a page that is not there gives -EFAULT.
#pragma once
#include <core/error.h>
#include <core/span.h>
#include <core/task.h>

typedef struct user_addr {
	u64 value;
} user_addr_t;
static inline user_addr_t user_addr(u64 value) { return (user_addr_t){ value }; }
static inline bool user_is_null(user_addr_t a) { return a.value == 0; }
static inline user_addr_t user_offset(user_addr_t a, u64 n) { return (user_addr_t){ a.value + n }; }

// -EFAULT: nothing is promised about how much was copied. => may sleep
err_t user_copy_in(span_t to, user_addr_t from);
err_t user_copy_out(user_addr_t to, bytes_t from);
// Copies as much as possible; returns the number of bytes NOT copied.
usize user_copy_in_some(span_t to, user_addr_t from);
usize user_copy_out_some(user_addr_t to, bytes_t from);
err_t user_zero(user_addr_t to, usize length);
// A string with its end mark left out: its length, -EFAULT, or -ENAMETOOLONG when no end is found
// within span_len(to) bytes.
ssize_r user_copy_string(span_t to, user_addr_t from);
err_t user_read_u32(user_addr_t from, u32 *out borrowed);
err_t user_read_u64(user_addr_t from, u64 *out borrowed);
err_t user_write_u32(user_addr_t to, u32 value);
err_t user_write_u64(user_addr_t to, u64 value);
// Objects of integers only: `user_copy_in_object(&local, addr)`.
#define user_copy_in_object(pointer, from) user_copy_in(object_span(pointer), (from))
#define user_copy_out_object(to, pointer) user_copy_out((to), object_bytes(pointer))
// Atomic on a user u32 (futex): *old is what was there. -EFAULT, -EAGAIN never (retries inside).
err_t user_compare_exchange_u32(user_addr_t at, u32 expected, u32 desired, u32 *old borrowed);
enum user_atomic_op { USER_ATOMIC_SET, USER_ATOMIC_ADD, USER_ATOMIC_OR, USER_ATOMIC_ANDN, USER_ATOMIC_XOR };
err_t user_atomic_u32(user_addr_t at, enum user_atomic_op op, u32 operand, u32 *old borrowed);

// --- user mode ------------------------------------------------------------------------------
// The user's registers; the layout follows struct user_regs_struct for the general ones.
struct user_context {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax;		// system call number, or ~0ul when the last exit was none
	u64 rip, cs, rflags, rsp, ss;
	u64 fs_base, gs_base;
	u64 trap_number, error_code, fault_address;
	u64 must_iret;		// set when registers were changed other than rax (signal return, exec)
};
// A program may change its segment bases by itself (FSGSBASE): brings fs_base and gs_base of the current task's context
// up to date. From here to the next user_enter() the context counts: call it before reading or writing either.
void user_bases_sync(struct user_context *context borrowed);
enum user_exit {
	USER_EXIT_SYSCALL,	// number in orig_rax, arguments in rdi rsi rdx r10 r8 r9
	USER_EXIT_FAULT,	// page fault: fault_address, error_code
	USER_EXIT_EXCEPTION,	// any other: trap_number (x86 vector), error_code (16 and 19: enum user_float_fault)
	USER_EXIT_WORK		// nothing happened, but task_pending_work() is not 0
};
// Runs the current task in user mode until it comes back. Every register value is safe: segments,
// flags and non-canonical addresses are made harmless or come back as an exception.
enum user_exit user_enter(struct user_context *context borrowed);
// What a floating point exception found: raised and not masked. source: Intel SDM vol. 1, 8.1.3 and 10.2.3
enum user_float_fault { USER_FLOAT_INVALID = 1, USER_FLOAT_DENORMAL = 2, USER_FLOAT_DIVIDE = 4, USER_FLOAT_OVERFLOW = 8,
	USER_FLOAT_UNDERFLOW = 16, USER_FLOAT_INEXACT = 32 };
// 32-bit entry (int 0x80) comes back as USER_EXIT_EXCEPTION with trap_number 13.

// Kernel-mode faults of user copies, and nothing else, come here: make the page present (OK), or
// -EFAULT. Registered by the vm service. Runs in the faulting task, may sleep.
#define USER_FAULT_WRITE 1
#define USER_FAULT_EXECUTE 2
void user_set_fault_handler(err_t (*handler)(u64 address, u32 access));

// --- floating point and vector state ----------------------------------------------------------
// Of the current task: bytes of a signal frame's state area (Linux's layout: legacy fxsave area with
// software-reserved bytes, extended area, FP_XSTATE_MAGIC2). Alignment 64.
usize user_fpu_size(void);
err_t user_fpu_save(user_addr_t to);
// -EINVAL/-EFAULT for a state that the processor would refuse; 0 address: initial state.
err_t user_fpu_restore(user_addr_t from);
void user_fpu_reset(void);
// Of the current task: registers that only the processor knows go to `context` and to the task's state, where others
// may
// look at and change them while the task sleeps.
void user_state_settle(struct user_context *context borrowed);
// The vector state of a task that has settled and sleeps, in the format of XSAVE with Linux's mark of the components at
// byte 464; of a running one it is some older state. As much as fits; its whole size. 0: it has none yet.
usize task_fpu_read(const struct task *t borrowed, span_t to);
// The legacy 512 bytes, or all. -EINVAL for a state that the processor would refuse, or another length.
err_t task_fpu_write(struct task *t borrowed, bytes_t from);
// fork: `to` gets the current task's state.
err_t user_fpu_clone(struct task *to borrowed);
