// SPDX-License-Identifier: MPL-2.0
// Path resolution. Theory:
//
// `at` moves from component to component; each step needs the right to search the folder and asks the
// dentry cache. A symbolic link replaces the rest of the name by its target followed by that rest, so
// there is one loop and no recursion; 40 links end it with -ELOOP. The last component is where
// callers differ: WALK_PARENT stops before it, WALK_WHOLE enters it and follows a link there only with
// LOOKUP_FOLLOW or a trailing slash.
#include <services/vfs/dentry.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/lookup/walk.h>
#include <services/vfs/mount.h>

#define LINK_TARGET_MAX 4096u

void walk_end(struct walk *w borrowed)
{
	if (w->child)
		dentry_put(take(w->child));
	path_put(&w->at);
	path_put(&w->root);
}

static void walk_need_root(struct walk *w borrowed, const struct lookup_context *c borrowed)
{
	if (path_is_none(&w->root))
		fs_context_root(c->fs, &w->root);
}

static err_t walk_to_root(struct walk *w borrowed, const struct lookup_context *c borrowed)
{
	if (c->flags & LOOKUP_BENEATH)
		return -EXDEV;
	walk_need_root(w, c);
	if ((c->flags & LOOKUP_NO_XDEV) && w->at.mount && w->at.mount != w->root.mount)
		return -EXDEV;
	struct path root path_auto = path_copy(&w->root);
	path_put(&w->at);
	w->at.mount = take(root.mount);
	w->at.dentry = take(root.dentry);
	return OK;
}

static void walk_take_start(struct path *out borrowed, const struct lookup_context *c borrowed)
{
	if (path_is_none(&c->start)) {
		fs_context_working(c->fs, out);
		return;
	}
	out->mount = c->start.mount;
	out->dentry = c->start.dentry;
	path_get(out);
}

err_t walk_begin(struct walk *w borrowed, const struct lookup_context *c borrowed, bytes_t name)
{
	// A confined walk: the start is the root.
	if (c->flags & (LOOKUP_IN_ROOT | LOOKUP_BENEATH))
		walk_take_start(&w->root, c);
	if (bytes_len(name) && byte_at(name, 0) == '/')
		return walk_to_root(w, c);
	walk_take_start(&w->at, c);
	return OK;
}

// --- one step ---------------------------------------------------------------------------------------

static err_t walk_may_search(struct walk *w borrowed, const struct lookup_context *c borrowed)
{
	struct inode *dir = w->at.dentry->inode;
	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	if ((dir->mode & 0111) == 0111 && !dir->ops->permission)
		return OK;
	return path_permission(&w->at, PERMISSION_EXECUTE, c->cred);
}

err_t walk_find(struct walk *w borrowed, const struct lookup_context *c borrowed, bytes_t component)
{
	const err_t e = walk_may_search(w, c);
	if (e)
		return e;
	if (bytes_len(component) > w->at.mount->superblock->name_max)
		return -ENAMETOOLONG;
	if (w->child)
		dentry_put(take(w->child));
	if (c->flags & LOOKUP_CACHED) {
		w->child = dentry_find(w->at.dentry, component);
		return w->child ? OK : -EAGAIN;
	}
	return dentry_lookup(w->at.dentry, component, &w->child);
}

err_t walk_enter(struct walk *w borrowed, const struct lookup_context *c borrowed)
{
	dentry_put(take(w->at.dentry));
	w->at.dentry = take(w->child);
	if (atomic_u32_load_relaxed(&w->at.dentry->mounts)) {
		struct mount *before = w->at.mount;
		mount_cross_down(&w->at);
		if ((c->flags & LOOKUP_NO_XDEV) && w->at.mount != before)
			return -EXDEV;
	}
	return OK;
}

// "..": stays at the root, leaves mounts at their root, and sees what is mounted on the parent.
static err_t walk_up(struct walk *w borrowed, const struct lookup_context *c borrowed)
{
	const err_t e = walk_may_search(w, c);
	if (e)
		return e;
	walk_need_root(w, c);
	struct mount *before = w->at.mount;
	bool has_crossed = false;
	for (;;) {
		if (path_equal(&w->at, &w->root))
			return c->flags & LOOKUP_BENEATH ? -EXDEV : OK;
		if (w->at.dentry != w->at.mount->root)
			break;
		if (mount_cross_up(&w->at)) {
			has_crossed = true;
			continue;
		}
		// The end of all mounts. What covers it is where we came from: a root is not left by its back door.
		if (has_crossed)
			mount_cross_down(&w->at);
		return OK;
	}
	struct dentry *parent object_auto(dentry) = dentry_parent(w->at.dentry);
	dentry_put(take(w->at.dentry));
	w->at.dentry = take(parent);
	mount_cross_down(&w->at);
	return (c->flags & LOOKUP_NO_XDEV) && w->at.mount != before ? -EXDEV : OK;
}

// --- links ------------------------------------------------------------------------------------------

static err_t walk_may_follow(struct walk *w borrowed, const struct lookup_context *c borrowed)
{
	if (++w->links > WALK_LINKS_MAX || (c->flags & LOOKUP_NO_SYMLINKS))
		return -ELOOP;
	if (mount_has(w->at.mount, MOUNT_NO_SYMLINK_FOLLOW))
		return -ELOOP;
	return OK;
}

static err_t walk_magic_link(struct walk *w borrowed, const struct lookup_context *c borrowed)
{
	if (c->flags & LOOKUP_NO_MAGICLINKS)
		return -ELOOP;
	if (c->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
		return -EXDEV;
	struct inode *link = w->child->inode;
	struct path to path_auto = path_none();
	const err_t e = link->ops->follow_link(link, &to);
	if (e)
		return e;
	if ((c->flags & LOOKUP_NO_XDEV) && to.mount != w->at.mount)
		return -EXDEV;
	path_put(&w->at);
	w->at.mount = take(to.mount);
	w->at.dentry = take(to.dentry);
	return OK;
}

// The link's target and `rest` in one buffer.
static err_t link_text(struct inode *link, bytes_t rest, struct buf **out borrowed)
{
	struct buf *target buf_auto = buf_alloc(LINK_TARGET_MAX);
	if (!target)
		return -ENOMEM;
	const ssize_r length = link->ops->read_link(link, buf_span(target));
	if (length < 0)
		return (err_t)length;
	if (length == 0)
		return -ENOENT;
	struct buf *text buf_auto = buf_alloc((usize)length + bytes_len(rest));
	if (!text)
		return -ENOMEM;
	span_copy(buf_span(text), bytes_first(buf_bytes(target), (usize)length));
	span_copy(span_from(buf_span(text), (usize)length), rest);
	*out = take(text);
	return OK;
}

err_t walk_link(struct walk *w borrowed, const struct lookup_context *c borrowed, bytes_t rest,
	struct buf **text borrowed)
{
	err_t e = walk_may_follow(w, c);
	if (e)
		return e;
	struct inode *link = w->child->inode;
	if (link->ops->follow_link) {
		*text = NULL;
		return walk_magic_link(w, c);
	}
	if (!link->ops->read_link)
		return -EINVAL;
	struct buf *made buf_auto = NULL;
	e = link_text(link, rest, &made);
	if (e)
		return e;
	if (byte_at(buf_bytes(made), 0) == '/')
		e = walk_to_root(w, c);
	*text = take(made);
	return e;
}

// --- the loop ---------------------------------------------------------------------------------------

static usize skip_slashes(bytes_t text, usize from)
{
	while (from < bytes_len(text) && byte_at(text, from) == '/')
		from++;
	return from;
}

static void report_last(bytes_t text, usize at, usize end, usize next, bytes_t name,
	struct last_component *last borrowed)
{
	const bytes_t component = bytes_slice(text, at, end - at);
	// What links brought was put in front: the last component is still the end of the name as given.
	last->offset = bytes_len(name) - (bytes_len(text) - at);
	last->length = end - at;
	last->trailing_slash = next > end;
	last->kind = LAST_NORMAL;
	if (bytes_equal(component, STR(".")))
		last->kind = LAST_DOT;
	else if (bytes_equal(component, STR("..")))
		last->kind = LAST_DOTDOT;
}

// "." and ".." move at once; another name is in w->child afterwards.
static err_t walk_component(struct walk *w borrowed, const struct lookup_context *c borrowed, bytes_t component)
{
	const usize length = bytes_len(component);
	if (length == 1 && byte_at(component, 0) == '.')
		return walk_may_search(w, c);
	if (length == 2 && byte_at(component, 0) == '.' && byte_at(component, 1) == '.')
		return walk_up(w, c);
	const err_t e = walk_find(w, c, component);
	if (e)
		return e;
	return dentry_is_negative(w->child) ? -ENOENT : OK;
}

err_t walk_name(struct walk *w borrowed, const struct lookup_context *c borrowed, bytes_t name, enum walk_goal goal,
	struct last_component *last borrowed)
{
	struct buf *storage buf_auto = NULL;
	bytes_t text = name;
	usize at = skip_slashes(text, 0);
	bool needs_folder = c->flags & LOOKUP_DIRECTORY;
	last->kind = LAST_ROOT;
	while (at < bytes_len(text)) {
		const usize end = at + bytes_find(bytes_from(text, at), '/');
		const usize next = skip_slashes(text, end);
		const bool is_last = next == bytes_len(text);
		if (is_last && goal == WALK_PARENT) {
			report_last(text, at, end, next, name, last);
			return OK;
		}
		err_t e = walk_component(w, c, bytes_slice(text, at, end - at));
		if (e)
			return e;
		needs_folder |= is_last && next > end;
		at = next;
		if (!w->child)
			continue;
		if (w->child->inode->type == S_IFLNK && (!is_last || next > end || (c->flags & LOOKUP_FOLLOW))) {
			struct buf *longer buf_auto = NULL;
			e = walk_link(w, c, bytes_from(text, end), &longer);
			dentry_put(take(w->child));
			if (e)
				return e;
			if (!longer)
				continue;
			buf_free(take(storage));
			storage = take(longer);
			text = buf_bytes(storage);
			at = skip_slashes(text, 0);
			continue;
		}
		e = walk_enter(w, c);
		if (e)
			return e;
	}
	return needs_folder && w->at.dentry->inode->type != S_IFDIR ? -ENOTDIR : OK;
}

// --- what others call -------------------------------------------------------------------------------

err_t path_lookup(const struct lookup_context *c borrowed, bytes_t name, struct path *out borrowed)
{
	if (bytes_len(name) == 0 && !(c->flags & LOOKUP_EMPTY))
		return -ENOENT;
	struct walk w walk_auto = {};
	struct last_component last = {};
	err_t e = walk_begin(&w, c, name);
	if (e)
		return e;
	e = walk_name(&w, c, name, WALK_WHOLE, &last);
	if (e)
		return e;
	out->mount = take(w.at.mount);
	out->dentry = take(w.at.dentry);
	return OK;
}

err_t path_lookup_parent(const struct lookup_context *c borrowed, bytes_t name, struct path *parent borrowed,
	struct last_component *last borrowed)
{
	if (bytes_len(name) == 0)
		return -ENOENT;
	struct walk w walk_auto = {};
	err_t e = walk_begin(&w, c, name);
	if (e)
		return e;
	e = walk_name(&w, c, name, WALK_PARENT, last);
	if (e)
		return e;
	if (w.at.dentry->inode->type != S_IFDIR)
		return -ENOTDIR;
	parent->mount = take(w.at.mount);
	parent->dentry = take(w.at.dentry);
	return OK;
}
