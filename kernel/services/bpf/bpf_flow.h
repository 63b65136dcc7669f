// SPDX-License-Identifier: MPL-2.0
// Where control goes in a program.
#pragma once
#include <core/buf.h>
#include <core/text.h>

enum bpf_way { BPF_GOES_ON = 1, BPF_JUMPS = 2 };
// The ways (a set) on from an instruction, and where they lead: perhaps out of the program.
u32 bpf_successors(bytes_t program, u32 at, u64 *next borrowed, u64 *jump borrowed);
// The instructions, *places of them as u32 in *out, each after all that lead to it. -EINVAL with the reason in
// `log`: a loop, a jump to where no instruction begins, unreachable code; -ENOMEM.
err_t bpf_flow_order(bytes_t program, struct buf **out borrowed, u32 *places borrowed, struct text *log borrowed);
