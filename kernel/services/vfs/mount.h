// SPDX-License-Identifier: MPL-2.0
// A mount: a superblock's folder made visible at a place of a mount tree. source: mount(2),
// mount_namespaces(7).
// References: the tree holds one on each attached mount, a child holds one on its parent; the
// rest are users (open files, working folders, path walks). unmounting breaks the tree's ones.
// Locks: mount_tree_lock (RANK_MOUNT_NAMESPACE) around every change; attachment fields are also written
// under the mount spinlock, which is enough to read them (path walks).
#pragma once
#include <core/text.h>
#include <services/vfs/path.h>
#include <services/vfs/superblock.h>

enum mount_flag {	// per mount, MOUNT_ATTR-like
	MOUNT_READ_ONLY = 1, MOUNT_NO_SUID = 2, MOUNT_NO_DEVICES = 4, MOUNT_NO_EXEC = 8, MOUNT_NO_ATIME = 16,
	MOUNT_NO_DIRATIME = 32, MOUNT_RELATIME = 64, MOUNT_NO_SYMLINK_FOLLOW = 128,
	MOUNT_FLAGS_USER = 255, MOUNT_FLAGS_ACCESS_TIME = MOUNT_NO_ATIME | MOUNT_NO_DIRATIME | MOUNT_RELATIME,
	MOUNT_LOCKED = 256,		// came from a more privileged namespace: cannot be revealed by umount
	MOUNT_DETACHED = 1024,
	MOUNT_INTERNAL = 2048		// of the kernel: pipes, sockets, memfd
};
struct mount_namespace;
DECLARE_LIST(mount_list, mount)
DECLARE_LIST(mount_slave_list, mount)
struct mount {
	struct object object;
	struct superblock *superblock;		// reference; immutable
	struct dentry *root;			// reference; immutable
	// reference or NULL: see idmap.h; set while nobody else can find the mount, immutable afterwards
	struct user_namespace *idmap;
	u64 id;					// as in mountinfo; immutable
	struct buf *source;			// owned; immutable
	struct atomic_u32 flags;		// enum mount_flag
	struct atomic_u32 writers;		// files open for writing
	struct atomic_u32 walks;		// path walks that entered, for MNT_EXPIRE
	u32 locked_flags;			// of `flags`, which this namespace may not change; tree lock
	u32 expire_mark;			// `walks` to be found by the second MNT_EXPIRE; tree lock
	struct mount *parent;			// reference; NULL: root or detached; tree lock
	struct dentry *mountpoint;		// reference; tree lock
	struct mount_namespace *namespace;	// borrowed; NULL when detached; tree lock
	struct list_link child_link;		// tree lock
	struct list_link hash_link;		// tree lock
	struct list_link namespace_link;	// tree lock
	struct mount_list children;		// tree lock
	// Propagation (tree lock): members of a peer group form a ring through next_peer.
	u32 group;				// peer group number, 0: not shared
	u32 unbindable;
	struct mount *next_peer, *previous_peer;// borrowed; NULL when alone
	struct mount *master;			// borrowed; of a slave
	struct mount_slave_list slaves;
	struct list_link slave_link;
};
DECLARE_OBJECT(mount)
DEFINE_LIST_OPS(mount_list, mount, child_link)
DEFINE_LIST_OPS(mount_slave_list, mount, slave_link)

// --- used by path walks --------------------------------------------------------------------------
// Crosses down: while something is mounted at p, p becomes its root.
void mount_cross_down(struct path *p borrowed);
// Crosses up: at the root of a mount, p becomes the place it is mounted on (once). False at the top.
bool mount_cross_up(struct path *p borrowed);
// A name is about to be removed: false when something is mounted on it in the namespace that fs's root is in (-EBUSY).
bool mount_may_leave_place(struct dentry *d, struct fs_context *fs);
// The name was removed: what other namespaces had mounted on it goes. => no lock of a folder held
void mount_detach_place(struct dentry *d);
// -EROFS when the mount or its superblock is read-only.
err_t mount_check_writable(const struct mount *m borrowed);
static inline bool mount_has(const struct mount *m borrowed, u32 flag) {
	return atomic_u32_load_relaxed(&m->flags) & flag; }

// --- mount(2) and relatives; places are already looked up, privilege is checked here ---------------
struct mounter {		// who: all borrowed
	struct cred *cred;
	struct mount_namespace *namespace;
	struct namespace_set *namespaces;
	struct fs_context *fs;
};
// A new mount of a file system type. `flags`: enum mount_flag; `sb_flags`: SUPERBLOCK_*.
err_t mount_new(const struct mounter *who borrowed, const struct path *at borrowed, bytes_t type, bytes_t source,
		u32 flags, u32 sb_flags, bytes_t options);
enum mount_depth { MOUNT_ONE, MOUNT_RECURSIVE };
err_t mount_bind(const struct mounter *who borrowed, const struct path *from borrowed, const struct path *at borrowed,
	enum mount_depth depth);
err_t mount_move(const struct mounter *who borrowed, const struct path *from borrowed, const struct path *at borrowed);
// MOVE_MOUNT_SET_GROUP: `to`, private so far, becomes a peer of `from`, and slave of its master.
err_t mount_set_group(const struct mounter *who borrowed, const struct path *from borrowed,
	const struct path *to borrowed);
// MS_REMOUNT | MS_BIND: only the mount's own flags.
err_t mount_change_flags(const struct mounter *who borrowed, const struct path *at borrowed, u32 flags);
err_t mount_remount(const struct mounter *who borrowed, const struct path *at borrowed, u32 flags, u32 sb_flags,
	bytes_t options);
enum mount_propagation { MOUNT_PRIVATE, MOUNT_SHARED, MOUNT_SLAVE, MOUNT_UNBINDABLE };
err_t mount_set_propagation(const struct mounter *who borrowed, const struct path *at borrowed,
	enum mount_propagation kind, enum mount_depth depth);
// mount_setattr(2): of every mount below, or of none.
struct stack_only mount_attributes {
	u32 set, clear;				// of MOUNT_FLAGS_USER; what is in both is set
	enum mount_depth depth;
	u32 has_propagation;
	enum mount_propagation propagation;	// if has_propagation
	struct user_namespace *idmap;		// lent by the caller; NULL: leave
};
err_t mount_set_attributes(const struct mounter *who borrowed, const struct path *at borrowed,
	const struct mount_attributes *a borrowed);
// open_tree(2) with OPEN_TREE_CLONE: an O_PATH file on a copy that is nowhere attached and goes with the file, unless
// mount_move() has attached it.
struct file;
err_t mount_open_copy(const struct mounter *who borrowed, const struct path *from borrowed, enum mount_depth depth,
	struct file **out borrowed);
enum unmount_flag { UNMOUNT_FORCE = 1, UNMOUNT_DETACH = 2, UNMOUNT_EXPIRE = 4 };
err_t mount_unmount(const struct mounter *who borrowed, const struct path *at borrowed, u32 flags);
err_t mount_pivot_root(const struct mounter *who borrowed, const struct path *new_root borrowed,
	const struct path *put_old borrowed);

// A private view of the folder p, in no namespace, for a file system that stands on another. `flags`: enum mount_flag
err_t mount_create_private(const struct path *p borrowed, u32 flags, struct mount **out borrowed);
// A mount of the kernel's own that no namespace shows (pipes, sockets, memfd).
// The same of a superblock that is there.
err_t mount_create_internal_of(struct superblock *sb, struct mount **out borrowed);
err_t mount_create_internal(const struct file_system_type *type, struct mount **out borrowed);
