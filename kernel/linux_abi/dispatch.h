// SPDX-License-Identifier: MPL-2.0
// From the registers of a thread to a system call and back. Installed once at boot.
#pragma once
#include <services/process/thread.h>

// Registers the table of calls, the signal frame and the vDSO with the services.
void linux_abi_init(void);
// `strace=` on the command line.
void tracer_init(void);
bool tracer_wants(const struct thread *t borrowed);
void tracer_enter(struct thread *t);
void tracer_leave(struct thread *t, u64 number, s64 result);
