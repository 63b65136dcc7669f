// SPDX-License-Identifier: MPL-2.0
// Inside overlayfs. Theory:
//
// A layer is a folder of some other file system, reached through a private mount that no namespace shows. Layer
// 0 is the upper one, the only one that changes; the others are numbered from the top. An overlay inode knows the
// names (dentries of the layers) that it is made of: `upper`, once there is one, and `lower`, top first; a folder
// may have many, another file at most one. The first of them is the real file, whose attributes and content are
// the overlay file's. Before a change a lower file is copied up, and its ancestors first. With "metacopy" attributes
// are copied alone at first: such a file's content is still that of the last of its lower ones.
//
// Layers are used by the VFS's own calls (entry.h) with the credentials of the mounter, so that their names in the
// dentry cache stay true. Whatever must appear at once is built in the work folder and renamed into place.
//
// Locks: an overlay inode's directory_lock and data_lock, then its copy_lock, then those of the layers; the ranks
// of stacked file systems come before the others. An overlay on an overlay takes the outer ranks.
#pragma once
#include <core/buf.h>
#include <core/text.h>
#include <services/vfs/dentry.h>
#include <services/vfs/entry.h>
#include <services/vfs/file.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount.h>

#define OVERLAY_MAGIC 0x794c7630u
#define OVERLAY_LAYERS_MAX 500u
#define OVERLAY_DEPTH_MAX 2u

struct overlay_layer {
	struct object object;
	struct list_link link;
	struct mount *mount;	// reference, private; its root is the layer's folder; immutable
	u32 index;		// 0: upper; immutable
	u32 device_index;	// which file system: overlay_superblock.devices; immutable
	u64 device;		// st_dev of its files other than folders, when layers differ; immutable
};
DECLARE_OBJECT(overlay_layer)
DEFINE_LIST(overlay_layer_list, overlay_layer, link)

// A name in a lower layer.
struct overlay_place {
	struct object object;
	struct list_link link;
	struct overlay_layer *layer;	// borrowed from the superblock; immutable
	struct dentry *dentry;		// reference; immutable
};
DECLARE_OBJECT(overlay_place)
DEFINE_LIST(overlay_place_list, overlay_place, link)

enum overlay_redirect { OVERLAY_REDIRECT_OFF, OVERLAY_REDIRECT_FOLLOW, OVERLAY_REDIRECT_NOFOLLOW, OVERLAY_REDIRECT_ON };
enum overlay_xino { OVERLAY_XINO_OFF, OVERLAY_XINO_AUTO, OVERLAY_XINO_ON };
enum overlay_flag { OVERLAY_VOLATILE = 1, OVERLAY_USER_XATTR = 2, OVERLAY_DEFAULT_PERMISSIONS = 4,
	OVERLAY_REDIRECT_SET = 8, OVERLAY_UUID_OFF = 16, OVERLAY_INDEX = 32, OVERLAY_INDEX_SET = 64,
	OVERLAY_NFS_EXPORT = 128, OVERLAY_METACOPY = 256, OVERLAY_METACOPY_SET = 512 };
struct overlay_options {
	struct buf *lower, *upper, *work;	// owned; as given; immutable
	u32 redirect, xino, flags, pad;		// immutable
};

struct overlay_inode;
DECLARE_TREE(overlay_inode_tree)
struct overlay_superblock {
	struct superblock base;
	struct overlay_options options;
	struct cred *cred;			// reference: of the mounter; immutable
	struct fs_context *context;		// reference; for calls into layers; umask 0
	struct overlay_layer_list layers;	// a reference each, top first; without the upper; immutable
	struct overlay_layer *upper;		// reference; NULL: read-only; immutable
	struct dentry *work;			// reference: the folder where things are built; immutable
	struct dentry *index;			// reference: index.c; NULL: none; immutable
	u32 holds_upper, pad;			// nobody else may use the upper layer with an index; immutable
	u32 device_count;			// file systems among the layers; immutable
	u32 xino_bits;				// 0: numbers are used as they are; immutable
	struct atomic_u64 temporaries;		// for names in the work folder
	struct atomic_u64 numbers;		// of inodes that have no number of their own to show
	struct spinlock inodes_lock;
	// files that may be found twice, by the number of the real file they are known by; no reference
	struct overlay_inode_tree known GUARDED_BY(inodes_lock);
};
struct overlay_superblock *overlay_of(struct superblock *sb);

struct overlay_inode {
	struct inode base;
	struct mutex copy_lock;			// copying up
	struct dentry *upper;			// reference; NULL until copied up, then for ever (a single word)
	struct overlay_place_list lower;	// immutable
	// Where a file that is only lower stands; set once, under copy_lock if it was found without a name first.
	struct overlay_inode *parent;		// reference
	struct buf *name;			// owned; its name there, set before parent is
	struct atomic_u32 is_removed;		// it has lost that name
	struct atomic_u32 is_metacopy;		// the upper one lacks the content, until that is copied
	struct atomic_u32 is_impure;		// the upper folder is known to hold copies
	u32 is_indexed;				// has or will have an entry in the index; immutable
	struct atomic_s64 more_links;		// names in lower layers, less the one in the index
	struct inode *known_by;			// borrowed: a real one of its own; set once, under inodes_lock
	struct tree_link known_link;
};
DEFINE_TREE_OPS(overlay_inode_tree, overlay_inode, known_link)
struct overlay_inode *overlay_inode_of(struct inode *i);

// --- layer.c: calls into layers, with the mounter's rights ----------------------------------------------
// What a walk from folder `d` in a layer needs; all is lent.
#define OVERLAY_CONTEXT(s, m, d, c) { .cred = (c), .fs = (s)->context, .start = { (m), (d) } }
// The name below a layer's folder: NULL when absent. -EACCES, ...
err_t overlay_look(struct overlay_superblock *s, struct dentry *dir, bytes_t name, struct dentry **out borrowed);
bool overlay_is_whiteout(const struct dentry *d borrowed);
enum overlay_mark { OVERLAY_MARK_OPAQUE, OVERLAY_MARK_REDIRECT, OVERLAY_MARK_IMPURE, OVERLAY_MARK_ORIGIN,
	OVERLAY_MARK_LINKS, OVERLAY_MARK_METACOPY, OVERLAY_MARK_UPPER };
#define OVERLAY_MARK_NAME_MAX 32u
// Is the folder marked to hide what is below it?
bool overlay_is_opaque(struct overlay_superblock *s, struct inode *dir);
err_t overlay_set_mark(struct overlay_superblock *s, struct inode *real, enum overlay_mark mark, bytes_t value);
// The redirect of a folder, in *out (NULL: none).
// The value of a mark, or -ENODATA, -EOPNOTSUPP.
ssize_r overlay_get_mark(struct overlay_superblock *s, struct inode *real, enum overlay_mark mark, span_t out);
err_t overlay_get_redirect(struct overlay_superblock *s, struct inode *real, struct buf **out borrowed);
err_t overlay_remove_mark(struct overlay_superblock *s, struct inode *real, enum overlay_mark mark);
// Is this attribute one of overlayfs's own?
bool overlay_is_own_name(const struct overlay_superblock *s borrowed, bytes_t name);
// The mounter's credentials with another file owner.
struct cred *overlay_cred_for(struct overlay_superblock *s, u32 uid, u32 gid) owned;
// -EROFS without an upper layer that can be written.
err_t overlay_check_writable(struct overlay_superblock *s);
// Changes attributes of a real file.
err_t overlay_set_real(struct inode *real, const struct attribute_change *change borrowed);
struct overlay_name {		// one entry of a filled buffer
	usize offset, length;
	u64 number;
	u32 type, pad;
};
// Fills `into` with the next entries of an open folder; *used 0 at the end.
err_t overlay_read_names(struct file *dir, span_t into, usize *used borrowed);
// The next entry of what was read; false at the end.
bool overlay_next_name(bytes_t names, usize *at borrowed, struct overlay_name *out borrowed);
#define OVERLAY_NAMES_BYTES 16384u
err_t overlay_open_real(struct overlay_superblock *s, struct mount *m, struct dentry *d, u32 flags,
	struct file **out borrowed);

// --- work.c: the work folder ------------------------------------------------------------------------
#define OVERLAY_TEMPORARY_MAX 20u
struct stack_only overlay_temporary {
	u8 text[OVERLAY_TEMPORARY_MAX];
	u32 length, pad;
};
#define overlay_temporary_name(t) bytes_first(array_bytes((t)->text), (t)->length)
struct stack_only overlay_make {
	u32 mode, uid, gid, pad;	// mode with type
	u64 device;
	bytes_t target;			// of a symbolic link
};
// Makes a file at a name of the upper layer; its place in *out.
err_t overlay_make_at(struct overlay_superblock *s, struct dentry *dir, bytes_t name,
	const struct overlay_make *what borrowed, struct dentry **out borrowed);
// The same at a fresh name in the work folder.
err_t overlay_make_temporary(struct overlay_superblock *s, const struct overlay_make *what borrowed,
	struct overlay_temporary *name borrowed, struct dentry **out borrowed);
void overlay_name_temporary(struct overlay_superblock *s, struct overlay_temporary *out borrowed);
// Moves a temporary to its place. flags: 0 or RENAME_EXCHANGE.
err_t overlay_place_temporary(struct overlay_superblock *s, const struct overlay_temporary *name borrowed,
	struct dentry *dir, bytes_t at, u32 flags);
// Removes what is at a temporary name, a folder with what (whiteouts) it holds.
void overlay_drop_temporary(struct overlay_superblock *s, const struct overlay_temporary *name borrowed);
// Removes the whiteouts in an upper folder that is empty otherwise.
err_t overlay_clear_whiteouts(struct overlay_superblock *s, struct dentry *dir);
// Covers a name of the upper layer with a whiteout; what was there goes.
err_t overlay_whiteout(struct overlay_superblock *s, struct dentry *dir, bytes_t name);
// Prepares the work folder inside `base` at mount: empties or makes it. -EINVAL: left by a volatile mount
err_t overlay_work_prepare(struct overlay_superblock *s, struct dentry *base);

// --- lookup.c ---------------------------------------------------------------------------------------
// What a name is made of.
struct overlay_found {
	struct dentry *upper;			// reference
	struct overlay_place_list lower;	// a reference each
	u32 is_indexed;				// the upper one is its lower one's in the index, or will be
	u32 is_metacopy;			// the upper one lacks the content
};
void overlay_found_end(struct overlay_found *f borrowed);
#define overlay_found_auto auto_release(overlay_found_end)
err_t overlay_find(struct overlay_inode *dir, bytes_t name, struct overlay_found *out borrowed);
// Would the name be seen if the upper layer did not have it?
err_t overlay_lower_has(struct overlay_inode *dir, bytes_t name, bool *out borrowed);
err_t overlay_place_add(struct overlay_place_list *list borrowed, struct overlay_layer *layer, struct dentry *d);

#include <services/fs/overlayfs/overlay_index.h>

// --- inode.c ----------------------------------------------------------------------------------------
// The inode of what was found at `name` in `dir` (NULL: the root, or found by handle); takes what `f` holds.
err_t overlay_inode_make(struct overlay_superblock *s, struct overlay_inode *dir, bytes_t name,
	struct overlay_found *f borrowed, struct inode **out borrowed);
struct inode *overlay_real(struct overlay_inode *i);		// borrowed
struct dentry *overlay_real_dentry(struct overlay_inode *i);	// borrowed
struct mount *overlay_real_mount(struct overlay_inode *i);	// borrowed
// The file with the content, which may be another one.
struct dentry *overlay_content_dentry(struct overlay_inode *i);	// borrowed
struct mount *overlay_content_mount(struct overlay_inode *i);	// borrowed
static inline bool overlay_has_upper(const struct overlay_inode *i borrowed) { return i->upper; }
// A folder of several layers, or with lower ones below its upper?
bool overlay_is_merged(const struct overlay_inode *i borrowed);
// The attributes of the real file become those of the overlay inode.
void overlay_refresh(struct overlay_inode *i);
// It has been copied up, to `upper`.
void overlay_inode_set_upper(struct overlay_inode *i, struct dentry *upper);
// Number and device as stat shows them.
void overlay_identity(struct overlay_inode *i, struct file_stat *st borrowed);
err_t overlay_set_attributes(struct inode *i, const struct attribute_change *change borrowed);
err_t overlay_get_attributes(struct inode *i, struct file_stat *out borrowed);
err_t overlay_permission(struct inode *i, u32 mask, const struct cred *cred borrowed);
extern const struct inode_ops overlay_directory_ops, overlay_file_ops, overlay_link_ops, overlay_special_ops;
extern const struct file_ops overlay_open_ops, overlay_open_directory_ops;

// --- directory.c, rename.c --------------------------------------------------------------------------
err_t overlay_lookup(struct inode *dir, bytes_t name, struct inode **out borrowed);
err_t overlay_rename(struct inode *from_dir, bytes_t from_name, struct inode *child, struct inode *to_dir,
	bytes_t to_name, struct inode *replaced, u32 flags);
// Another name in the upper layer for a file that is there.
err_t overlay_link_upper(struct overlay_superblock *s, struct overlay_inode *file, struct dentry *dir, bytes_t name);
// A file without its content gets another name: it tells where that is. -EXDEV
err_t overlay_redirect_file(struct overlay_superblock *s, struct overlay_inode *file);
// Empties what hides in a folder that shows nothing, so that it can be replaced or removed. -ENOTEMPTY
err_t overlay_make_bare(struct overlay_inode *dir);

// --- file.c -----------------------------------------------------------------------------------------
err_t overlay_open(struct inode *i, struct file *f);

// --- xattr.c ----------------------------------------------------------------------------------------
ssize_r overlay_get_xattr(struct inode *i, bytes_t name, span_t out);
err_t overlay_set_xattr(struct inode *i, bytes_t name, bytes_t value, u32 flags);
ssize_r overlay_list_xattr(struct inode *i, span_t out);
err_t overlay_remove_xattr(struct inode *i, bytes_t name);
// Copies all but overlayfs's own from one real file to another.
err_t overlay_copy_xattrs(struct overlay_superblock *s, struct inode *from, struct inode *to);

// The file capability outlives a write of the content by ourselves: kept in *out (NULL: none), and given back.
err_t overlay_take_capability(struct overlay_superblock *s, struct inode *real, struct buf **out borrowed);
err_t overlay_give_capability(struct overlay_superblock *s, struct inode *real, const struct buf *value borrowed);

// --- options.c --------------------------------------------------------------------------------------
err_t overlay_options_parse(bytes_t text, struct overlay_options *o borrowed);
void overlay_options_show(const struct overlay_options *o borrowed, struct text *out borrowed);
void overlay_options_end(struct overlay_options *o borrowed);
// The next path of a list with ':' between them ("\:" is a colon), unescaped into `out`; *at moves on. Its length,
// or -ENAMETOOLONG.
ssize_r overlay_next_path(bytes_t list, usize *at borrowed, span_t out);
usize overlay_count_paths(bytes_t list);

// --- readdir.c --------------------------------------------------------------------------------------
// Does the folder show any name?
err_t overlay_check_empty(struct overlay_inode *dir);
