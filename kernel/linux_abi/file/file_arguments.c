// SPDX-License-Identifier: MPL-2.0
#include <linux_abi/file/file_arguments.h>
#include <services/process/process_signal.h>

void place_end(struct place_argument *p borrowed)
{
	buf_free(take(p->longer));
	file_borrow_end(&p->dir);
}

static err_t place_read_name(struct place_argument *p borrowed, user_addr_t name)
{
	ssize_r length = user_copy_string(array_span(p->text), name);
	if (length == -ENAMETOOLONG) {
		p->longer = buf_alloc(PATH_MAX);
		if (!p->longer)
			return -ENOMEM;
		length = user_copy_string(buf_span(p->longer), name);
	}
	if (length < 0)
		return (err_t)length;
	p->length = (usize)length;
	return OK;
}

err_t place_read(struct place_argument *p borrowed, s32 dirfd, user_addr_t name, u32 lookup_flags)
{
	p->context.cred = thread_cred();
	p->context.fs = thread_fs();
	p->context.flags = lookup_flags;
	const err_t e = place_read_name(p, name);
	if (e)
		return e;
	const bool absolute = p->length && byte_at(place_name(p), 0) == '/';
	if (dirfd == AT_CURRENT_FOLDER || (absolute && !(lookup_flags & (LOOKUP_IN_ROOT | LOOKUP_BENEATH))))
		return OK;
	p->dir = file_of(dirfd);
	if (!p->dir.file)
		return -EBADF;
	p->context.start.mount = p->dir.file->path.mount;
	p->context.start.dentry = p->dir.file->path.dentry;
	return OK;
}

err_t place_lookup(s32 dirfd, user_addr_t name, u32 lookup_flags, struct path *out borrowed)
{
	struct place_argument p place_auto = {};
	const err_t e = place_read(&p, dirfd, name, lookup_flags);
	if (e)
		return e;
	return path_lookup(&p.context, place_name(&p), out);
}

u32 lookup_flags_of_at(u32 flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : (u32)LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? (u32)LOOKUP_EMPTY : 0);
}

err_t descriptor_path(const struct file_borrow *b borrowed, struct path *out borrowed)
{
	if (!b->file)
		return -EBADF;
	out->mount = b->file->path.mount;
	out->dentry = b->file->path.dentry;
	return OK;
}

#define USER_MEMORY_END 0x7ffffffff000ul

err_t data_check(user_addr_t at, u64 length)
{
	return length <= USER_MEMORY_END && at.value <= USER_MEMORY_END - length ? OK : -EFAULT;
}

#define VECTOR_MAX 1024u
#define VECTOR_ENTRY 16u

err_t vector_read(user_addr_t vector, u64 count, struct buf **out borrowed, usize *total borrowed)
{
	if (count > VECTOR_MAX)
		return -EINVAL;
	struct buf *b buf_auto = buf_alloc(max(count, 1ul) * VECTOR_ENTRY);
	if (!b)
		return -ENOMEM;
	const err_t e = user_copy_in(span_first(buf_span(b), count * VECTOR_ENTRY), vector);
	if (e)
		return e;
	usize sum = 0;
	for (u64 n = 0; n < count; n++) {
		u64 length = bytes_get_u64le(buf_bytes(b), n * VECTOR_ENTRY + 8);
		if (length > S64_MAX)
			return -EINVAL;
		length = min(length, IO_LENGTH_MAX - sum);
		span_put_u64le(buf_span(b), n * VECTOR_ENTRY + 8, length);
		sum += length;
	}
	*total = sum;
	*out = take(b);
	return OK;
}

err_t write_limit(struct file *f, struct iobuf *from borrowed, u64 position)
{
	const u64 limit = process_rlimit(process_current(), RLIMIT_FSIZE);
	if (limit == RLIMIT_INFINITY || !f->inode || f->inode->type != S_IFREG)
		return OK;
	const u64 at = atomic_u32_load(&f->flags) & OPEN_APPEND ? atomic_u64_load(&f->inode->size) : position;
	if (at >= limit) {
		const struct signal_info info = signal_info_kernel(SIGXFSZ);
		const err_t e = signal_send_thread(thread_current(), &info);
		return e ? e : (err_t)-EFBIG;
	}
	iobuf_truncate(from, limit - at);
	return OK;
}

err_t length_limit(const struct inode *i borrowed, u64 length)
{
	const u64 limit = process_rlimit(process_current(), RLIMIT_FSIZE);
	if (limit == RLIMIT_INFINITY || length <= limit || i->type != S_IFREG || length <= atomic_u64_load(&i->size))
		return OK;
	const struct signal_info info = signal_info_kernel(SIGXFSZ);
	const err_t e = signal_send_thread(thread_current(), &info);
	return e ? e : (err_t)-EFBIG;
}

s64 write_result(ssize_r n)
{
	if (n != -EPIPE)
		return n;
	const struct signal_info info = signal_info_kernel(SIGPIPE);
	const err_t e = signal_send_thread(thread_current(), &info);
	return e ? e : -EPIPE;
}
