// SPDX-License-Identifier: MPL-2.0
// Extended attributes of tmpfs: a short list an inode. Name spaces and permissions are the VFS's. Only those that need
// privilege are kept ("trusted.", "security."): unprivileged users could fill memory with others. Access control lists,
// two a file at most, are kept as the VFS gives them.
#include <services/fs/tmpfs/tmpfs_internal.h>
#include <services/vfs/acl.h>

static exclusive_access void tmpfs_xattr_release(struct tmpfs_xattr *x)
{
	buf_free(take(x->name));
	buf_free(take(x->value));
}
DEFINE_OBJECT(tmpfs_xattr, tmpfs_xattr_release)

void tmpfs_xattr_drop(struct tmpfs_xattr *x consumes)
{
	tmpfs_xattr_put(take(x));
}

static bool is_kept(bytes_t name)
{
	return bytes_start_with(name, STR("trusted.")) || bytes_start_with(name, STR("security.")) ||
		acl_is_name(name);
}

static struct tmpfs_xattr *xattr_find(struct tmpfs_inode *i, bytes_t name) REQUIRES(i->xattr_lock);
static struct tmpfs_xattr *xattr_find(struct tmpfs_inode *i, bytes_t name)
{
	list_for_each(tmpfs_xattr_list, x, &i->xattrs) {
		if (bytes_equal(buf_bytes(x->name), name))
			return x;
	}
	return NULL;
}

ssize_r tmpfs_get_xattr(struct inode *inode, bytes_t name, span_t out)
{
	struct tmpfs_inode *const i = tmpfs_inode_of(inode);
	if (!is_kept(name))
		return -EOPNOTSUPP;
	mutex_guard(&i->xattr_lock);
	const struct tmpfs_xattr *x = xattr_find(i, name);
	if (!x)
		return -ENODATA;
	const usize length = x->value ? buf_len(x->value) : 0;
	if (span_len(out) == 0 || length == 0)
		return (ssize_r)length;
	if (span_len(out) < length)
		return -ERANGE;
	span_copy(out, buf_bytes(x->value));
	return (ssize_r)length;
}

static struct tmpfs_xattr *xattr_make(bytes_t name, bytes_t value) owned;
static struct tmpfs_xattr *xattr_make(bytes_t name, bytes_t value)
{
	struct tmpfs_xattr *x object_auto(tmpfs_xattr) = tmpfs_xattr_alloc();
	if (!x)
		return NULL;
	x->name = buf_from(name);
	if (!x->name)
		return NULL;
	if (bytes_len(value)) {
		x->value = buf_from(value);
		if (!x->value)
			return NULL;
	}
	return take(x);
}

err_t tmpfs_set_xattr(struct inode *inode, bytes_t name, bytes_t value, u32 flags)
{
	enum { CREATE = 1, REPLACE = 2 };
	struct tmpfs_inode *const i = tmpfs_inode_of(inode);
	if (!is_kept(name))
		return -EOPNOTSUPP;
	struct tmpfs_xattr *fresh object_auto(tmpfs_xattr) = xattr_make(name, value);
	if (!fresh)
		return -ENOMEM;
	mutex_guard(&i->xattr_lock);
	struct tmpfs_xattr *old = xattr_find(i, name);
	if (old && (flags & CREATE))
		return -EEXIST;
	if (!old && (flags & REPLACE))
		return -ENODATA;
	if (old) {
		tmpfs_xattr_list_remove(&i->xattrs, old);
		tmpfs_xattr_put(take(old));
	}
	tmpfs_xattr_list_append(&i->xattrs, take(fresh));
	inode_touch(inode, TOUCH_CHANGE);
	return OK;
}

ssize_r tmpfs_list_xattr(struct inode *inode, span_t out)
{
	struct tmpfs_inode *const i = tmpfs_inode_of(inode);
	usize length = 0;
	mutex_guard(&i->xattr_lock);
	list_for_each(tmpfs_xattr_list, x, &i->xattrs) {
		const usize n = buf_len(x->name) + 1;
		if (span_len(out)) {
			if (n > span_len(out) - length)
				return -ERANGE;
			span_copy(span_from(out, length), buf_bytes(x->name));
			span_at(out, length + n - 1) = 0;
		}
		length += n;
	}
	return (ssize_r)length;
}

err_t tmpfs_remove_xattr(struct inode *inode, bytes_t name)
{
	struct tmpfs_inode *const i = tmpfs_inode_of(inode);
	if (!is_kept(name))
		return -EOPNOTSUPP;
	mutex_guard(&i->xattr_lock);
	struct tmpfs_xattr *x = xattr_find(i, name);
	if (!x)
		return -ENODATA;
	tmpfs_xattr_list_remove(&i->xattrs, x);
	tmpfs_xattr_put(take(x));
	inode_touch(inode, TOUCH_CHANGE);
	return OK;
}
