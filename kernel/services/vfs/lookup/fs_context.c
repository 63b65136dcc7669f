// SPDX-License-Identifier: MPL-2.0
// Root, working folder and umask of threads. All contexts are on one list for pivot_root(2), which visits each by
// turning the list once: one walk at a time, for two that turn it together would each see only half of the contexts.
#include <services/vfs/fs_context.h>

DEFINE_LIST(fs_context_list, fs_context, link)
static struct mutex walk_lock = MUTEX_INIT(RANK_VFS_WALK);
static struct spinlock list_lock = SPINLOCK_INIT(RANK_PROCESS);
static struct fs_context_list contexts GUARDED_BY(list_lock);

static exclusive_access void fs_context_release(struct fs_context *f)
{
	{
		spin_guard(&list_lock);
		if (fs_context_list_is_linked(f))
			fs_context_list_remove(&contexts, f);
	}
	path_put(&f->root);
	path_put(&f->working);
}
DEFINE_OBJECT(fs_context, fs_context_release)

// Moves the references of *from into *to.
static void path_move(struct path *to borrowed, struct path *from borrowed)
{
	to->mount = take(from->mount);
	to->dentry = take(from->dentry);
}

static struct fs_context *fs_context_make(struct path *root borrowed, struct path *working borrowed, u32 mask) owned;
static struct fs_context *fs_context_make(struct path *root borrowed, struct path *working borrowed, u32 mask)
{
	struct fs_context *f object_auto(fs_context) = fs_context_alloc();
	if (!f)
		return NULL;
	spin_init(&f->lock, RANK_FS_CONTEXT);
	atomic_u32_store(&f->mask, mask);
	{
		spin_guard(&f->lock);
		path_move(&f->root, root);
		path_move(&f->working, working);
	}
	spin_guard(&list_lock);
	fs_context_list_append(&contexts, f);
	return take(f);
}

struct fs_context *fs_context_create(const struct path *place borrowed)
{
	struct path root path_auto = path_copy(place);
	struct path working path_auto = path_copy(place);
	return fs_context_make(&root, &working, 022);
}

struct fs_context *fs_context_copy(struct fs_context *from)
{
	struct path root path_auto = path_none();
	struct path working path_auto = path_none();
	fs_context_root(from, &root);
	fs_context_working(from, &working);
	return fs_context_make(&root, &working, fs_context_mask(from));
}

void fs_context_root(struct fs_context *f, struct path *out borrowed)
{
	spin_guard(&f->lock);
	out->mount = f->root.mount;
	out->dentry = f->root.dentry;
	path_get(out);
}

void fs_context_working(struct fs_context *f, struct path *out borrowed)
{
	spin_guard(&f->lock);
	out->mount = f->working.mount;
	out->dentry = f->working.dentry;
	path_get(out);
}

static void path_swap(struct path *a borrowed, struct path *b borrowed)
{
	const struct path old = { a->mount, a->dentry };
	a->mount = b->mount;
	a->dentry = b->dentry;
	b->mount = old.mount;
	b->dentry = old.dentry;
}

void fs_context_set_root(struct fs_context *f, const struct path *p borrowed)
{
	struct path other path_auto = path_copy(p);
	spin_guard(&f->lock);
	path_swap(&f->root, &other);
}

void fs_context_set_working(struct fs_context *f, const struct path *p borrowed)
{
	struct path other path_auto = path_copy(p);
	spin_guard(&f->lock);
	path_swap(&f->working, &other);
}

// Replaces what equals `from`; the old references end up in the two places given.
static void context_replace(struct fs_context *f, const struct path *from borrowed, struct path *root borrowed,
	struct path *working borrowed)
{
	spin_guard(&f->lock);
	if (path_equal(&f->root, from))
		path_swap(&f->root, root);
	if (path_equal(&f->working, from))
		path_swap(&f->working, working);
}

static struct fs_context *context_next(void) owned;
static struct fs_context *context_next(void)
{
	spin_guard(&list_lock);
	struct fs_context *f = fs_context_list_pop(&contexts);
	if (!f)
		return NULL;
	fs_context_list_append(&contexts, f);
	return fs_context_try_get(f);
}

static usize context_count(void)
{
	spin_guard(&list_lock);
	return fs_context_list_count(&contexts);
}

void fs_context_replace_all(const struct path *from borrowed, const struct path *to borrowed)
{
	mutex_guard(&walk_lock);
	for (usize left = context_count(); left; left--) {
		struct fs_context *f object_auto(fs_context) = context_next();
		if (!f)
			continue;
		struct path root path_auto = path_copy(to);
		struct path working path_auto = path_copy(to);
		context_replace(f, from, &root, &working);
	}
}
