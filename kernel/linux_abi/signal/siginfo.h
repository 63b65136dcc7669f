// SPDX-License-Identifier: MPL-2.0
// siginfo_t as bytes. source: sigaction(2), UAPI layout for x86-64
#pragma once
#include <core/span.h>
#include <services/signal/signal.h>

#define SIGINFO_SIZE 128u
struct user_namespace;
// `out` comes zeroed. `viewer`: whose numbers a sender's uid is shown in.
void siginfo_encode(span_t out, const struct signal_info *info borrowed, struct user_namespace *viewer);
// What rt_sigqueueinfo(2) and pidfd_send_signal(2) bring; the signal number is the call's.
void siginfo_decode(bytes_t in, u32 signal, struct signal_info *out borrowed);
