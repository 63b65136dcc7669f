// SPDX-License-Identifier: MPL-2.0
// Extended attributes of overlay files are those of the real file, without overlayfs's own.
#include <services/fs/overlayfs/overlay_internal.h>
#include <services/vfs/acl.h>
#include <services/vfs/attributes.h>

// File capabilities name the root that they are for: between the overlay and its layers that name is translated, by
// the mounter, or the root of a user namespace could give its files those of the machine's root.
// An access control list that a layer does not heed is none.
static bool can_hold(const struct inode *real borrowed, bytes_t name)
{
	return !acl_is_name(name) || (atomic_u32_load(&real->superblock->flags) & SUPERBLOCK_ACL);
}

static ssize_r value_get(struct overlay_superblock *s, struct inode *real, bytes_t name, span_t out)
{
	if (!real->ops->get_xattr || !can_hold(real, name))
		return -EOPNOTSUPP;
	return bytes_equal(name, XATTR_CAPABILITY) ? xattr_capability_get(real, out, s->cred)
						   : real->ops->get_xattr(real, name, out);
}

static err_t value_set(struct overlay_superblock *s, struct inode *real, bytes_t name, bytes_t value, u32 flags)
{
	if (!real->ops->set_xattr || !can_hold(real, name))
		return -EOPNOTSUPP;
	return bytes_equal(name, XATTR_CAPABILITY) ? xattr_capability_set(real, value, flags, s->cred)
						   : real->ops->set_xattr(real, name, value, flags);
}

ssize_r overlay_get_xattr(struct inode *i, bytes_t name, span_t out)
{
	struct inode *real = overlay_real(overlay_inode_of(i));
	if (overlay_is_own_name(overlay_of(i->superblock), name))
		return -EOPNOTSUPP;
	return value_get(overlay_of(i->superblock), real, name, out);
}

static err_t change_prepare(struct overlay_inode *i)
{
	const err_t e = overlay_copy_up_attributes(i);
	return e ? e : overlay_check_writable(overlay_of(i->base.superblock));
}

err_t overlay_set_xattr(struct inode *inode, bytes_t name, bytes_t value, u32 flags)
{
	struct overlay_inode *i = overlay_inode_of(inode);
	if (overlay_is_own_name(overlay_of(inode->superblock), name))
		return -EOPNOTSUPP;
	err_t e = change_prepare(i);
	if (e)
		return e;
	struct inode *real = i->upper->inode;
	e = value_set(overlay_of(inode->superblock), real, name, value, flags);
	inode_note_changed(&real->no_acl);
	inode_note_changed(&real->no_privileges);
	overlay_refresh(i);
	return e;
}

err_t overlay_remove_xattr(struct inode *inode, bytes_t name)
{
	struct overlay_inode *i = overlay_inode_of(inode);
	if (overlay_is_own_name(overlay_of(inode->superblock), name))
		return -EOPNOTSUPP;
	// What is not there is not worth a copy.
	const ssize_r there = overlay_get_xattr(inode, name, span_empty());
	if (there < 0)
		return (err_t)there;
	err_t e = change_prepare(i);
	if (e)
		return e;
	struct inode *real = i->upper->inode;
	e = real->ops->remove_xattr ? real->ops->remove_xattr(real, name) : (err_t)-EOPNOTSUPP;
	inode_note_changed(&real->no_acl);
	overlay_refresh(i);
	return e;
}

// The list of a real file, in a buffer of its own; *length of it.
static err_t list_all(struct inode *real, struct buf **out borrowed, usize *length borrowed)
{
	*length = 0;
	if (!real->ops->list_xattr)
		return OK;
	struct buf *all buf_auto = buf_alloc(XATTR_LIST_MAX);
	if (!all)
		return -ENOMEM;
	const ssize_r n = real->ops->list_xattr(real, buf_span(all));
	if (n == -EOPNOTSUPP)
		return OK;
	if (n < 0)
		return (err_t)n;
	*length = (usize)n;
	*out = take(all);
	return OK;
}

// The next name of a list, without its end mark; empty at the end.
static bytes_t next_name(bytes_t list, usize *at borrowed)
{
	if (*at >= bytes_len(list))
		return bytes_empty();
	const bytes_t name = bytes_first(bytes_from(list, *at), bytes_find(bytes_from(list, *at), 0));
	*at += bytes_len(name) + 1;
	return name;
}

ssize_r overlay_list_xattr(struct inode *inode, span_t out)
{
	struct buf *all buf_auto = NULL;
	usize length = 0, used = 0;
	const err_t e = list_all(overlay_real(overlay_inode_of(inode)), &all, &length);
	if (e || length == 0)
		return (ssize_r)e;
	const bytes_t list = bytes_first(buf_bytes(all), length);
	usize at = 0;
	for (bytes_t name = next_name(list, &at); bytes_len(name); name = next_name(list, &at)) {
		if (overlay_is_own_name(overlay_of(inode->superblock), name))
			continue;
		if (span_len(out)) {
			if (bytes_len(name) + 1 > span_len(out) - used)
				return -ERANGE;
			span_copy(span_from(out, used), name);
			span_at(out, used + bytes_len(name)) = 0;
		}
		used += bytes_len(name) + 1;
	}
	return (ssize_r)used;
}

static err_t copy_value(struct overlay_superblock *s, struct inode *from, struct inode *to, bytes_t name, span_t value)
{
	const ssize_r length = value_get(s, from, name, value);
	if (length == -ENODATA)
		return OK;
	if (length < 0)
		return (err_t)length;
	const err_t e = value_set(s, to, name, bytes_first(bytes_of(value), (usize)length), 0);
	// What the upper file system does not know is left behind, unless security depends on it.
	return e == -EOPNOTSUPP && !bytes_start_with(name, STR("security.")) ? OK : e;
}

err_t overlay_copy_xattrs(struct overlay_superblock *s, struct inode *from, struct inode *to)
{
	struct buf *all buf_auto = NULL;
	usize length = 0, at = 0;
	err_t e = list_all(from, &all, &length);
	if (e || length == 0)
		return e;
	struct buf *value buf_auto = buf_alloc(XATTR_SIZE_MAX);
	if (!value)
		return -ENOMEM;
	const bytes_t list = bytes_first(buf_bytes(all), length);
	for (bytes_t name = next_name(list, &at); bytes_len(name) && !e; name = next_name(list, &at)) {
		if (!overlay_is_own_name(s, name))
			e = copy_value(s, from, to, name, buf_span(value));
	}
	return e;
}

err_t overlay_take_capability(struct overlay_superblock *s, struct inode *real, struct buf **out borrowed)
{
	const ssize_r length = value_get(s, real, XATTR_CAPABILITY, span_empty());
	*out = NULL;
	if (length <= 0)
		return length == -ENODATA || length == -EOPNOTSUPP ? OK : (err_t)length;
	struct buf *value buf_auto = buf_alloc((usize)length);
	if (!value)
		return -ENOMEM;
	const ssize_r again = value_get(s, real, XATTR_CAPABILITY, buf_span(value));
	if (again != length)
		return again < 0 ? (err_t)again : -EIO;
	*out = take(value);
	return OK;
}

err_t overlay_give_capability(struct overlay_superblock *s, struct inode *real, const struct buf *value borrowed)
{
	return value_set(s, real, XATTR_CAPABILITY, buf_bytes(value), 0);
}
