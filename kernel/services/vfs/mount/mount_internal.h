// SPDX-License-Identifier: MPL-2.0
// Inside the mount room: the tree and its propagation.
#pragma once
#include <services/vfs/mount.h>
#include <services/vfs/mount_namespace.h>

extern struct mutex mount_tree_lock;	// every change of the tree of mounts
extern struct spinlock mount_lock;	// the attachment fields, for readers

// Mounts that left the tree; their last references go after the tree lock is free.
void mount_list_put_all(struct mount_order_list *doomed borrowed);

// A mount of sb's folder `root` (NULL: the superblock's root), nowhere attached.
err_t mount_create(struct superblock *sb, struct dentry *root, bytes_t source, u32 flags, struct mount **out borrowed);
// What is directly mounted at that place; NULL: nothing.
struct mount *mount_child_at(struct mount *parent, struct dentry *at) owned;
void mount_attach(struct mount *m, struct mount *parent, struct dentry *at) REQUIRES(mount_tree_lock);
// The references that attachment held end up in *was.
void mount_detach(struct mount *m, struct path *was borrowed) REQUIRES(mount_tree_lock);
// Next mount of the subtree of `top` in depth-first order (parents first); NULL after the last.
struct mount *mount_tree_next(struct mount *m, struct mount *top) REQUIRES(mount_tree_lock);
bool mount_is_below(struct mount *m, struct mount *ancestor) REQUIRES(mount_tree_lock);

enum mount_clone_kind {
	MOUNT_CLONE_LIKE,	// peer of a shared one, slave of a slave's master
	MOUNT_CLONE_SLAVE,	// slave of a shared one
	MOUNT_CLONE_PRIVATE
};
enum mount_clone_option { MOUNT_CLONE_UNBINDABLE = 1 /* copy such mounts too */, MOUNT_CLONE_LOCK =
	2 /* lock all below the top */, MOUNT_CLONE_NAMESPACES = 4 /* files of mount namespaces, too */ };
// Mount namespaces that hold each other's files would never go. So such a file is mounted in an older namespace
// only (mount_bind() checks), and is left out where mounts are copied to a new or another one.
// The number of the mount namespace that the file of this name stands for; 0: of none.
u64 mount_namespace_number_of(struct dentry *d);
err_t mount_clone(struct mount *m, struct dentry *root, enum mount_clone_kind kind,
	struct mount **out borrowed) REQUIRES(mount_tree_lock);
// Clones the subtree of `top`, whose copy shows `root`. Not in a namespace yet.
err_t mount_tree_clone(struct mount *top, struct dentry *root, enum mount_clone_kind kind, u32 options,
	struct mount **out borrowed) REQUIRES(mount_tree_lock);
// Takes a tree that is in no namespace apart again; the caller's reference on `top` remains.
void mount_tree_discard(struct mount *top, struct mount_order_list *doomed borrowed) REQUIRES(mount_tree_lock);
// Enters all mounts of the tree into the namespace, which takes over the tree's references. -ENOSPC.
err_t mount_tree_enter(struct mount *top, struct mount_namespace *ns) REQUIRES(mount_tree_lock);
// The two halves of it. Room that is found is kept until the namespace's `expected` is 0 again.
err_t mount_tree_expect(struct mount *top, struct mount_namespace *ns) REQUIRES(mount_tree_lock);
void mount_tree_add(struct mount *top, struct mount_namespace *ns) REQUIRES(mount_tree_lock);

// CAP_SYS_ADMIN in the mount namespace. -EPERM
err_t mount_check_privilege(const struct mounter *who borrowed);
static inline bool path_is_mount_root(const struct path *p borrowed) { return p->dentry == p->mount->root; }
// May `who` make superblocks of that type? -EPERM
err_t mount_check_type(const struct mounter *who borrowed, const struct file_system_type *type);
// A mount that is attached nowhere; of a device that is mounted already, of the superblock in use.
err_t mount_open(const struct mounter *who borrowed, const struct file_system_type *type,
	struct mount_request *request borrowed, bytes_t source, u32 flags, struct mount **out borrowed);
// A less privileged namespace may not uncover by a new procfs or sysfs what was covered for it: -EPERM, else
// the flags that are locked on the one that it sees are locked on the new one, m, too.
err_t mount_check_revealing(const struct mounter *who borrowed, struct mount *m) REQUIRES(mount_tree_lock);
// MS_REMOUNT of the superblock's own: flags and options. -EBUSY, -EINVAL
err_t mount_remount_superblock(struct superblock *sb, u32 sb_flags, bytes_t options);
// The copy that a bind of `from` attaches: it has one reference, which is the tree's.
err_t mount_clone_place(const struct mounter *who borrowed, const struct path *from borrowed, enum mount_depth depth,
	struct mount **out borrowed) REQUIRES(mount_tree_lock);
// Is m in a tree that is not attached yet (fsmount, open_tree)?
bool mount_is_unattached(const struct mount *m) REQUIRES(mount_tree_lock);
// A file on such a tree, whose reference it takes over.
err_t mount_open_unattached(struct mount *top consumes, struct cred *cred, struct file **out borrowed);
// Sets flags of one mount: -EPERM, -EBUSY, and what cannot fail.
err_t mount_check_flags(struct mount *m, u32 flags) REQUIRES(mount_tree_lock);
void mount_store_flags(struct mount *m, u32 flags) REQUIRES(mount_tree_lock);
// The tree is seen by a less privileged namespace from now on: flags stay as they are.
void mount_lock_flags(struct mount *top) REQUIRES(mount_tree_lock);

// --- propagation ---
void mount_change_propagation(struct mount *m, enum mount_propagation kind) REQUIRES(mount_tree_lock);
void mount_make_shared(struct mount *m) REQUIRES(mount_tree_lock);
void mount_make_private(struct mount *m) REQUIRES(mount_tree_lock);
void mount_make_slave(struct mount *m) REQUIRES(mount_tree_lock);
void mount_join_peers(struct mount *m, struct mount *peer) REQUIRES(mount_tree_lock);
void mount_join_master(struct mount *m, struct mount *master) REQUIRES(mount_tree_lock);
// mount_group.c: the nearest group that m receives from and that `root` shows; 0: none.
u32 mount_dominating_group(struct mount *m, const struct path *root borrowed) REQUIRES(mount_tree_lock);
// Is m's place in the part of the tree that `root` shows?
bool mount_is_visible(struct mount *m, const struct path *root borrowed) REQUIRES(mount_tree_lock);
// Does a mount of m that may not be taken off lie below that folder?
bool mount_has_locked_children(struct mount *m, struct dentry *root) REQUIRES(mount_tree_lock);
// Walks all mounts that receive what happens on `origin`: peers and slaves. NULL at the end.
struct mount *mount_receiver_next(struct mount *m, struct mount *origin) REQUIRES(mount_tree_lock);
// Attaches `tree` at the place and copies it to every receiver. -ENOMEM, -ENOSPC: nothing was changed.
err_t mount_attach_propagated(struct mount *tree, struct mount *parent, struct dentry *at,
	struct mount_order_list *doomed borrowed) REQUIRES(mount_tree_lock);
// Unmounts the subtree of `top`; PROPAGATED: and what propagation made of it elsewhere (not when a namespace ends).
enum mount_remove_kind { MOUNT_REMOVE_HERE, MOUNT_REMOVE_PROPAGATED };
void mount_tree_remove(struct mount *top, enum mount_remove_kind kind,
	struct mount_order_list *doomed borrowed) REQUIRES(mount_tree_lock);
// -EBUSY when a copy elsewhere is in use.
err_t mount_check_copies_idle(struct mount *m) REQUIRES(mount_tree_lock);
void mount_namespace_note_change(struct mount_namespace *ns);

// --- lines of text; `place`: where it is mounted, `inner`: which folder of its superblock ("" for the root) ---
void mount_show_mounts_line(struct mount *m, bytes_t place, struct text *out borrowed);
// `dominating`: mount_dominating_group()
void mount_show_mountinfo_line(
	struct mount *m, bytes_t place, bytes_t inner, u32 dominating, struct text *out borrowed);
void mount_show_mountstats_line(struct mount *m, bytes_t place, struct text *out borrowed);
