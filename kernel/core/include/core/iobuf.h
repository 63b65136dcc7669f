// SPDX-License-Identifier: MPL-2.0
// Bulk data on its way between a file, socket or device and its destination, which may be user
// memory (one piece or many) or kernel memory. The data's owner copies into or out of it and does not
// care which. Position advances with each copy.
#pragma once
#include <core/user.h>
#include <core/buf.h>

struct stack_only iobuf {
	core_private span_t __kernel;
	core_private bytes_t __kernel_source;
	core_private bytes_t __segments;	// array of {u64 base, u64 length}, kernel copy
	core_private u64 __user;
	core_private u64 __segment_offset;
	core_private usize __remaining;
	core_private usize __done;
	core_private u32 __kind;
};
// To be filled (read) or emptied (write).
struct iobuf iobuf_user(user_addr_t address, usize length);
struct iobuf iobuf_to_kernel(span_t destination);
struct iobuf iobuf_from_kernel(bytes_t source);
// `segments` is a kernel copy of Linux's struct iovec array (16 bytes each), already checked for
// total length; it must outlive the iobuf.
struct iobuf iobuf_user_vector(bytes_t segments, usize total);
static inline usize iobuf_remaining(const struct iobuf *b borrowed) { return b->__remaining; }
static inline usize iobuf_done(const struct iobuf *b borrowed) { return b->__done; }
// Limits what is left to `length` bytes.
void iobuf_truncate(struct iobuf *b borrowed, usize length);
// Copies min(length, remaining) bytes; returns the number copied, which is short only at a fault.
// iobuf_fault() tells whether one was met.
usize iobuf_put(struct iobuf *b borrowed, bytes_t from);
usize iobuf_get(struct iobuf *b borrowed, span_t to);
usize iobuf_put_zeros(struct iobuf *b borrowed, usize length);
// Steps back after data could not be used (short write).
void iobuf_revert(struct iobuf *b borrowed, usize length);
bool iobuf_fault(const struct iobuf *b borrowed);
// Touches the next bytes so that a later copy under a lock does not fault; -EFAULT if it cannot.
err_t iobuf_prefault(struct iobuf *b borrowed, usize length, u32 access);
