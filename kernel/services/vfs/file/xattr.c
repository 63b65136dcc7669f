// SPDX-License-Identifier: MPL-2.0
// Extended attributes: the rules of xattr(7) in front of what a file system stores.
#include <core/buf.h>
#include <services/vfs/acl.h>
#include <services/vfs/dentry.h>
#include <services/vfs/idmap.h>
#include <services/vfs/mount.h>
#include <services/vfs/notify.h>
#include <services/vfs/attributes.h>

enum xattr_access { XATTR_READ, XATTR_WRITE };

static err_t user_check(const struct path *p borrowed, enum xattr_access access, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	// Files and folders only: elsewhere the mode says nothing about content.
	if (i->type != S_IFREG && i->type != S_IFDIR)
		return access == XATTR_READ ? -ENODATA : -EPERM;
	if (i->type == S_IFDIR && (i->mode & S_ISVTX) && access == XATTR_WRITE &&
		!inode_is_owner_mapped(i, p->mount->idmap, cred))
		return -EPERM;
	return path_permission(p, access == XATTR_READ ? PERMISSION_READ : PERMISSION_WRITE, cred);
}

static err_t security_check(const struct path *p borrowed, bytes_t name, enum xattr_access access,
	const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	if (access == XATTR_READ)
		return OK;
	if (bytes_equal(name, XATTR_CAPABILITY))
		return inode_capable_mapped(i, p->mount->idmap, cred, CAP_SETFCAP) ? OK : -EPERM;
	return cred_has_capability(cred, i->superblock->user_ns, CAP_SYS_ADMIN) ? OK : -EPERM;
}

static err_t xattr_check(const struct path *p borrowed, bytes_t name, enum xattr_access access,
	const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	if (access == XATTR_WRITE) {
		const err_t e = mount_check_writable(p->mount);
		if (e)
			return e;
		if (atomic_u32_load(&i->state) & (INODE_IMMUTABLE | INODE_APPEND_ONLY))
			return -EPERM;
	}
	if (bytes_start_with(name, STR("user.")))
		return bytes_len(name) > 5 ? user_check(p, access, cred) : (err_t)-EINVAL;
	if (bytes_start_with(name, STR("security.")))
		return bytes_len(name) > 9 ? security_check(p, name, access, cred) : (err_t)-EINVAL;
	if (bytes_start_with(name, STR("trusted."))) {
		if (bytes_len(name) == 8)
			return -EINVAL;
		if (cred_has_capability(cred, user_namespace_initial(), CAP_SYS_ADMIN))
			return OK;
		return access == XATTR_READ ? -ENODATA : -EPERM;
	}
	return -EOPNOTSUPP;
}

// --- file capabilities: the attribute names the root they are meant for (capabilities(7)) ---------------

#define CAPABILITY_REVISION_MASK 0xff000000u
#define CAPABILITY_REVISION_2 0x02000000u
#define CAPABILITY_REVISION_3 0x03000000u

// A value for a kernel id: version 2 stands for the root of the file system's own namespace.
static err_t capability_root(struct inode *i, bytes_t value, u32 *root borrowed)
{
	if (bytes_len(value) < CAPABILITY_LENGTH_2)
		return -EINVAL;
	const u32 revision = bytes_get_u32le(value, 0) & CAPABILITY_REVISION_MASK;
	if (revision == CAPABILITY_REVISION_2 && bytes_len(value) == CAPABILITY_LENGTH_2) {
		*root = user_namespace_uid_in(i->superblock->user_ns, 0);
		return OK;
	}
	if (revision != CAPABILITY_REVISION_3 || bytes_len(value) != CAPABILITY_LENGTH_3)
		return -EINVAL;
	*root = user_namespace_uid_in(i->superblock->user_ns, bytes_get_u32le(value, 20));
	return OK;
}

bool xattr_capability_counts(u32 root, struct user_namespace *ns borrowed)
{
	if (root == ID_INVALID)
		return false;
	for (; ns; ns = ns->parent) {
		if (user_namespace_uid_in(ns, 0) == root)
			return true;
	}
	return false;
}

err_t xattr_capability_read(struct inode *i, span_t out, usize *length borrowed, u32 *root borrowed)
{
	const ssize_r n = i->ops->get_xattr ? i->ops->get_xattr(i, XATTR_CAPABILITY, out) : (ssize_r)-ENODATA;
	if (n < 0)
		return (err_t)n;
	*length = (usize)n;
	return capability_root(i, bytes_of(span_first(out, (usize)n)), root);
}

// As the caller's namespace sees it: version 2 when its own root, or one above it, is meant.
ssize_r xattr_capability_get(struct inode *i, span_t out, const struct cred *cred borrowed)
{
	u8 raw[CAPABILITY_LENGTH_3];
	usize length = 0;
	u32 root = 0;
	const err_t e = xattr_capability_read(i, array_span(raw), &length, &root);
	if (e)
		return (ssize_r)e;
	const u32 seen = user_namespace_uid_out(cred->user_ns, root);
	u32 revision = CAPABILITY_REVISION_2;
	length = CAPABILITY_LENGTH_2;
	if (seen != ID_INVALID && seen != 0) {
		revision = CAPABILITY_REVISION_3;
		length = CAPABILITY_LENGTH_3;
	} else if (!xattr_capability_counts(root, cred->user_ns)) {
		return -EOVERFLOW;
	}
	span_put_u32le(array_span(raw), 0, revision | (bytes_get_u32le(array_bytes(raw),
		0) & ~CAPABILITY_REVISION_MASK));
	span_put_u32le(array_span(raw), 20, seen);
	if (span_len(out) == 0)
		return (ssize_r)length;
	if (span_len(out) < length)
		return -ERANGE;
	span_copy(out, bytes_first(array_bytes(raw), length));
	return (ssize_r)length;
}

// In a user namespace the stored value names the writer's root.
err_t xattr_capability_set(struct inode *i, bytes_t value, u32 flags, const struct cred *cred borrowed)
{
	u8 raw[CAPABILITY_LENGTH_3];
	u32 root = 0;
	if (bytes_len(value) == 0)
		return i->ops->set_xattr(i, XATTR_CAPABILITY, value, flags);	// grants nothing
	const err_t e = capability_root(i, value, &root);
	if (e)
		return e;
	const bool is_2 = bytes_len(value) == CAPABILITY_LENGTH_2;
	if (is_2 && cred_has_capability(cred, i->superblock->user_ns, CAP_SETFCAP))
		return i->ops->set_xattr(i, XATTR_CAPABILITY, value, flags);
	root = user_namespace_uid_in(cred->user_ns, is_2 ? 0 : bytes_get_u32le(value, 20));
	if (root == ID_INVALID)
		return -EINVAL;
	root = user_namespace_uid_out(i->superblock->user_ns, root);
	if (root == ID_INVALID)
		return -EINVAL;
	span_copy(array_span(raw), value);
	span_put_u32le(array_span(raw), 0,
		CAPABILITY_REVISION_3 | (bytes_get_u32le(value, 0) & ~CAPABILITY_REVISION_MASK));
	span_put_u32le(array_span(raw), 20, root);
	return i->ops->set_xattr(i, XATTR_CAPABILITY, array_bytes(raw), flags);
}

// --- the calls --------------------------------------------------------------------------------------

ssize_r xattr_get(const struct path *p borrowed, bytes_t name, span_t out, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	if (acl_is_name(name))
		return acl_get(p, name, out, cred);
	const err_t e = xattr_check(p, name, XATTR_READ, cred);
	if (e)
		return (ssize_r)e;
	if (!i->ops->get_xattr)
		return -EOPNOTSUPP;
	if (bytes_equal(name, XATTR_CAPABILITY))
		return xattr_capability_get(i, out, cred);
	return i->ops->get_xattr(i, name, out);
}

err_t xattr_set(const struct path *p borrowed, bytes_t name, bytes_t value, u32 flags, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	u32 root = 0;
	if (acl_is_name(name))
		return acl_set(p, name, value, cred);
	err_t e = bytes_len(value) && bytes_equal(name, XATTR_CAPABILITY) ? capability_root(i, value, &root) : OK;
	if (!e)
		e = xattr_check(p, name, XATTR_WRITE, cred);
	if (e)
		return e;
	if (!i->ops->set_xattr)
		return -EOPNOTSUPP;
	if (bytes_equal(name, XATTR_CAPABILITY)) {
		e = xattr_capability_set(i, value, flags, cred);
		inode_note_changed(&i->no_privileges);
	} else {
		e = i->ops->set_xattr(i, name, value, flags);
	}
	if (!e)
		notify_dentry(p->dentry, NOTIFY_ATTRIBUTES);
	return e;
}

err_t xattr_remove(const struct path *p borrowed, bytes_t name, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	if (acl_is_name(name))
		return acl_remove(p, name, cred);
	err_t e = xattr_check(p, name, XATTR_WRITE, cred);
	if (e)
		return e;
	e = i->ops->remove_xattr ? i->ops->remove_xattr(i, name) : (err_t)-EOPNOTSUPP;
	if (!e)
		notify_dentry(p->dentry, NOTIFY_ATTRIBUTES);
	return e;
}

// Copies the names that do not begin with "trusted.".
static usize list_filter(bytes_t all, span_t out)
{
	usize used = 0;
	for (usize at = 0; at < bytes_len(all);) {
		const usize length = bytes_find(bytes_from(all, at), 0) + 1;
		const bytes_t name = bytes_slice(all, at, min(length, bytes_len(all) - at));
		at += length;
		if (bytes_start_with(name, STR("trusted.")))
			continue;
		used += span_copy_some(span_from(out, used), name);
	}
	return used;
}

ssize_r xattr_list(const struct path *p borrowed, span_t out, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	if (!i->ops->list_xattr)
		return (ssize_r)0;
	if (cred_has_capability(cred, user_namespace_initial(), CAP_SYS_ADMIN))
		return i->ops->list_xattr(i, out);
	struct buf *all buf_auto = buf_alloc(XATTR_LIST_MAX);
	struct buf *seen buf_auto = buf_alloc(XATTR_LIST_MAX);
	if (!all || !seen)
		return -ENOMEM;
	const ssize_r length = i->ops->list_xattr(i, buf_span(all));
	if (length < 0)
		return length;
	const usize used = list_filter(bytes_first(buf_bytes(all), (usize)length), buf_span(seen));
	if (span_len(out) == 0)
		return (ssize_r)used;
	if (used > span_len(out))
		return -ERANGE;
	span_copy(out, bytes_first(buf_bytes(seen), used));
	return (ssize_r)used;
}
