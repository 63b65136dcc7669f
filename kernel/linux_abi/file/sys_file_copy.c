// SPDX-License-Identifier: MPL-2.0
// Copies between files inside the kernel. source: sendfile(2), splice(2), tee(2), copy_file_range(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/process/process_signal.h>
#include <services/vfs/pipe.h>

#define COPY_CHUNK 32768u
#define SPLICE_NONBLOCK 2u
#define SPLICE_KNOWN 15u

// --- offsets ----------------------------------------------------------------------------------------

// One side of a copy: a file and where in it; `own` is the file's own position.
struct stack_only copy_side {
	struct file *file;
	u64 position;
	u32 is_own, pad;
};

static err_t side_read(struct copy_side *s borrowed, struct file *f, user_addr_t offset)
{
	s->file = f;
	s->is_own = user_is_null(offset);
	s->position = f->position;
	if (s->is_own)
		return OK;
	if (!(f->mode & FILE_MODE_SEEK))
		return -ESPIPE;
	const err_t e = user_read_u64(offset, &s->position);
	return e ? e : (s64)s->position < 0 ? -EINVAL : OK;
}

static err_t side_write(const struct copy_side *s borrowed, user_addr_t offset)
{
	if (!s->is_own)
		return user_write_u64(offset, s->position);
	if (s->file->mode & FILE_MODE_SEEK)
		s->file->position = s->position;
	return OK;
}

static ssize_r side_fill(struct copy_side *s borrowed, span_t out)
{
	struct iobuf to = iobuf_to_kernel(out);
	return file_read(s->file, &to, &s->position);
}

static ssize_r side_empty(struct copy_side *s borrowed, bytes_t data)
{
	struct iobuf from = iobuf_from_kernel(data);
	const err_t e = write_limit(s->file, &from, s->position);
	return e ? (ssize_r)e : file_write(s->file, &from, &s->position);
}

// Copies until `length`, the end, an error, or a short write. The count, or the error of a first try.
static ssize_r copy_loop(struct copy_side *in borrowed, struct copy_side *out borrowed, usize length)
{
	struct buf *chunk buf_auto = buf_alloc(min(length, (usize)COPY_CHUNK));
	usize done = 0;
	ssize_r result = (ssize_r)0;
	if (!chunk)
		return -ENOMEM;
	while (done < length && !(task_pending_work(&thread_current()->base) & TASK_WORK_SIGNAL)) {
		const u64 before = in->position;
		const ssize_r got = side_fill(in, span_first(buf_span(chunk), min(length - done, (usize)COPY_CHUNK)));
		if (got <= 0) {
			result = got;
			break;
		}
		result = side_empty(out, bytes_first(buf_bytes(chunk), (usize)got));
		if (result > 0)
			done += (usize)result;
		if (result != got) {
			in->position = before + (result > 0 ? (u64)result : 0);
			break;
		}
	}
	return done ? (ssize_r)done : result;
}

s64 sys_sendfile(s32 out_fd, s32 in_fd, user_addr_t offset, u64 count)
{
	struct file_borrow in file_borrow_auto = file_of(in_fd);
	struct file_borrow out file_borrow_auto = file_of(out_fd);
	struct copy_side from = {}, to = {};
	if (!in.file || !(in.file->mode & FILE_MODE_READ) || !out.file || !(out.file->mode & FILE_MODE_WRITE))
		return -EBADF;
	if (!(in.file->mode & FILE_MODE_SEEK) || in.file->inode->type == S_IFDIR)
		return -EINVAL;
	if (atomic_u32_load(&out.file->flags) & OPEN_APPEND)
		return -EINVAL;
	err_t e = side_read(&from, in.file, offset);
	if (!e)
		e = side_read(&to, out.file, user_addr(0));
	if (e)
		return e;
	const ssize_r done = copy_loop(&from, &to, min(count, IO_LENGTH_MAX));
	if (done < 0)
		return write_result(done);
	e = side_write(&to, user_addr(0));
	if (!e)
		e = side_write(&from, offset);
	return e ? (s64)e : (s64)done;
}

static err_t copy_range_check(struct file *in, struct file *out)
{
	if (in->inode->type == S_IFDIR || out->inode->type == S_IFDIR)
		return -EISDIR;
	if (in->inode->type != S_IFREG || out->inode->type != S_IFREG)
		return -EINVAL;
	if (!(in->mode & FILE_MODE_READ) || !(out->mode & FILE_MODE_WRITE) ||
		(atomic_u32_load(&out->flags) & OPEN_APPEND))
		return -EBADF;
	return OK;
}

s64 sys_copy_file_range(s32 fd_in, user_addr_t off_in, s32 fd_out, user_addr_t off_out, u64 len, u32 flags)
{
	struct file_borrow in file_borrow_auto = file_of(fd_in);
	struct file_borrow out file_borrow_auto = file_of(fd_out);
	struct copy_side from = {}, to = {};
	if (!in.file || !out.file)
		return -EBADF;
	if (flags)
		return -EINVAL;
	err_t e = copy_range_check(in.file, out.file);
	if (!e)
		e = side_read(&from, in.file, off_in);
	if (!e)
		e = side_read(&to, out.file, off_out);
	if (e)
		return e;
	const u64 length = min(len, IO_LENGTH_MAX);
	if (in.file->inode == out.file->inode && from.position < to.position + length &&
		to.position < from.position + length)
		return -EINVAL;
	const ssize_r done = copy_loop(&from, &to, length);
	if (done < 0)
		return done;
	e = side_write(&to, off_out);
	if (!e)
		e = side_write(&from, off_in);
	return e ? (s64)e : (s64)done;
}

// --- pipes ------------------------------------------------------------------------------------------

static enum pipe_wait pipe_wait_of(struct file *f, u32 flags)
{
	return (flags & SPLICE_NONBLOCK) || file_is_nonblocking(f) ? PIPE_TRY : PIPE_WAIT;
}

// From a pipe, page by page: what the other side does not take stays.
static s64 splice_out(struct file *pipe_file, struct copy_side *out borrowed, usize length, u32 flags)
{
	struct pipe *p = pipe_of_file(pipe_file);
	struct buf *chunk buf_auto = buf_alloc(min(length, (usize)PAGE_SIZE));
	usize done = 0;
	if (!chunk)
		return -ENOMEM;
	while (done < length) {
		const ssize_r ready = pipe_readable(p, done ? PIPE_TRY : pipe_wait_of(pipe_file, flags));
		if (ready <= 0)
			return done ? (s64)done : (s64)ready;
		const usize n = pipe_peek(p, span_first(buf_span(chunk), min(length - done, (usize)PAGE_SIZE)));
		const ssize_r written = side_empty(out, bytes_first(buf_bytes(chunk), n));
		if (written <= 0)
			return done ? (s64)done : write_result(written);
		pipe_consume(p, (usize)written);
		done += (usize)written;
		if ((usize)written < n)
			break;
	}
	return (s64)done;
}

static s64 splice_in(struct copy_side *in borrowed, struct file *pipe_file, usize length, u32 flags)
{
	const ssize_r room = pipe_writable(pipe_of_file(pipe_file), pipe_wait_of(pipe_file, flags));
	if (room < 0)
		return write_result(room);
	struct copy_side out = {};
	const err_t e = side_read(&out, pipe_file, user_addr(0));
	return e ? (s64)e : write_result(copy_loop(in, &out, min(length, (usize)room)));
}

static s64 splice_locate(struct file *in, user_addr_t off_in, struct file *out, user_addr_t off_out, usize length,
	u32 flags)
{
	const bool from_pipe = pipe_of_file(in) != NULL, to_pipe = pipe_of_file(out) != NULL;
	struct copy_side side = {};
	if (!from_pipe && !to_pipe)
		return -EINVAL;
	if ((from_pipe && !user_is_null(off_in)) || (to_pipe && !user_is_null(off_out)))
		return -ESPIPE;
	if (!from_pipe || !to_pipe) {
		if ((atomic_u32_load(&out->flags) & OPEN_APPEND) && !to_pipe)
			return -EINVAL;
	} else if (pipe_of_file(in) == pipe_of_file(out)) {
		return -EINVAL;
	}
	err_t e = from_pipe ? side_read(&side, out, off_out) : side_read(&side, in, off_in);
	if (e)
		return e;
	const s64 done = from_pipe ? splice_out(in, &side, length, flags) : splice_in(&side, out, length, flags);
	if (done <= 0)
		return done;
	e = from_pipe ? side_write(&side, off_out) : side_write(&side, off_in);
	return e ? e : done;
}

s64 sys_splice(s32 fd_in, user_addr_t off_in, s32 fd_out, user_addr_t off_out, u64 len, u32 flags)
{
	struct file_borrow in file_borrow_auto = file_of(fd_in);
	struct file_borrow out file_borrow_auto = file_of(fd_out);
	if (flags & ~SPLICE_KNOWN)
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!in.file || !(in.file->mode & FILE_MODE_READ) || !out.file || !(out.file->mode & FILE_MODE_WRITE))
		return -EBADF;
	return splice_locate(in.file, off_in, out.file, off_out, min(len, IO_LENGTH_MAX), flags);
}

s64 sys_tee(s32 fd_in, s32 fd_out, u64 len, u32 flags)
{
	struct file_borrow in file_borrow_auto = file_of(fd_in);
	struct file_borrow out file_borrow_auto = file_of(fd_out);
	if (flags & ~SPLICE_KNOWN)
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!in.file || !(in.file->mode & FILE_MODE_READ) || !out.file || !(out.file->mode & FILE_MODE_WRITE))
		return -EBADF;
	struct pipe *from = pipe_of_file(in.file), *to = pipe_of_file(out.file);
	if (!from || !to || from == to)
		return -EINVAL;
	const ssize_r ready = pipe_readable(from, pipe_wait_of(in.file, flags));
	const ssize_r room = ready > 0 ? pipe_writable(to, pipe_wait_of(out.file, flags)) : ready;
	if (room <= 0)
		return write_result(room);
	const usize fits = min((usize)ready, (usize)room), wanted = min(len, fits);
	struct buf *chunk buf_auto = buf_alloc(min(max(wanted, 1ul), (usize)COPY_CHUNK));
	if (!chunk)
		return -ENOMEM;
	struct iobuf data = iobuf_from_kernel(bytes_first(buf_bytes(chunk), pipe_peek(from,
		span_first(buf_span(chunk), min(wanted, (usize)COPY_CHUNK)))));
	return write_result(file_write(out.file, &data, NULL));
}

// A pipe keeps copies: giving pages away would save a copy, and nothing else can be seen of it.
s64 sys_vmsplice(s32 fd, user_addr_t iov, u64 nr_segs, u32 flags)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (flags & ~SPLICE_KNOWN)
		return -EINVAL;
	if (!b.file || !pipe_of_file(b.file))
		return -EBADF;
	struct pipe *p = pipe_of_file(b.file);
	const bool writes = b.file->mode & FILE_MODE_WRITE;
	const ssize_r ready = writes ? pipe_writable(p, pipe_wait_of(b.file, flags)) : pipe_readable(p,
		pipe_wait_of(b.file, flags));
	if (ready <= 0)
		return write_result(ready);
	return writes ? sys_writev(fd, iov, nr_segs) : sys_readv(fd, iov, nr_segs);
}
