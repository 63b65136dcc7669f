// SPDX-License-Identifier: MPL-2.0
// Inodes of tmpfs: files whose only home is the page cache, links, special files.
#include <core/random.h>
#include <services/fs/tmpfs/tmpfs_internal.h>
#include <services/vfs/mount.h>

static exclusive_access void tmpfs_inode_release(struct tmpfs_inode *i)
{
	struct tmpfs_superblock *const sb = tmpfs_superblock_of(i->base.superblock);
	if (tmpfs_number_tree_is_linked(i)) {
		spin_guard(&sb->numbers_lock);
		tmpfs_number_tree_remove(&sb->by_number, i);
	}
	inode_fini(&i->base);
	buf_free(take(i->target));
	for (struct tmpfs_xattr *x = tmpfs_xattr_list_pop(&i->xattrs); x; x = tmpfs_xattr_list_pop(&i->xattrs))
		tmpfs_xattr_drop(take(x));
	atomic_u64_sub(&sb->inodes, 1);
}
DEFINE_DERIVED(tmpfs_inode, inode, tmpfs_inode_release)

struct tmpfs_inode *tmpfs_inode_of(struct inode *i)
{
	return tmpfs_inode_from_inode(i);
}

bool inode_is_tmpfs(const struct inode *i borrowed)
{
	return inode_is_tmpfs_inode(i);
}

static const struct inode_ops *ops_of_type(u32 type)
{
	switch (type) {
	case S_IFDIR:
		return &tmpfs_directory_ops;
	case S_IFREG:
		return &tmpfs_file_ops;
	case S_IFLNK:
		return &tmpfs_link_ops;
	default:
		return &tmpfs_special_ops;
	}
}

static const struct file_ops *file_ops_of(struct tmpfs_superblock *const sb)
{
	return sb->huge_shift ? &hugetlbfs_open_ops : &tmpfs_open_ops;
}

err_t tmpfs_inode_create(struct tmpfs_superblock *const sb, u32 mode, u64 device, struct inode **out borrowed)
{
	if (atomic_u64_add(&sb->inodes, 1) >= atomic_u64_load_relaxed(&sb->inode_limit)) {
		atomic_u64_sub(&sb->inodes, 1);
		return -ENOSPC;
	}
	struct tmpfs_inode *i object_auto(tmpfs_inode) = tmpfs_inode_alloc();
	if (!i) {
		atomic_u64_sub(&sb->inodes, 1);
		return -ENOMEM;
	}
	const u32 type = mode & S_IFMT;
	const bool is_huge = type == S_IFREG && sb->huge_shift;
	inode_init(&i->base, &sb->base, atomic_u64_add(&sb->numbers, 1) + 1, mode,
		   is_huge ? &hugetlbfs_file_ops : ops_of_type(type),
		   type == S_IFDIR ? &file_ops_directory : type == S_IFREG ? file_ops_of(sb) : NULL);
	if (sb->huge_shift)
		i->base.block_size = 1u << sb->huge_shift;
	mutex_init(&i->xattr_lock, RANK_FS_METADATA);
	i->base.device = device;
	i->next_place = 2;
	atomic_u32_store_relaxed(&i->seals, SEAL_SEAL);
	if (type == S_IFREG && !is_huge) {
		i->base.pages = page_mapping_create(&tmpfs_mapping_ops, &i->base);
		if (!i->base.pages)
			return -ENOMEM;
	}
	i->base.generation = (u32)random_u64();
	{
		spin_guard(&sb->numbers_lock);
		tmpfs_number_tree_insert(&sb->by_number, i, i->base.number);
	}
	*out = &take(i)->base;
	return OK;
}

static struct inode *number_find(struct tmpfs_superblock *const sb, u64 number) owned;
static struct inode *number_find(struct tmpfs_superblock *const sb, u64 number)
{
	spin_guard(&sb->numbers_lock);
	struct tmpfs_inode *i = tmpfs_number_tree_at_least(&sb->by_number, number);
	return i && i->base.number == number ? inode_try_get(&i->base) : NULL;
}

err_t tmpfs_find_inode(struct superblock *base, u64 number, u32 generation, struct inode **out borrowed)
{
	struct inode *found object_auto(inode) = number_find(tmpfs_superblock_of(base), number);
	if (!found || found->generation != generation)
		return -ESTALE;
	*out = take(found);
	return OK;
}

err_t tmpfs_find_parent(struct inode *dir, struct inode **out borrowed)
{
	const u64 number = atomic_u64_load(&tmpfs_inode_of(dir)->parent_number);
	*out = number_find(tmpfs_superblock_of(dir->superblock), number);
	return *out ? OK : -ESTALE;
}

// --- pages ------------------------------------------------------------------------------------------

static err_t page_added(struct page_mapping *m)
{
	struct tmpfs_superblock *sb = tmpfs_superblock_of(page_mapping_host(m)->superblock);
	if (atomic_u64_add(&sb->pages, 1) < atomic_u64_load_relaxed(&sb->page_limit))
		return OK;
	atomic_u64_sub(&sb->pages, 1);
	return -ENOSPC;
}

static void page_removed(struct page_mapping *m, u64 count)
{
	struct tmpfs_superblock *sb = tmpfs_superblock_of(page_mapping_host(m)->superblock);
	atomic_u64_sub(&sb->pages, count);
}

const struct page_mapping_ops tmpfs_mapping_ops = {
	.page_added = page_added,
	.page_removed = page_removed,
};

// --- attributes -------------------------------------------------------------------------------------

static err_t file_set_size(struct tmpfs_inode *i, u64 size)
{
	const u64 old = atomic_u64_load(&i->base.size);
	const u32 seals = atomic_u32_load(&i->seals);
	if ((size < old && (seals & SEAL_SHRINK)) || (size > old && (seals & SEAL_GROW)))
		return -EPERM;
	atomic_u64_store(&i->base.size, size);
	if (size < old)
		page_mapping_truncate(i->base.pages, size);
	return OK;
}

err_t tmpfs_set_attributes(struct inode *i, const struct attribute_change *change borrowed)
{
	if (change->valid & ATTRIBUTE_SIZE) {
		if (i->type != S_IFREG)
			return -EINVAL;
		const err_t e = file_set_size(tmpfs_inode_of(i), change->size);
		if (e)
			return e;
	}
	inode_set_attributes_generic(i, change);
	return OK;
}

err_t tmpfs_get_attributes(struct inode *i, struct file_stat *out borrowed)
{
	inode_stat_generic(i, out);
	if (i->pages)
		out->blocks = page_mapping_page_count(i->pages) * (PAGE_SIZE / 512);
	return OK;
}

static ssize_r link_read(struct inode *i, span_t out)
{
	return (ssize_r)span_copy_some(out, buf_bytes(tmpfs_inode_of(i)->target));
}

#define TMPFS_XATTR_OPS .get_xattr = tmpfs_get_xattr, .set_xattr = tmpfs_set_xattr, .list_xattr = tmpfs_list_xattr, \
	.remove_xattr = tmpfs_remove_xattr
// Memory is their only home: the VFS keeps them.
err_t tmpfs_set_flags(struct inode *i, u32 flags)
{
	return OK;
}

const struct inode_ops tmpfs_file_ops = {
	.set_flags = tmpfs_set_flags,
	.set_attributes = tmpfs_set_attributes, .get_attributes = tmpfs_get_attributes, TMPFS_XATTR_OPS,
};
const struct inode_ops tmpfs_link_ops = {
	.read_link = link_read, .set_attributes = tmpfs_set_attributes, TMPFS_XATTR_OPS,
};
const struct inode_ops tmpfs_special_ops = {
	.set_attributes = tmpfs_set_attributes, TMPFS_XATTR_OPS,
};

// --- open files -------------------------------------------------------------------------------------

static ssize_r open_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	struct tmpfs_inode *i = tmpfs_inode_of(f->inode);
	const u32 seals = atomic_u32_load_relaxed(&i->seals);
	if (seals & (SEAL_WRITE | SEAL_FUTURE_WRITE))
		return -EPERM;
	if (seals & SEAL_GROW) {
		const u64 size = atomic_u64_load(&i->base.size);
		if (*position >= size || (atomic_u32_load(&f->flags) & OPEN_APPEND))
			return -EPERM;
		if (iobuf_remaining(from) > size - *position)
			iobuf_truncate(from, size - *position);
	}
	return file_ops_page_cache.write(f, from, position);
}

// The next byte at or after `offset` with (data) or without (hole) a page.
static u64 find_page(struct inode *i, u64 offset, bool data)
{
	const u64 size = atomic_u64_load(&i->size);
	u64 index = offset >> PAGE_SHIFT;
	if (data) {
		if (!page_mapping_next_page(i->pages, &index))
			return size;
		return max(offset, index << PAGE_SHIFT);
	}
	for (u64 at = index; page_mapping_next_page(i->pages, &at) && at == index; at = index)
		index++;
	const u64 found = max(offset, index << PAGE_SHIFT);
	return min(found, size);
}

static ssize_r open_seek(struct file *f, s64 offset, u32 whence)
{
	enum { SEEK_DATA = 3, SEEK_HOLE = 4 };
	const u64 size = atomic_u64_load(&f->inode->size);
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return file_seek_generic(f, offset, whence, size);
	if (offset < 0 || (u64)offset >= size)
		return -ENXIO;
	const u64 found = find_page(f->inode, (u64)offset, whence == SEEK_DATA);
	if (whence == SEEK_DATA && found >= size)
		return -ENXIO;
	f->position = found;
	return (ssize_r)found;
}

static err_t open_map(struct file *f, u32 protection, struct page_mapping **out borrowed)
{
	enum { MAP_WRITE = 2 };
	const u32 seals = atomic_u32_load(&tmpfs_inode_of(f->inode)->seals);
	if ((protection & MAP_WRITE) && (seals & (SEAL_WRITE | SEAL_FUTURE_WRITE)))
		return -EPERM;
	*out = f->inode->pages;
	return OK;
}

static err_t open_sync(struct file *f, u64 start, u64 end, u32 data_only)
{
	return OK;	// memory is its only home
}

// fallocate(2): pages are made now, so that later writes cannot fail.
static err_t allocate_pages(struct inode *i, u64 first, u64 end)
{
	for (u64 index = first; index < end; index++) {
		struct page *p page_auto = NULL;
		const err_t e = page_mapping_read_page(i->pages, index, &p);
		if (e)
			return e;
	}
	return OK;
}

static void punch_hole(struct inode *i, u64 offset, u64 end)
{
	const u64 first = page_round_up(offset) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
	if (first < last)
		page_mapping_drop(i->pages, first, last - 1);
	u64 at = offset;
	while (at < end) {
		const u64 page_end = page_round_down(at) + PAGE_SIZE;
		const u64 stop = min(end, page_end);
		struct page *p page_auto = page_mapping_find(i->pages, at >> PAGE_SHIFT);
		if (p)
			span_fill(span_slice(page_span(p), page_offset(at), stop - at), 0);
		const bool in_dropped = first < last && stop >= first << PAGE_SHIFT && stop < last << PAGE_SHIFT;
		at = in_dropped ? last << PAGE_SHIFT : stop;
	}
}

static err_t open_allocate(struct file *f, u32 mode, u64 offset, u64 length)
{
	enum { KEEP_SIZE = 1, PUNCH_HOLE = 2 };
	struct inode *const i = f->inode;
	const u32 seals = atomic_u32_load(&tmpfs_inode_of(i)->seals);
	const u64 end = offset + length;
	if (mode & ~(u32)(KEEP_SIZE | PUNCH_HOLE))
		return -EOPNOTSUPP;
	write_guard(&i->data_lock);
	const u64 size = atomic_u64_load(&i->size);
	if (mode & PUNCH_HOLE) {
		if (seals & (SEAL_WRITE | SEAL_FUTURE_WRITE))
			return -EPERM;
		punch_hole(i, offset, min(end, page_round_up(size)));
		inode_touch(i, TOUCH_MODIFY | TOUCH_CHANGE);
		return OK;
	}
	if (end > size && (seals & SEAL_GROW))
		return -EPERM;
	const err_t e = allocate_pages(i, offset >> PAGE_SHIFT, (end + PAGE_SIZE - 1) >> PAGE_SHIFT);
	if (e)
		return e;
	if (!(mode & KEEP_SIZE) && end > size)
		atomic_u64_store(&i->size, end);
	inode_touch(i, TOUCH_CHANGE);
	return OK;
}

static ssize_r open_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	return file_ops_page_cache.read(f, to, position);
}

const struct file_ops tmpfs_open_ops = {
	.read = open_read, .write = open_write, .seek = open_seek, .map = open_map, .sync = open_sync, .allocate =
		open_allocate,
};

// --- memfd ------------------------------------------------------------------------------------------

ssize_r tmpfs_seals(struct file *f)
{
	if (!inode_is_tmpfs(f->inode) || f->inode->type != S_IFREG)
		return -EINVAL;
	return (ssize_r)atomic_u32_load(&tmpfs_inode_of(f->inode)->seals);
}

err_t tmpfs_add_seals(struct file *f, u32 seals)
{
	if (!inode_is_tmpfs(f->inode) || f->inode->type != S_IFREG || (seals & ~(u32)SEAL_ALL))
		return -EINVAL;
	if (!(f->mode & FILE_MODE_WRITE))
		return -EPERM;
	struct tmpfs_inode *i = tmpfs_inode_of(f->inode);
	write_guard(&f->inode->data_lock);
	if (atomic_u32_load(&i->seals) & SEAL_SEAL)
		return -EPERM;
	if (seals & SEAL_WRITE && page_mapping_has_writers(f->inode->pages))
		return -EBUSY;
	atomic_u32_or(&i->seals, seals);
	return OK;
}
