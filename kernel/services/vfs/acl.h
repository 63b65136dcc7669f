// SPDX-License-Identifier: MPL-2.0
// POSIX access control lists. A file system that has them (SUPERBLOCK_ACL) keeps them as extended attributes of these
// two names, in the form of setxattr(2) with kernel ids: a version word, then entries of tag, rights and id. The list
// "access" and the mode are one: the mode's group bits are the list's mask. A folder's list "default" is what new files
// in it begin with. source: acl(5)
#pragma once
#include <core/buf.h>
#include <services/vfs/path.h>

#define XATTR_ACL_ACCESS STR("system.posix_acl_access")
#define XATTR_ACL_DEFAULT STR("system.posix_acl_default")
bool acl_is_name(bytes_t name);

// --- the form -----------------------------------------------------------------------------------------
#define ACL_VERSION 2u
#define ACL_HEADER_BYTES 4u
#define ACL_ENTRY_BYTES 8u
#define ACL_NO_ID U32_MAX
enum acl_tag { ACL_USER_OBJ = 1, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_GROUP = 8, ACL_MASK = 16, ACL_OTHER = 32 };
struct acl_entry {
	u32 tag, rights, id;
};
usize acl_count(bytes_t list);
struct acl_entry acl_entry_at(bytes_t list, usize index);
void acl_entry_put(span_t list, usize index, const struct acl_entry *e borrowed);
// Is it a list as acl(5) wants it: each kind in its order, a mask if somebody is named? -EINVAL
err_t acl_check(bytes_t list);

// --- files -------------------------------------------------------------------------------------------
// The right to a file whose owner the caller is not. -EAGAIN: no list, the mode decides. => may sleep
err_t acl_permission(struct inode *i, struct user_namespace *idmap, u32 mask, const struct cred *cred borrowed);
// Does the folder say what new files begin with? Then the umask does not.
bool acl_is_handed_on(struct inode *dir);
// A new file gets what the folder says; `mode` as it was asked for. The folder is locked. -ENOSPC, ...
err_t acl_hand_on(struct inode *dir, struct inode *child, u32 mode);
// The mode was changed: so is the list.
err_t acl_change_mode(struct inode *i, u32 mode);

// --- as attributes: the rules of setxattr(2); ids are those of the caller's namespace and the mount -------
ssize_r acl_get(const struct path *p borrowed, bytes_t name, span_t out, const struct cred *cred borrowed);
err_t acl_set(const struct path *p borrowed, bytes_t name, bytes_t value, const struct cred *cred borrowed);
err_t acl_remove(const struct path *p borrowed, bytes_t name, const struct cred *cred borrowed);
