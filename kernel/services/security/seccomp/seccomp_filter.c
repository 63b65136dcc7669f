// SPDX-License-Identifier: MPL-2.0
// Filters and who has them. A thread's newest filter leads to all earlier ones; forks share them. Assigning happens
// under the process's signal_lock. A thread's filter is only ever replaced by one that leads to it, so what a thread
// looks at while another thread synchronises it stays alive.
#include <services/security/seccomp/seccomp_internal.h>

// The chain may be long: released one by one, not by recursion.
static exclusive_access void seccomp_filter_release(struct seccomp_filter *f)
{
	struct seccomp_filter *at = take(f->previous);

	buf_free(take(f->program));
	if (f->listener) {
		seccomp_listener_orphan(f->listener);
		seccomp_listener_put(take(f->listener));
	}
	while (at && object_references(&at->object) == 1) {
		struct seccomp_filter *next = take(at->previous);

		seccomp_filter_put(take(at));
		at = next;
	}
	if (at)
		seccomp_filter_put(take(at));
}
DEFINE_OBJECT(seccomp_filter, seccomp_filter_release)

struct seccomp_filter *seccomp_filter_of(struct thread *t)
{
	return t->seccomp ? seccomp_filter_from_object(t->seccomp) : NULL;
}

err_t seccomp_check_flags(u32 flags)
{
	if (flags & ~63u)
		return -EINVAL;
	if ((flags & SECCOMP_TSYNC) && (flags & SECCOMP_NEW_LISTENER) && !(flags & SECCOMP_TSYNC_ESRCH))
		return -EINVAL;
	return (flags & SECCOMP_WAIT_KILLABLE) && !(flags & SECCOMP_NEW_LISTENER) ? -EINVAL : OK;
}

err_t seccomp_may_restrict(void)
{
	return thread_has_no_new_privileges(thread_current()) || thread_capable(CAP_SYS_ADMIN) ? OK : -EACCES;
}

err_t seccomp_set_strict(void)
{
	struct thread *t = thread_current();
	irq_guard(&t->process->signal_lock);
	if (t->seccomp_mode != SECCOMP_NONE && t->seccomp_mode != SECCOMP_STRICT)
		return -EINVAL;
	t->seccomp_mode = SECCOMP_STRICT;
	atomic_u32_or(&t->call_work, THREAD_CALL_SECCOMP);
	return OK;
}

// --- adding -------------------------------------------------------------------------------------------

// Which calls need no run at all: those that `f` and all before it allow whatever their arguments.
exclusive_access static void filter_find_allowed(struct seccomp_filter *f)
{
	for (u32 n = 0; n < SECCOMP_ALLOW_WORDS * 64; n++) {
		const u64 bit = 1ul << (n & 63);

		if (f->previous && !(f->previous->allow[n / 64] & bit))
			continue;
		if (seccomp_always_allows(buf_bytes(f->program), n))
			f->allow[n / 64] |= bit;
	}
}

static bool has_listener(struct seccomp_filter *f)
{
	for (; f; f = f->previous) {
		if (f->listener)
			return true;
	}
	return false;
}

// `f` as the next one after the current thread's. The chain of the thread changes only by itself, or by another thread
// between here and seccomp_assign(), which then notices.
exclusive_access static err_t filter_link(struct seccomp_filter *f, struct seccomp_filter *previous consumes)
{
	const u32 own = (u32)(buf_len(f->program) / SECCOMP_INSTRUCTION_SIZE) + 4;

	f->previous = previous;
	f->cost = own + (previous ? previous->cost : 0);
	f->depth = 1 + (previous ? previous->depth : 0);
	if (f->cost - 4 > SECCOMP_PATH_MAX)
		return -ENOMEM;
	if ((f->flags & SECCOMP_NEW_LISTENER) && has_listener(previous))
		return -EBUSY;
	filter_find_allowed(f);
	return OK;
}

static struct seccomp_filter *newest_filter(struct thread *t) owned;
static struct seccomp_filter *newest_filter(struct thread *t)
{
	irq_guard(&t->process->signal_lock);
	struct seccomp_filter *f = seccomp_filter_of(t);
	return f ? seccomp_filter_get(f) : NULL;
}

static bool leads_to(struct seccomp_filter *f, struct seccomp_filter *ancestor)
{
	while (f && f != ancestor)
		f = f->previous;
	return f || !ancestor;
}

// A thread of the process that cannot get the current thread's filters; NULL: all can.
static struct thread *find_unsyncable(struct process *p, struct thread *self) REQUIRES(p->signal_lock)
{
	list_for_each(thread_list, other, &p->threads) {
		if (other == self || other->seccomp_mode == SECCOMP_NONE)
			continue;
		if (other->seccomp_mode != SECCOMP_FILTER ||
			!leads_to(seccomp_filter_of(self), seccomp_filter_of(other)))
			return other;
	}
	return NULL;
}

// What t had is kept alive by f, which leads to it.
static void give_filter(struct thread *t, struct seccomp_filter *f)
{
	struct object *old object_ref_auto = take(t->seccomp);

	t->seccomp = object_get(&f->object);
	t->seccomp_mode = SECCOMP_FILTER;
	atomic_u32_or(&t->call_work, THREAD_CALL_SECCOMP);
}

static void synchronise(struct process *p, struct thread *self, struct seccomp_filter *f) REQUIRES(p->signal_lock)
{
	list_for_each(thread_list, other, &p->threads) {
		if (other == self)
			continue;
		if (thread_has_no_new_privileges(self))
			atomic_u32_store(&other->no_new_privileges, 1);
		give_filter(other, f);
	}
}

// -EAGAIN: the thread's filters have changed meanwhile.
static err_t seccomp_assign(struct seccomp_filter *f, u32 flags, u32 *unsynced borrowed)
{
	struct thread *self = thread_current();
	struct process *p = self->process;
	irq_guard(&p->signal_lock);
	if (self->seccomp_mode != SECCOMP_NONE && self->seccomp_mode != SECCOMP_FILTER)
		return -EINVAL;
	if (seccomp_filter_of(self) != f->previous)
		return -EAGAIN;
	struct thread *in_the_way = flags & SECCOMP_TSYNC ? find_unsyncable(p, self) : NULL;
	if (in_the_way && (flags & SECCOMP_TSYNC_ESRCH))
		return -ESRCH;
	if (in_the_way) {
		*unsynced = thread_number(in_the_way);
		return OK;
	}
	give_filter(self, f);
	if (flags & SECCOMP_TSYNC)
		synchronise(p, self, f);
	return OK;
}

exclusive_access static err_t filter_fill(struct seccomp_filter *f, bytes_t program, u32 flags)
{
	f->flags = flags;
	f->program = buf_from(program);
	if (!f->program)
		return -ENOMEM;
	struct seccomp_filter *previous object_auto(seccomp_filter) = newest_filter(thread_current());
	return filter_link(f, take(previous));
}

exclusive_access static err_t filter_listen(struct seccomp_filter *f, struct file **listener borrowed)
{
	return f->flags & SECCOMP_NEW_LISTENER ? seccomp_listener_create(listener, &f->listener) : OK;
}

err_t seccomp_add_filter(bytes_t program, u32 flags, u32 *unsynced borrowed, struct file **listener borrowed)
{
	err_t e = seccomp_check(program);
	if (e)
		return e;
	for (;;) {
		struct seccomp_filter *f object_auto(seccomp_filter) = seccomp_filter_alloc();
		struct file *file object_auto(file) = NULL;
		if (!f)
			return -ENOMEM;
		e = filter_fill(f, program, flags);
		if (!e)
			e = filter_listen(f, &file);
		if (!e)
			e = seccomp_assign(f, flags, unsynced);
		if (e == (err_t)-EAGAIN)
			continue;
		if (!e && !*unsynced)
			*listener = take(file);
		return e;
	}
}

u32 seccomp_filter_count(struct thread *t)
{
	irq_guard(&t->process->signal_lock);
	const struct seccomp_filter *f = seccomp_filter_of(t);
	return f ? f->depth : 0;
}
