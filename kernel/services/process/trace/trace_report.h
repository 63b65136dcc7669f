// SPDX-License-Identifier: MPL-2.0
// Inside trace/.
#pragma once
#include <services/process/trace.h>

// Stands with this code until told to go on; *signal: what the tracer wants delivered.
void trace_report(struct thread *t, u32 code, u64 message, enum trace_operation operation, u32 *signal borrowed);
// A trace for a child that has not started, like that of the current thread; trace_clone_link() makes it real.
err_t trace_prepare(struct thread *child);
