// SPDX-License-Identifier: MPL-2.0
// Between trace/, exit/ and tree/.
#pragma once
#include <services/process/process_internal.h>
#include <services/process/trace.h>

// Tells the tracer of x that there is something to wait for.
void trace_notify(struct trace *x, u32 signal, s32 code, s32 status) REQUIRES(process_tree_lock);
// p, whose first thread was traced, has been waited for. p keeps its reference: nothing is released here.
void trace_forget_process(struct process *p) REQUIRES(process_tree_lock);
// Ends the relation; the list's reference comes back in *old to be put without the lock.
void trace_unlink(struct trace *x, struct trace **old borrowed) REQUIRES(process_tree_lock);
