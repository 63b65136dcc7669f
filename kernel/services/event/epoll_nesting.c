// SPDX-License-Identifier: MPL-2.0
// Instances that watch instances: no rings, and chains of a bounded length, because an announcement runs through all
// of a chain on one stack. The caller serialises all nesting. source: epoll_ctl(2), ELOOP
#include <services/event/epoll_internal.h>

// The length of the longest chain below e; *found when `target` is on one. Recursion ends at the length allowed.
static u32 depth_below(struct epoll *const e, struct epoll *target, u32 level, bool *found borrowed)
{
	u32 deepest = 0;
	if (e == target)
		*found = true;
	if (level > EPOLL_NESTING_MAX)
		return 1;
	spin_guard_nested(&e->lock, level);
	for (struct epoll_item *i = epoll_item_tree_first(&e->items); i; i = epoll_item_tree_next(i)) {
		struct epoll *inner = epoll_of_file(i->file);
		if (inner)
			deepest = max(deepest, 1 + depth_below(inner, target, level + 1, found));
	}
	return deepest;
}

static struct epoll_watch_set *set_of(struct file *const f) owned;
static struct epoll_watch_set *set_of(struct file *const f)
{
	spin_guard(&f->lock);
	return f->epoll_watches ? epoll_watch_set_get(f->epoll_watches) : NULL;
}

// The watcher at place n of a set: a reference to its item.
static struct epoll_item *watch_at(struct epoll_watch_set *const s, u32 n) owned;
static struct epoll_item *watch_at(struct epoll_watch_set *const s, u32 n)
{
	spin_guard(&s->lock);
	struct epoll_item *i = epoll_watch_list_first(&s->watches);
	while (i && n--)
		i = epoll_watch_list_next(i);
	return i ? epoll_item_get(i) : NULL;
}

static u32 height_above(struct epoll *e, u32 level)
{
	struct epoll_watch_set *s object_auto(epoll_watch_set) = set_of(&e->base);
	u32 highest = 0;
	for (u32 n = 0; s && level <= EPOLL_NESTING_MAX; n++) {
		struct epoll_item *i object_auto(epoll_item) = watch_at(s, n);
		if (!i)
			break;
		struct file *watcher object_auto(file) = file_try_get(&i->epoll->base);
		if (watcher)
			highest = max(highest, 1 + height_above(i->epoll, level + 1));
	}
	return highest;
}

err_t epoll_check_nesting(struct epoll *watcher, struct epoll *watched)
{
	bool is_ring = false;
	if (watcher == watched)
		return -EINVAL;
	const u32 below = depth_below(watched, watcher, 1, &is_ring);
	if (is_ring || below + 1 + height_above(watcher, 1) > EPOLL_NESTING_MAX)
		return -ELOOP;
	return OK;
}
