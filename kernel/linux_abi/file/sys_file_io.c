// SPDX-License-Identifier: MPL-2.0
// Reading and writing. source: read(2), write(2), pread(2), readv(2), lseek(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>

enum io_direction { IO_READ, IO_WRITE };
#define OFFSET_OWN (-1)		// the file's own position

static s64 read_at(struct file *f, struct iobuf *to borrowed, s64 offset)
{
	u64 position = (u64)offset;
	if (offset == OFFSET_OWN)
		return file_read(f, to, NULL);
	if (!(f->mode & FILE_MODE_READ))
		return -EBADF;
	return f->mode & FILE_MODE_SEEK ? file_read(f, to, &position) : (ssize_r)-ESPIPE;
}

static s64 write_at(struct file *f, struct iobuf *from borrowed, s64 offset)
{
	u64 position = offset == OFFSET_OWN ? f->position : (u64)offset;
	if (offset != OFFSET_OWN && !(f->mode & FILE_MODE_WRITE))
		return -EBADF;
	if (offset != OFFSET_OWN && !(f->mode & FILE_MODE_SEEK))
		return -ESPIPE;
	const err_t e = write_limit(f, from, position);
	if (e)
		return e;
	if (offset == OFFSET_OWN)
		return write_result(file_write(f, from, NULL));
	return write_result(file_write(f, from, &position));
}

static inline s64 buffer_io(s32 fd, user_addr_t buf, u64 count, s64 offset, enum io_direction direction)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file)
		return -EBADF;
	if (data_check(buf, count) != OK)
		return -EFAULT;
	struct iobuf data = iobuf_user(buf, min(count, IO_LENGTH_MAX));
	return direction == IO_READ ? read_at(b.file, &data, offset) : write_at(b.file, &data, offset);
}

s64 sys_read(s32 fd, user_addr_t buf, u64 count)
{
	return buffer_io(fd, buf, count, OFFSET_OWN, IO_READ);
}

s64 sys_write(s32 fd, user_addr_t buf, u64 count)
{
	return buffer_io(fd, buf, count, OFFSET_OWN, IO_WRITE);
}

s64 sys_pread64(s32 fd, user_addr_t buf, u64 count, s64 offset)
{
	return offset < 0 ? -EINVAL : buffer_io(fd, buf, count, offset, IO_READ);
}

s64 sys_pwrite64(s32 fd, user_addr_t buf, u64 count, s64 offset)
{
	return offset < 0 ? -EINVAL : buffer_io(fd, buf, count, offset, IO_WRITE);
}

// --- vectors ----------------------------------------------------------------------------------------

static s64 vector_io(s32 fd, user_addr_t iov, u64 count, s64 offset, enum io_direction direction)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	struct buf *segments buf_auto = NULL;
	usize total = 0;
	if (!b.file)
		return -EBADF;
	const err_t e = vector_read(iov, count, &segments, &total);
	if (e)
		return e;
	struct iobuf data = iobuf_user_vector(bytes_first(buf_bytes(segments), count * 16), total);
	return direction == IO_READ ? read_at(b.file, &data, offset) : write_at(b.file, &data, offset);
}

s64 sys_readv(s32 fd, user_addr_t iov, u64 iovcnt)
{
	return vector_io(fd, iov, iovcnt, OFFSET_OWN, IO_READ);
}

s64 sys_writev(s32 fd, user_addr_t iov, u64 iovcnt)
{
	return vector_io(fd, iov, iovcnt, OFFSET_OWN, IO_WRITE);
}

// The low half carries all 64 bits on this machine.
s64 sys_preadv(s32 fd, user_addr_t iov, u64 iovcnt, u64 pos_low, u64 pos_high)
{
	return (s64)pos_low < 0 ? -EINVAL : vector_io(fd, iov, iovcnt, (s64)pos_low, IO_READ);
}

s64 sys_pwritev(s32 fd, user_addr_t iov, u64 iovcnt, u64 pos_low, u64 pos_high)
{
	return (s64)pos_low < 0 ? -EINVAL : vector_io(fd, iov, iovcnt, (s64)pos_low, IO_WRITE);
}

// RWF_HIPRI is a hint; the others are not offered.
#define RWF_HIPRI 1u

s64 sys_preadv2(s32 fd, user_addr_t iov, u64 iovcnt, u64 pos_low, u64 pos_high, s32 flags)
{
	if ((u32)flags & ~RWF_HIPRI)
		return -EOPNOTSUPP;
	return (s64)pos_low < -1 ? -EINVAL : vector_io(fd, iov, iovcnt, (s64)pos_low, IO_READ);
}

s64 sys_pwritev2(s32 fd, user_addr_t iov, u64 iovcnt, u64 pos_low, u64 pos_high, s32 flags)
{
	if ((u32)flags & ~RWF_HIPRI)
		return -EOPNOTSUPP;
	return (s64)pos_low < -1 ? -EINVAL : vector_io(fd, iov, iovcnt, (s64)pos_low, IO_WRITE);
}

s64 sys_lseek(s32 fd, s64 offset, u32 whence)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file || (b.file->mode & FILE_MODE_PATH))
		return -EBADF;
	if (whence > 4)
		return -EINVAL;
	return file_seek(b.file, offset, whence);
}
