// SPDX-License-Identifier: MPL-2.0
// rename(2). Locks: within one folder its lock alone; across folders the superblock's rename lock, which
// keeps the tree of folders still, then the upper folder before the lower; a folder that is to be
// replaced comes last.
#include <services/vfs/entry.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/idmap.h>
#include <services/vfs/lookup/entry_internal.h>
#include <services/vfs/mount.h>
#include <services/vfs/notify.h>
#include <services/vfs/path_guard.h>
#include <services/vfs/superblock.h>

struct stack_only renaming {
	struct path from, to;		// the folders; references
	bytes_t old_name, new_name;
	struct dentry *child, *replaced;// references; replaced may be negative
	u32 old_slash, new_slash, flags, pad;
};

static void renaming_end(struct renaming *r borrowed)
{
	if (r->child)
		dentry_put(take(r->child));
	if (r->replaced)
		dentry_put(take(r->replaced));
	path_put(&r->from);
	path_put(&r->to);
}

// Slashes after a name that is no folder, as rename(2) has it.
static bool slashes_fit(const struct renaming *r borrowed)
{
	const bool exchange = r->flags & RENAME_EXCHANGE;
	if (r->child->inode->type != S_IFDIR && (r->old_slash || (!exchange && r->new_slash)))
		return false;
	return !exchange || r->replaced->inode->type == S_IFDIR || !r->new_slash;
}

static err_t rename_find(struct renaming *r borrowed)
{
	err_t e = dentry_lookup_locked(r->from.dentry, r->old_name, &r->child);
	if (e)
		return e;
	if (dentry_is_negative(r->child))
		return -ENOENT;
	e = dentry_lookup_locked(r->to.dentry, r->new_name, &r->replaced);
	if (e)
		return e;
	if (!dentry_is_negative(r->replaced) && (r->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (dentry_is_negative(r->replaced) && (r->flags & RENAME_EXCHANGE))
		return -ENOENT;
	return slashes_fit(r) ? OK : -ENOTDIR;
}

static err_t rename_check_loop(const struct renaming *r borrowed)
{
	if (dentry_is_below(r->to.dentry, r->child))
		return -EINVAL;
	if (!dentry_is_negative(r->replaced) && dentry_is_below(r->from.dentry, r->replaced))
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return OK;
}

static err_t rename_check_target(const struct renaming *r borrowed, const struct cred *cred borrowed)
{
	if (dentry_is_negative(r->replaced))
		return dentry_is_deleted(r->to.dentry) ? (err_t)-ENOENT : entry_may_create(&r->to, cred);
	const err_t e = entry_may_delete(&r->to, r->replaced->inode, cred);
	if (e || (r->flags & RENAME_EXCHANGE))
		return e;
	if (r->child->inode->type == S_IFDIR)
		return r->replaced->inode->type == S_IFDIR ? OK : -ENOTDIR;
	return r->replaced->inode->type == S_IFDIR ? -EISDIR : OK;
}

static err_t rename_check(const struct renaming *r borrowed, const struct lookup_context *c borrowed)
{
	const struct cred *const cred = c->cred;
	struct inode *child = r->child->inode;
	const struct path_move move = { .from = r->from, .to = r->to, .child = r->child, .replaced = r->replaced,
		.leaves = 1, .exchanges = r->flags & RENAME_EXCHANGE };
	err_t e = rename_check_loop(r);
	if (!e)
		e = path_guard_check_move(cred, &move);
	if (e)
		return e;
	e = entry_may_delete(&r->from, child, cred);
	if (e)
		return e;
	e = rename_check_target(r, cred);
	if (e)
		return e;
	// ".." of a moved folder changes: that is a write to it.
	if (child->type == S_IFDIR && r->from.dentry != r->to.dentry) {
		e = inode_permission_mapped(child, r->from.mount->idmap, PERMISSION_WRITE, cred);
		if (e)
			return e;
	}
	if (!mount_may_leave_place(r->child, c->fs) || !mount_may_leave_place(r->replaced, c->fs))
		return -EBUSY;
	return r->from.dentry->inode->ops->rename ? OK : -EPERM;
}

static err_t rename_ask(struct renaming *r borrowed)
{
	struct inode *from_dir = r->from.dentry->inode, *to_dir = r->to.dentry->inode;
	return from_dir->ops->rename(from_dir, r->old_name, r->child->inode, to_dir, r->new_name, r->replaced->inode,
		r->flags);
}

static err_t rename_ask_replacing(struct renaming *r borrowed)
{
	struct inode *replaced = r->replaced->inode;
	if (!replaced || replaced->type != S_IFDIR)
		return rename_ask(r);
	write_guard_nested(&replaced->directory_lock, 2);
	return rename_ask(r);
}

static no_inline void rename_announce(const struct renaming *r borrowed)
{
	const bool is_exchange = r->flags & RENAME_EXCHANGE;
	struct inode *from = r->from.dentry->inode, *to = r->to.dentry->inode;
	const struct notify_rename there = { .from = from, .to = to, .child = r->child->inode,
		.replaced = is_exchange ? NULL : r->replaced->inode, .old_name = r->old_name, .new_name = r->new_name };
	notify_renamed(&there);
	const struct notify_rename back = { .from = to, .to = from, .child = r->replaced->inode,
		.old_name = r->new_name, .new_name = r->old_name };
	if (is_exchange)
		notify_renamed(&back);
}

// Both folders are locked.
static err_t rename_locked(struct renaming *r borrowed, const struct lookup_context *c borrowed)
{
	err_t e = rename_find(r);
	if (e)
		return e;
	e = mount_check_writable(r->from.mount);
	if (e)
		return e;
	if (r->child->inode == r->replaced->inode)
		return OK;
	e = rename_check(r, c);
	if (e)
		return e;
	e = rename_ask_replacing(r);
	if (e)
		return e;
	e = dentry_move(r->child, r->to.dentry, r->new_name, r->replaced, r->flags);
	if (e) {
		// The file system has done it; the cache only forgets.
		dentry_invalidate(r->child);
		dentry_invalidate(r->replaced);
	}
	if (notify_is_active())
		rename_announce(r);
	return OK;
}

static err_t rename_within(struct renaming *r borrowed, const struct lookup_context *c borrowed)
{
	struct inode *dir = r->from.dentry->inode;
	write_guard(&dir->directory_lock);
	return rename_locked(r, c);
}

static err_t rename_between(struct renaming *r borrowed, struct inode *first, struct inode *second,
	const struct lookup_context *c borrowed)
{
	write_guard(&first->directory_lock);
	write_guard_nested(&second->directory_lock, 1);
	return rename_locked(r, c);
}

static err_t rename_across(struct renaming *r borrowed, const struct lookup_context *c borrowed)
{
	struct superblock *sb = r->from.mount->superblock;
	struct inode *from = r->from.dentry->inode, *to = r->to.dentry->inode;
	mutex_guard(&sb->rename_lock);
	// The upper one first; unrelated ones in either order, for the rename lock is held.
	if (dentry_is_below(r->from.dentry, r->to.dentry))
		return rename_between(r, to, from, c);
	return rename_between(r, from, to, c);
}

err_t entry_rename(const struct lookup_context *from borrowed, bytes_t old_name,
	const struct lookup_context *to borrowed,
		   bytes_t new_name, u32 flags)
{
	struct renaming r auto_release(renaming_end) = { .flags = flags };
	struct last_component old_last = {}, new_last = {};
	err_t e = entry_parent(from, old_name, &r.from, &old_last);
	if (!e)
		e = entry_parent(to, new_name, &r.to, &new_last);
	if (e)
		return e;
	if (r.from.mount != r.to.mount)
		return -EXDEV;
	if (old_last.kind != LAST_NORMAL)
		return -EBUSY;
	if (new_last.kind != LAST_NORMAL)
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	r.old_name = bytes_slice(old_name, old_last.offset, old_last.length);
	r.new_name = bytes_slice(new_name, new_last.offset, new_last.length);
	r.old_slash = old_last.trailing_slash;
	r.new_slash = new_last.trailing_slash;
	e = r.from.dentry == r.to.dentry ? rename_within(&r, from) : rename_across(&r, from);
	if (!e && dentry_is_deleted(r.replaced))
		mount_detach_place(r.replaced);
	return e;
}
