// SPDX-License-Identifier: MPL-2.0
// Theory: every queue that a file names gets an entry that sets `is_woken` and wakes the set's own queue. The
// asker looks at all files, sleeps until `is_woken`, clears it and looks again; a change between look and sleep
// leaves it set, so none is missed.
#include <core/atomic.h>
#include <services/event/poll_set.h>

struct poll_set_entry {
	struct wait_entry base;
	struct list_link link;
	struct poll_set *set;	// outlives the entry; immutable
	struct file *file;	// reference: keeps the queue alive; immutable
};
DEFINE_LIST(poll_set_entry_list, poll_set_entry, link)

struct poll_set {
	struct poll_request base;
	struct wait_queue event;
	struct atomic_u32 is_woken;
	struct poll_set_entry_list entries;	// owner task only; with references
	struct file *asked;			// owner task only; reference while it is asked
	err_t err;				// owner task only
};

static exclusive_access void poll_set_entry_release(struct poll_set_entry *e)
{
	if (e->file)
		file_put(take(e->file));
}
DEFINE_DERIVED(poll_set_entry, wait_entry, poll_set_entry_release)

static exclusive_access void poll_set_release(struct poll_set *s)
{
	for (;;) {
		struct poll_set_entry *e object_auto(poll_set_entry) = poll_set_entry_list_pop(&s->entries);
		if (!e)
			break;
		wait_entry_cancel(&e->base);
	}
	if (s->asked)
		file_put(take(s->asked));
}
DEFINE_DERIVED_SHARED(poll_set, poll_request, poll_set_release)

static void poll_set_notify(struct wait_entry *entry, u32 events)
{
	struct poll_set *s = poll_set_entry_from_wait_entry(entry)->set;
	atomic_u32_store(&s->is_woken, 1);
	wait_queue_wake_all(&s->event, ~0u);
}

static void poll_set_add(struct poll_request *r, struct wait_queue *q borrowed)
{
	struct poll_set *s = poll_set_from_poll_request(r);
	struct poll_set_entry *e object_auto(poll_set_entry) = poll_set_entry_alloc();
	if (!e) {
		s->err = -ENOMEM;
		return;
	}
	e->base.notify = poll_set_notify;
	e->set = s;
	e->file = file_get(s->asked);
	wait_entry_subscribe(q, &e->base);
	poll_set_entry_list_append(&s->entries, take(e));
}

struct poll_set *poll_set_create(void)
{
	struct poll_set *s object_auto(poll_set) = poll_set_alloc();
	if (!s)
		return NULL;
	s->base.add = poll_set_add;
	wait_queue_init(&s->event);
	return take(s);
}

u32 poll_set_ask(struct poll_set *s, struct file *f, err_t *err borrowed)
{
	s->asked = file_get(f);
	const u32 ready = file_poll(f, &s->base);
	file_put(take(s->asked));
	*err = s->err;
	return ready;
}

err_t poll_set_sleep(struct poll_set *s, u64 deadline_ns)
{
	return wait_event(&s->event, WAIT_INTERRUPTIBLE, deadline_ns, atomic_u32_exchange(&s->is_woken, 0));
}
