// SPDX-License-Identifier: MPL-2.0
// Locks whose owner's thread number stands in the word, so that the kernel knows who to hand it to.
//
// Theory: user mode takes a free lock (0) by writing its number and gives it back by writing 0; only with somebody
// waiting both go through here. All changes that the kernel makes to the word are made under the bucket's lock, where
// the
// sleepers are queued, too: the word and the queue agree. Giving back hands the lock to the first sleeper, in the word,
// before that one is woken. A thread that dies as the owner leaves its number in the word; its sleepers are found by
// `owner`, and the first of them writes its own number there when it wakes (the dying thread may have no address for a
// shared word). Until then it stays queued as FUTEX_CLAIM_INHERITS, and whoever else comes waits for it.
// Among sleepers the highest real-time priority comes first. The owner does not run with its sleepers' priority.
// source: futex(2), "Priority-inheritance futexes"
#include <core/once.h>
#include <services/futex/futex_internal.h>

#define NUMBER_MASK 0x3fffffffu
#define OWNER_DIED 0x40000000u
#define WAITERS 0x80000000u

DEFINE_ONCE(owner_cell, const struct futex_owner_ops);
static struct owner_cell owner_ops;

void futex_set_owner_ops(const struct futex_owner_ops *ops)
{
	owner_cell_set(&owner_ops, ops);
}

// One attempt under the bucket's lock: what to do next.
enum step { STEP_OWNED, STEP_QUEUED, STEP_AGAIN, STEP_LATER, STEP_FAILED };
struct attempt {
	enum step step;
	err_t err;
	u32 value;		// the word, as read before the lock was taken
};

// The word from `old` to `value`; -EAGAIN when it was something else.
static err_t change_word(user_addr_t at, u32 old, u32 value)
{
	u32 found = 0;
	err_t err = user_compare_exchange_u32(at, old, value, &found);
	if (err)
		return err;
	return found == old ? OK : -EAGAIN;
}

static u32 priority_of(const struct futex_sleeper *s)
{
	return s->task->sched.realtime_priority;
}

// Who comes next, or NULL.
static struct futex_sleeper *first_sleeper(struct futex_bucket *b, const struct futex_key *k borrowed)
	REQUIRES(b->lock)
{
	struct futex_sleeper *first = NULL;
	list_for_each(futex_sleeper_list, s, &b->sleepers) {
		if (!s->claim || !futex_key_matches(k, s))
			continue;
		if (s->claim == FUTEX_CLAIM_INHERITS)
			return s;
		if (!first || priority_of(s) > priority_of(first))
			first = s;
	}
	return first;
}

static bool has_ordinary_sleeper(struct futex_bucket *b, const struct futex_key *k borrowed) REQUIRES(b->lock)
{
	list_for_each(futex_sleeper_list, s, &b->sleepers)
		if (!s->claim && futex_key_matches(k, s))
			return true;
	return false;
}

// The others of `model` wait for a new owner. Whose reference goes last must not go here: the task is alive.
static void set_owner(struct futex_bucket *b, const struct futex_sleeper *model, struct task *owner) REQUIRES(b->lock)
{
	list_for_each(futex_sleeper_list, s, &b->sleepers) {
		const struct futex_sleeper *other = s;
		if (other == model || !s->claim || s->address != model->address || s->space != model->space ||
		    s->mapping != model->mapping)
			continue;
		struct task *old object_auto(task) = take(s->owner);
		s->owner = task_get(owner);
	}
}

static void attempt_free(struct futex_bucket *b, const struct futex_key *k borrowed, struct futex_sleeper *s,
	user_addr_t at, struct attempt *a borrowed) REQUIRES(b->lock)
{
	if (first_sleeper(b, k)) {
		// The owner is about to die, or somebody wrote what is none of the protocol.
		a->step = a->value & OWNER_DIED ? STEP_LATER : STEP_FAILED;
		a->err = -EINVAL;
		return;
	}
	a->err = change_word(at, a->value, s->number | (a->value & OWNER_DIED));
	a->step = a->err == OK ? STEP_OWNED : a->err == (err_t)-EAGAIN ? STEP_AGAIN : STEP_FAILED;
}

static void attempt_locked(struct futex_bucket *b, const struct futex_key *k borrowed, struct futex_sleeper *s,
	user_addr_t at, enum futex_lock_mode mode, struct attempt *a borrowed) REQUIRES(b->lock)
{
	const struct futex_owner_ops *ops = owner_cell_get(&owner_ops);
	if (has_ordinary_sleeper(b, k)) {
		a->step = STEP_FAILED;
		a->err = -EINVAL;
		return;
	}
	if (!(a->value & NUMBER_MASK)) {
		attempt_free(b, k, s, at, a);
		return;
	}
	if (mode == FUTEX_LOCK_TRY) {
		a->step = STEP_FAILED;
		a->err = -EAGAIN;
		return;
	}
	if (!ops->begin_owning(s->owner)) {
		a->step = STEP_LATER;
		return;
	}
	a->err = change_word(at, a->value, a->value | WAITERS);
	a->step = a->err == OK ? STEP_QUEUED : a->err == (err_t)-EAGAIN ? STEP_AGAIN : STEP_FAILED;
	if (a->step == STEP_QUEUED) {
		s->claim = FUTEX_CLAIM_WAITS;
		futex_sleeper_list_append(&b->sleepers, s);
	}
}

static void attempt(const struct futex_key *k borrowed, struct futex_sleeper *s, user_addr_t at,
	enum futex_lock_mode mode, struct attempt *a borrowed)
{
	struct futex_bucket *b = futex_bucket_at(k->bucket);
	spin_guard(&b->lock);
	attempt_locked(b, k, s, at, mode, a);
}

static bool somebody_inherits(const struct futex_key *k borrowed)
{
	struct futex_bucket *b = futex_bucket_at(k->bucket);
	spin_guard(&b->lock);
	struct futex_sleeper *first = first_sleeper(b, k);
	return first && first->claim == FUTEX_CLAIM_INHERITS;
}

// Who holds the lock by the word `value`: into s->owner. STEP_LATER: a dead one's heir is on its way.
static err_t find_owner(
	const struct futex_key *k borrowed, struct futex_sleeper *s, u32 value, enum step *step borrowed)
{
	const struct futex_owner_ops *ops = owner_cell_get(&owner_ops);
	struct task *owner object_auto(task) = NULL;
	struct task *old object_auto(task) = take(s->owner);
	if (!(value & NUMBER_MASK))
		return OK;
	if ((value & NUMBER_MASK) == s->number)
		return -EDEADLK;
	owner = ops->find(value & NUMBER_MASK);
	if (owner) {
		s->owner = take(owner);
		return OK;
	}
	if (!somebody_inherits(k))
		return -ESRCH;
	*step = STEP_LATER;
	return OK;
}

// Until s owns the lock (STEP_OWNED) or is queued for it (STEP_QUEUED).
static err_t claim(const struct futex_key *k borrowed, struct futex_sleeper *s, user_addr_t at,
	enum futex_lock_mode mode, enum step *out borrowed)
{
	for (;;) {
		struct attempt a = { .step = STEP_AGAIN };
		err_t err = user_read_u32(at, &a.value);
		if (!err)
			err = find_owner(k, s, a.value, &a.step);
		if (err)
			return err;
		if (a.step != STEP_LATER)
			attempt(k, s, at, mode, &a);
		if (a.step == STEP_OWNED || a.step == STEP_QUEUED) {
			*out = a.step;
			return OK;
		}
		if (a.step == STEP_FAILED && a.err != (err_t)-EFAULT)
			return a.err;
		u32 old = 0;
		// The page is not there, or not for writing: bring it in.
		if (a.step == STEP_FAILED)
			err = user_atomic_u32(at, USER_ATOMIC_OR, 0, &old);
		if (err)
			return err;
		if (a.step == STEP_LATER)
			task_yield();
		if (task_pending_work(task_current()) & (TASK_WORK_SIGNAL | TASK_WORK_KILL))
			return -ERESTARTNOINTR;
	}
}

// --- the owner has died ---------------------------------------------------------------------------

static err_t inherit_now(const struct futex_key *k borrowed, struct futex_sleeper *s, user_addr_t at)
{
	struct futex_bucket *b = futex_bucket_at(k->bucket);
	u32 value = 0;
	spin_guard(&b->lock);
	err_t err = user_read_u32(at, &value);
	if (!err)
		err = change_word(at, value, s->number | WAITERS | OWNER_DIED);
	if (err)
		return err;
	futex_sleeper_list_remove(&b->sleepers, s);
	return OK;
}

static err_t inherit(const struct futex_key *k borrowed, struct futex_sleeper *s, user_addr_t at)
{
	for (;;) {
		u32 old = 0;
		err_t err = inherit_now(k, s, at);
		if (err == OK)
			return OK;
		if (err == (err_t)-EFAULT)
			err = user_atomic_u32(at, USER_ATOMIC_OR, 0, &old);
		if (err && err != (err_t)-EAGAIN) {
			(void)futex_dequeue(s); // the word is gone, and with it the lock
			return err;
		}
	}
}

static void pass_on(struct futex_bucket *b, struct futex_sleeper *dead) REQUIRES(b->lock)
{
	struct futex_key k = { .space = dead->space, .mapping = dead->mapping, .address = dead->address };
	struct futex_sleeper *heir = first_sleeper(b, &k);
	if (!heir)
		return;
	heir->claim = FUTEX_CLAIM_INHERITS;
	set_owner(b, heir, heir->task);
	struct task *old object_auto(task) = take(heir->owner);
	task_unpark(heir->task);
}

static void release_bucket(struct futex_bucket *b, struct task *t)
{
	spin_guard(&b->lock);
	list_for_each(futex_sleeper_list, s, &b->sleepers)
		if (s->claim == FUTEX_CLAIM_WAITS && s->owner == t)
			pass_on(b, s);
}

void futex_release_owned(struct task *t)
{
	for (u32 i = 0; i < FUTEX_BUCKETS; i++)
		release_bucket(futex_bucket_at(i), t);
}

// --- lock and unlock ------------------------------------------------------------------------------

enum outcome { OUTCOME_WAITS, OUTCOME_OWNS, OUTCOME_INHERITS };

static enum outcome outcome_of(struct futex_bucket *b, struct futex_sleeper *s)
{
	spin_guard(&b->lock);
	if (s->is_woken)
		return OUTCOME_OWNS;
	return s->claim == FUTEX_CLAIM_INHERITS ? OUTCOME_INHERITS : OUTCOME_WAITS;
}

// Gives up waiting, unless the lock came in the last moment.
static enum outcome give_up(struct futex_bucket *b, struct futex_sleeper *s)
{
	spin_guard(&b->lock);
	if (s->is_woken)
		return OUTCOME_OWNS;
	if (s->claim == FUTEX_CLAIM_INHERITS)
		return OUTCOME_INHERITS;
	futex_sleeper_list_remove(&b->sleepers, s);
	return OUTCOME_WAITS;
}

static err_t wait_for_lock(
	const struct futex_key *k borrowed, struct futex_sleeper *s, user_addr_t at, struct futex_limit limit)
{
	struct futex_bucket *b = futex_bucket_at(k->bucket);
	enum outcome outcome = OUTCOME_WAITS;
	err_t err = OK;
	while (!err && outcome == OUTCOME_WAITS) {
		outcome = outcome_of(b, s);
		if (outcome == OUTCOME_WAITS)
			err = task_park(limit.mode, limit.deadline_ns);
	}
	if (outcome == OUTCOME_WAITS)
		outcome = give_up(b, s);
	if (outcome == OUTCOME_INHERITS)
		return inherit(k, s, at);
	if (outcome == OUTCOME_OWNS)
		return OK;
	return err == (err_t)-ERESTARTSYS ? -ERESTARTNOINTR : err;
}

err_t futex_lock(user_addr_t at, enum futex_scope scope, u32 number, enum futex_lock_mode mode,
	struct futex_limit limit)
{
	struct futex_key key futex_key_auto = { 0 };
	err_t err = futex_key_make(at, scope, &key);
	if (err)
		return err;
	struct page_mapping *mapping object_auto(page_mapping) = key.mapping ? page_mapping_get(key.mapping) : NULL;
	struct futex_sleeper *s object_auto(futex_sleeper) = futex_sleeper_create(&key);
	if (!s)
		return -ENOMEM;
	key.mapping = take(mapping);	// the sleeper has its own
	s->number = number;
	enum step step = STEP_AGAIN;
	err = claim(&key, s, at, mode, &step);
	if (err || step == STEP_OWNED)
		return err;
	return wait_for_lock(&key, s, at, limit);
}

static err_t unlock_locked(struct futex_bucket *b, const struct futex_key *k borrowed, user_addr_t at, u32 value)
	REQUIRES(b->lock)
{
	struct futex_sleeper *next = first_sleeper(b, k);
	if (!next)
		return change_word(at, value, 0);
	err_t err = change_word(at, value, next->number | WAITERS);
	if (err)
		return err;
	set_owner(b, next, next->task);
	futex_sleeper_list_remove(&b->sleepers, next);
	next->is_woken = 1;
	task_unpark(next->task);
	return OK;
}

static err_t unlock_now(const struct futex_key *k borrowed, user_addr_t at, u32 value)
{
	struct futex_bucket *b = futex_bucket_at(k->bucket);
	spin_guard(&b->lock);
	return unlock_locked(b, k, at, value);
}

err_t futex_unlock(user_addr_t at, enum futex_scope scope, u32 number)
{
	struct futex_key key futex_key_auto = { 0 };
	err_t err = futex_key_make(at, scope, &key);
	if (err)
		return err;
	for (;;) {
		u32 value = 0, old = 0;
		err = user_read_u32(at, &value);
		if (err)
			return err;
		if ((value & NUMBER_MASK) != number)
			return -EPERM;
		err = unlock_now(&key, at, value);
		if (err == (err_t)-EFAULT)
			err = user_atomic_u32(at, USER_ATOMIC_OR, 0, &old);
		else if (err != (err_t)-EAGAIN)
			return err;
		if (err && err != (err_t)-EAGAIN)
			return err;
		if (task_pending_work(task_current()) & TASK_WORK_KILL)
			return -ERESTARTNOINTR;
	}
}
