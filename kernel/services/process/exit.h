// SPDX-License-Identifier: MPL-2.0
// The end of threads and processes, and waiting for it. source: exit(2), wait(2)
#pragma once
#include <services/process/thread.h>

// Ends the current thread; `status` is a wait status (code << 8, or a signal).
no_return void thread_exit(u32 status);
// Ends all threads of the current process with one status. Returns only where the caller still has to go
// back to the main loop of its thread, which then exits.
void process_exit_group(u32 status);

enum wait_select { WAIT_SELECT_ANY, WAIT_SELECT_PROCESS, WAIT_SELECT_GROUP };
#define WAIT_NO_HANG 1u
#define WAIT_STOPPED 2u		// WUNTRACED
#define WAIT_EXITED 4u
#define WAIT_CONTINUED 8u
#define WAIT_KEEP 0x01000000u	// WNOWAIT
#define WAIT_NO_THREAD 0x20000000u	// __WNOTHREAD
#define WAIT_ALL_KINDS 0x40000000u	// __WALL
#define WAIT_CLONE 0x80000000u	// __WCLONE
struct wait_request {
	enum wait_select select;
	struct pid *pid;	// borrowed: of the process or group
	u32 options;		// WAIT_*
};
struct wait_result {
	u32 number;		// in the caller's namespace; 0: nothing to report (WAIT_NO_HANG)
	u32 status;		// wait status
	u32 uid;		// kernel id
	s32 code;		// CLD_*
	struct process_times times;
};
// -ECHILD, -ERESTARTSYS. => may sleep
err_t process_wait(const struct wait_request *request borrowed, struct wait_result *out borrowed);
