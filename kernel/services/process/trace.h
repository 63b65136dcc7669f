// SPDX-License-Identifier: MPL-2.0
// Tracing: one process, the tracer, watches threads of others, its tracees, and stops them. source: ptrace(2)
// A tracee stands still in the kernel while it reports a stop; then, and only then, its tracer may look at and change
// what otherwise belongs to the thread alone (its registers).
#pragma once
#include <services/process/exit.h>
#include <services/process/process_tree.h>
#include <services/process/thread.h>

enum trace_event { TRACE_EVENT_FORK = 1, TRACE_EVENT_VFORK, TRACE_EVENT_CLONE, TRACE_EVENT_EXEC, TRACE_EVENT_VFORK_DONE,
	TRACE_EVENT_EXIT, TRACE_EVENT_SECCOMP, TRACE_EVENT_STOP = 128 };
#define TRACE_OPTION_SYSGOOD 1u
#define TRACE_OPTION_OF(event) (1u << (event))
#define TRACE_OPTION_EXIT_KILL (1u << 20)
#define TRACE_OPTIONS_KNOWN (0xffu | TRACE_OPTION_EXIT_KILL)
enum trace_state { TRACE_RUNNING, TRACE_STANDING, TRACE_LISTENING, TRACE_GONE };
enum trace_operation { TRACE_OPERATION_NONE, TRACE_OPERATION_ENTRY, TRACE_OPERATION_EXIT, TRACE_OPERATION_SECCOMP };

// What a tracee reports, and how it goes on.
struct trace_stop {
	u32 code;		// as wait shows it: signal | event << 8
	u32 operation;		// enum trace_operation
	u64 message;		// PTRACE_GETEVENTMSG
	u32 has_info;
	u32 signal;		// out: the tracer wants this one delivered
	struct signal_info info;	// in and out
};
struct trace {
	struct object object;
	struct list_link link;		// tracer->traced
	// The rest: guarded by process_tree_lock.
	struct process *tracer;		// borrowed; NULL: it is over
	struct thread *tracee;		// borrowed; NULL once it has exited
	struct pid *pid;		// reference: of a thread that has exited
	struct process *leader_of;	// borrowed: the process whose first thread has exited
	struct cred *began_with;	// reference, immutable after creation: of whoever asked for this trace
	u32 is_seized, options;
	u32 state;			// enum trace_state
	u32 is_reported;		// wait has told of this stop
	u32 is_stepping;
	u32 exit_status;		// of a thread that has exited
	struct trace_stop stop;
};
DECLARE_OBJECT(trace)
DEFINE_LIST_OPS(trace_list, trace, link)

// --- for the tracer: the current process ---------------------------------------------------------------
enum trace_how { TRACE_ATTACH, TRACE_SEIZE };
// -EPERM (traced already, one of its own threads, no right), -ESRCH, -ENOMEM. => may sleep
err_t trace_attach(struct thread *t, enum trace_how how, u32 options);
err_t trace_me(void);	// PTRACE_TRACEME: by the parent
// The trace of t by the current process. -ESRCH: there is none. STANDING: or the tracee does not stand.
enum trace_need { TRACE_NEED_ANY, TRACE_NEED_STANDING };
err_t trace_find(struct thread *t, enum trace_need need, struct trace **out borrowed);
enum trace_resume { TRACE_CONTINUE, TRACE_CONTINUE_TO_CALL, TRACE_STEP, TRACE_EMULATE, TRACE_EMULATE_STEP };
// -EIO: no signal. -ESRCH: it does not stand.
err_t trace_resume(struct trace *x, enum trace_resume how, u64 signal);
err_t trace_detach(struct trace *x, u64 signal);
err_t trace_interrupt(struct trace *x);	// -EIO: not seized
err_t trace_listen(struct trace *x);	// -EIO: not in an event stop
err_t trace_set_options(struct trace *x, u64 options);
void trace_read_stop(struct trace *x, struct trace_stop *out borrowed);
err_t trace_set_info(struct trace *x, const struct signal_info *info borrowed);
// Yama (services/process/trace/yama.c): kernel.yama.ptrace_scope, PR_SET_PTRACER.
extern struct atomic_u32 trace_scope;
enum { TRACE_SCOPE_ALL, TRACE_SCOPE_DESCENDANTS, TRACE_SCOPE_ADMIN, TRACE_SCOPE_NONE };
err_t trace_scope_allows(struct thread *t);
err_t trace_set_permitted(s64 number);	// 0: nobody, -1: everybody. -EINVAL

// --- for the tracee: the current thread ----------------------------------------------------------------
static inline bool thread_is_traced(const struct thread *t borrowed)
{
	return atomic_u32_load_relaxed(&t->call_work) & THREAD_TRACED;
}
// Around a system call. The tracer may have changed number and registers. False: it has done the call itself.
bool trace_call_begins(struct thread *t);
void trace_call_ends(struct thread *t);
// SECCOMP_RET_TRACE. False: nobody wants to know.
bool trace_call_filtered(struct thread *t, u32 data);
// Before a signal is acted upon: false when it is not to be; *info may be another one now.
bool trace_signal(struct thread *t, struct signal_info *info borrowed);
// NEXT_STOP and NEXT_TRAP of attend.c.
void trace_group_stop(struct thread *t);
void trace_exec(u32 old_number);
// execve is about to change who the current thread is. False: it gains nothing in ns, since whoever traces it had no
// CAP_SYS_PTRACE there. Nobody begins to trace it until the process loses PROCESS_CHANGES_IDENTITY.
bool trace_exec_may_gain(const struct user_namespace *ns);
void trace_exit(struct thread *t, u32 status);
// The event of a clone with these flags, 0: none is wanted; made ready in the child before it starts. -ENOMEM
err_t trace_clone_prepare(struct thread *child, u64 flags, u32 exit_signal, u32 *event borrowed);
void trace_clone_link(struct thread *child);
void trace_clone_report(u32 event, struct pid *child);
