// SPDX-License-Identifier: MPL-2.0
// Between the files of this folder.
#pragma once
#include <core/buf.h>
#include <services/security/seccomp/seccomp.h>

#define SECCOMP_ALLOW_WORDS 8u	// a bit for each of the first 512 system calls

struct seccomp_listener;
DECLARE_OBJECT(seccomp_listener)
// Immutable once a thread has it. References: of threads that have it as their newest one, and of newer filters.
struct seccomp_filter {
	struct object object;
	struct seccomp_filter *previous;	// reference or NULL
	struct buf *program;			// owned
	u32 cost;				// of it and all previous ones
	u32 depth;
	u32 flags;				// enum seccomp_flag
	struct seccomp_listener *listener;	// reference or NULL
	u64 allow[SECCOMP_ALLOW_WORDS];		// calls that it and all previous ones allow, whatever their arguments
};
DECLARE_OBJECT(seccomp_filter)
struct seccomp_filter *seccomp_filter_of(struct thread *t);	// borrowed: of t itself, or with its signal_lock held

// Is the program well-formed? -EINVAL (seccomp_check.c)
err_t seccomp_check(bytes_t program);
// The action word of one filter for a call.
u32 seccomp_run(bytes_t program, const struct seccomp_call *call borrowed);
// Does the program allow call `number` without looking at anything but number and architecture?
bool seccomp_always_allows(bytes_t program, u32 number);

bool seccomp_logs(u32 action, bool requested);

// --- asking a supervisor (seccomp_notify.c)
err_t seccomp_listener_create(struct file **file borrowed, struct seccomp_listener **out borrowed);
void seccomp_listener_orphan(struct seccomp_listener *l);	// no thread is left that could ask
struct seccomp_reply {
	s64 value;
	u32 must_go_on;
};
// Asks and sleeps. OK with the reply, -ENOSYS (nobody listens), -ERESTARTSYS, -ENOMEM.
err_t seccomp_ask(struct seccomp_listener *l, const struct seccomp_call *call borrowed, u32 flags,
	struct seccomp_reply *out borrowed);
