// SPDX-License-Identifier: MPL-2.0
// The dentry cache. Theory:
//
// A name is found by a hash of (parent, text) in a table of small buckets, each with its own lock. The
// table owns one reference on each of its dentries, so an unused name stays until reclaim finds it
// with a count of one; while the bucket is locked nobody can raise that count, because only
// a look-up in this bucket or a holder of a reference could.
//
// Parent and text change only in dentry_move(), which holds the tree lock and has taken the dentry out
// of the table for the while; both folders are locked, so a look-up that misses it waits.
//
// The last put of an unhashed folder puts its parent in turn. A chain of removed folders can be as
// deep as a user likes, so release hands such parents to a work item instead of recursing.
#include <core/buf.h>
#include <core/debug.h>
#include <core/memory.h>
#include <core/memory_account.h>
#include <core/once.h>
#include <core/random.h>
#include <core/work.h>
#include <services/cgroup/cgroup_pages.h>
#include <services/vfs/dentry.h>
#include <services/vfs/notify.h>
#include <services/vfs/superblock.h>

DEFINE_LIST(dentry_hash_list, dentry, hash_link)
struct synchronised dentry_bucket {
	struct spinlock lock;
	struct dentry_hash_list list GUARDED_BY(lock);
};
DEFINE_BOOT_TABLE(dentry_buckets, struct dentry_bucket);
static struct dentry_buckets buckets;
static struct spinlock tree_lock = SPINLOCK_INIT(RANK_DENTRY);
static struct dentry_list orphans GUARDED_BY(tree_lock);
static struct work *reaper GUARDED_BY(tree_lock);
static struct atomic_u64 total, seeds, reclaim_hand, reclaim_wanted;

// The cache may grow to an eighth of memory by itself; every so many entries that is looked at.
#define DENTRY_ASSUMED_SIZE 512u	// with its inode
#define DENTRY_CHECK_EVERY 1024u
#define DENTRY_PAGES_A_BUCKET 16u	// so that a full cache has 16 names in each

static struct dentry_bucket *bucket_of(u64 hash)
{
	return dentry_buckets_at(&buckets, hash);
}

// --- life -------------------------------------------------------------------------------------------

static bool orphan_adopt(struct dentry *parent)
{
	spin_guard(&tree_lock);
	if (dentry_list_is_linked(parent) || !reaper)
		return false;
	dentry_list_append(&orphans, parent);
	work_schedule(reaper);
	return true;
}

static exclusive_access void dentry_release(struct dentry *d)
{
	buf_free(take(d->long_name));
	if (d->inode && notify_is_active() && (atomic_u32_load(&d->flags) & DENTRY_UNLINKED))
		notify_name_gone(d->inode);
	if (d->inode)
		inode_put(take(d->inode));
	atomic_u64_sub(&total, 1);
	struct dentry *parent = take(d->parent);
	if (!parent)
		return;
	const u32 rooted = DENTRY_HASHED | DENTRY_ANONYMOUS;
	if (!(atomic_u32_load(&parent->flags) & rooted) && orphan_adopt(parent))
		return;
	dentry_put(take(parent));
}
DEFINE_OBJECT(dentry, dentry_release)

static struct dentry *orphan_pop(void)
{
	spin_guard(&tree_lock);
	return dentry_list_pop(&orphans);
}

void dentry_reclaim_later(u64 count)
{
	atomic_u64_add(&reclaim_wanted, count);
	spin_guard(&tree_lock);
	if (reaper)
		work_schedule(reaper);
}

static void cache_check_size(u64 count)
{
	const u64 limit = memory_read_totals().total_pages * PAGE_SIZE / 8 / DENTRY_ASSUMED_SIZE;
	if (count > limit)
		dentry_reclaim_later(limit / 8);
}

static void reaper_run(struct work *w)
{
	const u64 wanted = atomic_u64_exchange(&reclaim_wanted, 0);
	if (wanted)
		dentry_reclaim(wanted, NULL);
	for (struct dentry *d = orphan_pop(); d; d = orphan_pop())
		dentry_put(take(d));
}

struct dentry_reaper {
	struct work base;
};
static exclusive_access void reaper_release(struct dentry_reaper *r)
{
}
DEFINE_DERIVED(dentry_reaper, work, reaper_release)

void dentry_cache_init(void)
{
	dentry_buckets_make(&buckets, (u32)(memory_read_totals().total_pages / DENTRY_PAGES_A_BUCKET));
	for (u32 n = 0; n < dentry_buckets_count(&buckets); n++)
		spin_init(&dentry_buckets_at(&buckets, n)->lock, RANK_DENTRY_HASH);
	atomic_u64_store(&seeds, random_u64());
	struct dentry_reaper *r object_auto(dentry_reaper) = dentry_reaper_alloc();
	kernel_assert(r);
	r->base.run = reaper_run;
	spin_guard(&tree_lock);
	reaper = &take(r)->base;
}

static bool dentry_set_name(struct dentry *d, bytes_t name)
{
	d->name_length = (u32)bytes_len(name);
	if (bytes_len(name) <= DENTRY_NAME_INLINE) {
		span_copy(array_span(d->short_name), name);
		return true;
	}
	d->long_name = buf_from(name);
	return d->long_name != NULL;
}

static struct dentry *dentry_create(struct superblock *sb, bytes_t name) owned;
static struct dentry *dentry_create(struct superblock *sb, bytes_t name)
{
	struct dentry *d object_auto(dentry) = dentry_alloc();
	if (!d)
		return NULL;
	atomic_u64_add(&total, 1);
	d->superblock = sb;
	d->seed = atomic_u64_add(&seeds, 0x9e3779b97f4a7c15ul);
	if (!dentry_set_name(d, name))
		return NULL;
	return take(d);
}

struct dentry *dentry_create_anonymous(struct superblock *sb, struct inode *inode, bytes_t name)
{
	struct dentry *d object_auto(dentry) = dentry_create(sb, name);
	if (!d)
		return NULL;
	d->inode = inode_get(inode);
	atomic_u32_store_relaxed(&d->flags, DENTRY_ANONYMOUS);
	return take(d);
}

// --- the table --------------------------------------------------------------------------------------

static bool dentry_has_name(const struct dentry *d, bytes_t name)
{
	if (d->name_length != bytes_len(name))
		return false;
	if (d->long_name)
		return bytes_equal(buf_bytes(d->long_name), name);
	return bytes_equal(bytes_first(array_bytes(d->short_name), d->name_length), name);
}

struct dentry *dentry_find(struct dentry *parent, bytes_t name)
{
	const u64 hash = bytes_hash(name, parent->seed);
	struct dentry_bucket *const b = bucket_of(hash);
	spin_guard(&b->lock);
	list_for_each(dentry_hash_list, d, &b->list) {
		if (d->hash != hash || d->parent != parent || !dentry_has_name(d, name))
			continue;
		if (!(atomic_u32_load_relaxed(&d->flags) & DENTRY_REFERENCED))
			atomic_u32_or(&d->flags, DENTRY_REFERENCED);
		return dentry_get(d);
	}
	return NULL;
}

// Puts d, which has parent and name, into the table and its folder's list; the table's reference is `d`'s.
static void table_insert_locked(struct dentry *d) REQUIRES(tree_lock);
static void table_insert_locked(struct dentry *d)
{
	struct dentry_bucket *const b = bucket_of(d->hash);
	spin_guard(&b->lock);
	dentry_hash_list_push(&b->list, d);
	dentry_list_append(&d->parent->children, d);
	atomic_u32_or(&d->flags, DENTRY_HASHED);
}

// True when it was there: the caller gets the table's reference.
static bool table_remove_locked(struct dentry *d) REQUIRES(tree_lock);
static bool table_remove_locked(struct dentry *d)
{
	if (!dentry_is_hashed(d))
		return false;
	struct dentry_bucket *const b = bucket_of(d->hash);
	spin_guard(&b->lock);
	dentry_hash_list_remove(&b->list, d);
	dentry_list_remove(&d->parent->children, d);
	atomic_u32_and(&d->flags, ~(u32)DENTRY_HASHED);
	return true;
}

static bool table_remove(struct dentry *d)
{
	spin_guard(&tree_lock);
	return table_remove_locked(d);
}

// Another look-up may have been first: then its dentry is the answer. Tree lock: inserts are serialised.
static struct dentry *table_insert(struct dentry *d, struct dentry *parent, bytes_t name) owned;
static struct dentry *table_insert(struct dentry *d, struct dentry *parent, bytes_t name)
{
	spin_guard(&tree_lock);
	struct dentry *first object_auto(dentry) = dentry_find(parent, name);
	if (first)
		return take(first);
	d->parent = dentry_get(parent);
	d->hash = bytes_hash(name, parent->seed);
	struct dentry *tables object_auto(dentry) = dentry_get(d);
	table_insert_locked(take(tables));
	return dentry_get(d);
}

// A file system whose names vanish by themselves is asked again about each cached answer.
static bool dentry_is_valid(struct dentry *d, struct dentry *parent, bytes_t name)
{
	const struct inode_ops *ops = parent->inode->ops;
	return !ops->revalidate || ops->revalidate(parent->inode, name, d->inode);
}

err_t dentry_lookup_locked(struct dentry *parent, bytes_t name, struct dentry **out borrowed)
{
	struct dentry *known object_auto(dentry) = dentry_find(parent, name);
	if (known && dentry_is_valid(known, parent, name)) {
		*out = take(known);
		return OK;
	}
	if (known)
		dentry_invalidate(known);
	struct dentry *d object_auto(dentry) = dentry_create(parent->superblock, name);
	if (!d)
		return -ENOMEM;
	struct inode *inode object_auto(inode) = NULL;
	const err_t e = parent->inode->ops->lookup(parent->inode, name, &inode);
	if (e != OK && e != -ENOENT)
		return e;
	d->inode = take(inode);
	struct dentry *entered object_auto(dentry) = table_insert(d, parent, name);
	*out = take(entered);
	const u64 count = atomic_u64_load_relaxed(&total);
	if (count % DENTRY_CHECK_EVERY == 0)
		cache_check_size(count);
	return OK;
}

err_t dentry_lookup(struct dentry *parent, bytes_t name, struct dentry **out borrowed)
{
	struct dentry *known object_auto(dentry) = dentry_find(parent, name);
	if (known && dentry_is_valid(known, parent, name)) {
		*out = take(known);
		return OK;
	}
	if (known)
		dentry_invalidate(known);
	struct inode *dir = parent->inode;
	read_guard(&dir->directory_lock);
	return dentry_lookup_locked(parent, name, out);
}

void dentry_instantiate(struct dentry *d, struct inode *inode consumes)
{
	d->inode = inode;
}

static void dentry_drop(struct dentry *d)
{
	if (table_remove(d))
		dentry_put(take(d));
}

void dentry_unlink(struct dentry *d)
{
	dentry_drop_below(d);
	atomic_u32_or(&d->flags, DENTRY_UNLINKED);
	dentry_drop(d);
}

void dentry_invalidate(struct dentry *d)
{
	dentry_drop(d);
}

// --- rename -----------------------------------------------------------------------------------------

struct stack_only dentry_place {
	struct dentry *parent;
	struct buf *long_name;
	u8 short_name[DENTRY_NAME_INLINE];
	u32 name_length;
	u64 hash;
};

static void place_swap(struct dentry *d, struct dentry_place *p borrowed)
{
	const struct dentry_place old = { d->parent, d->long_name, {}, d->name_length, d->hash };
	u8 old_text[DENTRY_NAME_INLINE];
	span_copy(array_span(old_text), array_bytes(d->short_name));
	d->parent = p->parent;
	d->long_name = p->long_name;
	span_copy(array_span(d->short_name), array_bytes(p->short_name));
	d->name_length = p->name_length;
	d->hash = p->hash;
	p->parent = old.parent;
	p->long_name = old.long_name;
	span_copy(array_span(p->short_name), array_bytes(old_text));
	p->name_length = old.name_length;
	p->hash = old.hash;
}

static bool move_locked(struct dentry *d, struct dentry *replaced, u32 flags, struct dentry_place *place borrowed)
{
	spin_guard(&tree_lock);
	const bool was_hashed = table_remove_locked(d);
	bool drop = replaced && table_remove_locked(replaced);
	place_swap(d, place);
	if (flags & RENAME_EXCHANGE) {
		place_swap(replaced, place);
		if (drop)
			table_insert_locked(replaced);
		drop = false;
	}
	struct dentry *tables object_auto(dentry) = dentry_get(d);
	table_insert_locked(d);
	if (!was_hashed)
		(void)take(tables);
	return drop;
}

err_t dentry_move(struct dentry *d, struct dentry *parent, bytes_t name, struct dentry *replaced, u32 flags)
{
	struct dentry_place place = { .name_length = (u32)bytes_len(name) };
	if (bytes_len(name) <= DENTRY_NAME_INLINE) {
		span_copy(array_span(place.short_name), name);
	} else {
		place.long_name = buf_from(name);
		if (!place.long_name)
			return -ENOMEM;
	}
	place.hash = bytes_hash(name, parent->seed);
	place.parent = dentry_get(parent);
	if (replaced && !(flags & RENAME_EXCHANGE)) {
		dentry_drop_below(replaced);
		atomic_u32_or(&replaced->flags, DENTRY_UNLINKED);
	}
	if (move_locked(d, replaced, flags, &place))
		dentry_put(take(replaced));
	// What d (or, exchanged, `replaced`) gave up:
	buf_free(take(place.long_name));
	dentry_put(take(place.parent));
	return OK;
}

// --- the tree ---------------------------------------------------------------------------------------

bool dentry_is_deleted(const struct dentry *d borrowed)
{
	return !(atomic_u32_load(&d->flags) & (DENTRY_HASHED | DENTRY_ANONYMOUS));
}

struct dentry *dentry_parent(struct dentry *d)
{
	spin_guard(&tree_lock);
	return dentry_get(d->parent ? d->parent : d);
}

static usize name_copy_locked(const struct dentry *d, span_t out) REQUIRES(tree_lock);
static usize name_copy_locked(const struct dentry *d, span_t out)
{
	if (d->long_name)
		return span_copy_some(out, buf_bytes(d->long_name));
	return span_copy_some(out, bytes_first(array_bytes(d->short_name), d->name_length));
}

usize dentry_name(struct dentry *d, span_t out)
{
	spin_guard(&tree_lock);
	return name_copy_locked(d, out);
}

bool dentry_is_below(struct dentry *d, struct dentry *ancestor)
{
	spin_guard(&tree_lock);
	for (struct dentry *at = d; at; at = at->parent) {
		if (at == ancestor)
			return true;
	}
	return false;
}

ssize_r dentry_name_from(struct dentry *d, struct dentry *root, span_t out)
{
	usize begin = span_len(out);
	spin_guard(&tree_lock);
	for (struct dentry *at = d; at != root && at->parent; at = at->parent) {
		const usize length = at->name_length;
		if (begin < length + 1)
			return -ENAMETOOLONG;
		begin -= length;
		name_copy_locked(at, span_slice(out, begin, length));
		begin--;
		span_at(out, begin) = '/';
	}
	return (ssize_r)(span_len(out) - begin);
}

// A name without children somewhere below d, with a reference; NULL when there is none.
static struct dentry *leaf_below(struct dentry *d) owned;
static struct dentry *leaf_below(struct dentry *d)
{
	spin_guard(&tree_lock);
	struct dentry *at = d;
	for (struct dentry *child = dentry_list_first(&at->children); child; child = dentry_list_first(&at->children))
		at = child;
	return at == d ? NULL : dentry_get(at);
}

void dentry_drop_below(struct dentry *d)
{
	for (;;) {
		struct dentry *leaf object_auto(dentry) = leaf_below(d);
		if (!leaf)
			return;
		dentry_drop(leaf);
	}
}

// --- reclaim ----------------------------------------------------------------------------------------

// With a file's name goes what is cached of it, so memory.min and memory.low keep names, too.
static bool dentry_is_paid_by(const struct dentry *d borrowed, const struct cgroup *only)
{
	struct object *payer = only ? memory_object_payer(&d->object) : NULL;
	struct cgroup *const g = payer ? cgroup_of_object(payer) : NULL;
	u64 spare = 0;

	return !only || (cgroup_is_within(g, only) && cgroup_pages_protection(g, only, &spare) == CGROUP_UNPROTECTED);
}

// Takes out of bucket n what nobody uses and nobody used since the last pass.
static u64 bucket_collect(u64 n, u64 limit, const struct cgroup *only, struct dentry_hash_list *victims borrowed)
{
	struct dentry_bucket *const b = dentry_buckets_at(&buckets, n);
	u64 count = 0;
	spin_guard(&tree_lock);
	spin_guard(&b->lock);
	list_for_each_safe(dentry_hash_list, d, &b->list) {
		if (count == limit)
			break;
		if (object_references(&d->object) != 1 || !dentry_is_paid_by(d, only))
			continue;
		if (atomic_u32_and(&d->flags, ~(u32)DENTRY_REFERENCED) & DENTRY_REFERENCED)
			continue;
		dentry_hash_list_remove(&b->list, d);
		dentry_list_remove(&d->parent->children, d);
		atomic_u32_and(&d->flags, ~(u32)DENTRY_HASHED);
		dentry_hash_list_append(victims, d);
		count++;
	}
	return count;
}

u64 dentry_reclaim(u64 count, const struct cgroup *only)
{
	u64 done = 0;
	for (u32 scanned = 0; scanned < 2 * dentry_buckets_count(&buckets) && done < count; scanned++) {
		struct dentry_hash_list victims = {};
		done += bucket_collect(atomic_u64_add(&reclaim_hand, 1), count - done, only, &victims);
		for (struct dentry *d = dentry_hash_list_pop(&victims); d; d = dentry_hash_list_pop(&victims))
			dentry_put(take(d));
	}
	return done;
}

u64 dentry_count(void)
{
	return atomic_u64_load(&total);
}

u64 dentry_count_unused(void)
{
	u64 unused = 0;
	for (u32 n = 0; n < dentry_buckets_count(&buckets); n++) {
		struct dentry_bucket *const b = dentry_buckets_at(&buckets, n);
		spin_guard(&b->lock);
		list_for_each(dentry_hash_list, d, &b->list)
			unused += object_references(&d->object) == 1;
	}
	return unused;
}
