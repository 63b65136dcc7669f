// SPDX-License-Identifier: MPL-2.0
// File systems whose content is made on demand: procfs, sysfs, cgroupfs. A node is an inode with a
// `kind` (callbacks) and a `subject` (the object shown, counted) plus two numbers.
// Files: `show` writes the whole text; it is called at the first read of an open file and again after a
// seek to 0, and called again with more room when the text does not fit. st_size is 0. `store` gets
// what one write(2) brought (at most PSEUDO_WRITE_MAX). O_CREAT and O_TRUNC on existing files are accepted.
// Folders: static children by `entry_at`, then dynamic ones by `lookup` / `read_directory`.
#pragma once
#include <core/text.h>
#include <services/vfs/file.h>
#include <services/vfs/superblock.h>

#define PSEUDO_WRITE_MAX 65536u
struct pseudo_kind;
struct pseudo_inode {
	struct inode base;
	const struct pseudo_kind *kind;	// immutable
	struct object *subject;		// reference or NULL; immutable once made
	u64 value[2];			// immutable once made
};
struct pseudo_entry {
	u8 name[32];
	u32 mode;			// with type; S_IFDIR, S_IFREG, S_IFLNK
	const struct pseudo_kind *kind;
	u64 value;			// becomes value[0] of the node
};
struct pseudo_kind {
	// --- files ---
	err_t (*show)(struct pseudo_inode *n, struct file *f, struct text *out borrowed);
	// Bytes taken (usually all) or an error.
	ssize_r (*store)(struct pseudo_inode *n, struct file *f, bytes_t data);
	// POLL_* after poll_add(); NULL: always ready.
	u32 (*poll)(struct pseudo_inode *n, struct file *f, struct poll_request *r);
	// Other content than text (mem, pagemap, trace): whole file operations instead. May be NULL.
	const struct file_ops *ops;
	// May refuse (-EACCES, -ESRCH); may be NULL.
	err_t (*open)(struct pseudo_inode *n, struct file *f);
	// --- folders ---
	const struct pseudo_entry *(*entry_at)(u32 index);	// NULL at the end; may be NULL
	// A dynamic child: -ENOENT, or the node by pseudo_create(). May be NULL.
	err_t (*lookup)(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed);
	// Dynamic children. *position starts at 0 and is the callback's own. May be NULL.
	err_t (*read_directory)(struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed);
	// Is an entry of entry_at shown in this folder? NULL: all.
	bool (*has_entry)(struct pseudo_inode *dir, const struct pseudo_entry *e);
	err_t (*make_directory)(struct pseudo_inode *dir, bytes_t name, u32 mode, const struct cred *cred borrowed,
		struct inode **out borrowed);
	err_t (*remove_directory)(struct pseudo_inode *dir, bytes_t name, struct inode *child);
	// --- links ---
	ssize_r (*read_link)(struct pseudo_inode *n, span_t out);
	err_t (*follow_link)(struct pseudo_inode *n, struct path *out borrowed);
	// --- any; each may be NULL ---
	// of children of this folder
	bool (*revalidate)(struct pseudo_inode *dir, bytes_t name, struct inode *child);
	err_t (*permission)(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed);
	err_t (*get_attributes)(struct pseudo_inode *n, struct file_stat *out borrowed);
	err_t (*set_attributes)(struct pseudo_inode *n, const struct attribute_change *change borrowed);
};
// A node below `dir` named `name` (its inode number follows from both). Owner: dir's unless changed by
// pseudo_set_owner(). `subject` may be NULL; a reference is taken.
err_t pseudo_create(struct pseudo_inode *dir, bytes_t name, u32 mode, const struct pseudo_kind *kind,
		    struct object *subject, u64 value, struct inode **out borrowed);
void pseudo_set_owner(struct inode *i, u32 uid, u32 gid);
bool inode_is_pseudo(const struct inode *i borrowed);
struct pseudo_inode *pseudo_inode_of(struct inode *i);	// traps for another file system's
struct pseudo_inode *pseudo_inode_of_file(struct file *f);
u64 pseudo_number(const struct pseudo_inode *dir borrowed, bytes_t name);

// An object that belongs to an open file and is let go of with it: once, else -EBUSY. Attached: borrowed, or NULL.
err_t pseudo_attach(struct file *f, struct object *o consumes);
struct object *pseudo_attached(struct file *f);

// A superblock with one root folder of that kind. Kinds without `revalidate` are cached as always.
struct pseudo_superblock {
	struct superblock base;
	struct object *subject;		// reference or NULL: what distinguishes instances
};
err_t pseudo_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	const struct superblock_ops *ops,
		   const struct pseudo_kind *root, struct object *subject, struct superblock **out borrowed);
struct pseudo_superblock *pseudo_superblock_of(struct superblock *sb);
// statistics for superblock_ops: the type's magic, 4096-byte blocks, no sizes.
err_t pseudo_statistics(struct superblock *sb, struct file_system_statistics *out borrowed);
