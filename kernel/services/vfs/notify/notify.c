// SPDX-License-Identifier: MPL-2.0
// Watches of inodes. Theory: an inode's set keeps its watches in a tree by serial number, so a walk that lets the lock
// go between two watches (to call them) finds its place again whatever came or went meanwhile. Whoever flips
// `is_attached` takes the watch off and drops its inode; only then does the superblock's count fall, for which
// an unmount waits. So no watch keeps a mount busy, and none outlives its file system.
#include <core/wait.h>
#include <services/vfs/inode/inode_internal.h>
#include <services/vfs/notify.h>
#include <services/vfs/notify/notify_internal.h>
#include <services/vfs/superblock.h>

DEFINE_BASE(notify_watch)

struct atomic_u32 notify_watch_total;
static struct atomic_u64 serials;
static struct wait_queue detached = WAIT_QUEUE_INIT;

static exclusive_access void notify_watch_set_release(struct notify_watch_set *s)
{
	spin_init(&s->lock, RANK_SERVICE_LEAF);
}
DEFINE_OBJECT(notify_watch_set, notify_watch_set_release)

// --- the set of an inode ----------------------------------------------------------------------------

static struct notify_watch_set *set_of(struct inode *const i) owned;
static struct notify_watch_set *set_of(struct inode *const i)
{
	struct notify_watch_set *fresh object_auto(notify_watch_set) = notify_watch_set_alloc();
	if (!fresh)
		return NULL;
	spin_init(&fresh->lock, RANK_SERVICE_LEAF);
	spin_guard(&i->lock);
	if (!i->watches)
		i->watches = take(fresh);
	return notify_watch_set_get(i->watches);
}

static void set_sum_locked(struct notify_watch_set *const s) REQUIRES(s->lock);
static void set_sum_locked(struct notify_watch_set *const s)
{
	u32 sum = 0;
	for (struct notify_watch *w = notify_watch_tree_first(&s->watches); w; w = notify_watch_tree_next(w))
		sum |= atomic_u32_load(&w->mask);
	atomic_u32_store(&s->mask, sum & NOTIFY_EVENTS);
}

static void set_add(struct notify_watch_set *const s, struct notify_watch *w)
{
	spin_guard(&s->lock);
	notify_watch_tree_insert(&s->watches, notify_watch_get(w), atomic_u64_add(&serials, 1) + 1);
	set_sum_locked(s);
}

static struct notify_watch *set_remove(struct notify_watch_set *const s, struct notify_watch *w) owned;
static struct notify_watch *set_remove(struct notify_watch_set *const s, struct notify_watch *w)
{
	spin_guard(&s->lock);
	notify_watch_tree_remove(&s->watches, w);
	set_sum_locked(s);
	return w;	// the tree's reference
}

struct notify_watch *notify_set_next(struct notify_watch_set *const s, u64 *after borrowed)
{
	spin_guard(&s->lock);
	struct notify_watch *w = notify_watch_tree_at_least(&s->watches, *after + 1);
	if (!w)
		return NULL;
	*after = notify_watch_tree_key(w);
	return notify_watch_get(w);
}

exclusive_access void notify_drop_set(struct inode *i)
{
	if (i->watches)
		notify_watch_set_put(take(i->watches));
}

// --- attaching --------------------------------------------------------------------------------------

static void superblock_add(struct superblock *const sb, struct notify_watch *w)
{
	spin_guard(&sb->inodes_lock);
	notify_superblock_list_append(&sb->watches, w);
}

static void superblock_remove(struct superblock *const sb, struct notify_watch *w)
{
	spin_guard(&sb->inodes_lock);
	notify_superblock_list_remove(&sb->watches, w);
}

err_t notify_attach(struct notify_watch *w, struct inode *i)
{
	w->set = set_of(i);
	if (!w->set)
		return -ENOMEM;
	w->inode = inode_get(i);
	w->superblock = i->superblock;
	atomic_u32_add(&notify_watch_total, 1);
	atomic_u32_add(&w->superblock->watch_count, 1);
	superblock_add(w->superblock, w);
	set_add(w->set, w);
	atomic_u32_store(&w->is_attached, 1);
	return OK;
}

bool notify_detach(struct notify_watch *w)
{
	if (!atomic_u32_exchange(&w->is_attached, 0))
		return false;
	struct superblock *sb = w->superblock;
	superblock_remove(sb, w);
	struct notify_watch *sets object_auto(notify_watch) = set_remove(w->set, w);
	inode_put(take(w->inode));
	atomic_u32_sub(&notify_watch_total, 1);
	if (atomic_u32_sub(&sb->watch_count, 1) == 1)
		wait_queue_wake_all(&detached, ~0u);
	return true;
}

exclusive_access void notify_watch_fini(struct notify_watch *w)
{
	if (w->set)
		notify_watch_set_put(take(w->set));
}

void notify_set_mask(struct notify_watch *w, u32 mask)
{
	struct notify_watch_set *const s = w->set;
	spin_guard(&s->lock);
	atomic_u32_store(&w->mask, mask);
	set_sum_locked(s);
}

struct notify_watch *notify_find(struct inode *i, struct object *owner)
{
	struct notify_watch_set *s = i->watches;
	u64 after = 0;
	while (s) {
		struct notify_watch *w object_auto(notify_watch) = notify_set_next(s, &after);
		if (!w)
			break;
		if (w->owner == owner && atomic_u32_load(&w->is_attached))
			return take(w);
	}
	return NULL;
}

// --- unmount ----------------------------------------------------------------------------------------

// The next watch in turn, moved to the end of the list.
static struct notify_watch *superblock_next_watch(struct superblock *const sb) owned;
static struct notify_watch *superblock_next_watch(struct superblock *const sb)
{
	spin_guard(&sb->inodes_lock);
	struct notify_watch *w = notify_superblock_list_pop(&sb->watches);
	if (!w)
		return NULL;
	notify_superblock_list_append(&sb->watches, w);
	return notify_watch_get(w);
}

void notify_unmount(struct superblock *sb)
{
	const struct notify_event event = { .mask = NOTIFY_UNMOUNT };
	for (;;) {
		struct notify_watch *w object_auto(notify_watch) = superblock_next_watch(sb);
		if (!w)
			break;
		w->ops->announce(w, &event);
		w->ops->gone(w);
	}
	// Somebody else may be in the middle of taking one off.
	if (wait_event(&detached, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, !atomic_u32_load(&sb->watch_count)) != OK)
		return;
}

static usize superblock_watch_count(struct superblock *const sb)
{
	spin_guard(&sb->inodes_lock);
	return notify_superblock_list_count(&sb->watches);
}

// The inode of a watch that may be detached meanwhile: a reference or NULL.
static struct inode *inode_of(struct superblock *const sb, struct notify_watch *w) owned;
static struct inode *inode_of(struct superblock *const sb, struct notify_watch *w)
{
	spin_guard(&sb->inodes_lock);
	return notify_superblock_list_is_linked(w) ? inode_get(w->inode) : NULL;
}

static void modified_in(struct superblock *sb, const struct notify_modification *m borrowed)
{
	for (usize left = superblock_watch_count(sb); left; left--) {
		struct notify_watch *w object_auto(notify_watch) = superblock_next_watch(sb);
		struct inode *i object_auto(inode) = w ? inode_of(sb, w) : NULL;
		if (!i || !(atomic_u32_load(&w->mask) & NOTIFY_MODIFY))
			continue;
		const enum notify_match is = m->match(i, m->subject, m->value);
		const struct notify_event event = { .mask = NOTIFY_MODIFY,
			.name = is == NOTIFY_IS_FOLDER ? m->name : bytes_empty() };
		if (is != NOTIFY_NO_MATCH)
			w->ops->announce(w, &event);
	}
}

void notify_modified_by_kernel(const struct file_system_type *type, bytes_t name,
	enum notify_match (*match)(struct inode *i, const struct object *subject, u64 value),
	const struct object *subject, u64 value)
{
	const struct notify_modification m = { .match = match, .subject = subject, .value = value, .name = name };
	for (u32 n = 0; notify_is_active(); n++) {
		struct superblock *sb object_auto(superblock) = superblock_of_type_at(type, n);
		if (!sb)
			return;
		if (atomic_u32_load(&sb->watch_count))
			modified_in(sb, &m);
	}
}
