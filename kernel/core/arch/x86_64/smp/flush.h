// SPDX-License-Identifier: MPL-2.0
// Making processors forget translations, and waiting until they have.
#pragma once

#include <core/types.h>

struct page_table;

// Every processor that may hold translations of `t` forgets those of [start, end); all of them, and
// its walk caches, for a long range. Not under a lock that is taken with interrupts off.
void flush_table(struct page_table *t, u64 start, u64 end);
// Global mappings, on all processors.
void flush_kernel(u64 start, u64 end);
// Every processor that has `t` loaded takes the kernel's own table instead.
void flush_unload(struct page_table *t);
// On the receiving side: the interrupt.
void flush_handle(void);
