// SPDX-License-Identifier: MPL-2.0
// File locks. An inode gets its table of locks with the first one. Record locks (POSIX and OFD) of one
// owner never overlap: a new one cuts or replaces what it covers. A waiter sleeps on the table's
// queue and tries again after each change. A waiter for a POSIX lock leaves a note of whom it waits for
// on a list of its own; following the notes from the holder back to the asker shows a deadlock.
#include <services/vfs/file/file_internal.h>
#include <services/vfs/file_lock.h>
#include <services/vfs/file_table.h>
#include <services/vfs/inode/inode_internal.h>

struct file_lock {
	struct object object;
	struct list_link link;
	struct file_lock_range range;
	struct file *file;		// borrowed: the lock ends before it
	struct file_table *table;	// borrowed: likewise; compared only
};
DEFINE_LIST(file_lock_list, file_lock, link)
DECLARE_OBJECT(file_lock)
struct file_lock_table {
	struct object object;
	struct mutex lock;
	struct file_lock_list locks GUARDED_BY(lock);
	struct wait_queue changed;
};

static exclusive_access void file_lock_release(struct file_lock *l)
{
}
DEFINE_OBJECT(file_lock, file_lock_release)

static exclusive_access void file_lock_table_release(struct file_lock_table *t)
{
	for (struct file_lock *l = file_lock_list_pop(&t->locks); l; l = file_lock_list_pop(&t->locks))
		file_lock_put(take(l));
}
DEFINE_OBJECT(file_lock_table, file_lock_table_release)

// Who waits for whom, of POSIX locks of all files.
struct lock_wait {
	struct object object;
	struct list_link link;
	struct file_table *waiter, *holder;	// borrowed: compared only
};
DEFINE_LIST(lock_wait_list, lock_wait, link)
DECLARE_OBJECT(lock_wait)
static exclusive_access void lock_wait_release(struct lock_wait *w)
{
}
DEFINE_OBJECT(lock_wait, lock_wait_release)
static struct spinlock waits_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct lock_wait_list waits GUARDED_BY(waits_lock);
#define WAITS_DEPTH_MAX 64u

// --- the table of an inode --------------------------------------------------------------------------

static struct file_lock_table *table_of(struct inode *const i)
{
	spin_guard(&i->lock);
	return i->file_locks;
}

static struct file_lock_table *table_need(struct inode *const i)
{
	struct file_lock_table *known = table_of(i);
	if (known)
		return known;
	struct file_lock_table *fresh object_auto(file_lock_table) = file_lock_table_alloc();
	if (!fresh)
		return NULL;
	mutex_init(&fresh->lock, RANK_SLEEPING_LEAF);
	wait_queue_init(&fresh->changed);
	spin_guard(&i->lock);
	if (!i->file_locks)
		i->file_locks = take(fresh);
	return i->file_locks;
}

exclusive_access void inode_drop_attachments(struct inode *i)
{
	notify_drop_set(i);
	if (i->file_locks)
		file_lock_table_put(take(i->file_locks));
}

// --- conflicts --------------------------------------------------------------------------------------

static bool is_record(const struct file_lock_range *r borrowed)
{
	return r->kind != FILE_LOCK_FLOCK;
}

static bool same_owner(const struct file_lock *l, const struct file_lock_range *r borrowed, struct file *f,
	struct file_table *table)
{
	if (l->range.kind != r->kind)
		return false;
	return r->kind == FILE_LOCK_POSIX ? l->table == table : l->file == f;
}

static bool overlap(const struct file_lock_range *a borrowed, const struct file_lock_range *b borrowed)
{
	return a->start <= b->end && b->start <= a->end;
}

static struct file_lock *find_conflict(struct file_lock_table *t, struct file *f, struct file_table *table,
	const struct file_lock_range *r borrowed) REQUIRES(t->lock);
static struct file_lock *find_conflict(struct file_lock_table *t, struct file *f, struct file_table *table,
	const struct file_lock_range *r borrowed)
{
	list_for_each(file_lock_list, l, &t->locks) {
		if (is_record(&l->range) != is_record(r) || same_owner(l, r, f, table) || !overlap(&l->range, r))
			continue;
		if (l->range.type == FILE_LOCK_WRITE || r->type == FILE_LOCK_WRITE)
			return l;
	}
	return NULL;
}

// --- changing ---------------------------------------------------------------------------------------

static struct file_lock *lock_make(struct file *f, struct file_table *table,
	const struct file_lock_range *r borrowed) owned;
static struct file_lock *lock_make(struct file *f, struct file_table *table, const struct file_lock_range *r borrowed)
{
	struct file_lock *l object_auto(file_lock) = file_lock_alloc();
	if (!l)
		return NULL;
	l->range = *r;
	l->file = f;
	l->table = table;
	return take(l);
}

// Takes [start, end] of r out of l; a piece behind it becomes `tail`. True when nothing of l is left.
static bool lock_cut(struct file_lock_table *t, struct file_lock *l, const struct file_lock_range *r borrowed,
	struct file_lock **tail borrowed) REQUIRES(t->lock);
static bool lock_cut(struct file_lock_table *t, struct file_lock *l, const struct file_lock_range *r borrowed,
	struct file_lock **tail borrowed)
{
	const bool before = l->range.start < r->start, behind = l->range.end > r->end;
	if (before && behind) {
		struct file_lock *rest = take(*tail);
		rest->range = l->range;
		rest->range.start = r->end + 1;
		file_lock_list_append(&t->locks, rest);
	}
	if (before)
		l->range.end = r->start - 1;
	else if (behind)
		l->range.start = r->end + 1;
	return !before && !behind;
}

static void apply(struct file_lock_table *t, struct file *f, struct file_table *table,
	const struct file_lock_range *r borrowed,
		  struct file_lock **fresh borrowed, struct file_lock **tail borrowed) REQUIRES(t->lock);
static void apply(struct file_lock_table *t, struct file *f, struct file_table *table,
	const struct file_lock_range *r borrowed,
		  struct file_lock **fresh borrowed, struct file_lock **tail borrowed)
{
	list_for_each_safe(file_lock_list, l, &t->locks) {
		if (!same_owner(l, r, f, table) || !overlap(&l->range, r))
			continue;
		if (lock_cut(t, l, r, tail)) {
			file_lock_list_remove(&t->locks, l);
			file_lock_put(take(l));
		}
	}
	if (r->type != FILE_LOCK_NONE)
		file_lock_list_append(&t->locks, take(*fresh));
	wait_queue_wake_all(&t->changed, ~0u);
}

// Would waiting for `holder` close a ring?
static bool is_deadlock(struct file_table *asker, struct file_table *holder)
{
	u32 left = WAITS_DEPTH_MAX;
	spin_guard(&waits_lock);
	while (holder != asker && left--) {
		struct file_table *next = NULL;
		list_for_each(lock_wait_list, w, &waits) {
			if (w->waiter == holder)
				next = w->holder;
		}
		if (!next)
			return false;
		holder = next;
	}
	return holder == asker;
}

static err_t note_wait(struct file_table *asker, struct file_table *holder, struct lock_wait **out borrowed)
{
	if (is_deadlock(asker, holder))
		return -EDEADLK;
	struct lock_wait *w object_auto(lock_wait) = lock_wait_alloc();
	if (!w)
		return -ENOMEM;
	w->waiter = asker;
	w->holder = holder;
	struct lock_wait *noted = take(w);
	*out = noted;
	spin_guard(&waits_lock);
	lock_wait_list_append(&waits, noted);
	return OK;
}

static void forget_wait(struct lock_wait *w)
{
	if (!w)
		return;
	{
		spin_guard(&waits_lock);
		lock_wait_list_remove(&waits, w);
	}
	lock_wait_put(take(w));
}

static err_t wait_free(struct file_lock_table *const t, struct file *f, struct file_table *table,
	const struct file_lock_range *r borrowed) REQUIRES(t->lock);
static err_t wait_free(struct file_lock_table *const t, struct file *f, struct file_table *table,
	const struct file_lock_range *r borrowed)
{
	for (struct file_lock *l = find_conflict(t, f, table, r); l; l = find_conflict(t, f, table, r)) {
		struct lock_wait *note = NULL;
		if (r->kind == FILE_LOCK_POSIX && l->range.kind == FILE_LOCK_POSIX) {
			const err_t bad = note_wait(table, l->table, &note);
			if (bad)
				return bad;
		}
		// The one in the way may give way to another: then whom we wait for is noted anew.
		const err_t e = wait_event_mutex(&t->changed, &t->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER,
			find_conflict(t, f, table, r) != l);
		forget_wait(note);
		if (e)
			return e;
	}
	return OK;
}

err_t file_lock_set(struct file *f, struct file_table *table, const struct file_lock_range *range borrowed,
	enum file_lock_wait wait)
{
	struct file_lock_table *const t = table_need(f->inode);
	struct file_lock *fresh object_auto(file_lock) = lock_make(f, table, range);
	struct file_lock *tail object_auto(file_lock) = lock_make(f, table, range);
	if (!t || !fresh || !tail)
		return -ENOLCK;
	mutex_guard(&t->lock);
	if (range->type != FILE_LOCK_NONE && find_conflict(t, f, table, range)) {
		if (wait == FILE_LOCK_TRY)
			return -EAGAIN;
		const err_t e = wait_free(t, f, table, range);
		if (e)
			return e;
	}
	apply(t, f, table, range, &fresh, &tail);
	return OK;
}

void file_lock_test(struct file *f, struct file_table *table, struct file_lock_range *range borrowed)
{
	struct file_lock_table *const t = table_of(f->inode);
	if (!t) {
		range->type = FILE_LOCK_NONE;
		return;
	}
	mutex_guard(&t->lock);
	const struct file_lock *l = find_conflict(t, f, table, range);
	if (l)
		*range = l->range;
	else
		range->type = FILE_LOCK_NONE;
}

// --- ends -------------------------------------------------------------------------------------------

enum drop_kind { DROP_OF_TABLE, DROP_OF_FILE };

static void drop_locks(struct inode *i, struct file *f, struct file_table *table, enum drop_kind kind)
{
	struct file_lock_table *const t = table_of(i);
	if (!t)
		return;
	mutex_guard(&t->lock);
	list_for_each_safe(file_lock_list, l, &t->locks) {
		const bool posix = l->range.kind == FILE_LOCK_POSIX;
		if (kind == DROP_OF_TABLE ? !posix || l->table != table : posix || l->file != f)
			continue;
		file_lock_list_remove(&t->locks, l);
		file_lock_put(take(l));
	}
	wait_queue_wake_all(&t->changed, ~0u);
}

void file_lock_close(struct file *f, struct file_table *table)
{
	if (f->inode && f->inode->file_locks)
		drop_locks(f->inode, f, table, DROP_OF_TABLE);
}

void file_drop_locks(struct file *f)
{
	if (f->inode->file_locks)
		drop_locks(f->inode, f, NULL, DROP_OF_FILE);
}

u32 file_lock_count(struct inode *i)
{
	struct file_lock_table *const t = table_of(i);
	if (!t)
		return 0;
	mutex_guard(&t->lock);
	return (u32)file_lock_list_count(&t->locks);
}
