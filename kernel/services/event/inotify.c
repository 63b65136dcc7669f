// SPDX-License-Identifier: MPL-2.0
// Theory: an instance is a file and a queue. Its watches hang off the inodes (services/vfs/notify) and hold the queue;
// the queue knows them by number. A watch ends once, through notify_detach(): by inotify_rm_watch, with the file,
// with the inode, or after its one shot; whoever ends it queues IN_IGNORED. source: inotify(7)
#include <core/memory.h>
#include <core/page.h>
#include <services/event/inotify_internal.h>
#include <services/vfs/dentry.h>
#include <services/vfs/superblock.h>

#define CONTROL_BYTES_READABLE 0x541bu	// FIONREAD
#define INSTANCES_DEFAULT 128u
#define EVENTS_DEFAULT 16384u
#define WATCHES_LEAST 8192u
#define WATCHES_MOST 1048576u
#define WATCH_BYTES 1536u	// with the inode and the name that it keeps in memory
#define MASK_SHOWN (NOTIFY_EVENTS | INOTIFY_EXCLUDE_UNLINKED | INOTIFY_ONE_SHOT)

struct inotify_limits inotify_limits;

struct inotify {
	struct file base;
	struct inotify_queue *queue;	// reference; immutable
};

static exclusive_access void inotify_watch_release(struct inotify_watch *w)
{
	notify_watch_fini(&w->base);
	if (w->queue)
		inotify_queue_put(take(w->queue));
}
DEFINE_DERIVED_SHARED(inotify_watch, notify_watch, inotify_watch_release)

static struct inotify_watch *queue_remove(struct inotify_queue *const q, struct inotify_watch *w) owned;
static struct inotify_watch *queue_remove(struct inotify_queue *const q, struct inotify_watch *w)
{
	spin_guard(&q->lock);
	inotify_watch_tree_remove(&q->watches, w);
	return w;	// the tree's reference
}

static void watch_end(struct inotify_watch *w)
{
	if (!notify_detach(&w->base))
		return;
	struct inotify_watch *trees object_auto(inotify_watch) = queue_remove(w->queue, w);
	inotify_queue_put_event(w->queue, w->number, INOTIFY_IGNORED, 0, bytes_empty());
	atomic_u64_sub(&w->queue->account->inotify_watches, 1);
}

// --- called by the announcer ------------------------------------------------------------------------

static void watch_announce(struct notify_watch *base, const struct notify_event *e borrowed)
{
	struct inotify_watch *w = inotify_watch_from_notify_watch(base);
	const u32 wish = atomic_u32_load(&base->mask);
	if ((wish & INOTIFY_EXCLUDE_UNLINKED) && e->entry && dentry_is_deleted(e->entry))
		return;
	u32 mask = e->mask;
	if (mask & (NOTIFY_DELETE_SELF | NOTIFY_MOVE_SELF))
		mask &= ~NOTIFY_IS_DIRECTORY;
	inotify_queue_put_event(w->queue, w->number, mask, e->cookie, e->name);
	if (wish & INOTIFY_ONE_SHOT)
		watch_end(w);
}

static void watch_gone(struct notify_watch *base)
{
	watch_end(inotify_watch_from_notify_watch(base));
}

static const struct notify_watch_ops watch_ops = { .announce = watch_announce, .gone = watch_gone };

// --- the file ---------------------------------------------------------------------------------------

static struct inotify_watch *first_watch(struct inotify_queue *const q) owned;
static struct inotify_watch *first_watch(struct inotify_queue *const q)
{
	spin_guard(&q->lock);
	struct inotify_watch *w = inotify_watch_tree_first(&q->watches);
	return w ? inotify_watch_get(w) : NULL;
}

static exclusive_access void inotify_release(struct inotify *n)
{
	struct inotify_queue *q object_auto(inotify_queue) = take(n->queue);
	for (;;) {
		struct inotify_watch *w object_auto(inotify_watch) = q ? first_watch(q) : NULL;
		if (!w)
			break;
		watch_end(w);
	}
	if (q)
		atomic_u64_sub(&q->account->inotify_instances, 1);
	file_fini(&n->base);
}
DEFINE_DERIVED(inotify, file, inotify_release)

bool file_is_inotify_instance(struct file *f)
{
	return file_is_inotify(f);
}

static err_t put_event(const struct inotify_event *e, struct iobuf *to borrowed)
{
	u8 head[INOTIFY_EVENT_HEAD];
	const span_t h = array_span(head);
	const bytes_t name = inotify_event_name(e);
	const usize padded = inotify_event_size(e) - INOTIFY_EVENT_HEAD;
	span_put_u32le(h, 0, e->watch);
	span_put_u32le(h, 4, e->mask);
	span_put_u32le(h, 8, e->cookie);
	span_put_u32le(h, 12, (u32)padded);
	(void)iobuf_put(to, array_bytes(head));
	(void)iobuf_put(to, name);
	(void)iobuf_put_zeros(to, padded - bytes_len(name));
	return iobuf_fault(to) ? -EFAULT : OK;
}

static ssize_r inotify_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct inotify_queue *q = inotify_from_file(f)->queue;
	usize done = 0;
	for (;;) {
		struct inotify_event *e object_auto(inotify_event) = NULL;
		err_t err = inotify_queue_take(q, iobuf_remaining(to), &e);
		if (!err)
			err = put_event(e, to);
		if (!err) {
			done += inotify_event_size(e);
			continue;
		}
		if (done)
			return (ssize_r)done;
		if (err != (err_t)-EAGAIN || file_is_nonblocking(f))
			return (ssize_r)err;
		err = wait_event(&q->event, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, inotify_queue_has_events(q));
		if (err)
			return (ssize_r)err;
	}
}

static u32 inotify_poll(struct file *f, struct poll_request *r)
{
	struct inotify_queue *q = inotify_from_file(f)->queue;
	poll_add(r, &q->event);
	return inotify_queue_has_events(q) ? POLL_IN | POLL_READ_NORMAL : 0;
}

static ssize_r inotify_control(struct file *f, struct file_control *c borrowed)
{
	if (c->command != CONTROL_BYTES_READABLE)
		return -ENOTTY;
	c->value = inotify_queue_bytes(inotify_from_file(f)->queue);
	return (ssize_r)0;
}

static void inotify_show(struct file *f, struct text *out borrowed)
{
	struct inotify_queue *const q = inotify_from_file(f)->queue;
	spin_guard(&q->lock);
	for (struct inotify_watch *w = inotify_watch_tree_first(&q->watches); w; w = inotify_watch_tree_next(w))
		text_printf(out, "inotify wd:%x ino:%lx sdev:%lx mask:%x ignored_mask:0\n", w->number, w->inode_number,
			w->device, atomic_u32_load(&w->base.mask) & MASK_SHOWN);
}

static const struct file_ops inotify_ops = {
	.read = inotify_read, .poll = inotify_poll, .control = inotify_control, .show_info = inotify_show,
	.async_events = FILE_ASYNC_IN,
};

// Takes one of what a user may have `limit` of.
static bool account_take(struct atomic_u64 *count borrowed, u32 limit)
{
	if (atomic_u64_add(count, 1) < limit)
		return true;
	atomic_u64_sub(count, 1);
	return false;
}

err_t inotify_create(u32 flags, struct cred *cred, struct file **out borrowed)
{
	struct user_account *account object_auto(user_account) = user_account_of(cred->euid);
	struct inotify *n object_auto(inotify) = inotify_alloc();
	struct inotify_queue *q object_auto(inotify_queue) = account ? inotify_queue_create(account) : NULL;
	if (!n || !q)
		return -ENOMEM;
	const err_t err = file_init_anonymous(&n->base, &inotify_ops, STR("anon_inode:inotify"), flags, cred, 0);
	if (err)
		return err;
	if (!account_take(&account->inotify_instances, atomic_u32_load(&inotify_limits.user_instances)))
		return -EMFILE;
	n->queue = take(q);
	*out = &take(n)->base;
	return OK;
}

void inotify_start(void)
{
	const u64 share = memory_read_totals().total_pages * PAGE_SIZE / 100 / WATCH_BYTES;
	atomic_u32_store(&inotify_limits.user_instances, INSTANCES_DEFAULT);
	atomic_u32_store(&inotify_limits.queued_events, EVENTS_DEFAULT);
	atomic_u32_store(&inotify_limits.user_watches, (u32)min(max(share, (u64)WATCHES_LEAST), (u64)WATCHES_MOST));
}

// --- watches ----------------------------------------------------------------------------------------

static bool number_is_used_locked(const struct inotify_queue *q) REQUIRES(q->lock);
static bool number_is_used_locked(const struct inotify_queue *q)
{
	const struct inotify_watch *w = inotify_watch_tree_at_least(&q->watches, q->last_number);
	return w && w->number == q->last_number;
}

// A number is not used again before all have been.
static void queue_add(struct inotify_queue *const q, struct inotify_watch *w)
{
	spin_guard(&q->lock);
	do
		q->last_number = q->last_number == S32_MAX ? 1 : q->last_number + 1;
	while (number_is_used_locked(q));
	w->number = q->last_number;
	inotify_watch_tree_insert(&q->watches, inotify_watch_get(w), w->number);
}

static ssize_r watch_create(struct inotify_queue *q, struct inode *i, u32 mask)
{
	struct inotify_watch *w object_auto(inotify_watch) = inotify_watch_alloc();
	if (!w)
		return -ENOMEM;
	w->base.ops = &watch_ops;
	w->base.owner = &q->object;
	w->queue = inotify_queue_get(q);
	w->inode_number = i->number;
	w->device = i->superblock->device;
	atomic_u32_store(&w->base.mask, mask);
	if (!account_take(&q->account->inotify_watches, atomic_u32_load(&inotify_limits.user_watches)))
		return -ENOSPC;
	queue_add(q, w);
	const err_t err = notify_attach(&w->base, i);
	if (!err)
		return (ssize_r)w->number;
	struct inotify_watch *trees object_auto(inotify_watch) = queue_remove(q, w);
	atomic_u64_sub(&q->account->inotify_watches, 1);
	return (ssize_r)err;
}

ssize_r inotify_watch_add(struct file *f, struct inode *i, u32 mask)
{
	struct inotify_queue *q = inotify_from_file(f)->queue;
	const u32 kept = mask & (NOTIFY_EVENTS | INOTIFY_EXCLUDE_UNLINKED | INOTIFY_ONE_SHOT);
	mutex_guard(&q->add_lock);
	struct notify_watch *w object_auto(notify_watch) = notify_find(i, &q->object);
	if (!w)
		return watch_create(q, i, kept);
	if (mask & INOTIFY_MASK_CREATE)
		return -EEXIST;
	notify_set_mask(w, mask & INOTIFY_MASK_ADD ? atomic_u32_load(&w->mask) | kept : kept);
	return (ssize_r)inotify_watch_from_notify_watch(w)->number;
}

static struct inotify_watch *watch_of_number(struct inotify_queue *const q, u32 number) owned;
static struct inotify_watch *watch_of_number(struct inotify_queue *const q, u32 number)
{
	spin_guard(&q->lock);
	struct inotify_watch *w = inotify_watch_tree_at_least(&q->watches, number);
	return w && w->number == number ? inotify_watch_get(w) : NULL;
}

err_t inotify_watch_remove(struct file *f, u32 number)
{
	struct inotify_watch *w object_auto(inotify_watch) = watch_of_number(inotify_from_file(f)->queue, number);
	if (!w)
		return -EINVAL;
	watch_end(w);
	return OK;
}
