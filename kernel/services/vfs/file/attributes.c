// SPDX-License-Identifier: MPL-2.0
// Changes of attributes: the rules of chmod(2), chown(2), utimensat(2), truncate(2), access(2).
#include <core/print.h>
#include <services/cred/user_namespace.h>
#include <services/vfs/acl.h>
#include <services/vfs/attributes.h>
#include <services/vfs/dentry.h>
#include <services/vfs/file.h>
#include <services/vfs/idmap.h>
#include <services/vfs/mount.h>
#include <services/vfs/notify.h>

static err_t attributes_may_change(const struct path *p borrowed)
{
	const err_t e = mount_check_writable(p->mount);
	if (e)
		return e;
	return atomic_u32_load(&p->dentry->inode->state) & (INODE_IMMUTABLE | INODE_APPEND_ONLY) ? -EPERM : OK;
}

// utimensat(2) of both times is a change of attributes, of one it looks like the access that it pretends.
static void attributes_announce(struct dentry *d, u32 valid)
{
	const u32 times = valid & (ATTRIBUTE_ACCESS_TIME | ATTRIBUTE_MODIFY_TIME);
	const u32 both = ATTRIBUTE_ACCESS_TIME | ATTRIBUTE_MODIFY_TIME;
	u32 events = valid & (ATTRIBUTE_UID | ATTRIBUTE_GID | ATTRIBUTE_MODE) || times == both ? NOTIFY_ATTRIBUTES : 0;
	if ((valid & ATTRIBUTE_SIZE) || times == ATTRIBUTE_MODIFY_TIME)
		events |= NOTIFY_MODIFY;
	if (times == ATTRIBUTE_ACCESS_TIME)
		events |= NOTIFY_ACCESS;
	notify_dentry(d, events);
}

static err_t attributes_store(struct inode *i, const struct attribute_change *change borrowed)
{
	if (i->ops->set_attributes)
		return i->ops->set_attributes(i, change);
	if (change->valid & ATTRIBUTE_SIZE)
		return -EPERM;
	inode_set_attributes_generic(i, change);
	return OK;
}

static err_t attributes_change_inode(struct inode *i, const struct attribute_change *change borrowed)
{
	const err_t e = attributes_store(i, change);
	if (change->valid & ATTRIBUTE_MODE)
		inode_note_changed(&i->no_privileges);
	return e;
}

static err_t attributes_apply(const struct path *p borrowed, struct attribute_change *change borrowed)
{
	struct inode *i = p->dentry->inode;
	const u32 wished = change->valid;
	change->valid |= ATTRIBUTE_CHANGE_TIME;
	change->change_time = file_time_now();
	atomic_u64_add(&i->version, 1);
	const err_t e = attributes_change_inode(i, change);
	if (!e && notify_is_active())
		attributes_announce(p->dentry, wished);
	return e;
}

err_t attributes_change_mode(const struct path *p borrowed, u32 mode, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	const err_t e = attributes_may_change(p);
	if (e)
		return e;
	if (i->type == S_IFLNK)
		return -EOPNOTSUPP;
	struct user_namespace *idmap = p->mount->idmap;
	// An owner that has no number here cannot be written back.
	if (idmap_uid_seen(i, idmap) == ID_INVALID || idmap_gid_seen(i, idmap) == ID_INVALID)
		return -EOVERFLOW;
	if (!inode_is_owner_mapped(i, idmap, cred))
		return -EPERM;
	struct attribute_change change = { .valid = ATTRIBUTE_MODE, .mode = mode & 07777 };
	if (!cred_in_group(cred, idmap_gid_seen(i, idmap)) && !inode_capable_mapped(i, idmap, cred, CAP_FSETID))
		change.mode &= ~S_ISGID;
	const err_t unchanged = acl_change_mode(i, change.mode);
	return unchanged ? unchanged : attributes_apply(p, &change);
}

static void inode_drop_capabilities(struct inode *i)
{
	if (!i->ops->get_xattr || !i->ops->remove_xattr)
		return;
	const ssize_r length = i->ops->get_xattr(i, STR("security.capability"), span_empty());
	if (length < 0)
		return;
	const err_t e = i->ops->remove_xattr(i, STR("security.capability"));
	if (e && e != -ENODATA)
		log_error("inode %lu: its capabilities could not be removed\n", i->number);
}

// What set-id bits remain after a change by somebody else than the owner.
static u32 mode_without_privileges(u32 mode)
{
	u32 kept = mode & ~S_ISUID;
	if (mode & 0010)
		kept &= ~S_ISGID;
	return kept;
}

static err_t owner_may_change(const struct path *p borrowed, u32 uid, u32 gid, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	struct user_namespace *idmap = p->mount->idmap;
	const u32 owner = idmap_uid_seen(i, idmap), group = idmap_gid_seen(i, idmap);
	const bool is_owner = cred->fsuid == owner;
	const bool is_allowed = (uid == ID_INVALID || (is_owner && uid == owner)) &&
		(gid == ID_INVALID || (is_owner && (gid == group || cred_in_group(cred, gid))));
	return is_allowed || inode_capable_mapped(i, idmap, cred, CAP_CHOWN) ? OK : -EPERM;
}

err_t attributes_change_owner(const struct path *p borrowed, u32 uid, u32 gid, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	err_t e = attributes_may_change(p);
	if (e)
		return e;
	struct user_namespace *idmap = p->mount->idmap;
	struct attribute_change change = { .uid = idmap_uid_stored(i, idmap, uid),
		.gid = idmap_gid_stored(i, idmap, gid) };
	if ((uid != ID_INVALID && change.uid == ID_INVALID) || (gid != ID_INVALID && change.gid == ID_INVALID))
		return -EOVERFLOW;
	e = owner_may_change(p, uid, gid, cred);
	if (e)
		return e;
	change.valid = (uid != ID_INVALID ? (u32)ATTRIBUTE_UID : 0) | (gid != ID_INVALID ? (u32)ATTRIBUTE_GID : 0);
	if (i->type != S_IFDIR && mode_without_privileges(i->mode) != i->mode) {
		change.valid |= ATTRIBUTE_MODE;
		change.mode = mode_without_privileges(i->mode);
	}
	if (i->type != S_IFDIR)
		inode_drop_capabilities(i);
	return attributes_apply(p, &change);
}

err_t attributes_set_times(const struct path *p borrowed, const struct times_change *t borrowed,
	const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	if (t->access == TIME_OMIT && t->modify == TIME_OMIT)
		return OK;
	const err_t e = attributes_may_change(p);
	if (e)
		return e;
	if (t->access == TIME_NOW && t->modify == TIME_NOW) {
		if (!inode_is_owner_mapped(i, p->mount->idmap, cred) && path_permission(p, PERMISSION_WRITE,
			cred) != OK)
			return -EACCES;
	} else if (!inode_is_owner_mapped(i, p->mount->idmap, cred)) {
		return -EPERM;
	}
	const struct file_time now = file_time_now();
	struct attribute_change change = {
		.access_time = t->access == TIME_SET ? t->access_time : now,
		.modify_time = t->modify == TIME_SET ? t->modify_time : now,
	};
	change.valid |= t->access == TIME_OMIT ? 0 : (u32)ATTRIBUTE_ACCESS_TIME;
	change.valid |= t->modify == TIME_OMIT ? 0 : (u32)ATTRIBUTE_MODIFY_TIME;
	return attributes_apply(p, &change);
}

err_t attributes_truncate_opened(const struct path *p borrowed, u64 size)
{
	struct inode *i = p->dentry->inode;
	if (size > S64_MAX)
		return -EFBIG;
	if (atomic_u32_load(&i->state) & INODE_APPEND_ONLY)
		return -EPERM;
	struct attribute_change change = { .valid = ATTRIBUTE_SIZE | ATTRIBUTE_MODIFY_TIME, .size = size,
		.modify_time = file_time_now() };
	if (mode_without_privileges(i->mode) != i->mode) {
		change.valid |= ATTRIBUTE_MODE;
		change.mode = mode_without_privileges(i->mode);
	}
	inode_drop_capabilities(i);
	write_guard(&i->data_lock);
	return attributes_apply(p, &change);
}

err_t attributes_truncate(const struct path *p borrowed, u64 size, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	if (i->type == S_IFDIR)
		return -EISDIR;
	if (i->type != S_IFREG)
		return -EINVAL;
	err_t e = mount_check_writable(p->mount);
	if (e)
		return e;
	e = path_permission(p, PERMISSION_WRITE, cred);
	if (e)
		return e;
	if (atomic_u32_load(&i->state) & INODE_APPEND_ONLY)
		return -EPERM;
	e = inode_open_for_writing(i);
	if (e)
		return e;
	e = attributes_truncate_opened(p, size);
	inode_close_for_writing(i);
	return e;
}

// --- flags ------------------------------------------------------------------------------------------

static const struct flag_state {
	u32 flag, state;
} flag_states[] = {
	{ FILE_FLAG_IMMUTABLE, INODE_IMMUTABLE }, { FILE_FLAG_APPEND, INODE_APPEND_ONLY },
	{ FILE_FLAG_NO_DUMP, INODE_NO_DUMP }, { FILE_FLAG_NO_ATIME, INODE_NO_ATIME },
};

static u32 inode_flags(const struct inode *i borrowed)
{
	const u32 state = atomic_u32_load(&i->state);
	u32 flags = 0;
	for (u32 n = 0; n < array_len(flag_states); n++)
		flags |= state & flag_states[n].state ? flag_states[n].flag : 0;
	return flags;
}

void inode_set_flags(struct inode *i, u32 flags)
{
	for (u32 n = 0; n < array_len(flag_states); n++) {
		if (flags & flag_states[n].flag)
			atomic_u32_or(&i->state, flag_states[n].state);
		else
			atomic_u32_and(&i->state, ~flag_states[n].state);
	}
}

static bool has_flags(const struct inode *i borrowed)
{
	return i->ops->set_flags && (i->type == S_IFREG || i->type == S_IFDIR);
}

err_t attributes_get_flags(const struct path *p borrowed, u32 *out borrowed)
{
	struct inode *i = p->dentry->inode;
	if (!has_flags(i))
		return -ENOTTY;
	*out = inode_flags(i);
	return OK;
}

err_t attributes_set_flags(const struct path *p borrowed, u32 flags, const struct cred *cred borrowed)
{
	enum { NEEDS_PRIVILEGE = FILE_FLAG_IMMUTABLE | FILE_FLAG_APPEND };
	struct inode *i = p->dentry->inode;
	if (!has_flags(i))
		return -ENOTTY;
	err_t e = mount_check_writable(p->mount);
	if (e)
		return e;
	if (!inode_is_owner(i, cred))
		return -EPERM;
	if (flags & ~(u32)FILE_FLAGS_ALL)
		return -EOPNOTSUPP;
	if (((flags ^ inode_flags(i)) & NEEDS_PRIVILEGE) &&
		!cred_has_capability(cred, user_namespace_initial(), CAP_LINUX_IMMUTABLE))
		return -EPERM;
	write_guard(&i->data_lock);
	e = i->ops->set_flags(i, flags);
	if (e)
		return e;
	inode_set_flags(i, flags);
	inode_touch(i, TOUCH_CHANGE);
	return OK;
}

err_t attributes_access(const struct path *p borrowed, u32 mask, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	if ((mask & PERMISSION_EXECUTE) && i->type == S_IFREG && mount_has(p->mount, MOUNT_NO_EXEC))
		return -EACCES;
	const err_t e = path_permission(p, mask, cred);
	if (e)
		return e;
	if ((mask & PERMISSION_WRITE) && (i->type == S_IFREG || i->type == S_IFDIR || i->type == S_IFLNK))
		return mount_check_writable(p->mount);
	return OK;
}

err_t attributes_stat(const struct path *p borrowed, struct file_stat *out borrowed)
{
	const err_t e = inode_stat(p->dentry->inode, out);
	out->mount_id = p->mount->id;
	if (p->mount->idmap) {
		out->uid = idmap_uid_seen(p->dentry->inode, p->mount->idmap);
		out->gid = idmap_gid_seen(p->dentry->inode, p->mount->idmap);
	}
	return e;
}

void file_drop_privileges(struct file *f)
{
	struct inode *i = f->inode;
	const u32 note = atomic_u32_load(&i->no_privileges);
	if (i->type != S_IFREG || inode_note_says_absent(&i->no_privileges))
		return;
	inode_drop_capabilities(i);
	if (mode_without_privileges(i->mode) == i->mode) {
		inode_note_absent(&i->no_privileges, note);
		return;
	}
	if (cred_has_capability(cred_current(), user_namespace_initial(), CAP_FSETID))
		return;
	spin_guard(&i->lock);
	i->mode = mode_without_privileges(i->mode);
}
