// SPDX-License-Identifier: MPL-2.0
// Byte buffers on the heap: fixed length for life, zeroed, charged to the current task's cgroup.
#pragma once
#include <core/error.h>
#include <core/span.h>

struct buf {
	core_private u32 __n;
	core_private u32 __pad;
	core_private u8 *__data;
};
// Largest buffer: BUF_MAX bytes. NULL without memory or above the limit. => may sleep
#define BUF_MAX (4u << 20)
struct buf *buf_alloc(usize length) owned;
// NULL is allowed.
void buf_free(struct buf *b consumes);
void buf_auto_free(struct buf **b borrowed);
#define buf_auto auto_release(buf_auto_free)
static inline usize buf_len(const struct buf *b borrowed) { return b->__n; }
static inline span_t buf_span(struct buf *b borrowed) { return (span_t){ b->__data, b->__n }; }
static inline bytes_t buf_bytes(const struct buf *b borrowed) { return (bytes_t){ b->__data, b->__n }; }
// A copy of `content`.
struct buf *buf_from(bytes_t content) owned;
