// SPDX-License-Identifier: MPL-2.0
// Tests that run inside the kernel, when the command line has the word `ktest`. Each prints "ok NAME" or
// "not ok NAME"; the last line is "N passed, N failed", and the machine leaves by isa-debug-exit.
#pragma once
#include <core/types.h>

struct ktest {
	const char *name;
	bool (*run)(void);	// true: passed
};

// Of the core itself.
void ktest_run_core(void);
// Runs one more group (services); call between ktest_run_core() and ktest_finish().
void ktest_run(const struct ktest *tests, u32 count);
no_return void ktest_finish(void);
