// SPDX-License-Identifier: MPL-2.0
// Signals as data: numbers, sets, queued information, actions. Who receives them and when is in
// services/process; how a frame on the user stack looks is in linux_abi. source: signal(7)
#pragma once
#include <core/lock.h>
#include <core/object.h>
#include <services/cred/user_account.h>

#define SIGNAL_MAX 64u
#define SIGNAL_REALTIME_MIN 32u
enum { SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2,
	SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,
	SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS };

struct signal_set {
	u64 bits;	// bit (n - 1) = signal n
};
static inline u64 signal_bit(u32 signal) { return 1ul << (signal - 1); }

// Who sends one signal again and again (a POSIX timer): it is queued once at a time, beside whatever else is queued of
// the same number.
struct signal_source {
	struct object object;
	struct atomic_u32 is_queued;	// 1 as long as a record of it exists
};
DECLARE_OBJECT(signal_source)
struct signal_source *signal_source_create(void) owned;	// NULL without memory
// siginfo_t without its union: what Linux would put at the same places.
struct signal_info {
	// code: SI_USER 0, SI_KERNEL 0x80, SI_QUEUE -1, SI_TIMER -2, SI_TKILL -6, CLD_*, SEGV_*, ...
	s32 signal, error, code;
	u32 kind;			// enum signal_info_kind: which of the following apply
	u32 sender_pid, sender_uid;	// pid as the RECEIVER sees it is made at delivery; here: see sender
	s32 status;			// SIGCHLD
	u32 timer_id, overrun;
	u64 value;			// sigval
	u64 address;			// faults
	u64 user_time, system_time;	// SIGCHLD, clock ticks
	u32 syscall, arch;		// SIGSYS
	u32 band_fd;			// SIGIO
	u64 band;
	struct signal_source *source;	// of the sender: borrowed, NULL: none; never set in what is taken from a queue
};
enum signal_info_kind { SIGNAL_INFO_KILL, SIGNAL_INFO_TIMER, SIGNAL_INFO_QUEUE, SIGNAL_INFO_CHILD, SIGNAL_INFO_FAULT,
	SIGNAL_INFO_POLL, SIGNAL_INFO_SYSCALL };

#define SIGNAL_HANDLER_DEFAULT 0ul
#define SIGNAL_HANDLER_IGNORE 1ul
struct signal_action {
	u64 handler, flags, restorer;	// as given to rt_sigaction
	struct signal_set mask;
};
// One queued signal; counted against the sender's RLIMIT_SIGPENDING.
struct signal_record {
	struct object object;
	struct list_link link;
	struct signal_info info;	// immutable once queued
	struct user_account *account;	// reference: who is charged; NULL: nobody
	struct signal_source *source;	// reference or NULL
};
DECLARE_OBJECT(signal_record)
DEFINE_LIST(signal_record_list, signal_record, link)
// Pending signals of a thread or of a process. The embedding object's lock guards it.
struct signal_queue {
	struct signal_set pending;
	struct signal_record_list records;
};
// Standard signals are kept once, real-time ones all; -EAGAIN when a record is needed and none may be
// had (then, for standard ones, the bit is still set: OK); those of a source once a source. Does not wake
// anybody. `account` is charged one record, at most `limit` (RLIMIT_SIGPENDING); NULL: not charged.
// => any context
err_t signal_queue_add(struct signal_queue *q borrowed, const struct signal_info *info borrowed,
		       struct user_account *account, u64 limit);
// Takes the lowest pending signal not in `blocked` (synchronous faults first); false if none.
bool signal_queue_take(struct signal_queue *q borrowed, struct signal_set blocked, struct signal_info *out borrowed);
void signal_queue_clear(struct signal_queue *q borrowed, struct signal_set which);
enum signal_default {
	SIGNAL_DEFAULT_TERMINATE,
	SIGNAL_DEFAULT_CORE,
	SIGNAL_DEFAULT_IGNORE,
	SIGNAL_DEFAULT_STOP,
	SIGNAL_DEFAULT_CONTINUE
};
enum signal_default signal_default_action(u32 signal);
// Actions of a process; shared by CLONE_SIGHAND. Its lock nests inside process->signal_lock's rank as a
// leaf: taken alone or under it.
struct signal_action_table {
	struct object object;
	struct spinlock lock;
	struct signal_action action[SIGNAL_MAX] GUARDED_BY(lock);	// index signal - 1
};
DECLARE_OBJECT(signal_action_table)
struct signal_action_table *signal_action_table_create(void) owned;	// all default
struct signal_action_table *signal_action_table_copy(struct signal_action_table *from) owned;
struct signal_action signal_action_get(struct signal_action_table *t, u32 signal);
void signal_action_set(struct signal_action_table *t, u32 signal, const struct signal_action *action borrowed);
// Both at once: what was there.
struct signal_action signal_action_exchange(
	struct signal_action_table *t, u32 signal, const struct signal_action *action borrowed);
// execve: handlers become default; with `all` ignored ones too (CLONE_CLEAR_SIGHAND keeps ignored ones).
void signal_action_reset_handlers(struct signal_action_table *t);
// Is the signal ignored: explicitly, or by default?
bool signal_action_ignores(struct signal_action_table *t, u32 signal);

#define SIGNAL_ACTION_NOCLDSTOP 1ul
#define SIGNAL_ACTION_NOCLDWAIT 2ul
#define SIGNAL_ACTION_SIGINFO 4ul
#define SIGNAL_ACTION_RESTORER 0x04000000ul
#define SIGNAL_ACTION_ONSTACK 0x08000000ul
#define SIGNAL_ACTION_RESTART 0x10000000ul
#define SIGNAL_ACTION_NODEFER 0x40000000ul
#define SIGNAL_ACTION_RESETHAND 0x80000000ul
enum {
	SI_USER = 0,
	SI_KERNEL = 0x80,
	SI_QUEUE = -1,
	SI_TIMER = -2,
	SI_MESGQ = -3,
	SI_ASYNCIO = -4,
	SI_SIGIO = -5,
	SI_TKILL = -6
};
enum { CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED };
enum {
	SEGV_MAPERR = 1,
	SEGV_ACCERR = 2,
	BUS_ADRALN = 1,
	BUS_ADRERR = 2,
	ILL_ILLOPN = 2,
	ILL_ILLOPC = 1,
	FPE_INTDIV = 1,
	FPE_FLTDIV = 3,
	FPE_FLTOVF = 4,
	FPE_FLTUND = 5,
	FPE_FLTRES = 6,
	FPE_FLTINV = 7,
	TRAP_BRKPT = 1,
	TRAP_TRACE = 2
};
