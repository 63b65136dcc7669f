// SPDX-License-Identifier: MPL-2.0
// The dentry cache: names of one folder, bound to inodes, or known to be absent (negative).
// A dentry holds references on its inode and on its parent. The cache holds one reference on every
// hashed dentry; one that nobody else holds may be reclaimed at any time.
// Locks: a name's parent and text change only by a rename, under the tree lock AND the bucket's lock,
// so either is enough to read them. `inode` goes from NULL to its value once, under the folder's
// directory_lock; it never goes back: an unlinked dentry is unhashed and stays positive.
#pragma once
#include <services/vfs/inode.h>

#define DENTRY_NAME_INLINE 40u
#define DENTRY_NAME_MAX 255u

enum dentry_flag {
	DENTRY_HASHED = 1,	// in the table
	DENTRY_REFERENCED = 2,	// used since the last pass of reclaim
	DENTRY_UNLINKED = 4,	// its name was removed (shown as "(deleted)")
	DENTRY_ANONYMOUS = 8	// no name in any folder: root of a file system, pipe, O_TMPFILE
};
DECLARE_LIST(dentry_list, dentry)
struct dentry {
	struct object object;
	struct inode *inode;			// reference, NULL: negative (see above)
	struct dentry *parent;			// reference; NULL for a root or anonymous; tree lock
	struct superblock *superblock;		// borrowed; immutable
	struct buf *long_name;			// owned; tree lock; NULL: the name is in short_name
	u8 short_name[DENTRY_NAME_INLINE];	// tree lock
	u32 name_length;			// tree lock
	u64 seed;				// of the hashes of children; immutable
	u64 hash;				// of parent and name; tree lock
	struct list_link hash_link;		// bucket's lock
	struct list_link sibling_link;		// tree lock
	struct dentry_list children;		// tree lock; hashed children only
	struct atomic_u32 flags;		// enum dentry_flag
	struct atomic_u32 mounts;		// mounts on this dentry, in all namespaces
};
DECLARE_OBJECT(dentry)

// Cached child; NULL when the cache does not know. => does not sleep
struct dentry *dentry_find(struct dentry *parent, bytes_t name) owned;
// The child, from the cache or the file system's lookup (then cached; negative ones too). The caller
// has checked that parent is a folder and may be searched. => may sleep, takes directory_lock
err_t dentry_lookup(struct dentry *parent, bytes_t name, struct dentry **out borrowed);
// The same with parent's directory_lock already held.
err_t dentry_lookup_locked(struct dentry *parent, bytes_t name, struct dentry **out borrowed);
// A dentry without a folder: the root of a superblock, O_TMPFILE, anonymous files. Never hashed.
struct dentry *dentry_create_anonymous(struct superblock *sb, struct inode *inode, bytes_t name) owned;
// Binds a negative dentry to the inode just created. directory_lock of the parent is held.
void dentry_instantiate(struct dentry *d, struct inode *inode consumes);
// The name is gone from its folder (and, of a folder, what was known about names in it).
void dentry_unlink(struct dentry *d);
// Forget what is cached (the file system changed behind the VFS's back); the name may still exist.
void dentry_invalidate(struct dentry *d);
// A rename: d becomes `name` in `parent`; what was there (`replaced`, or NULL) loses its name or, with
// RENAME_EXCHANGE, takes d's. -ENOMEM leaves all unchanged. Both folders are locked.
err_t dentry_move(struct dentry *d, struct dentry *parent, bytes_t name, struct dentry *replaced, u32 flags);
#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE 2u
#define RENAME_WHITEOUT 4u

static inline bool dentry_is_negative(const struct dentry *d borrowed) { return d->inode == NULL; }
static inline bool dentry_is_hashed(const struct dentry *d borrowed) {
	return atomic_u32_load(&d->flags) & DENTRY_HASHED; }
// No longer (or never) reachable by a name: the place of an unlinked file.
bool dentry_is_deleted(const struct dentry *d borrowed);
// The parent, or d itself at a root.
struct dentry *dentry_parent(struct dentry *d) owned;
// Copies the name to the beginning of out (DENTRY_NAME_MAX bytes are enough); its length.
usize dentry_name(struct dentry *d, span_t out);
// Is `ancestor` d itself or a folder above it?
bool dentry_is_below(struct dentry *d, struct dentry *ancestor);
// Absolute name within the superblock, for mountinfo and path_name; written to the END of out.
// Its length, or -ENAMETOOLONG.
ssize_r dentry_name_from(struct dentry *d, struct dentry *root, span_t out);

// Memory pressure: forgets about `count` unused dentries; how many. => may sleep
// (`only`: of those whose memory this group or one below pays for; NULL: all).
u64 dentry_reclaim(u64 count, const struct cgroup *only);
// The same, soon, in a kernel thread: for callers that hold locks of file systems (any allocation may).
void dentry_reclaim_later(u64 count);
// Forgets all cached names below a folder (a removed one; the root of a superblock whose last mount
// goes). Names in use stay alive, unhashed. => may sleep
void dentry_drop_below(struct dentry *d);
u64 dentry_count(void);
u64 dentry_count_unused(void);
void dentry_cache_init(void);

DEFINE_LIST_OPS(dentry_list, dentry, sibling_link)
