// SPDX-License-Identifier: MPL-2.0
// Inside tmpfs.
#pragma once
#include <core/buf.h>
#include <services/fs/tmpfs/tmpfs.h>

#define TMPFS_MAGIC 0x01021994u
#define RAMFS_MAGIC 0x858458f6u
#define HUGETLBFS_MAGIC 0x958458f6u
#define TMPFS_ENTRY_SIZE 20u	// what a folder's st_size counts for each entry

struct tmpfs_inode;
DECLARE_TREE(tmpfs_number_tree)
struct tmpfs_superblock {
	struct superblock base;
	struct atomic_u64 page_limit, pages;	// U64_MAX: no limit
	struct atomic_u64 inode_limit, inodes;
	struct atomic_u64 numbers;
	struct spinlock numbers_lock;
	struct tmpfs_number_tree by_number GUARDED_BY(numbers_lock);	// all inodes; no reference
	u32 root_mode, root_uid, root_gid;	// options; immutable
	u32 huge_shift;				// of hugetlbfs: its pages' size; else 0; immutable
};
struct tmpfs_superblock *tmpfs_superblock_of(struct superblock *sb);
struct stack_only tmpfs_options {
	u64 pages, inodes;
	u32 mode, uid, gid, huge_shift;
};
err_t tmpfs_mount_with(const struct file_system_type *type, const struct superblock_ops *ops,
	const struct mount_request *request borrowed, const struct tmpfs_options *o borrowed,
	struct superblock **out borrowed);
void tmpfs_unmount(struct superblock *base);
bool tmpfs_parse_size(bytes_t text, u64 *bytes borrowed);	// "64m", "50%" of memory
// The options mode, uid and gid; -ENOENT: another one, -EINVAL.
err_t tmpfs_parse_owner(bytes_t key, bytes_t value, const struct cred *cred borrowed, u32 *mode borrowed,
	u32 *uid borrowed, u32 *gid borrowed);
extern const struct file_system_type hugetlbfs_type;

#define TMPFS_NAME_INLINE 40u
// A name in a folder; in two trees, both under the folder's directory_lock.
struct tmpfs_entry {
	struct object object;
	struct tree_link name_link;	// by hash of the name
	struct tree_link place_link;	// by position
	struct inode *inode;		// reference
	struct buf *long_name;
	u8 short_name[TMPFS_NAME_INLINE];
	u32 name_length;
};
DEFINE_TREE(tmpfs_name_tree, tmpfs_entry, name_link)
DEFINE_TREE(tmpfs_place_tree, tmpfs_entry, place_link)

struct tmpfs_xattr {
	struct object object;
	struct list_link link;
	struct buf *name, *value;	// owned; value NULL: empty
};
DEFINE_LIST(tmpfs_xattr_list, tmpfs_xattr, link)
struct tmpfs_inode {
	struct inode base;
	struct tmpfs_name_tree names;	// directory_lock
	struct tmpfs_place_tree places;	// directory_lock
	u64 next_place;			// directory_lock
	struct buf *target;		// symbolic link's; immutable
	struct mutex xattr_lock;
	struct tmpfs_xattr_list xattrs GUARDED_BY(xattr_lock);
	struct atomic_u32 seals;	// F_SEAL_*
	struct list_link teardown_link;	// only during unmount
	struct tree_link number_link;	// superblock's numbers_lock
	struct atomic_u64 parent_number;	// of a folder; 0: the root
};
DEFINE_TREE_OPS(tmpfs_number_tree, tmpfs_inode, number_link)
DEFINE_LIST(tmpfs_teardown_list, tmpfs_inode, teardown_link)
DECLARE_OBJECT(tmpfs_entry)
DECLARE_OBJECT(tmpfs_xattr)
struct tmpfs_inode *tmpfs_inode_of(struct inode *i);
bool inode_is_tmpfs(const struct inode *i borrowed);
err_t tmpfs_find_inode(struct superblock *base, u64 number, u32 generation, struct inode **out borrowed);
err_t tmpfs_find_parent(struct inode *dir, struct inode **out borrowed);
err_t tmpfs_inode_create(struct tmpfs_superblock *const sb, u32 mode, u64 device, struct inode **out borrowed);

// --- folders (directory_lock held) ---
struct tmpfs_entry *tmpfs_entry_create(bytes_t name, struct inode *inode) owned;
struct tmpfs_entry *tmpfs_entry_find(struct tmpfs_inode *dir, bytes_t name);	// borrowed
void tmpfs_entry_insert(struct tmpfs_inode *dir, struct tmpfs_entry *e consumes, bytes_t name);
void tmpfs_entry_remove(struct tmpfs_inode *dir, struct tmpfs_entry *e);
// Empties all folders below, without recursion (unmount).
void tmpfs_tear_down(struct inode *root);

extern const struct inode_ops tmpfs_directory_ops, tmpfs_file_ops, tmpfs_link_ops, tmpfs_special_ops;
extern const struct inode_ops hugetlbfs_file_ops;
extern const struct file_ops tmpfs_open_ops, hugetlbfs_open_ops;
extern const struct page_mapping_ops tmpfs_mapping_ops;
err_t tmpfs_set_attributes(struct inode *i, const struct attribute_change *change borrowed);
err_t tmpfs_get_attributes(struct inode *i, struct file_stat *out borrowed);
ssize_r tmpfs_get_xattr(struct inode *i, bytes_t name, span_t out);
err_t tmpfs_set_xattr(struct inode *i, bytes_t name, bytes_t value, u32 flags);
ssize_r tmpfs_list_xattr(struct inode *i, span_t out);
err_t tmpfs_remove_xattr(struct inode *i, bytes_t name);
err_t tmpfs_set_flags(struct inode *i, u32 flags);
void tmpfs_xattr_drop(struct tmpfs_xattr *x consumes);
enum tmpfs_seal { SEAL_SEAL = 1, SEAL_SHRINK = 2, SEAL_GROW = 4, SEAL_WRITE = 8, SEAL_FUTURE_WRITE = 16, SEAL_ALL =
	31 };
