// SPDX-License-Identifier: MPL-2.0
// Pipes and FIFOs. source: pipe(7), fifo(7). A write to a pipe without readers gives -EPIPE; the signal
// is the caller's business.
#pragma once
#include <services/vfs/file.h>

#define PIPE_ATOMIC_SIZE 4096u		// PIPE_BUF
#define PIPE_DEFAULT_PAGES 16u
#define PIPE_MAX_PAGES 256u		// 1 MiB: /proc/sys/fs/pipe-max-size
// pipe2(2): the reading and the writing end. flags: OPEN_NONBLOCK, OPEN_DIRECT (packets).
err_t pipe_create(u32 flags, struct cred *cred, struct file **reader borrowed, struct file **writer borrowed);
// Opens a FIFO's inode: blocks as fifo(7) says. -ENXIO, -ERESTARTSYS.
err_t fifo_open(struct file *f);
struct pipe;
DECLARE_OBJECT(pipe)
// The pipe of an open file; NULL when it is none. Borrowed.
struct pipe *pipe_of_file(struct file *f);
// F_GETPIPE_SZ, F_SETPIPE_SZ: bytes, or -EBUSY, -EINVAL, -EPERM (above the maximum without privilege).
ssize_r pipe_capacity(struct pipe *p);
ssize_r pipe_set_capacity(struct pipe *p, u64 bytes, const struct cred *cred borrowed);
// For splice(2) and tee(2), which move data between a pipe and something else by way of a buffer:
// bytes that can be read (0: no writer is left) or written; waits for at least one unless told not to.
enum pipe_wait { PIPE_WAIT, PIPE_TRY };
ssize_r pipe_readable(struct pipe *p, enum pipe_wait wait);	// -EAGAIN, -ERESTARTSYS
ssize_r pipe_writable(struct pipe *p, enum pipe_wait wait);	// the same, -EPIPE
// Copies what is next, at most to the end of a page, without taking it; the count. Then takes `length` bytes of
// that away.
usize pipe_peek(struct pipe *p, span_t out);
void pipe_consume(struct pipe *p, usize length);
