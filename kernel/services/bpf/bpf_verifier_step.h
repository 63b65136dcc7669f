// SPDX-License-Identifier: MPL-2.0
// One instruction as the verifier sees it.
#pragma once
#include <services/bpf/bpf_verifier.h>

// Checks the instruction at `at` against the knowledge before it, and makes that the knowledge after it. A load from
// the context is marked as one in the program. -EINVAL, -EACCES with the reason in `log`.
err_t bpf_verify_step(struct bpf_state *s, span_t program, u32 at, struct text *log borrowed);
