// SPDX-License-Identifier: MPL-2.0
// What services/exec needs of a process that changes its program.
#pragma once
#include <services/process/thread.h>

// How threads of this kernel enter and leave user mode.
const struct user_mode_ops *thread_user_mode_ops(void);
// The parent that waits in vfork(2) for this thread goes on.
void vfork_complete(struct thread *t);
// Locks that name the current thread as their owner go to who waits for them, before its address space goes. A thread
// that goes on (execve) clears futex_owner afterwards.
void thread_release_futexes(struct thread *t);
// All other threads of the current process end; the current one becomes the leader. -EAGAIN: another
// exit or execve came first.
err_t process_become_single(struct thread *t);
