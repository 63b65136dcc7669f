// SPDX-License-Identifier: MPL-2.0
// Pids and pid namespaces. One lock (RANK_PID) guards the number tables of all namespaces and what each
// pid names. The tables hold no reference: a pid takes itself out when it is released, and look-ups pass
// by those that are on their way out.
#include <services/cred/user_namespace.h>
#include <services/process/process_tree.h>
#include <services/process/thread.h>

struct pid {
	struct object object;
	struct pid_namespace *namespace;	// reference; the deepest; immutable
	u32 level;				// immutable
	u32 number[PID_LEVELS_MAX];		// by level; immutable
	// What it names; guarded by pid_lock; no reference.
	struct thread *thread;
	struct process *process;
	struct process_group *group;
	struct session *session;
	struct wait_queue exit_event;
	struct atomic_u32 is_cached;		// names of it are cached somewhere
};
DEFINE_INDEX(pid_index, pid)

struct pid_namespace {
	struct namespace base;
	struct pid_namespace *parent;	// reference; NULL for the initial one; immutable
	u32 level;			// immutable
	// Guarded by pid_lock.
	struct pid_index numbers;
	u32 last;			// given out last
	u32 count;			// processes, zombies included
	u32 is_closed;			// its init has exited: no more numbers
	struct process *init;		// no reference
	struct wait_queue event;
};

static struct spinlock pid_lock = SPINLOCK_INIT(RANK_PID);

static void pid_namespace_release(struct pid_namespace *ns) exclusive_access
{
	pid_index_clear(&ns->numbers);
	if (ns->parent)
		pid_namespace_put(take(ns->parent));
	namespace_fini(&ns->base);
}
DEFINE_DERIVED_SHARED(pid_namespace, namespace, pid_namespace_release)

static void numbers_free(struct pid *p) REQUIRES(pid_lock)
{
	struct pid_namespace *ns = p->namespace;
	for (u32 level = p->level;; level--, ns = ns->parent) {
		if (p->number[level])
			pid_index_remove(&ns->numbers, p->number[level]);
		if (!level)
			break;
	}
}

static void pid_release(struct pid *p) exclusive_access
{
	if (!p->namespace)
		return;
	{
		spin_guard(&pid_lock);
		numbers_free(p);
	}
	pid_namespace_put(take(p->namespace));
}
DEFINE_OBJECT(pid, pid_release)

// --- namespaces -----------------------------------------------------------------------------

static struct spinlock initial_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct pid_namespace *initial GUARDED_BY(initial_lock);

struct pid_namespace *pid_namespace_initial(void)
{
	spin_guard(&initial_lock);
	return initial;
}

struct pid_namespace *pid_namespace_from(struct namespace *n)
{
	return pid_namespace_from_namespace(n);
}

struct namespace *pid_namespace_base(struct pid_namespace *ns)
{
	return &ns->base;
}

err_t pid_init(void)
{
	struct pid_namespace *ns object_auto(pid_namespace) = pid_namespace_alloc();
	if (!ns)
		return -ENOMEM;
	namespace_init(&ns->base, NAMESPACE_PID, user_namespace_initial());
	wait_queue_init(&ns->event);
	spin_guard(&initial_lock);
	initial = take(ns);
	return OK;
}

err_t pid_namespace_create(
	struct pid_namespace *parent, struct user_namespace *owner, struct pid_namespace **out borrowed)
{
	if (parent->level + 1 >= PID_LEVELS_MAX)
		return -ENOSPC;
	struct pid_namespace *ns object_auto(pid_namespace) = pid_namespace_alloc();
	if (!ns)
		return -ENOMEM;
	namespace_init(&ns->base, NAMESPACE_PID, owner);
	wait_queue_init(&ns->event);
	ns->parent = pid_namespace_get(parent);
	ns->level = parent->level + 1;
	*out = take(ns);
	return OK;
}

struct pid_namespace *pid_namespace_parent(const struct pid_namespace *ns borrowed)
{
	return ns->parent;
}

u32 pid_namespace_level(const struct pid_namespace *ns borrowed)
{
	return ns->level;
}

bool pid_namespace_is_ancestor(const struct pid_namespace *ancestor borrowed, const struct pid_namespace *ns borrowed)
{
	if (ns == ancestor)
		return true;
	for (const struct pid_namespace *at = ns->parent; at; at = at->parent)
		if (at == ancestor)
			return true;
	return false;
}

struct process *pid_namespace_init_process(struct pid_namespace *ns)
{
	spin_guard(&pid_lock);
	return process_try_get(ns->init);
}

void pid_namespace_set_init(struct pid_namespace *ns, struct process *init)
{
	spin_guard(&pid_lock);
	ns->init = init;
}

void pid_namespace_close(struct pid_namespace *ns)
{
	spin_guard(&pid_lock);
	ns->is_closed = 1;
}

u32 pid_namespace_count(struct pid_namespace *ns)
{
	spin_guard(&pid_lock);
	return ns->count;
}

struct wait_queue *pid_namespace_event(struct pid_namespace *ns)
{
	return &ns->event;
}

u32 pid_namespace_last(struct pid_namespace *ns)
{
	spin_guard(&pid_lock);
	return ns->last;
}

void pid_namespace_set_last(struct pid_namespace *ns, u32 number)
{
	spin_guard(&pid_lock);
	ns->last = number;
}

// Who is born first has the number 1 until the namespace is closed.
static bool is_begun(struct pid_namespace *ns) REQUIRES(pid_lock)
{
	return ns->is_closed || pid_index_at(&ns->numbers, 1);
}

bool pid_namespace_is_begun(struct pid_namespace *ns)
{
	spin_guard(&pid_lock);
	return is_begun(ns);
}

// --- numbers --------------------------------------------------------------------------------

#define RESERVED 300u	// numbers that the cycle leaves out after its first round

static u32 number_find_free(struct pid_namespace *ns) REQUIRES(pid_lock)
{
	u32 first = ns->last + 1;
	for (u32 round = 0; round < 2; round++) {
		for (u32 n = first; n < PID_MAX; n++)
			if (!pid_index_at(&ns->numbers, n))
				return n;
		first = RESERVED;
	}
	return 0;
}

// `wanted` 0: any. Stores it in p, for its level.
static err_t number_take(struct pid_namespace *ns, struct pid *p, u32 wanted) REQUIRES(pid_lock)
{
	if (ns->is_closed)
		return -ENOMEM;
	if (wanted > 1 && !is_begun(ns))
		return -EINVAL;
	if (wanted && pid_index_at(&ns->numbers, wanted))
		return -EEXIST;
	u32 number = wanted ? wanted : number_find_free(ns);
	if (!number)
		return -EAGAIN;
	if (pid_index_set(&ns->numbers, number, p))
		return -ENOMEM;
	p->number[ns->level] = number;
	if (!wanted)
		ns->last = number;
	return OK;
}

err_t pid_create(struct pid_namespace *ns, const struct pid_wanted *wanted borrowed, struct pid **out borrowed)
{
	u32 wanted_count = 0;
	if (wanted)
		wanted_count = wanted->count;
	if (wanted_count > ns->level + 1)
		return -EINVAL;
	for (u32 i = 0; i < wanted_count; i++)
		if (!wanted->number[i] || wanted->number[i] >= PID_MAX)
			return -EINVAL;
	struct pid *p object_auto(pid) = pid_alloc();
	if (!p)
		return -ENOMEM;
	wait_queue_init(&p->exit_event);
	p->namespace = pid_namespace_get(ns);
	p->level = ns->level;
	{
		spin_guard(&pid_lock);
		u32 depth = 0;
		for (struct pid_namespace *at = ns; at; at = at->parent, depth++) {
			err_t err = number_take(at, p, depth < wanted_count ? wanted->number[depth] : 0);
			if (err)
				return err;
		}
	}
	*out = take(p);
	return OK;
}

u32 pid_number_in(const struct pid *p borrowed, const struct pid_namespace *ns borrowed)
{
	if (ns->level > p->level)
		return 0;
	const struct pid_namespace *at = p->namespace;
	for (u32 level = p->level; level > ns->level; level--)
		at = at->parent;
	return at == ns ? p->number[ns->level] : 0;
}

u32 pid_number_global(const struct pid *p borrowed)
{
	return p->number[0];
}

u32 pid_number_seen(u32 global, const struct pid_namespace *ns borrowed)
{
	struct pid *p object_auto(pid) = global ? pid_find(pid_namespace_initial(), global) : NULL;
	return p ? pid_number_in(p, ns) : 0;
}

u32 pid_number_own(const struct pid *p borrowed)
{
	return p->number[p->level];
}

u32 pid_level(const struct pid *p borrowed)
{
	return p->level;
}

u32 pid_number_at(const struct pid *p borrowed, u32 level)
{
	return level <= p->level ? p->number[level] : 0;
}

struct pid_namespace *pid_namespace_of(const struct pid *p borrowed)
{
	return p->namespace;
}

struct pid *pid_find(struct pid_namespace *ns, u32 number)
{
	spin_guard(&pid_lock);
	return pid_try_get(pid_index_at(&ns->numbers, number));
}

struct pid *pid_next(struct pid_namespace *ns, u32 *number borrowed)
{
	spin_guard(&pid_lock);
	u64 at = *number;
	for (;; at++) {
		struct pid *found object_auto(pid) = pid_try_get(pid_index_next(&ns->numbers, &at));
		if (found) {
			*number = (u32)at;
			return take(found);
		}
		// Either the end, or one that is just being released.
		u64 probe = at;
		if (!pid_index_next(&ns->numbers, &probe))
			return NULL;
	}
}

// --- what a pid names -----------------------------------------------------------------------

struct thread *pid_thread(struct pid *p)
{
	spin_guard(&pid_lock);
	return thread_try_get(p->thread);
}
struct process *pid_process(struct pid *p)
{
	spin_guard(&pid_lock);
	return process_try_get(p->process);
}
struct process_group *pid_group(struct pid *p)
{
	spin_guard(&pid_lock);
	return process_group_try_get(p->group);
}
struct session *pid_session(struct pid *p)
{
	spin_guard(&pid_lock);
	return session_try_get(p->session);
}
void pid_set_thread(struct pid *p, struct thread *t)
{
	spin_guard(&pid_lock);
	p->thread = t;
}
void pid_set_process(struct pid *p, struct process *q)
{
	spin_guard(&pid_lock);
	p->process = q;
	for (struct pid_namespace *ns = p->namespace; ns; ns = ns->parent) {
		if (q) {
			ns->count++;
			continue;
		}
		ns->count--;
		wait_queue_wake_all(&ns->event, ~0u);
	}
}
void pid_set_group(struct pid *p, struct process_group *g)
{
	spin_guard(&pid_lock);
	p->group = g;
}
void pid_set_session(struct pid *p, struct session *s)
{
	spin_guard(&pid_lock);
	p->session = s;
}

void pid_forget_group(struct pid *p, const struct process_group *g borrowed)
{
	spin_guard(&pid_lock);
	const struct process_group *now = p->group;
	if (now == g)
		p->group = NULL;
}
void pid_forget_session(struct pid *p, const struct session *s borrowed)
{
	spin_guard(&pid_lock);
	const struct session *now = p->session;
	if (now == s)
		p->session = NULL;
}
void pid_forget_thread(struct pid *p, const struct thread *t borrowed)
{
	spin_guard(&pid_lock);
	const struct thread *now = p->thread;
	if (now == t)
		p->thread = NULL;
}

struct wait_queue *pid_exit_event(struct pid *p)
{
	return &p->exit_event;
}

// --- cached names ---------------------------------------------------------------------------

static struct spinlock forget_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static void (*forget_names)(struct pid *p) GUARDED_BY(forget_lock);

void pid_set_forget(void (*forget)(struct pid *p))
{
	spin_guard(&forget_lock);
	forget_names = forget;
}

void pid_mark_cached(struct pid *p)
{
	if (!atomic_u32_load_relaxed(&p->is_cached))
		atomic_u32_store(&p->is_cached, 1);
}

void pid_forget_cached(struct pid *p)
{
	void (*forget)(struct pid *) = NULL;
	if (!atomic_u32_load(&p->is_cached))
		return;
	{
		spin_guard(&forget_lock);
		forget = forget_names;
	}
	if (forget)
		forget(p);
}
