// SPDX-License-Identifier: MPL-2.0
// Puts the vDSO (folder vdso/, built apart) into each new program.
#pragma once
#include <core/error.h>

// Copies the image into pages and registers with services/exec.
void vdso_map_init(void);
struct vm_space;
struct time_namespace;
// The clocks of the program in s are now those of n. -ENOMEM: it must not run on. Nobody runs in s meanwhile, but the
// caller.
err_t vdso_join(struct vm_space *s, struct time_namespace *n);
