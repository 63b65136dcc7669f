// SPDX-License-Identifier: MPL-2.0
// Files that rules speak of. A rule must not keep a file system from being unmounted, and no other file may ever be
// taken for the one that was meant: so a place holds its inode, and gives it up when the file system goes.
#include <services/security/landlock/landlock_internal.h>
#include <services/vfs/superblock.h>

DEFINE_LIST(landlock_place_list, landlock_place, link)
static struct spinlock places_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct landlock_place_list places GUARDED_BY(places_lock);

static struct inode *place_forget(struct landlock_place *p) owned;
static struct inode *place_forget(struct landlock_place *p)
{
	spin_guard(&places_lock);
	if (landlock_place_list_is_linked(p))
		landlock_place_list_remove(&places, p);
	return take(p->inode);
}

static exclusive_access void landlock_place_release(struct landlock_place *p)
{
	struct inode *i object_auto(inode) = place_forget(p);
}
DEFINE_OBJECT(landlock_place, landlock_place_release)

struct landlock_place *landlock_place_create(struct inode *i)
{
	struct landlock_place *p object_auto(landlock_place) = landlock_place_alloc();
	if (!p)
		return NULL;
	p->inode = inode_get(i);
	{
		spin_guard(&places_lock);
		landlock_place_list_append(&places, p);
	}
	return take(p);
}

// One inode of the file system that a place still holds.
static struct inode *place_take_of(struct superblock *sb) owned;
static struct inode *place_take_of(struct superblock *sb)
{
	spin_guard(&places_lock);
	list_for_each(landlock_place_list, p, &places) {
		if (p->inode && p->inode->superblock == sb)
			return take(p->inode);
	}
	return NULL;
}

static void file_system_ends(struct superblock *sb)
{
	for (;;) {
		struct inode *i object_auto(inode) = place_take_of(sb);
		if (!i)
			return;
	}
}

static const struct path_guard_ops guard = { .may = landlock_may, .may_move = landlock_may_move };

void landlock_init(void)
{
	path_guard_set(&guard);
	superblock_set_end_hook(file_system_ends);
	cred_set_domain_hook(landlock_domain_covers);
}
