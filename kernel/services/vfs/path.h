// SPDX-License-Identifier: MPL-2.0
// A place in the tree of mounts, and how names become places.
#pragma once
#include <services/vfs/inode.h>

struct mount;
struct dentry;
struct fs_context;
// Two references that belong together. Kept on the stack (path_auto) or inside an object under its lock.
struct path {
	struct mount *mount;
	struct dentry *dentry;
};
void path_get(struct path *p borrowed);
void path_put(struct path *p borrowed);	// also clears it; empty paths are allowed
void path_auto_put(struct path *p borrowed);
#define path_auto auto_release(path_auto_put)
static inline struct path path_none(void) { return (struct path){ NULL, NULL }; }
struct path path_copy(const struct path *p borrowed);	// with own references
struct inode *path_inode(const struct path *p borrowed);	// borrowed from the dentry
// inode_permission() through the mount's map of ids.
err_t path_permission(const struct path *p borrowed, u32 mask, const struct cred *cred borrowed);
static inline bool path_is_none(const struct path *p borrowed) { return p->dentry == NULL; }
bool path_equal(const struct path *a borrowed, const struct path *b borrowed);

// Who looks: everything that resolution depends on. All borrowed for the call.
struct stack_only lookup_context {
	struct cred *cred;
	struct fs_context *fs;		// root, working folder, umask
	struct path start;		// of a relative name (dirfd); empty: the working folder
	u32 flags;			// enum lookup_flag
	u32 pad;
};
enum lookup_flag {
	LOOKUP_FOLLOW = 1,		// last component: follow a symbolic link
	LOOKUP_DIRECTORY = 2,		// must be a folder
	LOOKUP_EMPTY = 4,		// "" means start itself (AT_EMPTY_PATH)
	LOOKUP_NO_AUTOMOUNT = 8,
	LOOKUP_NO_XDEV = 16, LOOKUP_NO_MAGICLINKS = 32, LOOKUP_NO_SYMLINKS = 64, LOOKUP_BENEATH = 128,
		LOOKUP_IN_ROOT = 256,
	LOOKUP_CACHED = 512
};
// The place of a name, with references in *out. => may sleep
err_t path_lookup(const struct lookup_context *c borrowed, bytes_t name, struct path *out borrowed);
// The folder of the last component and that component itself (borrowed from `name`; "." and ".." and ""
// are reported by kind). For create, unlink, rename. `last` gets offset and length within `name`.
struct last_component {
	usize offset, length;
	u32 kind;		// enum last_kind
	u32 trailing_slash;
};
enum last_kind { LAST_NORMAL, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
err_t path_lookup_parent(const struct lookup_context *c borrowed, bytes_t name, struct path *parent borrowed,
	struct last_component *last borrowed);
// Absolute name of p as seen from root (getcwd, /proc/PID/fd, maps): written to the beginning of
// out; its length. -ENAMETOOLONG. Unreachable and deleted places are marked as Linux marks them
// by `flags`.
enum path_name_flag { PATH_NAME_MARK_DELETED = 1, PATH_NAME_MARK_UNREACHABLE = 2 };
ssize_r path_name(const struct path *p borrowed, const struct path *root borrowed, span_t out, u32 flags);
