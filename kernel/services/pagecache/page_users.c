// SPDX-License-Identifier: MPL-2.0
// Those who map a file's pages. An invalidation calls each user once without holding the list's lock,
// because the user takes its space's lock, which comes first in the order: the list is turned round, and
// each user is marked with the number of the invalidation that saw it.
#include <services/pagecache/page_mapping_internal.h>

DEFINE_BASE(page_mapping_user)

void page_mapping_add_user(struct page_mapping *m, struct page_mapping_user *u)
{
	struct page_mapping_user *r object_auto(page_mapping_user) = page_mapping_user_get(u);

	mutex_guard(&m->users_lock);
	u->visit = 0;
	page_mapping_user_list_push(&m->users, u);
	(void)take(r); // the list's
}

void page_mapping_remove_user(struct page_mapping *m, struct page_mapping_user *u)
{
	struct page_mapping_user *r object_auto(page_mapping_user) = NULL;

	mutex_guard(&m->users_lock);
	if (!page_mapping_user_list_has(&m->users, u))
		return;
	page_mapping_user_list_remove(&m->users, u);
	r = u; // the list's reference, dropped at the end
}

bool page_mapping_has_writers(struct page_mapping *m)
{
	mutex_guard(&m->users_lock);
	list_for_each(page_mapping_user_list, u, &m->users)
		if (u->may_write)
			return true;
	return false;
}

// The next user that this invalidation has not seen; NULL after the last.
static struct page_mapping_user *page_mapping_next_user(struct page_mapping *m, u64 visit) owned;
static struct page_mapping_user *page_mapping_next_user(struct page_mapping *m, u64 visit)
{
	mutex_guard(&m->users_lock);
	struct page_mapping_user *u = page_mapping_user_list_first(&m->users);

	if (!u || u->visit == visit)
		return NULL;
	u->visit = visit;
	page_mapping_user_list_remove(&m->users, u);
	page_mapping_user_list_append(&m->users, u);
	return page_mapping_user_get(u);
}

static u64 page_mapping_begin_visit(struct page_mapping *m)
{
	mutex_guard(&m->users_lock);
	return ++m->visit;
}

void page_mapping_unmap_users(struct page_mapping *m, u64 first_index, u64 last_index)
{
	mutex_guard(&m->invalidate_lock);
	u64 visit = page_mapping_begin_visit(m);

	for (;;) {
		struct page_mapping_user *u object_auto(page_mapping_user) = page_mapping_next_user(m, visit);

		if (!u)
			return;
		u->ops->unmap(u, first_index, last_index);
	}
}

void page_mapping_clean_users(struct page_mapping *m, struct page *p)
{
	mutex_guard(&m->users_lock);
	list_for_each(page_mapping_user_list, u, &m->users)
		u->ops->clean(u, p->index);
}

static void page_mapping_unmap_page_locked(struct page_mapping *m, struct page *p) REQUIRES(m->users_lock)
{
	list_for_each(page_mapping_user_list, u, &m->users)
		u->ops->unmap_page(u, p);
}

void page_mapping_try_unmap_page(struct page_mapping *m, struct page *p)
{
	if (!mutex_try_lock(&m->users_lock))
		return;
	page_mapping_unmap_page_locked(m, p);
	mutex_unlock(&m->users_lock);
}
