// SPDX-License-Identifier: MPL-2.0
// Signal-driven I/O. A file with an owner subscribes to its own wait queues, like somebody who polls it. A wake-up
// comes under the queue's lock, and often under the file's as well, where no signal can be sent: it is noted, and the
// file becomes due. Whoever caused it sends the signals of all that is due before its call returns, so that a program
// which signals itself finds the signal there; a kernel thread does the same at once for whoever sleeps on in its call,
// and for interrupts.
#include <core/once.h>
#include <core/work.h>
#include <services/process/signal/async_internal.h>
#include <services/process/thread.h>

static exclusive_access void async_entry_release(struct async_entry *e)
{
	e->async = NULL;
}
DEFINE_DERIVED(async_entry, wait_entry, async_entry_release)

static exclusive_access void file_async_release(struct file_async *a)
{
	for (u32 n = 0; n < a->entry_count; n++)
		async_entry_auto_put(array_ptr(a->entries, n));
	if (a->pid)
		pid_put(take(a->pid));
}
DEFINE_DERIVED_SHARED(file_async, poll_request, file_async_release)

// --- what is due --------------------------------------------------------------------------------------

static struct spinlock due_lock = SPINLOCK_INIT(RANK_WORK);	// inside wait queues
static struct file_async_list due GUARDED_BY(due_lock);		// with references
static struct mutex telling = MUTEX_INIT(RANK_SLEEPING_LEAF);	// one at a time: who has it has told all that was due
DEFINE_ONCE(telling_work_cell, struct work);
static struct telling_work_cell telling_work;

struct telling_work {
	struct work base;
};
static void telling_work_release(struct telling_work *w) { }
DEFINE_DERIVED(telling_work, work, telling_work_release)

static void note(struct file_async *a, u32 reasons)
{
	{
		irq_guard(&due_lock);
		atomic_u32_or(&a->reasons, reasons);
		if (!file_async_list_is_linked(a))
			file_async_list_append(&due, file_async_get(a));
	}
	work_schedule(telling_work_cell_get(&telling_work));
	struct thread *t = thread_current_or_null();
	if (!t)
		return;
	atomic_u32_store(&t->has_async, 1);
	task_post_work(&t->base, TASK_WORK_SERVICE);
}

static struct file_async *due_take(u32 *reasons borrowed) owned;
static struct file_async *due_take(u32 *reasons borrowed)
{
	irq_guard(&due_lock);
	struct file_async *a object_auto(file_async) = file_async_list_pop(&due);
	if (a)
		*reasons = atomic_u32_exchange(&a->reasons, 0);
	return take(a);
}

static void tell_due(void)
{
	mutex_guard(&telling);
	for (;;) {
		u32 reasons = 0;
		struct file_async *a object_auto(file_async) = due_take(&reasons);
		if (!a)
			return;
		file_async_tell(a, reasons);
	}
}

static void tell_later(struct work *w)
{
	tell_due();
}

void file_async_settle(void)
{
	struct thread *t = thread_current();
	if (atomic_u32_load_relaxed(&t->has_async) && atomic_u32_exchange(&t->has_async, 0))
		tell_due();
}

// --- what happens -------------------------------------------------------------------------------------

#define BIT(reason) (1u << (reason))

// Errors and ends go by the readers' queue alone, so that they are told once.
static u32 reasons_of(struct file *f, u32 told, u32 index, u32 events)
{
	u32 reasons = 0;
	if ((events & POLL_PRIORITY) && (told & FILE_ASYNC_URGENT))
		reasons |= BIT(ASYNC_URGENT);
	if (!(atomic_u32_load(&f->flags) & OPEN_ASYNC))
		return reasons;
	const bool ends = index == 0 && told & FILE_ASYNC_END;
	if (ends && (events & POLL_ERROR))
		reasons |= BIT(ASYNC_ERROR);
	else if (ends && (events & POLL_HANGUP))
		reasons |= BIT(ASYNC_HANGUP);
	else if (index == 0 && (events & POLL_IN) && (told & FILE_ASYNC_IN) && (f->mode & FILE_MODE_READ))
		reasons |= BIT(ASYNC_IN);
	if (!(events & POLL_OUT) || !(f->mode & FILE_MODE_WRITE))
		return reasons;
	if ((told & FILE_ASYNC_OUT) || (index == 1 && (told & FILE_ASYNC_ROOM) &&
		atomic_u32_exchange(&f->wants_room, 0)))
		reasons |= BIT(ASYNC_OUT);
	return reasons;
}

static void file_async_notify(struct wait_entry *entry, u32 events)
{
	struct async_entry *e = async_entry_from_wait_entry(entry);
	struct file *f = e->async->file;
	const u32 reasons = events & POLL_QUIET ? 0 : reasons_of(f, f->ops->async_events, e->index, events);
	if (reasons)
		note(e->async, reasons);
}

// --- subscribing --------------------------------------------------------------------------------------

static void join_queue(struct poll_request *r, struct wait_queue *q borrowed)
{
	struct file_async *a = file_async_from_poll_request(r);
	struct async_entry *e object_auto(async_entry) = async_entry_alloc();
	if (!e || a->entry_count == ASYNC_QUEUES_MAX) {
		a->failed = 1;
		return;
	}
	e->base.notify = file_async_notify;
	e->async = a;
	e->index = a->entry_count;
	wait_entry_subscribe(q, &e->base);
	a->entries[a->entry_count++] = take(e);
}

static void leave_queues(struct file_async *a)
{
	while (a->entry_count) {
		const u32 n = --a->entry_count;
		struct async_entry *e object_auto(async_entry) = take(a->entries[n]);
		wait_entry_cancel(&e->base);
	}
}

err_t file_async_join(struct file_async *const a, struct file *f)
{
	mutex_guard(&a->joining);
	if (a->entry_count)
		return OK;
	a->failed = 0;
	file_poll(f, &a->base);
	if (!a->failed)
		return OK;
	leave_queues(a);
	return -ENOMEM;
}

// The file's last reference is gone.
static void async_drop(struct file_async *gone consumes)
{
	struct file_async *a object_auto(file_async) = take(gone);
	leave_queues(a);	// nobody else has the file
}

struct file_async *file_async_of(struct file *const f)
{
	struct file_async *fresh object_auto(file_async) = file_async_alloc();
	if (!fresh)
		return NULL;
	fresh->base.add = join_queue;
	fresh->file = f;
	mutex_init(&fresh->joining, RANK_EPOLL);
	spin_init(&fresh->lock, RANK_SERVICE_LEAF);
	spin_guard(&f->lock);
	if (!f->async)
		f->async = take(fresh);
	return file_async_get(f->async);
}

err_t file_async_begin(struct file *f, u32 fd)
{
	if (!(f->ops->async_events & ~(u32)FILE_ASYNC_URGENT))
		return -ENOTTY;
	struct file_async *a object_auto(file_async) = file_async_of(f);
	if (!a)
		return -ENOMEM;
	const err_t err = file_async_join(a, f);
	if (err)
		return err;
	atomic_u32_store(&a->fd, fd);
	atomic_u32_or(&f->flags, OPEN_ASYNC);
	return OK;
}

err_t file_async_end(struct file *f)
{
	if (!(f->ops->async_events & ~(u32)FILE_ASYNC_URGENT))
		return -ENOTTY;
	atomic_u32_and(&f->flags, ~OPEN_ASYNC);
	return OK;
}

err_t file_async_init(void)
{
	struct telling_work *w object_auto(telling_work) = telling_work_alloc();
	if (!w)
		return -ENOMEM;
	w->base.run = tell_later;
	telling_work_cell_set(&telling_work, &take(w)->base);
	file_set_async_hook(async_drop);
	return OK;
}
