// SPDX-License-Identifier: MPL-2.0
// Between the files of this folder. Metadata blocks live in the block device's page cache; a change is made
// between ext2_block_edit() and ext2_block_done(), under the page's lock.
// Locks: xattr_lock before inode.map_lock (rank FS_METADATA) before alloc_lock (the same rank, nested 1). The VFS's
// directory_lock and data_lock come before both.
#pragma once
#include <core/lock.h>
#include <services/block/block_device.h>
#include <services/fs/ext2/layout.h>
#include <services/fs/ext2/name_index.h>
#include <services/vfs/file.h>
#include <services/vfs/superblock.h>

#define EXT2_RECENT_XATTRS 64u
struct ext2_superblock {
	struct superblock base;
	struct block_device *disk;	// reference (also base.block_device's); immutable
	u32 block_size, block_count, inode_count, first_data_block, blocks_a_group, inodes_a_group;	// immutable
	u32 group_count, inode_bytes, first_inode, reserved_blocks, addresses_a_block;	// immutable
	u32 descriptor_block;		// first block of group descriptors; immutable
	struct mutex alloc_lock;	// bitmaps, group descriptors, the counts:
	u64 free_blocks GUARDED_BY(alloc_lock);
	u64 free_inodes GUARDED_BY(alloc_lock);
	u32 user_xattrs;		// option; a single word, changed by remount
	struct atomic_u32 has_xattrs;	// the superblock says so
	struct rwlock xattr_lock;	// extended attributes of all inodes
	u32 recent_xattrs[EXT2_RECENT_XATTRS] GUARDED_BY(xattr_lock);	// blocks that may be shared, by hash
	struct mutex inode_lock;	// one look-up of an inode that is not in memory at a time
};
struct ext2_inode {
	struct inode base;
	struct mutex map_lock;
	u32 block[EXT2_BLOCK_SLOTS] GUARDED_BY(map_lock);	// as on disk; a fast symlink's text, a device's number
	u32 last_allocated GUARDED_BY(map_lock);		// goal of the next allocation
	u32 disk_flags GUARDED_BY(map_lock);
	u32 file_acl;						// block of extended attributes; xattr_lock
	u32 group;						// immutable
	struct mutex index_lock;
	struct name_index *index GUARDED_BY(index_lock);	// of a big folder, once it was searched; or NULL
	u64 index_refused GUARDED_BY(index_lock);	// with so many blocks it could not be made; 0: it was not tried
};
struct ext2_superblock *ext2_of(struct superblock *sb);
struct ext2_inode *ext2_inode_of(struct inode *i);

// --- block.c: metadata blocks -------------------------------------------------------------------------
// The page with the block, for reading. -EIO also for a number outside the file system.
err_t ext2_block_read(struct ext2_superblock *s, u32 block, struct page **out borrowed);
// Locked, for changing; ext2_block_done() marks it dirty and unlocks.
err_t ext2_block_edit(struct ext2_superblock *s, u32 block, struct page **out borrowed);
void ext2_block_done(struct ext2_superblock *s, struct page *p, u32 block);
// Offset of the block in its page.
u32 ext2_block_offset(const struct ext2_superblock *s borrowed, u32 block);
#define ext2_block_bytes(s, p, block) bytes_slice(page_bytes(p), ext2_block_offset(s, block), (s)->block_size)
#define ext2_block_span(s, p, block) span_slice(page_span(p), ext2_block_offset(s, block), (s)->block_size)
// Says what is wrong with the image, a few times in five seconds; the caller returns -EIO.
void ext2_report(const struct ext2_superblock *s borrowed, const char *what, u64 where);

// --- allocate.c -------------------------------------------------------------------------------------
// A free block near `goal` (0: anywhere in `group`). -ENOSPC
err_t ext2_allocate_block(
	struct ext2_superblock *s, u32 goal, u32 group, const struct cred *cred borrowed, u32 *out borrowed);
void ext2_free_block(struct ext2_superblock *s, u32 block);
// The same of a block that was written through ext2_block_edit(): what the cache holds of it is forgotten first,
// so that it does not overwrite a later owner's data.
void ext2_free_metadata(struct ext2_superblock *s, u32 block);
err_t ext2_allocate_inode(struct ext2_superblock *s, u32 parent_group, u32 type, u32 *out borrowed);
void ext2_free_inode(struct ext2_superblock *s, u32 number, u32 type);
// Writes the counts into the superblock's block. EXT2_STATE_KEEP leaves the state as it is.
#define EXT2_STATE_KEEP U32_MAX
err_t ext2_write_superblock(struct ext2_superblock *s, u32 state);

// --- holes.c: file_ops of the same names ------------------------------------------------------------------
ssize_r ext2_file_seek(struct file *f, s64 offset, u32 whence);
err_t ext2_file_allocate(struct file *f, u32 mode, u64 offset, u64 length);
// inode_ops of the same name
err_t ext2_find_extent(struct inode *i, u64 offset, u64 *physical borrowed, u64 *length borrowed);
// Zeroes bytes of one page, unless they are in a hole; the caller has data_lock. -EIO, -ENOMEM
err_t ext2_zero_part(struct inode *i, u64 from, u64 to);

// --- transfer.c: page_mapping_ops of the same names ------------------------------------------------------
err_t ext2_read_page(struct page_mapping *m, struct page *p);
err_t ext2_write_page(struct page_mapping *m, struct page *p);
err_t ext2_read_pages(struct page_mapping *m, struct page_batch *batch, u32 count);
err_t ext2_write_pages(struct page_mapping *m, struct page_batch *batch, u32 count);

// --- map.c ------------------------------------------------------------------------------------------
enum ext2_map_mode { EXT2_MAP_FIND, EXT2_MAP_ALLOCATE };
// *physical = 0 for a hole (FIND). -EFBIG, -ENOSPC, -EIO
err_t ext2_map(struct ext2_inode *n, u64 logical, enum ext2_map_mode mode, u32 *physical borrowed);
// The same for reading, and how many blocks from `logical` on are known to be like it.
err_t ext2_map_extent(struct ext2_inode *n, u64 logical, u32 *physical borrowed, u64 *count borrowed);
// The block, if there is one, is the file's no longer; the caller gives it back.
err_t ext2_map_take(struct ext2_inode *n, u64 logical, u32 *physical borrowed, u64 *count borrowed);
// Frees every block from `first` (logical) on.
err_t ext2_map_truncate(struct ext2_inode *n, u64 first);
u64 ext2_max_size(const struct ext2_superblock *s borrowed);

// --- inode.c ----------------------------------------------------------------------------------------
err_t ext2_inode_read(struct ext2_superblock *s, u64 number, struct inode **out borrowed);
err_t ext2_inode_create(
	struct inode *dir, u32 mode, u64 device, const struct cred *cred borrowed, struct inode **out borrowed);
err_t ext2_inode_write(struct inode *i);
// Where an inode's record lies.
err_t ext2_inode_record(struct ext2_superblock *s, u64 number, u32 *block borrowed, u32 *offset borrowed);
void ext2_inode_evict(struct inode *i);
err_t ext2_set_flags(struct inode *i, u32 flags);
extern const struct inode_ops ext2_directory_ops, ext2_file_inode_ops, ext2_symlink_ops, ext2_special_ops;
extern const struct file_ops ext2_file_ops, ext2_directory_file_ops;
extern const struct page_mapping_ops ext2_mapping_ops;
err_t ext2_set_attributes(struct inode *i, const struct attribute_change *change borrowed);

// --- xattr.c ----------------------------------------------------------------------------------------
ssize_r ext2_get_xattr(struct inode *i, bytes_t full, span_t out);
err_t ext2_set_xattr(struct inode *i, bytes_t full, bytes_t value, u32 flags);
ssize_r ext2_list_xattr(struct inode *i, span_t out);
err_t ext2_remove_xattr(struct inode *i, bytes_t full);
void ext2_xattr_evict(struct ext2_inode *n);	// the inode is freed
#define EXT2_XATTR_OPS .get_xattr = ext2_get_xattr, .set_xattr = ext2_set_xattr, .list_xattr = ext2_list_xattr, \
	.remove_xattr = ext2_remove_xattr

// --- acl.c: access control lists, between the VFS's form and the disk's ----------------------------------
// -EIO: damaged; -ERANGE; without room in `out` the length.
ssize_r ext2_acl_decode(bytes_t disk, span_t out);
err_t ext2_acl_encode(bytes_t list, struct buf **out borrowed);

// --- directory.c: the records of a folder's block, entries; the VFS holds directory_lock -----------------
struct ext2_entry {
	u32 offset, inode, record, name_length, type;
};
// Decodes the record at `offset`; false when it is damaged.
bool ext2_entry_decode(bytes_t block, u32 offset, struct ext2_entry *e borrowed);
#define ext2_entry_name(block, e) bytes_slice(block, (e)->offset + ENTRY_NAME, (e)->name_length)
// What a name takes.
u32 ext2_record_bytes(usize name_length);
u64 ext2_directory_blocks(struct ext2_inode *dir);
// A block, for reading; its bytes.
err_t ext2_directory_block(struct ext2_inode *dir, u64 n, struct page **out borrowed);
u32 ext2_directory_offset(struct ext2_inode *dir, u64 n);
#define ext2_directory_bytes(dir, p, n) \
	bytes_slice(page_bytes(p), ext2_directory_offset(dir, n), ext2_of((dir)->base.superblock)->block_size)
err_t ext2_entry_find(struct ext2_inode *dir, bytes_t name, u32 *number borrowed);
err_t ext2_entry_add(struct ext2_inode *dir, bytes_t name, const struct inode *child borrowed);
err_t ext2_entry_remove(struct ext2_inode *dir, bytes_t name);
// Points an existing entry to another inode (rename, "..").
err_t ext2_entry_set(struct ext2_inode *dir, bytes_t name, const struct inode *child borrowed);
err_t ext2_directory_begin(struct ext2_inode *dir, const struct inode *parent borrowed);	// "." and ".."
err_t ext2_directory_is_empty(struct ext2_inode *dir);	// OK, -ENOTEMPTY, -EIO
err_t ext2_directory_read(struct inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed);

// --- directory_index.c: where to look in a big folder. The VFS holds directory_lock, exclusively for a change.
#define EXT2_PLACES 6u
struct stack_only ext2_places {
	u32 block[EXT2_PLACES], count;
};
// In which blocks a name may be. False: not known, all must be searched.
bool ext2_index_search(struct ext2_inode *dir, bytes_t name, struct ext2_places *out borrowed);
// The first block with room for such a name, the number of blocks if none has; 0 when that is not known.
u64 ext2_index_search_room(struct ext2_inode *dir, usize name_length);
// The name came into block n, or went from it.
enum ext2_index_event { EXT2_INDEX_CAME, EXT2_INDEX_WENT };
void ext2_index_note(struct ext2_inode *dir, enum ext2_index_event event, bytes_t name, u64 n);
