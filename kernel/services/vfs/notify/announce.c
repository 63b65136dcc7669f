// SPDX-License-Identifier: MPL-2.0
// Where the VFS says what it has done. Everything is told after it has happened; the order between a folder and the
// inode itself is Linux's: the folder's watchers hear it first.
#include <services/vfs/dentry.h>
#include <services/vfs/notify.h>
#include <services/vfs/notify/notify_internal.h>

static struct atomic_u32 cookies;

static bool is_wanted(const struct inode *i, u32 mask)
{
	const struct notify_watch_set *s = i->watches;
	return s && (atomic_u32_load(&s->mask) & mask);
}

static void set_announce(struct notify_watch_set *s, const struct notify_event *e borrowed)
{
	u64 after = 0;
	for (;;) {
		struct notify_watch *w object_auto(notify_watch) = notify_set_next(s, &after);
		if (!w)
			return;
		if (atomic_u32_load(&w->mask) & e->mask & NOTIFY_EVENTS)
			w->ops->announce(w, e);
	}
}

static u32 directory_bit(const struct inode *i)
{
	return i->type == S_IFDIR ? NOTIFY_IS_DIRECTORY : 0;
}

void notify_inode(struct inode *i, u32 event)
{
	if (!is_wanted(i, event))
		return;
	const struct notify_event e = { .mask = event | directory_bit(i) };
	set_announce(i->watches, &e);
}

// Only the names of what somebody watches are worth a look under the tree's lock. A parent read without it may be an
// old one; then the rename that replaces it is under way, and either answer is right.
static bool parent_wants(const struct dentry *d, u32 event)
{
	const struct dentry *parent = d->parent;
	const struct inode *dir = parent ? parent->inode : NULL;
	return dir && is_wanted(dir, event);
}

static no_inline void parent_announce(struct dentry *d, u32 event)
{
	u8 name[DENTRY_NAME_MAX + 1];
	struct dentry *parent object_auto(dentry) = dentry_parent(d);
	const usize length = dentry_name(d, array_span(name));
	if (parent == d || !is_wanted(parent->inode, event))
		return;
	const struct notify_event e = { .mask = event | directory_bit(d->inode),
		.name = bytes_first(array_bytes(name), length), .entry = d };
	set_announce(parent->inode->watches, &e);
}

void notify_dentry(struct dentry *d, u32 event)
{
	if (!notify_is_active() || !d->inode)
		return;
	if (parent_wants(d, event))
		parent_announce(d, event);
	notify_inode(d->inode, event);
}

void notify_file_slow(struct file *f, u32 event)
{
	if (f->path.dentry && !(f->mode & FILE_MODE_PATH))
		notify_dentry(f->path.dentry, event);
}

void notify_opened(struct file *f)
{
	f->mode |= FILE_MODE_ANNOUNCED;
	notify_file(f, NOTIFY_OPEN);
}

void notify_closed(struct file *f)
{
	if (f->mode & FILE_MODE_ANNOUNCED)
		notify_file(f, f->mode & FILE_MODE_WRITE ? NOTIFY_CLOSE_WRITE : NOTIFY_CLOSE_NO_WRITE);
}

static void entry_announce(struct inode *dir, struct inode *child, const struct notify_event *what borrowed)
{
	if (!is_wanted(dir, what->mask))
		return;
	const struct notify_event e = { .mask = what->mask | directory_bit(child), .cookie = what->cookie,
		.name = what->name };
	set_announce(dir->watches, &e);
}

void notify_entry(struct inode *dir, bytes_t name, struct inode *child, u32 event)
{
	const struct notify_event e = { .mask = event, .name = name };
	if (notify_is_active())
		entry_announce(dir, child, &e);
}

void notify_renamed(const struct notify_rename *r borrowed)
{
	if (!notify_is_active())
		return;
	const u32 cookie = atomic_u32_add(&cookies, 1) + 1;
	const struct notify_event from = { .mask = NOTIFY_MOVED_FROM, .cookie = cookie, .name = r->old_name };
	const struct notify_event to = { .mask = NOTIFY_MOVED_TO, .cookie = cookie, .name = r->new_name };
	entry_announce(r->from, r->child, &from);
	entry_announce(r->to, r->child, &to);
	if (r->replaced)
		notify_inode(r->replaced, NOTIFY_ATTRIBUTES);
	notify_inode(r->child, NOTIFY_MOVE_SELF);
}

static u32 links_of(struct inode *const i)
{
	spin_guard(&i->lock);
	return i->link_count;
}

void notify_name_gone(struct inode *i)
{
	struct notify_watch_set *s = i->watches;
	u64 after = 0;
	if (!s || (i->type != S_IFDIR && links_of(i)))
		return;
	notify_inode(i, NOTIFY_DELETE_SELF);
	for (;;) {
		struct notify_watch *w object_auto(notify_watch) = notify_set_next(s, &after);
		if (!w)
			return;
		w->ops->gone(w);
	}
}
