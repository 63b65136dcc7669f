// SPDX-License-Identifier: MPL-2.0
// Access control lists as extended attributes: who may set one, what the numbers in it mean to whom, and the mode that
// follows from it.
#include <services/vfs/acl.h>
#include <services/vfs/attributes.h>
#include <services/vfs/dentry.h>
#include <services/vfs/idmap.h>
#include <services/vfs/mount.h>
#include <services/vfs/notify.h>

static err_t can_have(struct inode *i)
{
	return i->type != S_IFLNK && (atomic_u32_load(&i->superblock->flags) & SUPERBLOCK_ACL) ? OK : -EOPNOTSUPP;
}

static u32 id_to_user(const struct path *p borrowed, const struct acl_entry *e borrowed,
	const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	if (e->tag == ACL_USER)
		return user_namespace_uid_out(cred->user_ns, idmap_uid_seen_of(i, p->mount->idmap, e->id));
	if (e->tag == ACL_GROUP)
		return user_namespace_gid_out(cred->user_ns, idmap_gid_seen_of(i, p->mount->idmap, e->id));
	return ACL_NO_ID;
}

static u32 id_from_user(const struct path *p borrowed, const struct acl_entry *e borrowed,
	const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	const bool is_user = e->tag == ACL_USER;
	if (!is_user && e->tag != ACL_GROUP)
		return ACL_NO_ID;
	const u32 id = is_user ? user_namespace_uid_in(cred->user_ns, e->id)
			       : user_namespace_gid_in(cred->user_ns, e->id);
	if (id == ID_INVALID)
		return ID_INVALID;
	return is_user ? idmap_uid_stored(i, p->mount->idmap, id) : idmap_gid_stored(i, p->mount->idmap, id);
}

ssize_r acl_get(const struct path *p borrowed, bytes_t name, span_t out, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	const err_t e = can_have(i);
	if (e || !i->ops->get_xattr)
		return -EOPNOTSUPP;
	const ssize_r length = i->ops->get_xattr(i, name, out);
	if (length <= 0 || span_len(out) == 0)
		return length;
	const span_t list = span_first(out, (usize)length);
	for (usize k = 0; k < acl_count(bytes_of(list)); k++) {
		struct acl_entry entry = acl_entry_at(bytes_of(list), k);
		entry.id = id_to_user(p, &entry, cred);
		acl_entry_put(list, k, &entry);
	}
	return length;
}

static err_t may_set(const struct path *p borrowed, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	err_t e = can_have(i);
	if (!e)
		e = mount_check_writable(p->mount);
	if (e)
		return e;
	if (atomic_u32_load(&i->state) & (INODE_IMMUTABLE | INODE_APPEND_ONLY))
		return -EPERM;
	return inode_is_owner_mapped(i, p->mount->idmap, cred) ? OK : -EPERM;
}

// What is stored for a caller's list; NULL: none, it has no entries.
static err_t list_take(const struct path *p borrowed, bytes_t value, const struct cred *cred borrowed,
	struct buf **out borrowed)
{
	if (bytes_len(value) < ACL_HEADER_BYTES)
		return -EINVAL;
	if (bytes_get_u32le(value, 0) != ACL_VERSION)
		return -EOPNOTSUPP;
	if ((bytes_len(value) - ACL_HEADER_BYTES) % ACL_ENTRY_BYTES)
		return -EINVAL;
	if (acl_count(value) == 0)
		return OK;
	struct buf *list buf_auto = buf_from(value);
	if (!list)
		return -ENOMEM;
	for (usize k = 0; k < acl_count(value); k++) {
		struct acl_entry entry = acl_entry_at(value, k);
		entry.id = id_from_user(p, &entry, cred);
		acl_entry_put(buf_span(list), k, &entry);
	}
	const err_t e = acl_check(buf_bytes(list));
	if (!e)
		*out = take(list);
	return e;
}

// The mode that a list stands for: the owner's, the mask's or the group's, the others' rights.
static u32 mode_of_list(bytes_t list, u32 mode)
{
	u32 group = 0, bits = mode & 07000;
	for (usize k = 0; k < acl_count(list); k++) {
		const struct acl_entry e = acl_entry_at(list, k);
		if (e.tag == ACL_USER_OBJ)
			bits |= e.rights << 6;
		else if (e.tag == ACL_GROUP_OBJ || e.tag == ACL_MASK)
			group = e.rights;
		else if (e.tag == ACL_OTHER)
			bits |= e.rights;
	}
	return bits | group << 3;
}

static err_t list_drop(struct inode *i, bytes_t name)
{
	const err_t e = i->ops->remove_xattr ? i->ops->remove_xattr(i, name) : (err_t)-EOPNOTSUPP;
	inode_note_changed(&i->no_acl);
	return e == -ENODATA ? OK : e;
}

static err_t list_put(struct inode *i, bytes_t name, bytes_t list)
{
	const err_t e = i->ops->set_xattr ? i->ops->set_xattr(i, name, list, 0) : (err_t)-EOPNOTSUPP;
	inode_note_changed(&i->no_acl);
	return e;
}

// The list and the mode that it means. A list that names nobody is a mode.
static err_t access_set(const struct path *p borrowed, bytes_t list, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	struct user_namespace *idmap = p->mount->idmap;
	struct attribute_change change = { .valid = ATTRIBUTE_MODE | ATTRIBUTE_CHANGE_TIME,
		.mode = mode_of_list(list, i->mode), .change_time = file_time_now() };
	if (!cred_in_group(cred, idmap_gid_seen(i, idmap)) && !inode_capable_mapped(i, idmap, cred, CAP_FSETID))
		change.mode &= ~S_ISGID;
	err_t e = acl_count(list) > 3 ? list_put(i, XATTR_ACL_ACCESS, list) : list_drop(i, XATTR_ACL_ACCESS);
	if (e)
		return e;
	if (i->ops->set_attributes)
		e = i->ops->set_attributes(i, &change);
	else
		inode_set_attributes_generic(i, &change);
	return e;
}

err_t acl_set(const struct path *p borrowed, bytes_t name, bytes_t value, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	struct buf *list buf_auto = NULL;
	err_t e = can_have(i);
	if (!e)
		e = list_take(p, value, cred, &list);
	if (!e)
		e = may_set(p, cred);
	if (e)
		return e;
	if (list && bytes_equal(name, XATTR_ACL_DEFAULT) && i->type != S_IFDIR)
		return -EACCES;
	if (!list)
		e = list_drop(i, name);
	else if (bytes_equal(name, XATTR_ACL_DEFAULT))
		e = list_put(i, name, buf_bytes(list));
	else
		e = access_set(p, buf_bytes(list), cred);
	if (!e)
		notify_dentry(p->dentry, NOTIFY_ATTRIBUTES);
	return e;
}

err_t acl_remove(const struct path *p borrowed, bytes_t name, const struct cred *cred borrowed)
{
	err_t e = may_set(p, cred);
	if (!e)
		e = list_drop(p->dentry->inode, name);
	if (!e)
		notify_dentry(p->dentry, NOTIFY_ATTRIBUTES);
	return e;
}
