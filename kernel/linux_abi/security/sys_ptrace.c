// SPDX-License-Identifier: MPL-2.0
// source: ptrace(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/security/ptrace_request.h>
#include <linux_abi/signal/siginfo.h>
#include <services/process/process_signal.h>
#include <services/vm/vm_space.h>

enum ptrace_number {
	TRACEME = 0, PEEKTEXT = 1, PEEKDATA = 2, PEEKUSER = 3, POKETEXT = 4, POKEDATA = 5, POKEUSER = 6, CONT = 7,
	KILL = 8, SINGLESTEP = 9, GETREGS = 12, SETREGS = 13, GETFPREGS = 14, SETFPREGS = 15, ATTACH = 16, DETACH = 17,
	SYSCALL = 24, SYSEMU = 31, SYSEMU_SINGLESTEP = 32,
	SETOPTIONS = 0x4200, GETEVENTMSG = 0x4201, GETSIGINFO = 0x4202, SETSIGINFO = 0x4203,
	GETREGSET = 0x4204, SETREGSET = 0x4205, SEIZE = 0x4206, INTERRUPT = 0x4207, LISTEN = 0x4208,
	PEEKSIGINFO = 0x4209, GETSIGMASK = 0x420a, SETSIGMASK = 0x420b, GET_SYSCALL_INFO = 0x420e
};
#define ARCHITECTURE 0xc000003eu	// AUDIT_ARCH_X86_64
#define SIGSET_SIZE 8u

// --- memory -----------------------------------------------------------------------------------------------

static s64 peek(struct thread *t, u64 address, u64 data)
{
	u8 raw[8];
	struct vm_space *s object_auto(vm_space) = thread_space_of(t);
	struct iobuf to = iobuf_to_kernel(array_span(raw));
	if (!s || vm_space_access(s, address, sizeof(raw), &to, VM_ACCESS_FORCE) != sizeof(raw))
		return -EIO;
	return user_copy_out(user_addr(data), array_bytes(raw));
}

static s64 poke(struct thread *t, u64 address, u64 data)
{
	u8 raw[8];
	struct vm_space *s object_auto(vm_space) = thread_space_of(t);
	struct iobuf from = iobuf_from_kernel(array_bytes(raw));
	span_put_u64le(array_span(raw), 0, data);
	if (!s || vm_space_access(s, address, sizeof(raw), &from, USER_FAULT_WRITE | VM_ACCESS_FORCE) != sizeof(raw))
		return -EIO;
	return 0;
}

// --- signals ----------------------------------------------------------------------------------------------

static no_inline s64 get_siginfo(struct trace *x, user_addr_t to)
{
	struct trace_stop s = {};
	u8 raw[SIGINFO_SIZE] = { 0 };
	trace_read_stop(x, &s);
	if (!s.has_info)
		return -EINVAL;
	siginfo_encode(array_span(raw), &s.info, thread_cred()->user_ns);
	return user_copy_out(to, array_bytes(raw));
}

static no_inline s64 set_siginfo(struct trace *x, user_addr_t from)
{
	u8 raw[SIGINFO_SIZE];
	struct signal_info info = {};
	const err_t e = user_copy_in(array_span(raw), from);
	if (e)
		return e;
	const u32 signal = bytes_get_u32le(array_bytes(raw), 0);
	siginfo_decode(array_bytes(raw), signal, &info);
	return trace_set_info(x, &info);
}

static s64 signal_mask(struct thread *t, u64 size, user_addr_t at, u32 is_set)
{
	u64 bits = 0;
	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (!is_set)
		return user_write_u64(at, t->blocked.bits);
	const err_t e = user_read_u64(at, &bits);
	if (e)
		return e;
	irq_guard(&t->process->signal_lock);
	t->blocked.bits = bits & ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
	return 0;
}

// --- what stopped it ----------------------------------------------------------------------------------------

static void put_call(span_t out, const struct user_context *u borrowed)
{
	const u64 values[7] = { u->orig_rax, u->rdi, u->rsi, u->rdx, u->r10, u->r8, u->r9 };
	for (u32 n = 0; n < 7; n++)
		span_put_u64le(out, 24 + (usize)n * 8, values[n]);
}

static no_inline s64 get_syscall_info(struct trace *x, struct thread *t, u64 size, user_addr_t to)
{
	struct trace_stop s = {};
	u8 raw[88] = { 0 };
	const span_t out = array_span(raw);
	u64 length = 24;
	trace_read_stop(x, &s);
	span_at(out, 0) = (u8)s.operation;
	span_put_u32le(out, 4, ARCHITECTURE);
	span_put_u64le(out, 8, t->user.rip);
	span_put_u64le(out, 16, t->user.rsp);
	if (s.operation == TRACE_OPERATION_EXIT) {
		span_put_u64le(out, 24, t->user.rax);
		span_at(out, 32) = t->user.rax >= (u64)-4095;
		length = 33;
	} else if (s.operation != TRACE_OPERATION_NONE) {
		put_call(out, &t->user);
		span_put_u32le(out, 80, (u32)s.message);
		length = s.operation == TRACE_OPERATION_SECCOMP ? 84 : 80;
	}
	const err_t e = user_copy_out(to, bytes_first(array_bytes(raw), min(size, length)));
	return e ? e : (s64)length;
}

static s64 get_message(struct trace *x, user_addr_t to)
{
	struct trace_stop s = {};
	trace_read_stop(x, &s);
	return user_write_u64(to, s.message);
}

// --- requests -------------------------------------------------------------------------------------------------

static s64 information(struct trace *x, struct thread *t, s64 request, u64 address, user_addr_t data)
{
	switch (request) {
	case GETEVENTMSG:
		return get_message(x, data);
	case GETSIGINFO:
		return get_siginfo(x, data);
	case SETSIGINFO:
		return set_siginfo(x, data);
	case GETSIGMASK:
	case SETSIGMASK:
		return signal_mask(t, address, data, request == SETSIGMASK);
	case PEEKSIGINFO:
		return ptrace_peek_signals(t, user_addr(address), data);
	case GET_SYSCALL_INFO:
		return get_syscall_info(x, t, address, data);
	default:
		return -EIO;
	}
}

static s64 registers(struct thread *t, s64 request, u64 address, u64 data)
{
	switch (request) {
	case PEEKUSER:
		return ptrace_peek_user(t, address, user_addr(data));
	case POKEUSER:
		return ptrace_poke_user(t, address, data);
	case GETREGS:
		return ptrace_get_registers(t, user_addr(data));
	case SETREGS:
		return ptrace_set_registers(t, user_addr(data));
	case GETFPREGS:
		return ptrace_get_vector(t, user_addr(data));
	case SETFPREGS:
		return ptrace_set_vector(t, user_addr(data));
	default:
		return ptrace_register_set(t, (u32)address, user_addr(data), request == SETREGSET);
	}
}

static s64 request_standing(struct trace *x, struct thread *t, s64 request, u64 address, u64 data)
{
	switch (request) {
	case PEEKTEXT:
	case PEEKDATA:
		return peek(t, address, data);
	case POKETEXT:
	case POKEDATA:
		return poke(t, address, data);
	case CONT:
		return trace_resume(x, TRACE_CONTINUE, data);
	case SYSCALL:
		return trace_resume(x, TRACE_CONTINUE_TO_CALL, data);
	case SINGLESTEP:
		return trace_resume(x, TRACE_STEP, data);
	case SYSEMU:
		return trace_resume(x, TRACE_EMULATE, data);
	case SYSEMU_SINGLESTEP:
		return trace_resume(x, TRACE_EMULATE_STEP, data);
	case DETACH:
		return trace_detach(x, data);
	case LISTEN:
		return trace_listen(x);
	case SETOPTIONS:
		return trace_set_options(x, data);
	case PEEKUSER:
	case POKEUSER:
	case GETREGS:
	case SETREGS:
	case GETFPREGS:
	case SETFPREGS:
	case GETREGSET:
	case SETREGSET:
		return registers(t, request, address, data);
	default:
		return information(x, t, request, address, user_addr(data));
	}
}

static s64 attach(struct thread *t, s64 request, u64 address, u64 options)
{
	if (request == ATTACH)
		return trace_attach(t, TRACE_ATTACH, 0);
	if (address || (options & ~(u64)TRACE_OPTIONS_KNOWN))
		return -EIO;
	return trace_attach(t, TRACE_SEIZE, (u32)options);
}

s64 sys_ptrace(s64 request, s64 pid, u64 addr, u64 data)
{
	if (request == TRACEME)
		return trace_me();
	struct pid *number object_auto(pid) = pid_find(thread_pid_namespace(), (u32)pid);
	struct thread *t object_auto(thread) = number ? pid_thread(number) : NULL;
	if (!t)
		return -ESRCH;
	if (request == ATTACH || request == SEIZE)
		return attach(t, request, addr, data);
	struct trace *x object_auto(trace) = NULL;
	const bool is_any = request == KILL || request == INTERRUPT;
	const err_t e = trace_find(t, is_any ? TRACE_NEED_ANY : TRACE_NEED_STANDING, &x);
	if (e)
		return e;
	if (request == INTERRUPT)
		return trace_interrupt(x);
	if (request == KILL) {
		signal_kill_process(t->process);
		return 0;
	}
	return request_standing(x, t, request, addr, data);
}
