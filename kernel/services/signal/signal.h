// SPDX-License-Identifier: MPL-2.0
// Signals as data: numbers, sets, queued information, actions. Who receives them and when is in
// services/process; how a frame on the user stack looks is in linux_abi. source: signal(7)
#pragma once
#include <core/lock.h>
#include <core/object.h>

#define SIGNAL_MAX 64u
#define SIGNAL_REALTIME_MIN 32u
enum { SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2,
	SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,
	SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS };

struct signal_set {
	u64 bits;	// bit (n - 1) = signal n
};
static inline u64 signal_bit(u32 signal) { return 1ul << (signal - 1); }

// siginfo_t without its union: what Linux would put at the same places.
struct signal_info {
	s32 signal, error, code;	// code: SI_USER 0, SI_KERNEL 0x80, SI_QUEUE -1, SI_TIMER -2, SI_TKILL -6, CLD_*, SEGV_*, ...
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
	struct signal_info info;
};
DEFINE_LIST(signal_record_list, signal_record, link)
// Pending signals of a thread or of a process. The embedding object's lock guards it.
struct signal_queue {
	struct signal_set pending;
	struct signal_record_list records;
};
// Standard signals are kept once, real-time ones all; -EAGAIN when a record is needed and none may be
// had (then, for standard ones, the bit is still set). Does not wake anybody.
err_t signal_queue_add(struct signal_queue *q borrowed, const struct signal_info *info borrowed);
// Takes the lowest pending signal not in `blocked` (synchronous faults first); false if none.
bool signal_queue_take(struct signal_queue *q borrowed, struct signal_set blocked, struct signal_info *out borrowed);
void signal_queue_clear(struct signal_queue *q borrowed, struct signal_set which);
enum signal_default { SIGNAL_DEFAULT_TERMINATE, SIGNAL_DEFAULT_CORE, SIGNAL_DEFAULT_IGNORE, SIGNAL_DEFAULT_STOP, SIGNAL_DEFAULT_CONTINUE };
enum signal_default signal_default_action(u32 signal);
