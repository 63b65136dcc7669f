// SPDX-License-Identifier: MPL-2.0
// Many pieces of pages on their way between memory and a disk: pieces that lie behind one another on the disk become
// one request, and several requests are on their way at once. Create it, add the pieces, finish it.
#pragma once
#include <services/block/block_device.h>

struct block_stream;
DECLARE_OBJECT(block_stream)
// NULL without memory. `operation` is BLOCK_READ or BLOCK_WRITE.
struct block_stream *block_stream_create(struct block_device *d, enum block_operation operation) owned;
// Bytes [offset, offset + length) of p, from `sector` of the device on; whole sectors. The page stays locked by the
// caller until the stream is finished. -ENOMEM; errors of the disk come from block_stream_finish(). => may sleep
err_t block_stream_add(struct block_stream *s borrowed, u64 sector, struct page *p, u32 offset, u32 length);
// Of two errors the one to report: -ENOMEM above all, because its pages stay dirty; all are written again then, and the
// others meet their error again.
static inline err_t block_error_join(err_t first, err_t then)
{
	return !first || then == -ENOMEM ? then : first;
}
// Waits for everything; the first error (block_error_join). A stream that has a request must be finished. => may sleep
err_t block_stream_finish(struct block_stream *s borrowed);
