// SPDX-License-Identifier: MPL-2.0
// Inodes in memory by (superblock, number). The table holds no reference: an inode that nobody uses
// is written out and leaves. A look-up that meets one on its way out waits until it has left, so that
// never two inodes stand for one record on the disk.
#include <core/memory.h>
#include <core/once.h>
#include <core/wait.h>
#include <services/vfs/inode.h>
#include <services/vfs/inode/inode_internal.h>

#define INODE_PAGES_A_BUCKET 32u

DEFINE_LIST(inode_hash_list, inode, hash_link)
struct synchronised inode_bucket {
	struct spinlock lock;
	struct inode_hash_list list GUARDED_BY(lock);
	struct wait_queue left;
};
DEFINE_BOOT_TABLE(inode_buckets, struct inode_bucket);
static struct inode_buckets buckets;

static struct inode_bucket *bucket_of(u64 number)
{
	return inode_buckets_at(&buckets, (number * 0x9e3779b97f4a7c15ul) >> 40);
}

void inode_cache_init(void)
{
	inode_buckets_make(&buckets, (u32)(memory_read_totals().total_pages / INODE_PAGES_A_BUCKET));
	for (u32 n = 0; n < inode_buckets_count(&buckets); n++) {
		struct inode_bucket *b = inode_buckets_at(&buckets, n);
		spin_init(&b->lock, RANK_INODE_HASH);
		wait_queue_init(&b->left);
	}
}

enum cache_answer { CACHE_ABSENT, CACHE_FOUND, CACHE_LEAVING };

static enum cache_answer bucket_find(struct inode_bucket *b, struct superblock *sb, u64 number,
	struct inode **out borrowed)
{
	spin_guard(&b->lock);
	list_for_each(inode_hash_list, i, &b->list) {
		if (i->number != number || i->superblock != sb)
			continue;
		struct inode *got object_auto(inode) = inode_try_get(i);
		if (!got)
			return CACHE_LEAVING;
		*out = take(got);
		return CACHE_FOUND;
	}
	return CACHE_ABSENT;
}

struct inode *inode_cache_find(struct superblock *sb, u64 number)
{
	struct inode_bucket *b = bucket_of(number);
	struct inode *found object_auto(inode) = NULL;
	enum cache_answer answer = bucket_find(b, sb, number, &found);
	if (answer == CACHE_LEAVING) {
		err_t e = wait_event(&b->left, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER,
				     (answer = bucket_find(b, sb, number, &found)) != CACHE_LEAVING);
		(void)e;
	}
	return take(found);
}

err_t inode_cache_insert(struct inode *i)
{
	struct inode_bucket *b = bucket_of(i->number);
	spin_guard(&b->lock);
	list_for_each(inode_hash_list, other, &b->list) {
		if (other->number == i->number && other->superblock == i->superblock)
			return -EEXIST;
	}
	inode_hash_list_append(&b->list, i);
	atomic_u32_or(&i->state, INODE_CACHED);
	return OK;
}

void inode_cache_remove(struct inode *i)
{
	if (!(atomic_u32_load(&i->state) & INODE_CACHED))
		return;
	struct inode_bucket *b = bucket_of(i->number);
	{
		spin_guard(&b->lock);
		inode_hash_list_remove(&b->list, i);
	}
	wait_queue_wake_all(&b->left, ~0u);
}
