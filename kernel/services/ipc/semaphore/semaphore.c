// SPDX-License-Identifier: MPL-2.0
// A set's operations run under its mutex, all or none; who cannot go on sleeps on the set and tries again after each
// change. What SEM_UNDO promises is kept per process (its threads share it, as CLONE_SYSVSEM has it): an object that
// hangs off the process and whose release undoes.
#include <core/list.h>
#include <core/time.h>
#include <services/ipc/semaphore/semaphore.h>
#include <services/process/thread.h>

struct semaphore {
	struct object object;
	s32 value;			// all under the set's lock
	u32 waiting_more, waiting_zero;
	struct pid *last;		// reference or NULL
};
static void semaphore_release(struct semaphore *s) exclusive_access
{
	if (s->last)
		pid_put(take(s->last));
}
DECLARE_OBJECT(semaphore)
DEFINE_OBJECT(semaphore, semaphore_release)
DEFINE_POINTER_TABLE(semaphore_slots, semaphore)

struct semaphore_undo {
	struct object object;
	struct list_link set_link;	// under the set's lock
	struct list_link list_link;	// under the list's lock
	struct semaphore_set *set;	// reference; immutable
	struct buf *adjust;		// owned; s16 for each semaphore, under the set's lock
};
DECLARE_OBJECT(semaphore_undo)
DEFINE_LIST(set_undo_list, semaphore_undo, set_link)
DEFINE_LIST(process_undo_list, semaphore_undo, list_link)

struct semaphore_set {
	struct ipc_object base;
	u32 count;				// immutable
	struct semaphore_slots *slots;		// owned, each with a reference; immutable
	struct wait_queue changed;
	struct mutex set_lock;
	u32 is_removed GUARDED_BY(set_lock);
	u64 operation_time_s GUARDED_BY(set_lock);
	struct set_undo_list undos GUARDED_BY(set_lock);	// no reference
};
static void semaphore_set_release(struct semaphore_set *s) exclusive_access
{
	for (u32 i = 0; s->slots && i < s->count; i++)
		if (s->slots->slot[i])
			semaphore_put(take(s->slots->slot[i]));
	semaphore_slots_free(take(s->slots));
}
DEFINE_DERIVED_SHARED(semaphore_set, ipc_object, semaphore_set_release)

static void set_value(struct semaphore_set *const s, u32 i, s32 value, struct pid *by)
{
	struct semaphore *one = s->slots->slot[i];
	struct pid *old object_auto(pid) = take(one->last);

	one->value = value;
	one->last = pid_get(by);
}

// --- undo -------------------------------------------------------------------------------------------

static void undo_unlink(struct semaphore_set *const s, struct semaphore_undo *u)
{
	mutex_guard(&s->set_lock);
	set_undo_list_remove(&s->undos, u);
}

static void semaphore_undo_release(struct semaphore_undo *u) exclusive_access
{
	if (u->set) {
		undo_unlink(u->set, u);
		semaphore_set_put(take(u->set));
	}
	buf_free(take(u->adjust));
}
DEFINE_OBJECT(semaphore_undo, semaphore_undo_release)

struct undo_list {
	struct object object;
	struct pid *owner;		// reference; immutable
	struct mutex lock;
	struct process_undo_list undos GUARDED_BY(lock);	// each with a reference
};
static s32 adjust_at(const struct semaphore_undo *u borrowed, u32 i)
{
	return (s16)bytes_get_u16le(buf_bytes(u->adjust), i * 2ul);
}

static void undo_apply(struct semaphore_set *const s, struct semaphore_undo *u, struct pid *owner)
{
	mutex_guard(&s->set_lock);
	if (s->is_removed)
		return;
	for (u32 i = 0; i < s->count; i++) {
		const s32 wanted = s->slots->slot[i]->value + adjust_at(u, i);

		if (adjust_at(u, i))
			set_value(s, i, max(0, min(wanted, SEMAPHORE_VALUE_MAX)), owner);
	}
	wait_queue_wake_all(&s->changed, ~0u);
}

static void undo_list_release(struct undo_list *l) exclusive_access
{
	for (;;) {
		struct semaphore_undo *u object_auto(semaphore_undo) = process_undo_list_pop(&l->undos);

		if (!u)
			break;
		undo_apply(u->set, u, l->owner);
	}
	pid_put(take(l->owner));
}
DECLARE_OBJECT(undo_list)
DEFINE_OBJECT(undo_list, undo_list_release)

static struct undo_list *undo_list_current(void) owned;
static struct undo_list *undo_list_current(void)
{
	struct process *const p = process_current();
	struct undo_list *made object_auto(undo_list) = undo_list_alloc();

	if (!made)
		return NULL;
	mutex_init(&made->lock, RANK_NAMESPACE);
	made->owner = pid_get(p->pid);
	spin_guard(&p->lock);
	if (!p->semaphore_undo)
		p->semaphore_undo = object_get(&made->object);
	return undo_list_get(undo_list_from_object(p->semaphore_undo));
}

static void undo_link(struct semaphore_set *const s, struct semaphore_undo *u)
{
	mutex_guard(&s->set_lock);
	set_undo_list_append(&s->undos, u);
}

static struct semaphore_undo *undo_of(struct undo_list *const l, struct semaphore_set *s) owned;
static struct semaphore_undo *undo_of(struct undo_list *const l, struct semaphore_set *s)
{
	mutex_guard(&l->lock);
	list_for_each(process_undo_list, known, &l->undos)
		if (known->set == s)
			return semaphore_undo_get(known);
	struct semaphore_undo *u object_auto(semaphore_undo) = semaphore_undo_alloc();

	if (!u)
		return NULL;
	u->adjust = buf_alloc(s->count * 2ul);
	if (!u->adjust)
		return NULL;
	u->set = semaphore_set_get(s);
	undo_link(s, u);
	struct semaphore_undo *kept object_auto(semaphore_undo) = semaphore_undo_get(u);

	process_undo_list_append(&l->undos, take(kept));
	return take(u);
}

// --- operations -------------------------------------------------------------------------------------

struct stack_only operation_request {
	bytes_t operations;
	struct semaphore_undo *undo;
	struct semaphore *blocked_on;	// counted as waiting there
	u32 waits_zero;
	err_t result;
};

static u32 op_number(bytes_t ops, u32 i) { return bytes_get_u16le(ops, i * SEMAPHORE_OPERATION_SIZE); }
static s32 op_change(bytes_t ops, u32 i) { return (s16)bytes_get_u16le(ops, i * SEMAPHORE_OPERATION_SIZE + 2ul); }
static u32 op_flags(bytes_t ops, u32 i) { return bytes_get_u16le(ops, i * SEMAPHORE_OPERATION_SIZE + 4ul); }
static u32 op_count(bytes_t ops) { return (u32)(bytes_len(ops) / SEMAPHORE_OPERATION_SIZE); }

static err_t operation_try(struct semaphore *one, s32 change)
{
	if (change ? one->value + change < 0 : one->value != 0)
		return -EAGAIN;
	if (one->value + change > SEMAPHORE_VALUE_MAX)
		return -ERANGE;
	one->value += change;
	return OK;
}

static err_t undo_check(const struct operation_request *r borrowed, u32 i)
{
	const s32 wanted = op_flags(r->operations, i) & SEMAPHORE_UNDO
				   ? adjust_at(r->undo, op_number(r->operations, i)) - op_change(r->operations, i) : 0;

	return wanted < -SEMAPHORE_VALUE_MAX - 1 || wanted > SEMAPHORE_VALUE_MAX ? -ERANGE : OK;
}

static void operations_commit(struct semaphore_set *s, const struct operation_request *r borrowed) REQUIRES(s->set_lock)
{
	struct pid *by = process_current()->pid;

	for (u32 i = 0; i < op_count(r->operations); i++) {
		const u32 n = op_number(r->operations, i);

		set_value(s, n, s->slots->slot[n]->value, by);
		if (op_flags(r->operations, i) & SEMAPHORE_UNDO)
			span_put_u16le(buf_span(r->undo->adjust), n * 2ul,
				(u16)(adjust_at(r->undo, n) - op_change(r->operations, i)));
	}
	s->operation_time_s = clock_realtime_ns() / NS_PER_SECOND;
	wait_queue_wake_all(&s->changed, ~0u);
}

static void stop_counting(struct operation_request *r borrowed)
{
	if (!r->blocked_on)
		return;
	if (r->waits_zero)
		r->blocked_on->waiting_zero--;
	else
		r->blocked_on->waiting_more--;
	r->blocked_on = NULL;
}

// True when there is nothing to wait for: done, or an error.
static bool operations_finished(struct semaphore_set *s, struct operation_request *r borrowed) REQUIRES(s->set_lock)
{
	const bytes_t ops = r->operations;
	u32 i = 0;

	stop_counting(r);
	r->result = s->is_removed ? -EIDRM : OK;
	for (; !r->result && i < op_count(ops); i++) {
		r->result = undo_check(r, i);
		if (!r->result)
			r->result = operation_try(s->slots->slot[op_number(ops, i)], op_change(ops, i));
		if (r->result)
			break;
	}
	if (!r->result) {
		operations_commit(s, r);
		return true;
	}
	for (u32 done = 0; done < i; done++)
		s->slots->slot[op_number(ops, done)]->value -= op_change(ops, done);
	if (r->result != -EAGAIN || op_flags(ops, i) & SEMAPHORE_NO_WAIT)
		return true;
	r->blocked_on = s->slots->slot[op_number(ops, i)];
	r->waits_zero = !op_change(ops, i);
	if (r->waits_zero)
		r->blocked_on->waiting_zero++;
	else
		r->blocked_on->waiting_more++;
	return false;
}

static err_t operations_run(
	struct semaphore_set *const s, bytes_t operations, struct semaphore_undo *undo, u64 deadline_ns)
{
	struct operation_request r = { .operations = operations, .undo = undo };

	mutex_guard(&s->set_lock);
	err_t e = wait_event_mutex(
		&s->changed, &s->set_lock, WAIT_INTERRUPTIBLE, deadline_ns, operations_finished(s, &r));

	stop_counting(&r);
	// semop(2) is never restarted.
	return e == -ETIMEDOUT ? -EAGAIN : e ? -EINTR : r.result;
}

err_t semaphore_operate(struct semaphore_set *s, bytes_t operations, u64 deadline_ns)
{
	u32 wanted = 0222, any_undo = 0, changes = 0;

	for (u32 i = 0; i < op_count(operations); i++) {
		if (op_number(operations, i) >= s->count)
			return -EFBIG;
		changes |= op_change(operations, i) != 0;
		any_undo |= op_flags(operations, i) & SEMAPHORE_UNDO;
	}
	if (!changes)
		wanted = 0444;
	err_t e = ipc_permission(&s->base, wanted, thread_cred());

	if (e)
		return e;
	if (!any_undo)
		return operations_run(s, operations, NULL, deadline_ns);
	struct undo_list *l object_auto(undo_list) = undo_list_current();
	struct semaphore_undo *u object_auto(semaphore_undo) = l ? undo_of(l, s) : NULL;

	return u ? operations_run(s, operations, u, deadline_ns) : -ENOMEM;
}

// --- sets -------------------------------------------------------------------------------------------

static struct semaphore_set *set_create(s32 key, u32 count, u32 mode) owned;
static exclusive_access struct semaphore_set *set_create(s32 key, u32 count, u32 mode)
{
	struct semaphore_set *s object_auto(semaphore_set) = semaphore_set_alloc();

	if (!s)
		return NULL;
	ipc_object_init(&s->base, key, mode, thread_cred());
	mutex_init(&s->set_lock, RANK_SLEEPING_LEAF);
	wait_queue_init(&s->changed);
	s->slots = semaphore_slots_alloc(count);
	if (!s->slots)
		return NULL;
	s->count = count;
	for (u32 i = 0; i < count; i++) {
		s->slots->slot[i] = semaphore_alloc();
		if (!s->slots->slot[i])
			return NULL;
	}
	return take(s);
}

static err_t set_add(struct ipc_tables *t, struct ipc_table *table, s32 key, s32 count, u32 flags, s32 *id borrowed)
	REQUIRES(table->lock)
{
	if (count <= 0 || count > (s32)ipc_setting(t, IPC_SEMMSL))
		return -EINVAL;
	if (atomic_u64_load(&t->semaphores) + (u64)count > ipc_setting(t, IPC_SEMMNS))
		return -ENOSPC;
	struct semaphore_set *s object_auto(semaphore_set) = set_create(key, (u32)count, flags);
	err_t e = s ? ipc_table_add(table, &s->base, (u32)ipc_setting(t, IPC_SEMMNI)) : -ENOMEM;

	if (e)
		return e;
	atomic_u64_add(&t->semaphores, (u64)count);
	*id = s->base.id;
	return OK;
}

err_t semaphore_open(struct ipc_tables *t, s32 key, s32 count, u32 flags, s32 *id borrowed)
{
	struct ipc_table *const table = array_ptr(t->table, IPC_SEMAPHORES);

	if (count < 0 || count > (s32)ipc_setting(t, IPC_SEMMSL))
		return -EINVAL;
	mutex_guard(&table->lock);
	struct ipc_object *o object_auto(ipc_object) = key == IPC_KEY_PRIVATE ? NULL : ipc_table_find_key(table, key);

	if (!o && key != IPC_KEY_PRIVATE && !(flags & IPC_CREATE))
		return -ENOENT;
	if (!o)
		return set_add(t, table, key, count, flags, id);
	if ((flags & (IPC_CREATE | IPC_EXCLUSIVE)) == (IPC_CREATE | IPC_EXCLUSIVE))
		return -EEXIST;
	if ((u32)count > semaphore_set_from_ipc_object(o)->count)
		return -EINVAL;
	*id = o->id;
	return ipc_permission(o, flags, thread_cred());
}

struct semaphore_set *semaphore_find(struct ipc_tables *t, s32 number, enum ipc_name name)
{
	struct ipc_object *o object_auto(ipc_object) =
		ipc_table_find(array_ptr(t->table, IPC_SEMAPHORES), number, name);

	return o ? semaphore_set_get(semaphore_set_from_ipc_object(o)) : NULL;
}

struct ipc_object *semaphore_base(struct semaphore_set *s)
{
	return &s->base;
}

u32 semaphore_count(const struct semaphore_set *s borrowed)
{
	return s->count;
}

static void set_mark_removed(struct semaphore_set *const s)
{
	mutex_guard(&s->set_lock);
	s->is_removed = 1;
	wait_queue_wake_all(&s->changed, ~0u);
}

void semaphore_remove(struct ipc_tables *t, struct semaphore_set *s)
{
	struct ipc_table *const table = array_ptr(t->table, IPC_SEMAPHORES);

	mutex_guard(&table->lock);
	if (!ipc_table_has(table, &s->base))
		return;
	ipc_table_remove(table, &s->base);
	atomic_u64_sub(&t->semaphores, s->count);
	set_mark_removed(s);
}

err_t semaphore_state(struct semaphore_set *const s, u32 number, struct semaphore_state *out borrowed)
{
	mutex_guard(&s->set_lock);
	const struct semaphore *one = s->slots->slot[number];

	out->value = (u32)one->value;
	out->last_pid = one->last ? pid_number_in(one->last, thread_pid_namespace()) : 0;
	out->waiting_more = one->waiting_more;
	out->waiting_zero = one->waiting_zero;
	return s->is_removed ? -EIDRM : OK;
}

static void touch(struct ipc_object *const o)
{
	spin_guard(&o->lock);
	o->change_time_s = clock_realtime_ns() / NS_PER_SECOND;
}

err_t semaphore_set_values(struct semaphore_set *const s, u32 first, bytes_t values)
{
	const u32 count = (u32)(bytes_len(values) / 2);

	for (u32 i = 0; i < count; i++)
		if (bytes_get_u16le(values, i * 2ul) > SEMAPHORE_VALUE_MAX)
			return -ERANGE;
	mutex_guard(&s->set_lock);
	if (s->is_removed)
		return -EIDRM;
	for (u32 i = 0; i < count; i++) {
		set_value(s, first + i, bytes_get_u16le(values, i * 2ul), process_current()->pid);
		list_for_each(set_undo_list, u, &s->undos)
			span_put_u16le(buf_span(u->adjust), (first + i) * 2ul, 0);
	}
	touch(&s->base);
	wait_queue_wake_all(&s->changed, ~0u);
	return OK;
}

u64 semaphore_operation_time_s(struct semaphore_set *const s)
{
	mutex_guard(&s->set_lock);
	return s->operation_time_s;
}
