// SPDX-License-Identifier: MPL-2.0
// Extended attributes: the rules of xattr(7) in front of what a file system stores.
#include <core/buf.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount.h>
#include <services/vfs/notify.h>
#include <services/vfs/attributes.h>

enum xattr_access { XATTR_READ, XATTR_WRITE };

static err_t user_check(struct inode *i, enum xattr_access access, const struct cred *cred borrowed)
{
	// Files and folders only: elsewhere the mode says nothing about content.
	if (i->type != S_IFREG && i->type != S_IFDIR)
		return access == XATTR_READ ? -ENODATA : -EPERM;
	if (i->type == S_IFDIR && (i->mode & S_ISVTX) && access == XATTR_WRITE && !inode_is_owner(i, cred))
		return -EPERM;
	return inode_permission(i, access == XATTR_READ ? PERMISSION_READ : PERMISSION_WRITE, cred);
}

static err_t security_check(struct inode *i, bytes_t name, enum xattr_access access, const struct cred *cred borrowed)
{
	if (access == XATTR_READ)
		return OK;
	if (bytes_equal(name, STR("security.capability")))
		return inode_capable(i, cred, CAP_SETFCAP) ? OK : -EPERM;
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
	if (bytes_start_with(name, STR("user.")) && bytes_len(name) > 5)
		return user_check(i, access, cred);
	if (bytes_start_with(name, STR("security.")) && bytes_len(name) > 9)
		return security_check(i, name, access, cred);
	if (bytes_start_with(name, STR("trusted.")) && bytes_len(name) > 8) {
		if (cred_has_capability(cred, user_namespace_initial(), CAP_SYS_ADMIN))
			return OK;
		return access == XATTR_READ ? -ENODATA : -EPERM;
	}
	return -EOPNOTSUPP;
}

ssize_r xattr_get(const struct path *p borrowed, bytes_t name, span_t out, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	const err_t e = xattr_check(p, name, XATTR_READ, cred);
	if (e)
		return (ssize_r)e;
	return i->ops->get_xattr ? i->ops->get_xattr(i, name, out) : (ssize_r)-EOPNOTSUPP;
}

err_t xattr_set(const struct path *p borrowed, bytes_t name, bytes_t value, u32 flags, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	err_t e = xattr_check(p, name, XATTR_WRITE, cred);
	if (e)
		return e;
	e = i->ops->set_xattr ? i->ops->set_xattr(i, name, value, flags) : (err_t)-EOPNOTSUPP;
	if (!e)
		notify_dentry(p->dentry, NOTIFY_ATTRIBUTES);
	return e;
}

err_t xattr_remove(const struct path *p borrowed, bytes_t name, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
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
