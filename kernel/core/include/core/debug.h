// SPDX-License-Identifier: MPL-2.0
// Assertions about our own code (never about user input) and tracing.
#pragma once
#include <core/print.h>

#ifdef CONFIG_DEBUG
#define debug_assert(condition) ((condition) ? (void)0 : core_trap())
#else
#define debug_assert(condition) ((void)sizeof(condition))
#endif
// Always checked.
#define kernel_assert(condition) (__likely(condition) ? (void)0 : core_trap())
// Prints the current back trace with symbols.
void debug_back_trace(void);
