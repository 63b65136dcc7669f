// SPDX-License-Identifier: MPL-2.0
// Restartable sequences: a few instructions of user code that run on one CPU without being preempted or hit by a
// signal, or are sent to their abort address. source: rseq(2) of libc documentation, <linux/rseq.h>
#pragma once
#include <services/process/thread.h>

// The thread was preempted or is on another CPU: the CPU's number is written, a sequence under way is aborted.
void rseq_switched(struct thread *t);
// A signal's handler is about to run: a sequence under way is aborted. -EFAULT: the program's data are wrong.
err_t rseq_abort(struct thread *t);
