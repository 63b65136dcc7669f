// SPDX-License-Identifier: MPL-2.0
// A mount namespace: one tree of mounts. source: mount_namespaces(7)
#pragma once
#include <core/text.h>
#include <services/cred/namespace.h>
#include <services/poll/poll.h>
#include <services/vfs/mount.h>

#define MOUNTS_PER_NAMESPACE 100000u
extern struct atomic_u32 mount_limit;		// mounts a namespace: sysctl fs.mount-max
DEFINE_LIST(mount_order_list, mount, namespace_link)
struct mount_namespace {
	struct namespace base;
	struct mount *root;			// the tree's; mount tree lock; borrowed from `mounts`
	// all, in order of mounting; mount tree lock; holds the tree's references
	struct mount_order_list mounts;
	struct atomic_u64 version;		// counts changes
	usize expected;				// mounts that enter in a moment; mount tree lock
};
DECLARE_OBJECT(mount_namespace)
struct mount_namespace *mount_namespace_initial(void);		// borrowed
struct mount_namespace *mount_namespace_from(struct namespace *n);
// A copy of the tree (clone, unshare with CLONE_NEWNS), owned by `owner`; `fs` (of the caller, already its
// own) is moved to the corresponding places. When the owner is less privileged, mounts become slaves and are locked.
err_t mount_namespace_copy(struct mount_namespace *from, struct user_namespace *owner, struct fs_context *fs,
	struct mount_namespace **out borrowed);
// setns: root and working folder become the namespace's root.
err_t mount_namespace_enter(struct mount_namespace *ns, struct fs_context *fs);
void mount_namespace_root(struct mount_namespace *ns, struct path *out borrowed);
// Does fs have another root than the namespace?
bool mount_namespace_is_left(struct mount_namespace *ns, struct fs_context *fs);
// Changes of its mounts so far; with r, those who poll are told of the next one in any namespace.
u64 mount_namespace_version(struct mount_namespace *ns, struct poll_request *r);

// The text of /proc/PID/mounts, mountinfo, mountstats, as a process with `root` sees it.
enum mount_show_kind { MOUNT_SHOW_MOUNTS, MOUNT_SHOW_MOUNTINFO, MOUNT_SHOW_MOUNTSTATS };
void mount_namespace_show(struct mount_namespace *ns, const struct path *root borrowed, enum mount_show_kind kind,
	struct text *out borrowed);
