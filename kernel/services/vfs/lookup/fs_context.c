// SPDX-License-Identifier: MPL-2.0
// Root, working folder and umask of threads. pivot_root(2) visits those of one mount, however many others there are:
// a table knows contexts by the mounts of their two places. A visit turns the bucket's list once: one walk at
// a time, for two that turned it together would each see only half of it. A context that changes its place
// meanwhile chose it after the walk, if the walk does not meet it.
#include <services/vfs/fs_context.h>
#include <services/vfs/mount.h>

DEFINE_LIST(fs_root_list, fs_context, root_link)
DEFINE_LIST(fs_working_list, fs_context, working_link)
struct synchronised fs_context_bucket {
	struct spinlock lock;
	struct fs_root_list roots GUARDED_BY(lock);
	struct fs_working_list workings GUARDED_BY(lock);
};
#define FS_CONTEXT_BUCKETS 256u
static struct mutex walk_lock = MUTEX_INIT(RANK_VFS_WALK);
static struct fs_context_bucket buckets[FS_CONTEXT_BUCKETS];

static struct fs_context_bucket *bucket_of(const struct path *p borrowed)
{
	return array_ptr(buckets, p->mount->id % FS_CONTEXT_BUCKETS);
}

void fs_context_table_init(void)
{
	for (u32 n = 0; n < FS_CONTEXT_BUCKETS; n++)
		spin_init(&array_ptr(buckets, n)->lock, RANK_FS_CONTEXT_TABLE);
}

// Out of the table and in again, around a change of the place.
static void root_forget(struct fs_context *f) REQUIRES(f->lock);
static void root_forget(struct fs_context *f)
{
	struct fs_context_bucket *const b = bucket_of(&f->root);
	spin_guard(&b->lock);
	fs_root_list_remove(&b->roots, f);
}

static void root_note(struct fs_context *f) REQUIRES(f->lock);
static void root_note(struct fs_context *f)
{
	struct fs_context_bucket *const b = bucket_of(&f->root);
	spin_guard(&b->lock);
	fs_root_list_append(&b->roots, f);
}

static void working_forget(struct fs_context *f) REQUIRES(f->lock);
static void working_forget(struct fs_context *f)
{
	struct fs_context_bucket *const b = bucket_of(&f->working);
	spin_guard(&b->lock);
	fs_working_list_remove(&b->workings, f);
}

static void working_note(struct fs_context *f) REQUIRES(f->lock);
static void working_note(struct fs_context *f)
{
	struct fs_context_bucket *const b = bucket_of(&f->working);
	spin_guard(&b->lock);
	fs_working_list_append(&b->workings, f);
}

static exclusive_access void fs_context_release(struct fs_context *f)
{
	{
		spin_guard(&f->lock);
		root_forget(f);
		working_forget(f);
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
		root_note(f);
		working_note(f);
	}
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

// If it is at `from`, or wherever it is when that is NULL.
static void root_change(struct fs_context *f, const struct path *from borrowed, const struct path *to borrowed)
{
	struct path other path_auto = path_copy(to);
	spin_guard(&f->lock);
	if (from && !path_equal(&f->root, from))
		return;
	root_forget(f);
	path_swap(&f->root, &other);
	root_note(f);
}

static void working_change(struct fs_context *f, const struct path *from borrowed, const struct path *to borrowed)
{
	struct path other path_auto = path_copy(to);
	spin_guard(&f->lock);
	if (from && !path_equal(&f->working, from))
		return;
	working_forget(f);
	path_swap(&f->working, &other);
	working_note(f);
}

void fs_context_set_root(struct fs_context *f, const struct path *p borrowed)
{
	root_change(f, NULL, p);
}

void fs_context_set_working(struct fs_context *f, const struct path *p borrowed)
{
	working_change(f, NULL, p);
}

// The next context of the bucket's lists: at first those whose root is on such a mount, then by the working folder.
static struct fs_context *root_next(struct fs_context_bucket *b) owned;
static struct fs_context *root_next(struct fs_context_bucket *b)
{
	spin_guard(&b->lock);
	struct fs_context *f = fs_root_list_pop(&b->roots);
	if (!f)
		return NULL;
	fs_root_list_append(&b->roots, f);
	return fs_context_try_get(f);
}

static struct fs_context *working_next(struct fs_context_bucket *b) owned;
static struct fs_context *working_next(struct fs_context_bucket *b)
{
	spin_guard(&b->lock);
	struct fs_context *f = fs_working_list_pop(&b->workings);
	if (!f)
		return NULL;
	fs_working_list_append(&b->workings, f);
	return fs_context_try_get(f);
}

static usize root_count(struct fs_context_bucket *b)
{
	spin_guard(&b->lock);
	return fs_root_list_count(&b->roots);
}

static usize working_count(struct fs_context_bucket *b)
{
	spin_guard(&b->lock);
	return fs_working_list_count(&b->workings);
}

void fs_context_replace_all(const struct path *from borrowed, const struct path *to borrowed)
{
	struct fs_context_bucket *const b = bucket_of(from);
	mutex_guard(&walk_lock);
	for (usize left = root_count(b); left; left--) {
		struct fs_context *f object_auto(fs_context) = root_next(b);
		if (f)
			root_change(f, from, to);
	}
	for (usize left = working_count(b); left; left--) {
		struct fs_context *f object_auto(fs_context) = working_next(b);
		if (f)
			working_change(f, from, to);
	}
}
