// SPDX-License-Identifier: MPL-2.0
// The owner of a file: who is told, by what signal, and whether who named it may do so. source: fcntl(2), sigaction(2)
#include <services/cred/user_namespace.h>
#include <services/process/process_signal.h>
#include <services/process/signal/async_internal.h>

// --- naming -------------------------------------------------------------------------------------------

static struct pid *pid_replace(struct file_async *const a, struct pid *pid, const struct file_owner *o borrowed,
	enum file_owner_choice choice) owned;
// What has to be put is handed out: not under the lock.
static struct pid *pid_replace(struct file_async *const a, struct pid *pid, const struct file_owner *o borrowed,
	enum file_owner_choice choice)
{
	spin_guard(&a->lock);
	if (a->pid && choice == FILE_OWNER_UNLESS_SET)
		return NULL;
	struct pid *old object_auto(pid) = take(a->pid);
	a->owner.kind = o->kind;
	if (pid) {
		a->pid = pid_get(pid);
		a->owner.uid = o->uid;
		a->owner.euid = o->euid;
	}
	return take(old);
}

err_t file_owner_set(struct file *f, struct pid *pid, enum file_owner_kind kind, enum file_owner_choice choice)
{
	const struct file_owner o = { .kind = kind, .uid = thread_cred()->uid, .euid = thread_cred()->euid };
	struct file_async *a object_auto(file_async) = file_async_of(f);
	if (!a)
		return -ENOMEM;
	struct pid *old object_auto(pid) = pid_replace(a, pid, &o, choice);
	// Urgent data is told to an owner even if nothing else is.
	return f->ops->async_events & FILE_ASYNC_URGENT ? file_async_join(a, f) : OK;
}

static struct pid *owner_copy(struct file_async *const a, struct file_owner *out borrowed) owned;
static struct pid *owner_copy(struct file_async *const a, struct file_owner *out borrowed)
{
	spin_guard(&a->lock);
	*out = a->owner;
	return a->pid ? pid_get(a->pid) : NULL;
}

static bool names_somebody(struct pid *pid, enum file_owner_kind kind)
{
	if (kind == FILE_OWNER_THREAD) {
		struct thread *t object_auto(thread) = pid_thread(pid);
		return t;
	}
	if (kind == FILE_OWNER_GROUP) {
		struct process_group *g object_auto(process_group) = pid_group(pid);
		return g;
	}
	struct process *p object_auto(process) = pid_process(pid);
	return p;
}

static struct file_async *async_find(struct file *const f) owned;
static struct file_async *async_find(struct file *const f)
{
	spin_guard(&f->lock);
	return f->async ? file_async_get(f->async) : NULL;
}

struct pid *file_owner_read(struct file *f, struct file_owner *out borrowed)
{
	struct file_async *a object_auto(file_async) = async_find(f);
	*out = (struct file_owner){};
	if (!a)
		return NULL;
	struct pid *pid object_auto(pid) = owner_copy(a, out);
	return pid && names_somebody(pid, out->kind) ? take(pid) : NULL;
}

static void set_signal(struct file_async *const a, u32 signal)
{
	spin_guard(&a->lock);
	a->owner.signal = signal;
}

err_t file_owner_set_signal(struct file *f, u64 signal)
{
	if (signal > SIGNAL_MAX)
		return -EINVAL;
	struct file_async *a object_auto(file_async) = file_async_of(f);
	if (!a)
		return -ENOMEM;
	set_signal(a, (u32)signal);
	return OK;
}

// --- telling ------------------------------------------------------------------------------------------

#define BAND_IN (POLL_IN | POLL_READ_NORMAL)
#define BAND_OUT (POLL_OUT | POLL_WRITE_NORMAL | POLL_WRITE_BAND)

// Those whose codes mean something else: the code says then where it comes from.
#define WITH_OWN_CODES \
	(signal_bit(SIGILL) | signal_bit(SIGTRAP) | signal_bit(SIGFPE) | signal_bit(SIGSEGV) | signal_bit(SIGBUS) | \
	 signal_bit(SIGCHLD) | signal_bit(SIGSYS))

static u64 band_of(enum async_reason reason)
{
	switch (reason) {
	case ASYNC_IN:
		return BAND_IN;
	case ASYNC_OUT:
		return BAND_OUT;
	case ASYNC_ERROR:
		return POLL_ERROR;
	default:
		return POLL_HANGUP | POLL_ERROR;
	}
}

struct async_message {
	struct file_owner owner;
	struct signal_info info;
	u32 has_substitute;	// what cannot be queued becomes a plain SIGIO
};

static struct signal_info info_of(const struct file_owner *o borrowed, enum async_reason reason, u32 fd)
{
	if (reason == ASYNC_URGENT)
		return signal_info_kernel(SIGURG);
	if (!o->signal)
		return signal_info_kernel(SIGIO);
	return (struct signal_info){
		.signal = (s32)o->signal,
		.code = signal_bit(o->signal) & WITH_OWN_CODES ? (s32)SI_SIGIO : (s32)reason,
		.kind = SIGNAL_INFO_POLL,
		.band = band_of(reason),
		.band_fd = fd,
	};
}

static bool may_tell(const struct file_owner *o borrowed, const struct cred *to borrowed)
{
	return o->euid == 0 || o->euid == to->suid || o->euid == to->uid || o->uid == to->suid || o->uid == to->uid;
}

static void tell_process(struct process *p, const struct async_message *m borrowed)
{
	struct cred *c object_auto(cred) = process_cred(p);
	if (!c || !may_tell(&m->owner, c))
		return;
	err_t err = signal_send_process(p, &m->info);
	if (err && m->has_substitute) {
		const struct signal_info plain = signal_info_kernel(SIGIO);
		err = signal_send_process(p, &plain);
	}
	(void)err; // a standard signal is never refused
}

static void tell_thread(struct thread *t, const struct async_message *m borrowed)
{
	struct cred *c object_auto(cred) = thread_cred_of(t);
	if (!c || !may_tell(&m->owner, c))
		return;
	err_t err = signal_send_thread(t, &m->info);
	if (err && m->has_substitute) {
		const struct signal_info plain = signal_info_kernel(SIGIO);
		err = signal_send_thread(t, &plain);
	}
	(void)err; // likewise
}

// Permission is not checked under the tree's lock: members are taken from the group together, so that a signal costs
// what the group has of them, not what the machine has. Of a group with more they are visited by number, as by kill(2).
#define GROUP_AT_ONCE 64u
struct stack_only group_members {
	struct process *member[GROUP_AT_ONCE];	// references of the first `count`
	u32 count;
};
static void group_members_end(struct group_members *g borrowed)
{
	while (g->count) {
		g->count--;
		process_put(take(g->member[g->count]));
	}
}

// False: there are more.
static bool group_members_take(struct process_group *g, struct group_members *out borrowed)
{
	spin_guard(&process_tree_lock);
	if (group_member_list_count(&g->members) > GROUP_AT_ONCE)
		return false;
	list_for_each(group_member_list, p, &g->members) {
		struct process *living object_auto(process) = process_try_get(p);
		if (living)
			out->member[out->count++] = take(living);
	}
	return true;
}

static no_inline bool tell_small_group(struct process_group *g, const struct async_message *m borrowed)
{
	struct group_members all auto_release(group_members_end) = {};
	if (!group_members_take(g, &all))
		return false;
	for (u32 n = 0; n < all.count; n++)
		tell_process(all.member[n], m);
	return true;
}

static void tell_group(struct process_group *g, const struct async_message *m borrowed)
{
	if (tell_small_group(g, m))
		return;
	for (u32 number = 1;; number++) {
		struct pid *pid object_auto(pid) = pid_next(pid_namespace_initial(), &number);
		if (!pid)
			return;
		struct process *p object_auto(process) = pid_process(pid);
		struct process_group *of object_auto(process_group) = p ? process_group_of(p) : NULL;
		if (of == g)
			tell_process(p, m);
	}
}

static void tell_one(struct pid *pid, const struct async_message *m borrowed)
{
	if (m->owner.kind == FILE_OWNER_THREAD) {
		struct thread *t object_auto(thread) = pid_thread(pid);
		if (t)
			tell_thread(t, m);
	} else if (m->owner.kind == FILE_OWNER_GROUP) {
		struct process_group *g object_auto(process_group) = pid_group(pid);
		if (g)
			tell_group(g, m);
	} else {
		struct process *p object_auto(process) = pid_process(pid);
		if (p)
			tell_process(p, m);
	}
}

void file_async_tell(struct file_async *a, u32 reasons)
{
	struct async_message m = {};
	struct pid *pid object_auto(pid) = owner_copy(a, &m.owner);
	if (!pid)
		return;
	for (u32 left = reasons; left; left &= left - 1) {
		const enum async_reason reason = (enum async_reason)__builtin_ctz(left);
		m.info = info_of(&m.owner, reason, atomic_u32_load(&a->fd));
		m.has_substitute = m.info.kind == SIGNAL_INFO_POLL;
		tell_one(pid, &m);
	}
}
