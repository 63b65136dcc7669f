// SPDX-License-Identifier: MPL-2.0
// A bug of ours hit one thread while it held nothing: its process is killed, the machine goes on. The core
// has proved that no lock is held and has told what happened; the thread's own stack is never unwound, so
// what it had borrowed or counted on it is lost (leaked), not freed twice.
#include <services/process/crash.h>
#include <services/process/exit.h>
#include <services/process/thread.h>

static void end_thread(void)
{
	process_exit_group(SIGKILL);
	thread_exit(SIGKILL);
}

void process_crash_init(void)
{
	task_set_crash_handler(end_thread);
}
