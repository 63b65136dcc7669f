// SPDX-License-Identifier: MPL-2.0
// What user memory is told when a thread ends: robust futexes, the cleared thread id.
#pragma once
#include <services/process/thread.h>

void exit_work_thread_exits(struct thread *t);
