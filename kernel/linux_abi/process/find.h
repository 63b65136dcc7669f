// SPDX-License-Identifier: MPL-2.0
// Numbers from system calls, looked up in the caller's pid namespace.
#pragma once
#include <services/process/thread.h>

// References or NULL (-ESRCH). 0 names the caller.
struct process *process_by_number(s32 number) owned;
struct thread *thread_by_number(s32 number) owned;
