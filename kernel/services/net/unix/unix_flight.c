// SPDX-License-Identifier: MPL-2.0
// Open files in flight: sent in a message, not received yet. source: unix(7), SCM_RIGHTS
//
// Theory: a socket that is in flight can hold itself alive, in a ring of queues that nobody can read any more. The
// collector finds such rings by counting. A socket whose file has no other references than those in flight is a
// candidate; references found in the queues of candidates are taken off its count; who is left with some is
// reached from outside, and so is all that lies in its queue. The rest is garbage: its queues are emptied.
//
// flight_lock is held for the whole count. A receiver gives files out only after it has taken it once (flight_end,
// flight_copy), after the message left the queue. So while the collector counts, no candidate can be received, and
// nobody can read a candidate's queue.
//
// Dropping a message can close sockets, whose queues hold messages in turn, as deep as a user likes: messages with
// sockets are dropped by a work item, one after the other.
#include <core/debug.h>
#include <core/work.h>
#include <services/net/unix/unix_internal.h>
#include <services/process/thread.h>

#define FLIGHTS_MANY 16000u	// from here on each message starts the collector

DEFINE_LIST(unix_flight_list, unix_socket, flight_link)
DEFINE_LIST(unix_collect_list, unix_socket, collect_link)
DEFINE_LIST(unix_doomed_list, socket_control, link)

static struct mutex flight_lock = MUTEX_INIT(RANK_SLEEPING_LEAF);
static struct unix_flight_list flights GUARDED_BY(flight_lock);	// no references: the files in flight hold them
static struct atomic_u32 flight_total;
static struct spinlock doomed_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct unix_doomed_list doomed GUARDED_BY(doomed_lock);	// with references
static struct work *collector GUARDED_BY(doomed_lock);

static struct unix_socket *endpoint_of(struct file *f)
{
	struct socket *s = f ? socket_of_file(f) : NULL;
	return s && s->family == FAMILY_UNIX && s->base.private_object ? unix_socket_of(s) : NULL;
}

static bool has_endpoints(struct socket_control *c)
{
	for (u32 n = 0; n < c->file_count; n++) {
		if (endpoint_of(c->files->slot[n]))
			return true;
	}
	return false;
}

// --- counting -----------------------------------------------------------------------------------------

static void count_up(struct file *f) REQUIRES(flight_lock);
static void count_up(struct file *f)
{
	struct unix_socket *u = endpoint_of(f);
	if (!u)
		return;
	u->flight_file = f;
	if (u->flight_count++ == 0)
		unix_flight_list_append(&flights, u);
	atomic_u32_add(&flight_total, 1);
}

static void count_down(struct file *f) REQUIRES(flight_lock);
static void count_down(struct file *f)
{
	struct unix_socket *u = endpoint_of(f);
	if (!u)
		return;
	if (--u->flight_count == 0)
		unix_flight_list_remove(&flights, u);
	atomic_u32_sub(&flight_total, 1);
}

static bool has_too_many(const struct user_account *a)
{
	return atomic_u64_load(&a->files_in_flight) > process_rlimit(process_current(), RLIMIT_NOFILE) &&
		!thread_capable_over_machine(CAP_SYS_RESOURCE) && !thread_capable_over_machine(CAP_SYS_ADMIN);
}

err_t unix_flight_start(struct socket_control *c)
{
	struct user_account *a = thread_cred()->account;
	if (has_too_many(a))
		return -ETOOMANYREFS;
	{
		mutex_guard(&flight_lock);
		if (c->is_in_flight)
			return OK;
		c->is_in_flight = 1;
		c->account = user_account_get(a);
		atomic_u64_add(&a->files_in_flight, c->file_count);
		for (u32 n = 0; n < c->file_count; n++)
			count_up(c->files->slot[n]);
	}
	if (atomic_u32_load_relaxed(&flight_total) > FLIGHTS_MANY)
		unix_collect_soon();
	return OK;
}

void unix_flight_end(struct socket_control *c)
{
	mutex_guard(&flight_lock);
	if (!c->is_in_flight)
		return;
	c->is_in_flight = 0;
	atomic_u64_sub(&c->account->files_in_flight, c->file_count);
	for (u32 n = 0; n < c->file_count; n++)
		count_down(c->files->slot[n]);
}

err_t unix_flight_copy(struct socket_control *c, struct socket_control **out borrowed)
{
	struct socket_control *copy object_auto(socket_control) = socket_control_create();
	if (!copy)
		return -ENOMEM;
	if (c->file_count) {
		const err_t err = socket_control_reserve(copy, c->file_count);
		if (err)
			return err;
	}
	copy->has_credentials = c->has_credentials;
	copy->pid = c->pid ? pid_get(c->pid) : NULL;
	copy->uid = c->uid;
	copy->gid = c->gid;
	{
		mutex_guard(&flight_lock);
		for (u32 n = 0; n < c->file_count; n++)
			copy->files->slot[n] = socket_control_file(c, n);
	}
	*out = take(copy);
	return OK;
}

// --- the collector ------------------------------------------------------------------------------------

enum collect_state { COLLECT_REACHED, COLLECT_CANDIDATE };
enum collect_step { COLLECT_SUBTRACT, COLLECT_RESTORE };

static void scan_control(struct socket_control *c, enum collect_step step, struct unix_collect_list *reached borrowed)
{
	for (u32 n = 0; n < c->file_count; n++) {
		struct unix_socket *u = endpoint_of(c->files->slot[n]);
		if (!u || u->collect_state != COLLECT_CANDIDATE)
			continue;
		if (step == COLLECT_SUBTRACT) {
			u->flight_left--;
			continue;
		}
		u->collect_state = COLLECT_REACHED;
		unix_collect_list_append(reached, u);
	}
}

static void scan_packets(struct unix_socket *const u, enum collect_step step,
	struct unix_collect_list *reached borrowed)
{
	spin_guard(&u->queue_lock);
	list_for_each(unix_packet_list, p, &u->packets) {
		struct socket_control *c = p->control;
		if (c && c->is_in_flight)
			scan_control(c, step, reached);
	}
}

// The nth connection that waits to be accepted.
static struct unix_socket *waiting_at(struct unix_socket *const u, u32 n) owned;
static struct unix_socket *waiting_at(struct unix_socket *const u, u32 n)
{
	spin_guard(&u->queue_lock);
	struct unix_socket *w = unix_backlog_first(&u->backlog);
	while (w && n--)
		w = unix_backlog_next(w);
	return w ? unix_socket_get(w) : NULL;
}

static void scan(struct unix_socket *u, enum collect_step step, struct unix_collect_list *reached borrowed)
{
	scan_packets(u, step, reached);
	for (u32 n = 0;; n++) {
		struct unix_socket *w object_auto(unix_socket) = waiting_at(u, n);
		if (!w)
			return;
		scan_packets(w, step, reached);
	}
}

static void find_garbage(struct unix_collect_list *garbage borrowed)
{
	struct unix_collect_list reached = {};
	mutex_guard(&flight_lock);
	list_for_each(unix_flight_list, u, &flights) {
		u->flight_left = u->flight_count;
		u->collect_state = object_references(&u->flight_file->object) == u->flight_count
			? COLLECT_CANDIDATE : COLLECT_REACHED;
	}
	list_for_each(unix_flight_list, candidate, &flights) {
		if (candidate->collect_state == COLLECT_CANDIDATE)
			scan(candidate, COLLECT_SUBTRACT, &reached);
	}
	list_for_each(unix_flight_list, held, &flights) {
		if (held->collect_state != COLLECT_CANDIDATE || !held->flight_left)
			continue;
		held->collect_state = COLLECT_REACHED;
		unix_collect_list_append(&reached, held);
	}
	for (struct unix_socket *r = unix_collect_list_pop(&reached); r; r = unix_collect_list_pop(&reached))
		scan(r, COLLECT_RESTORE, &reached);
	list_for_each(unix_flight_list, lost, &flights) {
		if (lost->collect_state == COLLECT_CANDIDATE)
			unix_collect_list_append(garbage, unix_socket_get(lost));
	}
}

static void collect(void)
{
	struct unix_collect_list garbage = {};
	find_garbage(&garbage);
	for (;;) {
		struct unix_socket *u object_auto(unix_socket) = unix_collect_list_pop(&garbage);
		if (!u)
			return;
		(void)unix_discard(u);
		unix_disconnect(u);
	}
}

// --- the work item ------------------------------------------------------------------------------------

static struct socket_control *pop_doomed(void) owned;
static struct socket_control *pop_doomed(void)
{
	spin_guard(&doomed_lock);
	return unix_doomed_list_pop(&doomed);
}

static void collector_run(struct work *w)
{
	if (atomic_u32_load(&flight_total))
		collect();
	for (;;) {
		struct socket_control *c object_auto(socket_control) = pop_doomed();
		if (!c)
			return;
	}
}

void unix_control_drop(struct socket_control *control consumes)
{
	struct socket_control *c object_auto(socket_control) = control;
	if (object_references(&c->object) != 1 || !has_endpoints(c))
		return;
	spin_guard(&doomed_lock);
	unix_doomed_list_append(&doomed, take(c));
	work_schedule(collector);
}

void unix_collect_soon(void)
{
	if (!atomic_u32_load(&flight_total))
		return;
	spin_guard(&doomed_lock);
	work_schedule(collector);
}

struct unix_collector {
	struct work base;
};
static exclusive_access void unix_collector_release(struct unix_collector *c)
{
}
DEFINE_DERIVED(unix_collector, work, unix_collector_release)

void unix_flight_init(void)
{
	struct unix_collector *c object_auto(unix_collector) = unix_collector_alloc();
	kernel_assert(c);
	c->base.run = collector_run;
	spin_guard(&doomed_lock);
	collector = &take(c)->base;
}
