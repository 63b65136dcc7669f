// SPDX-License-Identifier: MPL-2.0
// The way to whoever else has a say about places.
#include <core/once.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount.h>
#include <services/vfs/path_guard.h>

DEFINE_ONCE(path_guard_cell, const struct path_guard_ops);
static struct path_guard_cell cell;

void path_guard_set(const struct path_guard_ops *ops)
{
	path_guard_cell_set(&cell, ops);
}

err_t path_guard_check(const struct cred *cred borrowed, const struct path *p borrowed, u32 rights)
{
	if (!cred->domain || !rights)
		return OK;
	const struct path_guard_ops *ops = path_guard_cell_get(&cell);
	return ops ? ops->may(cred, p, rights) : (err_t)-EACCES;
}

err_t path_guard_check_move(const struct cred *cred borrowed, const struct path_move *m borrowed)
{
	if (!cred->domain)
		return OK;
	const struct path_guard_ops *ops = path_guard_cell_get(&cell);
	return ops ? ops->may_move(cred, m) : (err_t)-EACCES;
}

u32 path_right_to_make(u32 type)
{
	switch (type) {
	case S_IFDIR: return PATH_MAKE_FOLDER;
	case S_IFLNK: return PATH_MAKE_LINK;
	case S_IFCHR: return PATH_MAKE_CHARACTER;
	case S_IFBLK: return PATH_MAKE_BLOCK;
	case S_IFIFO: return PATH_MAKE_FIFO;
	case S_IFSOCK: return PATH_MAKE_SOCKET;
	default: return PATH_MAKE_REGULAR;
	}
}

bool path_ascend(struct path *p borrowed)
{
	while (p->dentry == p->mount->root) {
		if (!mount_cross_up(p))
			return false;
	}
	struct dentry *up object_auto(dentry) = dentry_parent(p->dentry);
	if (up == p->dentry)
		return false;
	dentry_put(take(p->dentry));
	p->dentry = take(up);
	return true;
}
