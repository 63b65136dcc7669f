// SPDX-License-Identifier: MPL-2.0
// Theory: the ready list holds watches that may be ready; the truth is asked of the file when epoll_wait takes one
// off. A level-triggered watch that is ready goes back to the end of the list, so waiting costs what is ready, not
// what is watched, and a crowd is served in turns. An edge-triggered one comes back with the next announcement.
//
// An instance holds no references on the files it watches: a file's last reference takes its watches along
// (watches_drop). Instance and file may end at the same time, so both tear down under teardown_lock.
#include <services/event/epoll_internal.h>

#define EVENTS_ALWAYS (POLL_ERROR | POLL_HANGUP)
#define EVENTS_POLL 0xffffu
#define EVENTS_KEPT (EPOLL_EDGE | EPOLL_ONE_SHOT | EPOLL_WAKE_UP | EPOLL_EXCLUSIVE)

static struct mutex teardown_lock = MUTEX_INIT(RANK_SLEEPING_LEAF);
static struct mutex nesting_lock = MUTEX_INIT(RANK_NAMESPACE);

static struct epoll_item *first_item(struct epoll *const e) owned;
static struct epoll_item *first_item(struct epoll *const e)
{
	spin_guard(&e->lock);
	struct epoll_item *i = epoll_item_tree_first(&e->items);
	return i ? epoll_item_get(i) : NULL;
}

static exclusive_access void epoll_release(struct epoll *e)
{
	{
		mutex_guard(&teardown_lock);
		for (;;) {
			struct epoll_item *i object_auto(epoll_item) = first_item(e);
			if (!i)
				break;
			epoll_item_remove(e, i);
		}
	}
	file_fini(&e->base);
}
DEFINE_DERIVED(epoll, file, epoll_release)

struct epoll *epoll_of_file(struct file *f)
{
	return file_is_epoll(f) ? epoll_from_file(f) : NULL;
}

bool file_is_epoll_instance(struct file *f)
{
	return file_is_epoll(f);
}

static struct epoll_item *first_watch(struct epoll_watch_set *const s) owned;
static struct epoll_item *first_watch(struct epoll_watch_set *const s)
{
	spin_guard(&s->lock);
	struct epoll_item *i = epoll_watch_list_first(&s->watches);
	return i ? epoll_item_get(i) : NULL;
}

static void watches_drop(struct epoll_watch_set *set consumes)
{
	struct epoll_watch_set *s object_auto(epoll_watch_set) = set;
	mutex_guard(&teardown_lock);
	for (;;) {
		struct epoll_item *i object_auto(epoll_item) = first_watch(s);
		if (!i)
			return;
		epoll_item_remove(i->epoll, i);
	}
}

// --- what an instance is as a file ------------------------------------------------------------------

static bool has_ready(const struct epoll *e)
{
	return atomic_u32_load(&e->ready_count) != 0;
}

static u32 epoll_poll(struct file *f, struct poll_request *r)
{
	struct epoll *e = epoll_from_file(f);
	poll_add(r, &e->event);
	return has_ready(e) ? POLL_IN | POLL_READ_NORMAL : 0;
}

static void epoll_show(struct file *f, struct text *out borrowed)
{
	struct epoll *const e = epoll_from_file(f);
	spin_guard(&e->lock);
	for (struct epoll_item *i = epoll_item_tree_first(&e->items); i; i = epoll_item_tree_next(i))
		text_printf(out, "tfd: %8u events: %8x data: %16lx\n", i->fd, atomic_u32_load(&i->events),
			atomic_u64_load(&i->data));
}

static const struct file_ops epoll_ops = { .poll = epoll_poll, .show_info = epoll_show };

err_t epoll_create(u32 flags, struct cred *cred, struct file **out borrowed)
{
	struct epoll *e object_auto(epoll) = epoll_alloc();
	if (!e)
		return -ENOMEM;
	mutex_init(&e->mutex, RANK_EPOLL);
	spin_init(&e->lock, RANK_SERVICE_LEAF);
	spin_init(&e->ready_lock, RANK_DEVICE_QUEUE);
	wait_queue_init(&e->event);
	const err_t err = file_init_anonymous(&e->base, &epoll_ops, STR("anon_inode:[eventpoll]"), flags | 2, cred, 0);
	if (err)
		return err;
	*out = &take(e)->base;
	return OK;
}

void epoll_init(void)
{
	file_set_watch_hook(watches_drop);
}

// --- epoll_ctl --------------------------------------------------------------------------------------

static struct epoll_item *find_item(struct epoll *const e, u32 fd, struct file *f) owned;
static struct epoll_item *find_item(struct epoll *const e, u32 fd, struct file *f)
{
	spin_guard(&e->lock);
	for (struct epoll_item *i = epoll_item_tree_at_least(&e->items, fd); i && i->fd == fd;
		i = epoll_item_tree_next(i)) {
		if (i->file == f)
			return epoll_item_get(i);
	}
	return NULL;
}

static err_t add_locked(struct epoll *const e, u32 fd, struct file *f, u32 events, u64 data)
{
	mutex_guard(&e->mutex);
	struct epoll_item *i object_auto(epoll_item) = find_item(e, fd, f);
	if (i)
		return -EEXIST;
	struct epoll_item *fresh object_auto(epoll_item) = NULL;
	const err_t err = epoll_item_create(e, f, fd, &fresh);
	if (err)
		return err;
	atomic_u32_store(&fresh->events, events | EVENTS_ALWAYS);
	atomic_u64_store(&fresh->data, data);
	return epoll_item_add(e, fresh, f);
}

err_t epoll_watch_add(struct file *epoll, u32 fd, struct file *f, u32 events, u64 data)
{
	struct epoll *e = epoll_from_file(epoll), *inner = epoll_of_file(f);
	if (!f->ops->poll)
		return -EPERM;
	if (!inner)
		return add_locked(e, fd, f, events, data);
	if (events & EPOLL_EXCLUSIVE)
		return -EINVAL;
	mutex_guard(&nesting_lock);
	const err_t err = epoll_check_nesting(e, inner);
	return err ? err : add_locked(e, fd, f, events, data);
}

err_t epoll_watch_change(struct file *epoll, u32 fd, struct file *f, u32 events, u64 data)
{
	struct epoll *const e = epoll_from_file(epoll);
	mutex_guard(&e->mutex);
	struct epoll_item *i object_auto(epoll_item) = find_item(e, fd, f);
	if (!i)
		return -ENOENT;
	if ((events | atomic_u32_load(&i->events)) & EPOLL_EXCLUSIVE)
		return -EINVAL;
	atomic_u32_store(&i->events, events | EVENTS_ALWAYS);
	atomic_u64_store(&i->data, data);
	// A change that was announced before the new wish was there is found here.
	if (file_poll(f, NULL) & (events | EVENTS_ALWAYS)) {
		epoll_item_queue(e, i);
		wait_queue_wake(&e->event, 1, POLL_IN | POLL_READ_NORMAL);
	}
	return OK;
}

err_t epoll_watch_remove(struct file *epoll, u32 fd, struct file *f)
{
	struct epoll *const e = epoll_from_file(epoll);
	mutex_guard(&e->mutex);
	struct epoll_item *i object_auto(epoll_item) = find_item(e, fd, f);
	if (!i)
		return -ENOENT;
	epoll_item_remove(e, i);
	return OK;
}

// --- epoll_wait -------------------------------------------------------------------------------------

struct taken {
	struct epoll_item *item;	// references; NULL: none
	struct file *file;
};
static void taken_end(struct taken *t borrowed)
{
	if (t->item)
		epoll_item_put(take(t->item));
	if (t->file)
		file_put(take(t->file));
}

static bool take_first(struct epoll *const e, struct taken *out borrowed)
{
	irq_guard(&e->ready_lock);
	struct epoll_item *i = epoll_ready_list_pop(&e->ready);
	if (!i)
		return false;
	atomic_u32_sub(&e->ready_count, 1);
	out->item = epoll_item_get(i);
	out->file = file_try_get(i->file);
	return true;
}

// One watch off the list: is it ready, does the sink take it? False: the sink is full or faults.
static bool report_one(struct epoll *e, struct taken *t borrowed, struct epoll_sink *s borrowed)
{
	struct epoll_item *i = t->item;
	const u32 wish = atomic_u32_load(&i->events);
	const u32 ready = t->file ? file_poll(t->file, NULL) & wish & EVENTS_POLL : 0;
	if (!ready)
		return true;
	if (!s->add(s, ready, atomic_u64_load(&i->data))) {
		epoll_item_queue(e, i);
		return false;
	}
	if (wish & EPOLL_ONE_SHOT)
		(void)atomic_u32_compare_exchange(&i->events, wish, wish & EVENTS_KEPT);
	else if (!(wish & EPOLL_EDGE))
		epoll_item_queue(e, i);
	return true;
}

// Each watch is looked at once at most.
static void report_ready(struct epoll *e, struct epoll_sink *s borrowed)
{
	for (u32 n = atomic_u32_load(&e->ready_count); n && s->count < s->limit; n--) {
		struct taken t auto_release(taken_end) = {};
		if (!take_first(e, &t) || !report_one(e, &t, s))
			return;
	}
}

err_t epoll_wait(struct file *epoll, struct epoll_sink *s borrowed, u64 deadline_ns)
{
	struct epoll *e = epoll_from_file(epoll);
	for (;;) {
		report_ready(e, s);
		if (s->faulted)
			return OK;
		if (s->count) {
			if (!wait_queue_is_empty(&e->event) && has_ready(e))
				wait_queue_wake(&e->event, 1, POLL_IN | POLL_READ_NORMAL);
			return OK;
		}
		if (deadline_ns == 0)
			return OK;
		const err_t err = wait_event(&e->event, WAIT_INTERRUPTIBLE, deadline_ns, has_ready(e));
		if (err == (err_t)-ETIMEDOUT)
			return OK;
		if (err)
			return err;
	}
}
