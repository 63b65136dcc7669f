// SPDX-License-Identifier: MPL-2.0
// Inodes between disk and memory: read, write, create, free.
//
// An inode's record is decoded when it is first looked up and encoded by write_inode (sync, eviction). The
// group's inode table position is computed, never stored. Numbers and sizes from the disk are checked here,
// so that the rest of the folder can rely on them.
#include <core/random.h>
#include <services/fs/ext2/ext2_internal.h>
#include <services/vfs/attributes.h>

static exclusive_access void ext2_inode_release(struct ext2_inode *n)
{
	{
		mutex_guard(&n->index_lock);
		if (n->index)
			name_index_put(take(n->index));
	}
	inode_fini(&n->base);
}
DEFINE_DERIVED(ext2_inode, inode, ext2_inode_release)

struct ext2_inode *ext2_inode_of(struct inode *i)
{
	return ext2_inode_from_inode(i);
}

// Where an inode's record lies.
struct ext2_record {
	u32 block, offset;
};

static no_inline err_t record_find(struct ext2_superblock *s, u64 number, struct ext2_record *out borrowed)
{
	struct page *p page_auto = NULL;
	u32 group = (u32)((number - 1) / s->inodes_a_group), index = (u32)((number - 1) % s->inodes_a_group);
	u32 block = s->descriptor_block + group * EXT2_GROUP_BYTES / s->block_size;
	err_t err;

	if (number == 0 || number > s->inode_count)
		return -EIO;
	err = ext2_block_read(s, block, &p);
	if (err)
		return err;
	out->block = bytes_get_u32le(
		ext2_block_bytes(s, p, block), group * EXT2_GROUP_BYTES % s->block_size + GROUP_INODE_TABLE);
	out->block += (u32)((u64)index * s->inode_bytes / s->block_size);
	out->offset = (u32)((u64)index * s->inode_bytes % s->block_size);
	return OK;
}

err_t ext2_inode_record(struct ext2_superblock *s, u64 number, u32 *block borrowed, u32 *offset borrowed)
{
	struct ext2_record r = { };
	err_t err = record_find(s, number, &r);

	*block = r.block;
	*offset = r.offset;
	return err;
}

static struct file_time time_decode(bytes_t b, u32 seconds_at, u32 extra_at, bool has_extra)
{
	struct file_time t = { .seconds = (s32)bytes_get_u32le(b, seconds_at) };

	if (has_extra) {
		u32 extra = bytes_get_u32le(b, extra_at);

		t.seconds += (s64)(extra & 3) << 32;
		t.nanoseconds = min(extra >> 2, 999999999u);
	}
	return t;
}

static void time_encode(span_t b, u32 seconds_at, u32 extra_at, bool has_extra, struct file_time t)
{
	span_put_u32le(b, seconds_at, (u32)t.seconds);
	if (has_extra)
		span_put_u32le(b, extra_at, t.nanoseconds << 2 | (u32)((u64)(t.seconds - (s32)t.seconds) >> 32 & 3));
}

// Does the record have the nanosecond fields?
static bool has_extra_times(bytes_t b)
{
	return bytes_len(b) >= EXT2_GOOD_OLD_INODE_BYTES + 32 &&
	       EXT2_GOOD_OLD_INODE_BYTES + bytes_get_u16le(b, INODE_EXTRA_BYTES) >= INODE_EXTRA_END;
}

static no_inline void decode_times(struct inode *i, bytes_t b)
{
	bool extra = has_extra_times(b);

	i->birth_time = extra ? time_decode(b, INODE_BIRTH_TIME, INODE_BIRTH_EXTRA, true)
			      : time_decode(b, INODE_CHANGE_TIME, 0, false);
	spin_guard(&i->lock);
	i->access_time = time_decode(b, INODE_ACCESS_TIME, INODE_ACCESS_EXTRA, extra);
	i->change_time = time_decode(b, INODE_CHANGE_TIME, INODE_CHANGE_EXTRA, extra);
	i->modify_time = time_decode(b, INODE_MODIFY_TIME, INODE_MODIFY_EXTRA, extra);
}

static u64 device_decode(u32 old, u32 new)
{
	if (old)
		return device_number(old >> 8 & 0xff, old & 0xff);
	return device_number(new >> 8 & 0xfff, (new & 0xff) | (new >> 12 & 0xfff00));
}

static bool is_fast_symlink(struct inode *i)
{
	return i->type == S_IFLNK && atomic_u64_load(&i->size) < EXT2_FAST_SYMLINK_MAX;
}

// The fields that any inode in memory needs; checks what must hold.
static no_inline err_t decode(struct ext2_inode *n, bytes_t b)
{
	struct inode *i = &n->base;
	u64 size = bytes_get_u32le(b, INODE_SIZE);

	if (i->type == S_IFREG)
		size |= (u64)bytes_get_u32le(b, INODE_SIZE_HIGH) << 32;
	if (size > ext2_max_size(ext2_of(i->superblock)) || (i->type == S_IFLNK && size >= PAGE_SIZE))
		return -EIO;
	atomic_u64_store(&i->size, size);
	decode_times(i, b);
	n->file_acl = bytes_get_u32le(b, INODE_FILE_ACL);
	i->generation = bytes_get_u32le(b, INODE_GENERATION);
	{
		spin_guard(&i->lock);
		i->uid = bytes_get_u16le(b, INODE_UID) | (u32)bytes_get_u16le(b, INODE_UID_HIGH) << 16;
		i->gid = bytes_get_u16le(b, INODE_GID) | (u32)bytes_get_u16le(b, INODE_GID_HIGH) << 16;
		i->link_count = bytes_get_u16le(b, INODE_LINKS);
		i->block_count = bytes_get_u32le(b, INODE_BLOCKS);
	}
	mutex_guard(&n->map_lock);
	n->disk_flags = bytes_get_u32le(b, INODE_FLAGS);
	for (u32 k = 0; k < EXT2_BLOCK_SLOTS; k++)
		n->block[k] = bytes_get_u32le(b, INODE_BLOCK + k * 4ul);
	if (i->type == S_IFCHR || i->type == S_IFBLK)
		i->device = device_decode(n->block[0], n->block[1]);
	inode_set_flags(i, n->disk_flags & FILE_FLAGS_ALL);
	return OK;
}

// The operations that go with a file type. Static: nothing to release.
struct ext2_kind {
	u32 type;
	const struct inode_ops *ops;
	const struct file_ops *file_ops;
};
static const struct ext2_kind kinds[] = {
	{ S_IFREG, &ext2_file_inode_ops, &ext2_file_ops },
	{ S_IFDIR, &ext2_directory_ops, &ext2_directory_file_ops },
	{ S_IFLNK, &ext2_symlink_ops, NULL },
	{ S_IFCHR, &ext2_special_ops, NULL },
	{ S_IFBLK, &ext2_special_ops, NULL },
	{ S_IFIFO, &ext2_special_ops, NULL },
	{ S_IFSOCK, &ext2_special_ops, NULL },
};

// An inode in memory with its base filled; not yet in the table. -EIO for a mode that makes no sense.
static struct ext2_inode *ext2_inode_new(struct ext2_superblock *s, u64 number, u32 mode, err_t *err borrowed) owned;
static struct ext2_inode *ext2_inode_new(struct ext2_superblock *s, u64 number, u32 mode, err_t *err borrowed)
{
	for (u32 k = 0; k < array_len(kinds); k++) {
		if (kinds[k].type != (mode & S_IFMT))
			continue;
		struct ext2_inode *n object_auto(ext2_inode) = ext2_inode_alloc();
		*err = -ENOMEM;
		if (!n)
			return NULL;
		mutex_init(&n->map_lock, RANK_FS_METADATA);
		mutex_init(&n->index_lock, RANK_FS_DIRECTORY);
		n->group = (u32)((number - 1) / s->inodes_a_group);
		inode_init(&n->base, &s->base, number, mode, kinds[k].ops, kinds[k].file_ops);
		n->base.block_size = s->block_size;
		if ((mode & S_IFMT) == S_IFREG || (mode & S_IFMT) == S_IFDIR || (mode & S_IFMT) == S_IFLNK) {
			n->base.pages = page_mapping_create(&ext2_mapping_ops, &n->base);
			if (!n->base.pages)
				return NULL;
		}
		*err = OK;
		return take(n);
	}
	ext2_report(s, "inode has an unknown type", number);
	*err = -EIO;
	return NULL;
}

// The record of a number, decoded. What is made of a damaged one is in *made too: it goes after inode_lock, for its end
// takes locks that come before.
static no_inline err_t inode_load(struct ext2_superblock *s, u64 number, struct inode **made borrowed)
{
	struct page *p page_auto = NULL;
	struct ext2_record r = { };
	err_t err = record_find(s, number, &r);

	if (!err)
		err = ext2_block_read(s, r.block, &p);
	if (err)
		return err;
	bytes_t b = bytes_slice(ext2_block_bytes(s, p, r.block), r.offset, s->inode_bytes);
	u32 mode = bytes_get_u16le(b, INODE_MODE);
	if (mode == 0 || bytes_get_u16le(b, INODE_LINKS) == 0)
		return -ESTALE;
	struct ext2_inode *n object_auto(ext2_inode) = ext2_inode_new(s, number, mode, &err);
	if (!n)
		return err;
	*made = inode_get(&n->base);
	err = decode(n, b);
	if (err) {
		// Nothing of it may be written back: pretend that it was never linked to its record.
		ext2_report(s, "inode record is damaged", number);
		return err;
	}
	return inode_cache_insert(&n->base);
}

err_t ext2_inode_read(struct ext2_superblock *s, u64 number, struct inode **out borrowed)
{
	struct inode *i object_auto(inode) = NULL;
	mutex_guard(&s->inode_lock);
	struct inode *found object_auto(inode) = inode_cache_find(&s->base, number);

	if (found) {
		*out = take(found);
		return OK;
	}
	const err_t err = inode_load(s, number, &i);
	if (!err)
		*out = take(i);
	return err;
}

static no_inline void encode_times(struct inode *i, span_t b)
{
	bool extra = has_extra_times(bytes_of(b));

	if (extra)
		time_encode(b, INODE_BIRTH_TIME, INODE_BIRTH_EXTRA, true, i->birth_time);
	spin_guard(&i->lock);
	time_encode(b, INODE_ACCESS_TIME, INODE_ACCESS_EXTRA, extra, i->access_time);
	time_encode(b, INODE_CHANGE_TIME, INODE_CHANGE_EXTRA, extra, i->change_time);
	time_encode(b, INODE_MODIFY_TIME, INODE_MODIFY_EXTRA, extra, i->modify_time);
}

static no_inline void encode(struct ext2_inode *const n, span_t b) REQUIRES(n->map_lock);
static no_inline void encode(struct ext2_inode *const n, span_t b)
{
	struct inode *i = &n->base;
	u64 size = atomic_u64_load(&i->size);

	span_put_u32le(b, INODE_SIZE, (u32)size);
	span_put_u32le(b, INODE_SIZE_HIGH, (u32)(size >> 32));
	span_put_u32le(b, INODE_GENERATION, i->generation);
	span_put_u32le(b, INODE_FILE_ACL, n->file_acl);
	encode_times(i, b);
	{
		spin_guard(&i->lock);
		span_put_u16le(b, INODE_MODE, (u16)(i->type | i->mode));
		span_put_u16le(b, INODE_UID, (u16)i->uid);
		span_put_u16le(b, INODE_UID_HIGH, (u16)(i->uid >> 16));
		span_put_u16le(b, INODE_GID, (u16)i->gid);
		span_put_u16le(b, INODE_GID_HIGH, (u16)(i->gid >> 16));
		span_put_u16le(b, INODE_LINKS, (u16)i->link_count);
		span_put_u32le(b, INODE_BLOCKS, (u32)i->block_count);
		span_put_u32le(b, INODE_DELETE_TIME, i->link_count ? 0 : (u32)i->change_time.seconds);
	}
	span_put_u32le(b, INODE_FLAGS, n->disk_flags);
	for (u32 k = 0; k < EXT2_BLOCK_SLOTS; k++)
		span_put_u32le(b, INODE_BLOCK + k * 4ul, n->block[k]);
}

no_inline err_t ext2_inode_write(struct inode *i)
{
	struct ext2_superblock *s = ext2_of(i->superblock);
	struct ext2_inode *const n = ext2_inode_of(i);
	struct page *p page_auto = NULL;
	struct ext2_record r = { };
	err_t err = record_find(s, i->number, &r);

	atomic_u32_and(&i->state, ~(u32)INODE_DIRTY);
	if (err)
		return err;
	// Before the page: who allocates has this lock when it waits for a bitmap, which may lie in the same page.
	mutex_guard(&n->map_lock);
	err = ext2_block_edit(s, r.block, &p);
	if (err)
		return err;
	encode(n, span_slice(ext2_block_span(s, p, r.block), r.offset, s->inode_bytes));
	ext2_block_done(s, p, r.block);
	return OK;
}

// A fresh record: zero, with the extra part that mkfs gives (32 bytes) where there is room.
static no_inline err_t record_clear(struct ext2_superblock *s, u64 number)
{
	struct page *p page_auto = NULL;
	struct ext2_record r = { };
	err_t err = record_find(s, number, &r);

	if (!err)
		err = ext2_block_edit(s, r.block, &p);
	if (err)
		return err;
	span_t b = span_slice(ext2_block_span(s, p, r.block), r.offset, s->inode_bytes);
	span_fill(b, 0);
	if (s->inode_bytes >= EXT2_GOOD_OLD_INODE_BYTES + 32)
		span_put_u16le(b, INODE_EXTRA_BYTES, 32);
	ext2_block_done(s, p, r.block);
	return OK;
}

static void set_device(struct ext2_inode *n, u64 device)
{
	u32 major = device_major(device), minor = device_minor(device);

	n->base.device = device;
	mutex_guard(&n->map_lock);
	if (major < 256 && minor < 256)
		n->block[0] = major << 8 | minor;
	else
		n->block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

err_t ext2_inode_create(
	struct inode *dir, u32 mode, u64 device, const struct cred *cred borrowed, struct inode **out borrowed)
{
	struct ext2_superblock *s = ext2_of(dir->superblock);
	u32 number = 0;
	err_t err = ext2_allocate_inode(s, ext2_inode_of(dir)->group, mode & S_IFMT, &number);

	if (!err)
		err = record_clear(s, number);
	if (err)
		return err;
	// Both go after the lock: an inode's end takes locks that come before it.
	struct ext2_inode *n object_auto(ext2_inode) = ext2_inode_new(s, number, mode, &err);
	struct inode *former object_auto(inode) = NULL;
	mutex_guard(&s->inode_lock);
	// Who had the number before gives it back while it is still known by it: this waits until it has left.
	former = inode_cache_find(&s->base, number);
	if (n && !err)
		err = former ? -EIO : inode_cache_insert(&n->base);
	if (err || !n) {
		ext2_free_inode(s, number, mode & S_IFMT);
		return err;
	}
	inode_init_owner(&n->base, dir, cred, mode);
	n->base.generation = (u32)random_u64();
	if ((mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK)
		set_device(n, device);
	inode_mark_dirty(&n->base);
	*out = inode_get(&n->base);
	return OK;
}

// The numbers on the disk are those of the interface.
err_t ext2_set_flags(struct inode *i, u32 flags)
{
	struct ext2_inode *const n = ext2_inode_of(i);
	{
		mutex_guard(&n->map_lock);
		n->disk_flags = (n->disk_flags & ~(u32)FILE_FLAGS_ALL) | flags;
	}
	inode_mark_dirty(i);
	return OK;
}

// The last link and the last user are gone.
void ext2_inode_evict(struct inode *i)
{
	struct ext2_superblock *s = ext2_of(i->superblock);
	bool has_blocks = (i->type == S_IFREG || i->type == S_IFDIR || i->type == S_IFLNK) && !is_fast_symlink(i);

	if (!(atomic_u32_load(&i->state) & INODE_CACHED))
		return;	// was never connected to its record
	if (i->pages)
		page_mapping_truncate(i->pages, 0);
	if (has_blocks && ext2_map_truncate(ext2_inode_of(i), 0))
		ext2_report(s, "blocks of a deleted inode could not be freed", i->number);
	ext2_xattr_evict(ext2_inode_of(i));
	atomic_u64_store(&i->size, 0);
	inode_touch(i, TOUCH_CHANGE);
	if (ext2_inode_write(i))
		ext2_report(s, "deleted inode could not be written", i->number);
	ext2_free_inode(s, (u32)i->number, i->type);
}
