// SPDX-License-Identifier: MPL-2.0
// Where a file's content lies. An extent is told when the next one is found, so that the last of the range can be
// marked. source: <linux/fiemap.h>, <linux/fs.h>, filefrag(8)
#include <linux_abi/file/file_arguments.h>
#include <linux_abi/file/ioctl_extents.h>
#include <services/process/thread.h>
#include <services/vfs/mount.h>
#include <services/vfs/superblock.h>

#define FIBMAP 1u
#define FIGETBSZ 2u
#define FS_IOC_FIEMAP 0xc020660bu

enum fiemap_field { FIEMAP_START = 0, FIEMAP_LENGTH = 8, FIEMAP_FLAGS = 16, FIEMAP_MAPPED = 20, FIEMAP_COUNT = 24,
	FIEMAP_BYTES = 32 };
enum fiemap_extent_field { EXTENT_LOGICAL = 0, EXTENT_PHYSICAL = 8, EXTENT_LENGTH = 16, EXTENT_FLAGS = 40,
	EXTENT_BYTES = 56 };
enum { FIEMAP_FLAG_SYNC = 1, EXTENT_LAST = 1, EXTENT_MERGED = 0x1000 };
#define FIEMAP_COUNT_MAX (U32_MAX / EXTENT_BYTES)

struct stack_only extent_writer {
	user_addr_t to;			// the array
	u32 room;			// entries of it; 0: only count
	u32 told;
	u64 logical, physical, length;	// found, not told yet; length 0: none
};

bool ioctl_extents_is(u32 request)
{
	return request == FIBMAP || request == FIGETBSZ || request == FS_IOC_FIEMAP;
}

// Tells the extent that was found last.
static no_inline err_t extent_tell(struct extent_writer *w borrowed, u32 flags)
{
	u8 bytes[EXTENT_BYTES] = { };
	const span_t e = array_span(bytes);

	if (w->length == 0)
		return OK;
	span_put_u64le(e, EXTENT_LOGICAL, w->logical);
	span_put_u64le(e, EXTENT_PHYSICAL, w->physical);
	span_put_u64le(e, EXTENT_LENGTH, w->length);
	span_put_u32le(e, EXTENT_FLAGS, flags);
	w->length = 0;
	w->told++;
	if (w->room == 0)
		return OK;
	return user_copy_out(user_offset(w->to, (w->told - 1) * (u64)EXTENT_BYTES), array_bytes(bytes));
}

static bool extent_is_full(const struct extent_writer *w borrowed)
{
	return w->room && w->told == w->room;
}

// Extents of [at, end). An extent of a file without a tree of them counts as put together from blocks.
static err_t extents_walk(struct inode *i, u64 at, u64 end, struct extent_writer *w borrowed)
{
	while (at < end && !extent_is_full(w)) {
		u64 physical = 0, length = 0;
		err_t e = i->ops->find_extent(i, at, &physical, &length);

		if (!e && (task_pending_work(task_current()) & TASK_WORK_KILL))
			e = -EINTR;
		if (e)
			return e == -EFBIG ? OK : e;
		if (physical) {
			e = extent_tell(w, EXTENT_MERGED);
			if (e || extent_is_full(w))
				return e;
			w->logical = at;
			w->physical = physical;
			w->length = min(length, end - at);
		}
		at += length;
	}
	return OK;
}

static u64 round_up_to(u64 value, u64 block)
{
	return (value + block - 1) / block * block;
}

static err_t fiemap_check(struct inode *i, u64 start, u64 length, u32 count)
{
	if (!i || !i->ops || !i->ops->find_extent)
		return -EOPNOTSUPP;
	if (count > FIEMAP_COUNT_MAX || length == 0)
		return -EINVAL;
	return start > S64_MAX ? -EFBIG : OK;
}

// The head of the request becomes its answer's.
static no_inline err_t fiemap_walk(struct inode *i, span_t head, user_addr_t extents)
{
	const u64 start = bytes_get_u64le(bytes_of(head), FIEMAP_START);
	const u64 length = bytes_get_u64le(bytes_of(head), FIEMAP_LENGTH);
	const u64 block = i->block_size, size = round_up_to(atomic_u64_load(&i->size), block);
	struct extent_writer w = { .to = extents, .room = bytes_get_u32le(bytes_of(head), FIEMAP_COUNT) };
	const u64 end = length > size ? size : min(size, round_up_to(start + length, block));
	err_t e = extents_walk(i, start / block * block, end, &w);

	if (!e && !extent_is_full(&w))
		e = extent_tell(&w, EXTENT_MERGED | EXTENT_LAST);
	span_put_u32le(head, FIEMAP_MAPPED, w.told);
	return e;
}

static s64 fiemap(struct file *f, user_addr_t at)
{
	u8 bytes[FIEMAP_BYTES] = { };
	const span_t head = array_span(bytes);
	struct inode *i = f->inode;
	err_t e = user_copy_in(head, at);

	if (e)
		return e;
	const u32 flags = bytes_get_u32le(bytes_of(head), FIEMAP_FLAGS);

	e = fiemap_check(i, bytes_get_u64le(bytes_of(head), FIEMAP_START),
		bytes_get_u64le(bytes_of(head), FIEMAP_LENGTH), bytes_get_u32le(bytes_of(head), FIEMAP_COUNT));
	if (e)
		return e;
	span_put_u32le(head, FIEMAP_MAPPED, 0);
	if (flags & ~(u32)FIEMAP_FLAG_SYNC) {
		span_put_u32le(head, FIEMAP_FLAGS, flags & ~(u32)FIEMAP_FLAG_SYNC);
		e = -EBADR;
	}
	if (!e && (flags & FIEMAP_FLAG_SYNC) && i->pages)
		e = page_mapping_sync(i->pages, 0, U64_MAX);
	if (!e)
		e = fiemap_walk(i, head, user_offset(at, FIEMAP_BYTES));
	const err_t copied = user_copy_out(at, bytes_of(head));

	return copied ? copied : e;
}

// The number of the block at an index of the file, and 0 for a hole.
static s64 fibmap(struct inode *i, user_addr_t at)
{
	u32 index = 0;
	u64 physical = 0, length = 0;

	if (!cred_has_capability(thread_cred(), user_namespace_initial(), CAP_SYS_RAWIO))
		return -EPERM;
	err_t e = user_read_u32(at, &index);

	if (e)
		return e;
	if ((s32)index < 0 || !i->ops->find_extent)
		return -EINVAL;
	if (index * (u64)i->block_size < atomic_u64_load(&i->size))
		e = i->ops->find_extent(i, index * (u64)i->block_size, &physical, &length);
	physical /= i->block_size;
	if (!e && physical > S32_MAX)
		e = -ERANGE;
	const err_t copied = user_write_u32(at, e ? 0 : (u32)physical);

	return copied ? copied : e;
}

s64 ioctl_extents(struct file *f, u32 request, user_addr_t at)
{
	if (request == FS_IOC_FIEMAP)
		return fiemap(f, at);
	if (!f->inode)
		return -ENOTTY;
	if (request == FIGETBSZ)
		return f->inode->block_size ? (s64)user_write_u32(at, f->inode->block_size) : -EINVAL;
	return f->inode->type == S_IFREG ? fibmap(f->inode, at) : -ENOTTY;
}
