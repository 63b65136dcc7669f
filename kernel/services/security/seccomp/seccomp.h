// SPDX-License-Identifier: MPL-2.0
// Filters on a thread's own system calls. A filter is a classic BPF program over struct seccomp_call; each one added
// stays for good, in the thread, its children and its later programs. source: seccomp(2), seccomp_unotify(2)
#pragma once
#include <services/process/thread.h>
#include <services/vfs/file.h>

#define SECCOMP_ARCHITECTURE 0xc000003eu	// AUDIT_ARCH_X86_64
#define SECCOMP_INSTRUCTION_SIZE 8u
#define SECCOMP_INSTRUCTIONS_MAX 4096u		// of one filter
#define SECCOMP_PATH_MAX 32768u			// of all filters of a thread; each costs four more
enum seccomp_mode { SECCOMP_NONE, SECCOMP_STRICT, SECCOMP_FILTER };

// What a filter returns: an action and 16 bits for it. The least one, as a signed number, of all filters counts.
#define SECCOMP_KILL_PROCESS 0x80000000u
#define SECCOMP_KILL_THREAD 0x00000000u
#define SECCOMP_TRAP 0x00030000u
#define SECCOMP_ERRNO 0x00050000u
#define SECCOMP_USER_NOTIFY 0x7fc00000u
#define SECCOMP_TRACE 0x7ff00000u
#define SECCOMP_LOG 0x7ffc0000u
#define SECCOMP_ALLOW 0x7fff0000u
#define SECCOMP_ACTION_MASK 0xffff0000u
#define SECCOMP_DATA_MASK 0x0000ffffu
bool seccomp_action_is_known(u32 action);

// What a filter sees (struct seccomp_data), as words.
#define SECCOMP_CALL_WORDS 16u
struct seccomp_call {
	u32 word[SECCOMP_CALL_WORDS];	// number, architecture, instruction pointer (2), six arguments (2 each)
};

// --- setting up ---------------------------------------------------------------------------------------
enum seccomp_flag { SECCOMP_TSYNC = 1, SECCOMP_LOGGED = 2, SECCOMP_SPEC_ALLOW = 4, SECCOMP_NEW_LISTENER = 8,
	SECCOMP_TSYNC_ESRCH = 16, SECCOMP_WAIT_KILLABLE = 32 };
// -EINVAL for combinations that make no sense.
err_t seccomp_check_flags(u32 flags);
// May the current thread restrict itself (no_new_privs or CAP_SYS_ADMIN in its user namespace)? -EACCES
err_t seccomp_may_restrict(void);
// -EINVAL: another mode is on.
err_t seccomp_set_strict(void);
// Adds a filter to the current thread (SECCOMP_TSYNC: to all of its process). -EINVAL (program, mode), -ENOMEM (also:
// too long in all), -EBUSY (a second listener), -ESRCH. `*unsynced` is a thread that stood in the way of TSYNC, or 0.
// SECCOMP_NEW_LISTENER: *listener is its file.
err_t seccomp_add_filter(bytes_t program, u32 flags, u32 *unsynced borrowed, struct file **listener borrowed);

// --- in force -----------------------------------------------------------------------------------------
enum seccomp_answer {
	SECCOMP_GO_ON,
	SECCOMP_SKIP,		// rax is set
	SECCOMP_ASK_TRACER,	// *data is what the filter wants to tell it
	SECCOMP_END_THREAD	// the caller ends the thread by signal *data, holding nothing
};
// Judges the call that t->user describes. => may sleep
enum seccomp_answer seccomp_judge(struct thread *t, u32 *data borrowed);
u32 seccomp_filter_count(struct thread *t);	// of any thread

// --- sysctl kernel.seccomp: names of actions
enum seccomp_action_list { SECCOMP_ACTIONS_AVAILABLE, SECCOMP_ACTIONS_LOGGED };
void seccomp_show_actions(enum seccomp_action_list which, struct text *out borrowed);
err_t seccomp_set_logged(bytes_t names);	// -EINVAL
