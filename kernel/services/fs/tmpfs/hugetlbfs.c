// SPDX-License-Identifier: MPL-2.0
// hugetlbfs: names and sizes as in tmpfs, counted in huge pages. The pools of huge pages are empty and stay so: what
// would need a page fails as it does on Linux then, and what a file holds is a hole. source: Linux
// Documentation/admin-guide/mm/hugetlbpage
#include <services/fs/tmpfs/tmpfs_internal.h>
#include <services/vfs/dentry.h>

enum { SHIFT_2M = 21, SHIFT_1G = 30 };

struct stack_only hugetlbfs_options {
	u64 size, inodes, least;	// U64_MAX: no limit; bytes; least: min_size
	u32 mode, uid, gid, shift;
};

static err_t parse_page_size(bytes_t value, u32 *shift borrowed)
{
	u64 bytes = 0;
	if (!tmpfs_parse_size(value, &bytes))
		return -EINVAL;
	*shift = bytes == 1ul << SHIFT_2M ? SHIFT_2M : bytes == 1ul << SHIFT_1G ? SHIFT_1G : 0;
	return *shift ? OK : -EINVAL;
}

static err_t parse_option(bytes_t key, bytes_t value, const struct cred *cred borrowed,
	struct hugetlbfs_options *o borrowed)
{
	if (bytes_equal(key, STR("pagesize")))
		return parse_page_size(value, &o->shift);
	if (bytes_equal(key, STR("size")))
		return tmpfs_parse_size(value, &o->size) ? OK : -EINVAL;
	if (bytes_equal(key, STR("min_size")))
		return tmpfs_parse_size(value, &o->least) ? OK : -EINVAL;
	if (bytes_equal(key, STR("nr_inodes")))
		return tmpfs_parse_size(value, &o->inodes) ? OK : -EINVAL;
	return tmpfs_parse_owner(key, value, cred, &o->mode, &o->uid, &o->gid);
}

static err_t hugetlbfs_check_option(bytes_t key, bytes_t value, const struct cred *cred borrowed)
{
	struct hugetlbfs_options ignored = {};
	return parse_option(key, value, cred, &ignored);
}

static err_t parse_options(bytes_t text, const struct cred *cred borrowed, struct hugetlbfs_options *o borrowed)
{
	for (usize at = 0; at < bytes_len(text);) {
		const bytes_t word = mount_option_next(text, &at);
		if (bytes_len(word) == 0)
			break;
		const err_t e = parse_option(mount_option_key(word), mount_option_value(word), cred, o);
		if (e)
			return e == -ENOENT ? -EINVAL : e;
	}
	return OK;
}

// --- files ------------------------------------------------------------------------------------------

static err_t set_attributes(struct inode *i, const struct attribute_change *change borrowed)
{
	if (change->valid & ATTRIBUTE_SIZE) {
		if (change->size & (i->block_size - 1))
			return -EINVAL;
		atomic_u64_store(&i->size, change->size);
	}
	inode_set_attributes_generic(i, change);
	return OK;
}

static ssize_r open_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	const u64 size = atomic_u64_load(&f->inode->size);
	if (*position >= size)
		return 0;
	const usize length = min(iobuf_remaining(to), size - *position);
	const usize done = iobuf_put_zeros(to, length);
	*position += done;
	return done == 0 && length ? -EFAULT : (ssize_r)done;
}

static ssize_r open_seek(struct file *f, s64 offset, u32 whence)
{
	return file_seek_generic(f, offset, whence, atomic_u64_load(&f->inode->size));
}

static err_t open_map(struct file *f, u32 protection, struct page_mapping **out borrowed)
{
	return -ENOMEM;	// a mapping reserves its pages
}

static err_t open_allocate(struct file *f, u32 mode, u64 offset, u64 length)
{
	enum { KEEP_SIZE = 1, PUNCH_HOLE = 2 };
	if (mode & ~(u32)(KEEP_SIZE | PUNCH_HOLE))
		return -EOPNOTSUPP;
	return mode & PUNCH_HOLE ? OK : -ENOSPC;	// there are only holes
}

static err_t open_sync(struct file *f, u64 start, u64 end, u32 data_only)
{
	return OK;
}

const struct inode_ops hugetlbfs_file_ops = { .set_attributes = set_attributes };
const struct file_ops hugetlbfs_open_ops = { .read = open_read, .seek = open_seek, .map = open_map, .sync = open_sync,
	.allocate = open_allocate };

// --- the superblock ---------------------------------------------------------------------------------

static err_t hugetlbfs_statistics(struct superblock *base, struct file_system_statistics *out borrowed)
{
	struct tmpfs_superblock *sb = tmpfs_superblock_of(base);
	const u64 pages = atomic_u64_load(&sb->page_limit), inodes = atomic_u64_load(&sb->inode_limit);
	out->magic = HUGETLBFS_MAGIC;
	out->block_size = 1u << sb->huge_shift;
	out->name_max = DENTRY_NAME_MAX;
	if (pages != U64_MAX)
		out->blocks = out->blocks_free = out->blocks_available = pages;
	if (inodes != U64_MAX) {
		out->files = inodes;
		out->files_free = inodes - min(atomic_u64_load(&sb->inodes), inodes);
	}
	return OK;
}

static void hugetlbfs_show_options(struct superblock *base, struct text *out borrowed)
{
	struct tmpfs_superblock *sb = tmpfs_superblock_of(base);
	const u64 pages = atomic_u64_load(&sb->page_limit), inodes = atomic_u64_load(&sb->inode_limit);
	if (sb->root_uid)
		text_printf(out, ",uid=%u", sb->root_uid);
	if (sb->root_gid)
		text_printf(out, ",gid=%u", sb->root_gid);
	if (sb->root_mode != 0755)
		text_printf(out, ",mode=%o", sb->root_mode);
	if (inodes != U64_MAX)
		text_printf(out, ",nr_inodes=%lu", inodes);
	text_put(out, sb->huge_shift == SHIFT_2M ? STR(",pagesize=2M") : STR(",pagesize=1024M"));
	if (pages != U64_MAX)
		text_printf(out, ",size=%luK", pages << (sb->huge_shift - 10));
}

static const struct superblock_ops hugetlbfs_superblock_ops = {
	.statistics = hugetlbfs_statistics, .find_inode = tmpfs_find_inode, .find_parent = tmpfs_find_parent,
	.unmount = tmpfs_unmount, .show_options = hugetlbfs_show_options,
};

static err_t hugetlbfs_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	struct hugetlbfs_options o = { .size = U64_MAX, .inodes = U64_MAX, .mode = 0755, .uid = request->cred->fsuid,
		.gid = request->cred->fsgid, .shift = SHIFT_2M };
	const err_t e = parse_options(request->options, request->cred, &o);
	if (e)
		return e;
	if (o.least >> o.shift)
		return -ENOMEM;	// these would be reserved now
	const struct tmpfs_options made = { .pages = o.size == U64_MAX ? U64_MAX : o.size >> o.shift,
		.inodes = o.inodes, .mode = o.mode, .uid = o.uid, .gid = o.gid, .huge_shift = o.shift };
	return tmpfs_mount_with(type, &hugetlbfs_superblock_ops, request, &made, out);
}

const struct file_system_type hugetlbfs_type = { .name = "hugetlbfs", .magic = HUGETLBFS_MAGIC,
	.mount = hugetlbfs_mount, .check_option = hugetlbfs_check_option };
