// SPDX-License-Identifier: MPL-2.0
// A watch: between a file's wait queues and an instance's ready list.
#include <services/event/epoll_internal.h>

static exclusive_access void epoll_entry_release(struct epoll_entry *e)
{
	e->item = NULL;
}
DEFINE_DERIVED(epoll_entry, wait_entry, epoll_entry_release)

static exclusive_access void epoll_watch_set_release(struct epoll_watch_set *s)
{
	spin_init(&s->lock, RANK_SERVICE_LEAF);
}
DEFINE_OBJECT(epoll_watch_set, epoll_watch_set_release)

static exclusive_access void epoll_item_release(struct epoll_item *i)
{
	for (u32 n = 0; n < i->entry_count; n++)
		epoll_entry_auto_put(array_ptr(i->entries, n));
	if (i->set)
		epoll_watch_set_put(take(i->set));
}
DEFINE_DERIVED_SHARED(epoll_item, poll_request, epoll_item_release)

// The item is put on the ready list, whatever its state: epoll_wait asks the file itself.
void epoll_item_queue(struct epoll *const e, struct epoll_item *i)
{
	irq_guard(&e->ready_lock);
	if (atomic_u32_load(&i->is_dead) || epoll_ready_list_is_linked(i))
		return;
	epoll_ready_list_append(&e->ready, i);
	atomic_u32_add(&e->ready_count, 1);
}

static void epoll_notify(struct wait_entry *entry, u32 events)
{
	struct epoll_item *i = epoll_entry_from_wait_entry(entry)->item;
	if (events && !(events & atomic_u32_load_relaxed(&i->events)))
		return;
	epoll_item_queue(i->epoll, i);
	wait_queue_wake(&i->epoll->event, 1, POLL_IN | POLL_READ_NORMAL);
}

// EPOLLEXCLUSIVE: one instance with a waiter is enough.
static bool epoll_notify_one(struct wait_entry *entry, u32 events)
{
	struct epoll_item *i = epoll_entry_from_wait_entry(entry)->item;
	if (events && !(events & atomic_u32_load_relaxed(&i->events)))
		return false;
	epoll_item_queue(i->epoll, i);
	return wait_queue_wake(&i->epoll->event, 1, POLL_IN | POLL_READ_NORMAL) != 0;
}

static void epoll_join(struct poll_request *r, struct wait_queue *q borrowed)
{
	struct epoll_item *i = epoll_item_from_poll_request(r);
	struct epoll_entry *e object_auto(epoll_entry) = epoll_entry_alloc();
	if (!e || i->entry_count == EPOLL_QUEUES_MAX) {
		i->failed = 1;
		return;
	}
	e->base.notify = epoll_notify;
	if (atomic_u32_load_relaxed(&i->events) & EPOLL_EXCLUSIVE)
		e->base.notify_one = epoll_notify_one;
	e->item = i;
	wait_entry_subscribe(q, &e->base);
	i->entries[i->entry_count++] = take(e);
}

// The file's set of watches, made at the first one.
static struct epoll_watch_set *watch_set(struct file *const f) owned;
static struct epoll_watch_set *watch_set(struct file *const f)
{
	struct epoll_watch_set *fresh object_auto(epoll_watch_set) = epoll_watch_set_alloc();
	if (!fresh)
		return NULL;
	spin_init(&fresh->lock, RANK_SERVICE_LEAF);
	spin_guard(&f->lock);
	if (!f->epoll_watches)
		f->epoll_watches = take(fresh);
	return epoll_watch_set_get(f->epoll_watches);
}

err_t epoll_item_create(struct epoll *e, struct file *f, u32 fd, struct epoll_item **out borrowed)
{
	struct epoll_item *i object_auto(epoll_item) = epoll_item_alloc();
	if (!i)
		return -ENOMEM;
	i->base.add = epoll_join;
	i->epoll = e;
	i->file = f;
	i->fd = fd;
	i->set = watch_set(f);
	if (!i->set)
		return -ENOMEM;
	*out = take(i);
	return OK;
}

static void watch_link(struct epoll_watch_set *const s, struct epoll_item *i)
{
	spin_guard(&s->lock);
	epoll_watch_list_append(&s->watches, i);
}

static void watch_unlink(struct epoll_watch_set *const s, struct epoll_item *i)
{
	spin_guard(&s->lock);
	if (epoll_watch_list_has(&s->watches, i))
		epoll_watch_list_remove(&s->watches, i);
}

static void item_link(struct epoll *const e, struct epoll_item *i)
{
	spin_guard(&e->lock);
	epoll_item_tree_insert(&e->items, epoll_item_get(i), i->fd);
}

err_t epoll_item_add(struct epoll *e, struct epoll_item *i, struct file *f)
{
	watch_link(i->set, i);
	item_link(e, i);
	const u32 ready = file_poll(f, &i->base);
	if (i->failed) {
		epoll_item_remove(e, i);
		return -ENOMEM;
	}
	if (ready & atomic_u32_load(&i->events)) {
		epoll_item_queue(e, i);
		wait_queue_wake(&e->event, 1, POLL_IN | POLL_READ_NORMAL);
	}
	return OK;
}

static bool item_kill(struct epoll *const e, struct epoll_item *i)
{
	irq_guard(&e->ready_lock);
	if (atomic_u32_exchange(&i->is_dead, 1))
		return false;
	if (epoll_ready_list_is_linked(i)) {
		epoll_ready_list_remove(&e->ready, i);
		atomic_u32_sub(&e->ready_count, 1);
	}
	return true;
}

void epoll_item_remove(struct epoll *const e, struct epoll_item *i)
{
	struct epoll_item *linked object_auto(epoll_item) = NULL;
	if (!item_kill(e, i))
		return;
	for (u32 n = 0; n < i->entry_count; n++)
		wait_entry_cancel(&i->entries[n]->base);
	watch_unlink(i->set, i);
	spin_guard(&e->lock);
	epoll_item_tree_remove(&e->items, i);
	linked = i;	// the tree's reference
}
