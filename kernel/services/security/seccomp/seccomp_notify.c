// SPDX-License-Identifier: MPL-2.0
// A supervisor decides about calls: seccomp_unotify(2). The thread that calls puts a notification on its filter's
// listener and sleeps; the supervisor, who has the listener as a file, receives it, looks, answers, and may put
// descriptors into the caller's table: the caller itself does that when it is woken.
// One lock a listener: notifications, their state and what is added to them.
#include <services/process/process.h>
#include <services/security/seccomp/seccomp_internal.h>
#include <services/vfs/file_table.h>

#define RECEIVE 0xc0502100u
#define SEND 0xc0182101u
#define ID_VALID 0x40082102u
#define ID_VALID_OLD 0x80082102u
#define ADD_FD 0x40182103u
#define NOTIFICATION_SIZE 80u
#define RESPONSE_GO_ON 1u
#define ADD_FD_AT 1u
#define ADD_FD_AND_SEND 2u

struct seccomp_addition {
	struct object object;
	struct list_link link;
	struct file *file;		// reference; immutable
	u32 at, descriptor_flags, flags;	// immutable
	// The listener's lock:
	u32 is_done;
	s64 result;
	struct wait_queue done;
};
static exclusive_access void seccomp_addition_release(struct seccomp_addition *a)
{
	if (a->file)
		file_put(take(a->file));
}
DECLARE_OBJECT(seccomp_addition)
DEFINE_OBJECT(seccomp_addition, seccomp_addition_release)
DEFINE_LIST(seccomp_addition_list, seccomp_addition, link)

enum notification_state { NOTIFICATION_NEW, NOTIFICATION_SENT, NOTIFICATION_ANSWERED };
struct seccomp_notification {
	struct object object;
	struct list_link link;
	struct seccomp_call call;	// immutable
	struct pid *pid;		// reference; immutable
	u64 id;				// immutable
	// The listener's lock:
	u32 state;
	s32 error;
	s64 value;
	u32 flags;
	struct seccomp_addition_list additions;	// with references
	struct wait_queue changed;
};
static exclusive_access void seccomp_notification_release(struct seccomp_notification *n)
{
	if (n->pid)
		pid_put(take(n->pid));
}
DECLARE_OBJECT(seccomp_notification)
DEFINE_OBJECT(seccomp_notification, seccomp_notification_release)
DEFINE_LIST(seccomp_notification_list, seccomp_notification, link)

struct seccomp_listener {
	struct object object;
	struct spinlock lock;
	struct seccomp_notification_list list GUARDED_BY(lock);	// with references
	u64 next_id GUARDED_BY(lock);
	u32 is_closed GUARDED_BY(lock);		// the file is gone
	u32 is_orphan GUARDED_BY(lock);		// no thread has the filter any more
	struct wait_queue event;
};
static exclusive_access void seccomp_listener_release(struct seccomp_listener *l)
{
}
DEFINE_OBJECT(seccomp_listener, seccomp_listener_release)

void seccomp_listener_orphan(struct seccomp_listener *const l)
{
	spin_guard(&l->lock);
	l->is_orphan = 1;
	wait_queue_wake_all(&l->event, POLL_HANGUP);
}

// --- the thread that calls ----------------------------------------------------------------------------

static s64 put_descriptor(const struct seccomp_addition *a borrowed)
{
	struct file *f object_auto(file) = file_get(a->file);
	const u64 limit = process_rlimit(process_current(), RLIMIT_NOFILE);

	if (!(a->flags & ADD_FD_AT))
		return file_table_add(thread_files(), take(f), limit, a->descriptor_flags);
	return file_table_replace(thread_files(), a->at, take(f), limit, a->descriptor_flags);
}

static struct seccomp_addition *next_addition(struct seccomp_listener *const l, struct seccomp_notification *n) owned;
static struct seccomp_addition *next_addition(struct seccomp_listener *const l, struct seccomp_notification *n)
{
	spin_guard(&l->lock);
	return seccomp_addition_list_pop(&n->additions);
}

static void finish_addition(struct seccomp_listener *const l, struct seccomp_notification *n,
	struct seccomp_addition *a, s64 result)
{
	spin_guard(&l->lock);
	a->result = result;
	a->is_done = 1;
	if (result >= 0 && (a->flags & ADD_FD_AND_SEND)) {
		n->state = NOTIFICATION_ANSWERED;
		n->value = result;
	}
	wait_queue_wake_all(&a->done, ~0u);
}

static void put_descriptors(struct seccomp_listener *l, struct seccomp_notification *n)
{
	for (;;) {
		struct seccomp_addition *a object_auto(seccomp_addition) = next_addition(l, n);
		if (!a)
			return;
		finish_addition(l, n, a, put_descriptor(a));
	}
}

static struct seccomp_notification *notification_create(const struct seccomp_call *call borrowed) owned;
exclusive_access static struct seccomp_notification *notification_create(const struct seccomp_call *call borrowed)
{
	struct seccomp_notification *n object_auto(seccomp_notification) = seccomp_notification_alloc();
	if (!n)
		return NULL;
	n->call = *call;
	n->pid = pid_get(thread_current()->pid);
	wait_queue_init(&n->changed);
	return take(n);
}

static err_t notification_enqueue(struct seccomp_listener *const l, struct seccomp_notification *n)
{
	struct seccomp_notification *held object_auto(seccomp_notification) = seccomp_notification_get(n);
	spin_guard(&l->lock);
	if (l->is_closed)
		return -ENOSYS;
	n->id = l->next_id++;
	seccomp_notification_list_append(&l->list, take(held));
	wait_queue_wake_all(&l->event, POLL_IN | POLL_READ_NORMAL);
	return OK;
}

static struct seccomp_notification *notification_unlink(struct seccomp_listener *const l,
	struct seccomp_notification *n) owned;
static struct seccomp_notification *notification_unlink(struct seccomp_listener *const l,
	struct seccomp_notification *n)
{
	spin_guard(&l->lock);
	if (!seccomp_notification_list_is_linked(n))
		return NULL;
	seccomp_notification_list_remove(&l->list, n);
	return n;
}

// Until it is answered or there is something to do. A signal ends it, unless the supervisor has the notification and
// asked for callers that only a fatal signal interrupts.
static err_t notification_wait(struct seccomp_listener *const l, struct seccomp_notification *n, u32 flags)
{
	spin_guard(&l->lock);
	err_t e = OK;
	if (!(flags & SECCOMP_WAIT_KILLABLE) || n->state == NOTIFICATION_NEW) {
		e = wait_event_spin(&n->changed, &l->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER,
			n->state == NOTIFICATION_ANSWERED || !seccomp_addition_list_is_empty(&n->additions));
		if (!e || !(flags & SECCOMP_WAIT_KILLABLE) || n->state != NOTIFICATION_SENT)
			return e;
	}
	return wait_event_spin(&n->changed, &l->lock, WAIT_KILLABLE, DEADLINE_NEVER,
		n->state == NOTIFICATION_ANSWERED || !seccomp_addition_list_is_empty(&n->additions));
}

static bool is_answered(struct seccomp_listener *const l, const struct seccomp_notification *n)
{
	spin_guard(&l->lock);
	return n->state == NOTIFICATION_ANSWERED;
}

static err_t notification_carry_out(struct seccomp_listener *l, struct seccomp_notification *n, u32 flags)
{
	for (;;) {
		const err_t e = notification_wait(l, n, flags);
		if (e)
			return e;
		put_descriptors(l, n);
		if (is_answered(l, n))
			return OK;
	}
}

// Those who wait to add a descriptor to a call that is over.
static void refuse_additions(struct seccomp_listener *l, struct seccomp_notification *n)
{
	for (;;) {
		struct seccomp_addition *a object_auto(seccomp_addition) = next_addition(l, n);
		if (!a)
			return;
		finish_addition(l, n, a, -ESRCH);
	}
}

err_t seccomp_ask(struct seccomp_listener *l, const struct seccomp_call *call borrowed, u32 flags,
	struct seccomp_reply *out borrowed)
{
	struct seccomp_notification *n object_auto(seccomp_notification) = notification_create(call);
	if (!n)
		return -ENOMEM;
	err_t e = notification_enqueue(l, n);
	if (!e)
		e = notification_carry_out(l, n, flags);
	struct seccomp_notification *unlinked object_auto(seccomp_notification) = notification_unlink(l, n);
	refuse_additions(l, n);
	if (e)
		return e;
	out->must_go_on = n->flags & RESPONSE_GO_ON;
	out->value = n->error ? n->error : n->value;
	return OK;
}

// --- the supervisor -----------------------------------------------------------------------------------

struct seccomp_listener_file {
	struct file base;
	struct seccomp_listener *listener;	// reference; immutable
};

static void close_listener(struct seccomp_listener *const l)
{
	spin_guard(&l->lock);
	l->is_closed = 1;
	list_for_each(seccomp_notification_list, n, &l->list) {
		if (n->state == NOTIFICATION_ANSWERED)
			continue;
		n->state = NOTIFICATION_ANSWERED;
		n->error = -ENOSYS;
		wait_queue_wake_all(&n->changed, ~0u);
	}
}

static exclusive_access void seccomp_listener_file_release(struct seccomp_listener_file *f)
{
	file_fini(&f->base);	// ends the watches on the listener's queue
	if (f->listener) {
		close_listener(f->listener);
		seccomp_listener_put(take(f->listener));
	}
}
DEFINE_DERIVED(seccomp_listener_file, file, seccomp_listener_file_release)

static struct seccomp_notification *find_new(struct seccomp_listener *const l) REQUIRES(l->lock)
{
	list_for_each(seccomp_notification_list, n, &l->list) {
		if (n->state == NOTIFICATION_NEW)
			return n;
	}
	return NULL;
}

static struct seccomp_notification *find_id(struct seccomp_listener *const l, u64 id) REQUIRES(l->lock)
{
	list_for_each(seccomp_notification_list, n, &l->list) {
		if (n->id == id)
			return n;
	}
	return NULL;
}

static void encode(const struct seccomp_notification *n borrowed, span_t out)
{
	span_put_u64le(out, 0, n->id);
	span_put_u32le(out, 8, pid_number_in(n->pid, thread_pid_namespace()));
	span_put_u32le(out, 12, 0);
	for (u32 i = 0; i < SECCOMP_CALL_WORDS; i++)
		span_put_u32le(out, 16 + (usize)i * 4, n->call.word[i]);
}

static err_t receive(struct seccomp_listener *const l, span_t out)
{
	for (u32 n = 0; n < NOTIFICATION_SIZE; n++) {
		if (span_at(out, n))
			return -EINVAL;
	}
	spin_guard(&l->lock);
	if (wait_event_spin(&l->event, &l->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, find_new(l)))
		return -EINTR;
	struct seccomp_notification *n = find_new(l);
	n->state = NOTIFICATION_SENT;
	encode(n, out);
	wait_queue_wake_all(&l->event, POLL_OUT | POLL_WRITE_NORMAL);
	return OK;
}

static err_t answer(struct seccomp_listener *const l, bytes_t in)
{
	const u64 id = bytes_get_u64le(in, 0);
	const s64 value = (s64)bytes_get_u64le(in, 8);
	const s32 error = (s32)bytes_get_u32le(in, 16);
	const u32 flags = bytes_get_u32le(in, 20);

	if ((flags & ~RESPONSE_GO_ON) || ((flags & RESPONSE_GO_ON) && (error || value)))
		return -EINVAL;
	spin_guard(&l->lock);
	struct seccomp_notification *n = find_id(l, id);
	if (!n)
		return -ENOENT;
	if (n->state != NOTIFICATION_SENT)
		return -EINPROGRESS;
	n->state = NOTIFICATION_ANSWERED;
	n->error = error;
	n->value = value;
	n->flags = flags;
	wait_queue_wake_all(&n->changed, ~0u);
	return OK;
}

static err_t check_id(struct seccomp_listener *const l, u64 id)
{
	spin_guard(&l->lock);
	const struct seccomp_notification *n = find_id(l, id);
	return n && n->state == NOTIFICATION_SENT ? OK : -ENOENT;
}

static err_t addition_enqueue(struct seccomp_listener *const l, u64 id, struct seccomp_addition *a,
	struct seccomp_notification **out borrowed)
{
	struct seccomp_addition *held object_auto(seccomp_addition) = seccomp_addition_get(a);
	spin_guard(&l->lock);
	struct seccomp_notification *n = find_id(l, id);
	if (!n)
		return -ENOENT;
	if (n->state != NOTIFICATION_SENT)
		return -EINPROGRESS;
	if ((a->flags & ADD_FD_AND_SEND) && !seccomp_addition_list_is_empty(&n->additions))
		return -EBUSY;
	seccomp_addition_list_append(&n->additions, take(held));
	*out = seccomp_notification_get(n);
	wait_queue_wake_all(&n->changed, ~0u);
	return OK;
}

// Interrupted: takes it back if the caller has not got it yet, in *back; else waits: it will not be long.
static ssize_r addition_wait(struct seccomp_listener *const l, struct seccomp_notification *n,
	struct seccomp_addition *a, struct seccomp_addition **back borrowed)
{
	spin_guard(&l->lock);
	const err_t e = wait_event_spin(&a->done, &l->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, a->is_done);
	if (e && seccomp_addition_list_is_linked(a)) {
		seccomp_addition_list_remove(&n->additions, a);
		*back = a;
		return -EINTR;
	}
	if (e && wait_event_spin(&a->done, &l->lock, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, a->is_done))
		return -EINTR;
	return (ssize_r)a->result;
}

exclusive_access static err_t addition_fill(struct seccomp_addition *a, bytes_t in)
{
	a->flags = bytes_get_u32le(in, 8);
	a->at = bytes_get_u32le(in, 16);
	a->descriptor_flags = bytes_get_u32le(in, 20);
	wait_queue_init(&a->done);
	if ((a->descriptor_flags & ~OPEN_CLOSE_ON_EXEC) || (a->flags & ~(ADD_FD_AT | ADD_FD_AND_SEND)) ||
		(a->at && !(a->flags & ADD_FD_AT)))
		return -EINVAL;
	a->file = file_table_find(thread_files(), bytes_get_u32le(in, 12));
	return a->file ? OK : -EBADF;
}

static ssize_r add_descriptor(struct seccomp_listener *l, bytes_t in)
{
	struct seccomp_addition *a object_auto(seccomp_addition) = seccomp_addition_alloc();
	struct seccomp_addition *back object_auto(seccomp_addition) = NULL;
	struct seccomp_notification *n object_auto(seccomp_notification) = NULL;
	if (!a)
		return -ENOMEM;
	err_t e = addition_fill(a, in);
	if (!e)
		e = addition_enqueue(l, bytes_get_u64le(in, 0), a, &n);
	return e ? (ssize_r)e : addition_wait(l, n, a, &back);
}

static ssize_r listener_control(struct file *f, struct file_control *c borrowed)
{
	struct seccomp_listener *l = seccomp_listener_file_from_file(f)->listener;
	const span_t data = array_span(c->data);

	switch (c->command) {
	case RECEIVE:
		return (ssize_r)receive(l, span_first(data, NOTIFICATION_SIZE));
	case SEND:
		return (ssize_r)answer(l, bytes_of(data));
	case ID_VALID:
	case ID_VALID_OLD:
		return (ssize_r)check_id(l, bytes_get_u64le(bytes_of(data), 0));
	case ADD_FD:
		return add_descriptor(l, bytes_of(data));
	default:
		return -EINVAL;
	}
}

static u32 listener_poll(struct file *f, struct poll_request *r)
{
	struct seccomp_listener *const l = seccomp_listener_file_from_file(f)->listener;
	u32 events = 0;

	poll_add(r, &l->event);
	spin_guard(&l->lock);
	list_for_each(seccomp_notification_list, n, &l->list) {
		if (n->state == NOTIFICATION_NEW)
			events |= POLL_IN | POLL_READ_NORMAL;
		if (n->state == NOTIFICATION_SENT)
			events |= POLL_OUT | POLL_WRITE_NORMAL;
	}
	return events | (l->is_orphan ? POLL_HANGUP : 0);
}

static ssize_r listener_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	return -EINVAL;
}

static ssize_r listener_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	return -EINVAL;
}

static const struct file_ops listener_ops = {
	.read = listener_read, .write = listener_write, .poll = listener_poll, .control = listener_control,
};

exclusive_access static void listener_fill(struct seccomp_listener *l)
{
	spin_init(&l->lock, RANK_SERVICE_LEAF);
	wait_queue_init(&l->event);
	l->next_id = 1;
}

err_t seccomp_listener_create(struct file **file borrowed, struct seccomp_listener **out borrowed)
{
	struct seccomp_listener *l object_auto(seccomp_listener) = seccomp_listener_alloc();
	struct seccomp_listener_file *f object_auto(seccomp_listener_file) = seccomp_listener_file_alloc();
	if (!l || !f)
		return -ENOMEM;
	listener_fill(l);
	f->listener = seccomp_listener_get(l);
	const err_t e = file_init_anonymous(&f->base, &listener_ops, STR("anon_inode:seccomp notify"), 2,
		thread_cred(), 0);
	if (e)
		return e;
	*file = &take(f)->base;
	*out = take(l);
	return OK;
}
