// SPDX-License-Identifier: MPL-2.0
// Mounting: the superblock is read, every number in it checked against the others and the device, and what
// we do not know refused (incompatible features) or mounted read-only (read-only compatible ones).
#include <core/print.h>
#include <services/fs/ext2/ext2.h>
#include <services/fs/ext2/ext2_internal.h>

static exclusive_access void ext2_superblock_release(struct ext2_superblock *s)
{
	superblock_fini(&s->base);
	if (s->disk) {
		block_device_release_claim(s->disk);
		block_device_put(take(s->disk));
	}
}
DEFINE_DERIVED(ext2_superblock, superblock, ext2_superblock_release)

struct ext2_superblock *ext2_of(struct superblock *sb)
{
	return ext2_superblock_from_superblock(sb);
}

#define KNOWN_INCOMPATIBLE INCOMPATIBLE_FILE_TYPE
#define KNOWN_READ_ONLY (READ_ONLY_SPARSE | READ_ONLY_LARGE_FILE | READ_ONLY_BTREE_DIR | READ_ONLY_EXTRA_ISIZE)

static err_t refuse(const char *why, u64 number)
{
	log_text(LOG_ERROR, "ext2", STR("cannot be mounted:"));
	log_text(LOG_ERROR, why, bytes_empty());
	log_error("ext2: value %lu", number);
	return -EINVAL;
}

static no_inline void geometry_read(struct ext2_superblock *s, bytes_t b)
{
	mutex_guard(&s->alloc_lock);
	s->block_size = 1024u << bytes_get_u32le(b, SB_LOG_BLOCK_SIZE);
	s->block_count = bytes_get_u32le(b, SB_BLOCKS);
	s->inode_count = bytes_get_u32le(b, SB_INODES);
	s->reserved_blocks = bytes_get_u32le(b, SB_RESERVED_BLOCKS);
	s->first_data_block = bytes_get_u32le(b, SB_FIRST_DATA_BLOCK);
	s->blocks_a_group = bytes_get_u32le(b, SB_BLOCKS_A_GROUP);
	s->inodes_a_group = bytes_get_u32le(b, SB_INODES_A_GROUP);
	s->inode_bytes =
		bytes_get_u32le(b, SB_REVISION) ? bytes_get_u16le(b, SB_INODE_BYTES) : EXT2_GOOD_OLD_INODE_BYTES;
	s->first_inode = bytes_get_u32le(b, SB_REVISION) ? bytes_get_u32le(b, SB_FIRST_INODE) : 11;
	s->addresses_a_block = s->block_size / 4;
	s->descriptor_block = s->first_data_block + 1;
	s->free_blocks = bytes_get_u32le(b, SB_FREE_BLOCKS);
	s->free_inodes = bytes_get_u32le(b, SB_FREE_INODES);
}

static no_inline err_t geometry_check(struct ext2_superblock *s)
{
	u64 bits = s->block_size * 8ul;

	if (s->block_count == 0 || (u64)s->block_count * s->block_size > block_device_bytes(s->disk))
		return refuse("more blocks than the device has", s->block_count);
	if (s->first_data_block != (s->block_size == 1024 ? 1 : 0) || s->first_data_block >= s->block_count)
		return refuse("bad first data block", s->first_data_block);
	if (s->blocks_a_group == 0 || s->blocks_a_group > bits)
		return refuse("bad blocks per group", s->blocks_a_group);
	if (s->inodes_a_group == 0 || s->inodes_a_group > bits)
		return refuse("bad inodes per group", s->inodes_a_group);
	if (s->inode_bytes < EXT2_GOOD_OLD_INODE_BYTES || s->inode_bytes > s->block_size ||
		(s->inode_bytes & (s->inode_bytes - 1)))
		return refuse("bad inode size", s->inode_bytes);
	s->group_count = (s->block_count - s->first_data_block + s->blocks_a_group - 1) / s->blocks_a_group;
	if ((u64)s->group_count * s->inodes_a_group != s->inode_count)
		return refuse("inode count does not fit the groups", s->inode_count);
	if (s->first_inode < 11 || s->first_inode > s->inodes_a_group)
		return refuse("bad first inode", s->first_inode);
	return OK;
}

static no_inline err_t features_check(struct ext2_superblock *s, bytes_t b)
{
	u32 incompatible = bytes_get_u32le(b, SB_INCOMPATIBLE), read_only = bytes_get_u32le(b, SB_READ_ONLY_COMPATIBLE);

	if (bytes_get_u32le(b, SB_REVISION) == 0)
		return OK;
	if (incompatible & ~(u32)KNOWN_INCOMPATIBLE)
		return refuse("unknown incompatible features", incompatible);
	if (!(incompatible & INCOMPATIBLE_FILE_TYPE))
		return refuse("folders without file types are not supported", incompatible);
	if ((read_only & ~(u32)KNOWN_READ_ONLY) && !(atomic_u32_load(&s->base.flags) & SUPERBLOCK_READ_ONLY)) {
		log_warning("ext2: unknown features %x: mounted read-only", read_only);
		atomic_u32_or(&s->base.flags, SUPERBLOCK_READ_ONLY);
	}
	return OK;
}

static no_inline err_t superblock_read(struct ext2_superblock *s)
{
	struct page *p page_auto = NULL;
	err_t err;

	if (block_device_bytes(s->disk) < EXT2_SUPERBLOCK_AT + EXT2_SUPERBLOCK_BYTES)
		return -EINVAL;
	err = page_mapping_read_page(s->disk->pages, 0, &p);
	if (err)
		return err;
	bytes_t b = bytes_slice(page_bytes(p), EXT2_SUPERBLOCK_AT, EXT2_SUPERBLOCK_BYTES);
	if (bytes_get_u16le(b, SB_MAGIC) != EXT2_MAGIC)
		return -EINVAL;
	if (bytes_get_u32le(b, SB_LOG_BLOCK_SIZE) > 2)
		return refuse("block size above 4096", bytes_get_u32le(b, SB_LOG_BLOCK_SIZE));
	geometry_read(s, b);
	span_copy(array_span(s->base.uuid), bytes_slice(b, SB_UUID, 16));
	err = geometry_check(s);
	if (!err)
		err = features_check(s, b);
	if (!err && !(bytes_get_u16le(b, SB_STATE) & EXT2_STATE_VALID) &&
		!(atomic_u32_load(&s->base.flags) & SUPERBLOCK_READ_ONLY))
		log_warning("ext2: was not cleanly unmounted: e2fsck is recommended");
	return err;
}

static bool is_read_only(struct ext2_superblock *s)
{
	return atomic_u32_load(&s->base.flags) & SUPERBLOCK_READ_ONLY;
}

// Counts, bitmaps, tables: what lies in the device's page cache.
static err_t ext2_sync_metadata(struct ext2_superblock *s)
{
	err_t err = ext2_write_superblock(s, EXT2_STATE_KEEP);

	if (!err)
		err = page_mapping_sync(s->disk->pages, 0, U64_MAX);
	return err ? err : block_flush(s->disk);
}

static err_t ext2_sync(struct superblock *sb)
{
	return is_read_only(ext2_of(sb)) ? OK : ext2_sync_metadata(ext2_of(sb));
}

// Changes the "cleanly unmounted" mark on the disk, after everything else is there.
static err_t state_write(struct ext2_superblock *s, u32 state)
{
	err_t err = ext2_write_superblock(s, state);

	if (!err)
		err = page_mapping_sync(s->disk->pages, 0, U64_MAX);
	return err ? err : block_flush(s->disk);
}

struct ext2_options {
	u32 user_xattrs, acl;
};

// Words that only name what we do anyway; whatever else is asked for would not be done.
static err_t options_check(bytes_t options, struct ext2_options *o borrowed)
{
	usize at = 0;

	for (;;) {
		const bytes_t word = mount_option_next(options, &at);

		if (bytes_len(word) == 0)
			return OK;
		if (bytes_equal(word, STR("user_xattr")) || bytes_equal(word, STR("nouser_xattr")))
			o->user_xattrs = bytes_equal(word, STR("user_xattr"));
		else if (bytes_equal(word, STR("acl")) || bytes_equal(word, STR("noacl")))
			o->acl = bytes_equal(word, STR("acl"));
		else if (!bytes_equal(word, STR("errors=continue")) && !bytes_equal(word, STR("nogrpid")))
			return -EINVAL;
	}
}

static void options_set(struct ext2_superblock *s, const struct ext2_options *o borrowed)
{
	s->user_xattrs = o->user_xattrs;
	if (o->acl)
		atomic_u32_or(&s->base.flags, SUPERBLOCK_ACL);
	else
		atomic_u32_and(&s->base.flags, ~(u32)SUPERBLOCK_ACL);
}

static err_t ext2_remount(struct superblock *sb, u32 flags, bytes_t options)
{
	struct ext2_superblock *s = ext2_of(sb);
	struct ext2_options wanted = { s->user_xattrs, atomic_u32_load(&sb->flags) & SUPERBLOCK_ACL };
	err_t err = options_check(options, &wanted);

	if (err)
		return err;
	if ((flags & SUPERBLOCK_READ_ONLY) && !is_read_only(s)) {
		err = superblock_sync(sb);
		if (!err)
			err = state_write(s, EXT2_STATE_VALID);
	} else if (!(flags & SUPERBLOCK_READ_ONLY) && is_read_only(s)) {
		if (s->disk->flags & BLOCK_DEVICE_READ_ONLY)
			return -EROFS;
		err = state_write(s, 0);
	}
	if (!err) {
		options_set(s, &wanted);
		atomic_u32_and(&sb->flags, ~(u32)SUPERBLOCK_READ_ONLY);
		atomic_u32_or(&sb->flags, flags & SUPERBLOCK_READ_ONLY);
	}
	return err;
}

static void ext2_unmount(struct superblock *sb)
{
	struct ext2_superblock *s = ext2_of(sb);

	if (is_read_only(s))
		return;
	if (ext2_sync_metadata(s) || state_write(s, EXT2_STATE_VALID))
		log_error("ext2: the last changes could not be written");
}

static err_t ext2_statistics(struct superblock *sb, struct file_system_statistics *out borrowed)
{
	struct ext2_superblock *s = ext2_of(sb);

	mutex_guard(&s->alloc_lock);
	out->magic = EXT2_MAGIC;
	out->block_size = s->block_size;
	out->blocks = s->block_count;
	out->blocks_free = s->free_blocks;
	out->blocks_available = s->free_blocks > s->reserved_blocks ? s->free_blocks - s->reserved_blocks : 0;
	out->files = s->inode_count;
	out->files_free = s->free_inodes;
	out->name_max = EXT2_NAME_MAX;
	return OK;
}

static void ext2_show_options(struct superblock *sb, struct text *out borrowed)
{
	if (!ext2_of(sb)->user_xattrs)
		text_put(out, STR(",nouser_xattr"));
	if (!(atomic_u32_load(&sb->flags) & SUPERBLOCK_ACL))
		text_put(out, STR(",noacl"));
}

static err_t ext2_find_inode(struct superblock *sb, u64 number, u32 generation, struct inode **out borrowed)
{
	struct ext2_superblock *s = ext2_of(sb);
	struct inode *found object_auto(inode) = NULL;

	if (number != EXT2_ROOT_NUMBER && (number < s->first_inode || number > s->inode_count))
		return -ESTALE;
	err_t err = ext2_inode_read(s, number, &found);
	if (err)
		return err;
	if (found->generation != generation)
		return -ESTALE;
	*out = take(found);
	return OK;
}

static err_t ext2_find_parent(struct inode *dir, struct inode **out borrowed)
{
	read_guard(&dir->directory_lock);
	return dir->ops->lookup(dir, STR(".."), out);
}

static const struct superblock_ops ext2_superblock_ops = {
	.find_parent = ext2_find_parent,
	.show_options = ext2_show_options, .find_inode = ext2_find_inode, .statistics = ext2_statistics,
		.sync = ext2_sync, .remount = ext2_remount, .unmount = ext2_unmount,
};

static exclusive_access err_t ext2_set_up(struct ext2_superblock *s, const struct mount_request *request borrowed)
{
	err_t err;

	mutex_init(&s->alloc_lock, RANK_FS_METADATA);
	mutex_init(&s->inode_lock, RANK_FS_INODE);
	rwlock_init(&s->xattr_lock, RANK_FS_XATTR);
	s->base.device = s->disk->number;
	s->base.block_device = block_device_get(s->disk);
	s->base.name_max = EXT2_NAME_MAX;
	atomic_u32_or(&s->base.flags, request->flags & SUPERBLOCK_READ_ONLY);
	if (s->disk->flags & BLOCK_DEVICE_READ_ONLY) {
		if (!(request->flags & SUPERBLOCK_READ_ONLY))
			return -EACCES;
	}
	err = superblock_read(s);
	if (!err && !is_read_only(s))
		err = state_write(s, 0);
	if (err)
		return err;
	struct inode *root object_auto(inode) = NULL;
	err = ext2_inode_read(s, EXT2_ROOT_NUMBER, &root);
	if (err)
		return err == -ESTALE ? (err_t)-EIO : err;
	if (root->type != S_IFDIR)
		return refuse("the root is not a folder", root->type);
	s->base.root = take(root);
	return OK;
}

static err_t ext2_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	struct ext2_superblock *s object_auto(ext2_superblock) = ext2_superblock_alloc();
	err_t err;

	if (!s)
		return -ENOMEM;
	superblock_init(&s->base, type, &ext2_superblock_ops, request->cred->user_ns);
	struct ext2_options wanted = { .user_xattrs = 1, .acl = 1 };
	err = options_check(request->options, &wanted);
	if (!err)
		err = block_device_claim(request->device, EXT2_MAGIC);
	if (err)
		return err;
	options_set(s, &wanted);
	s->disk = block_device_get(request->device);
	err = ext2_set_up(s, request);
	if (err)
		return err;
	*out = superblock_get(&s->base);
	return OK;
}

static const struct file_system_type ext2_type = {
	.name = "ext2", .flags = FILE_SYSTEM_NEEDS_DEVICE | FILE_SYSTEM_ID_MAP, .magic = EXT2_MAGIC,
		.mount = ext2_mount,
};

void ext2_init(void)
{
	file_system_register(&ext2_type);
}
