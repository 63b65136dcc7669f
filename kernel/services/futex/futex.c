// SPDX-License-Identifier: MPL-2.0
// Waiting and waking on one word, and waiting on several.
#include <services/futex/futex_internal.h>

static err_t sleep(struct futex_sleeper *s, struct futex_limit limit)
{
	for (;;) {
		if (futex_is_woken(s))
			return OK;
		err_t err = task_park(limit.mode, limit.deadline_ns);
		if (err)
			return err;
	}
}

err_t futex_wait(user_addr_t at, enum futex_scope scope, u32 expected, u32 bits, struct futex_limit limit)
{
	if (!bits)
		return -EINVAL;
	struct futex_key key futex_key_auto = { 0 };
	err_t err = futex_key_make(at, scope, &key);
	if (err)
		return err;
	struct futex_sleeper *s object_auto(futex_sleeper) = futex_sleeper_create(&key);
	if (!s)
		return -ENOMEM;
	s->bits = bits;
	err = futex_enqueue(s, at, expected);
	if (err)
		return err;
	err = sleep(s, limit);
	return futex_dequeue(s) ? OK : err;
}

ssize_r futex_wake(user_addr_t at, enum futex_scope scope, u32 count, u32 bits)
{
	if (!bits)
		return (ssize_r)-EINVAL;
	struct futex_key key futex_key_auto = { 0 };
	err_t err = futex_key_make(at, scope, &key);
	if (err)
		return (ssize_r)err;
	struct futex_bucket *b = futex_bucket_at(key.bucket);
	spin_guard(&b->lock);
	return (ssize_r)futex_wake_locked(b, &key, count, bits);
}

// --- several words (source: <linux/futex.h>, futex_waitv) ---------------------------------------

static void futex_wait_set_release(struct futex_wait_set *w) exclusive_access
{
	for (u32 i = 0; i < w->queued; i++)
		futex_sleeper_put(take(w->sleeper[i]));
}
DEFINE_OBJECT(futex_wait_set, futex_wait_set_release)

struct futex_wait_set *futex_wait_set_create(void)
{
	return futex_wait_set_alloc();
}

// All out again: the index of one that was woken, else -EAGAIN.
static ssize_r dequeue_all(struct futex_wait_set *w)
{
	ssize_r woken = -EAGAIN;
	for (u32 i = 0; i < w->queued; i++)
		if (futex_dequeue(w->sleeper[i]))
			woken = (ssize_r)i;
	return woken;
}

static err_t enqueue_one(struct futex_wait_set *w, const struct futex_wait_word *word borrowed)
{
	struct futex_key key futex_key_auto = { 0 };
	err_t err = futex_key_make(word->at, word->scope, &key);
	if (err)
		return err;
	struct futex_sleeper *s object_auto(futex_sleeper) = futex_sleeper_create(&key);
	if (!s)
		return -ENOMEM;
	s->bits = FUTEX_ANY_BITS;
	err = futex_enqueue(s, word->at, word->expected);
	if (err)
		return err;
	w->sleeper[w->queued] = take(s);
	w->queued++;
	return OK;
}

static bool any_woken(struct futex_wait_set *w)
{
	for (u32 i = 0; i < w->queued; i++)
		if (futex_is_woken(w->sleeper[i]))
			return true;
	return false;
}

ssize_r futex_wait_multiple(struct futex_wait_set *w, struct futex_limit limit)
{
	err_t err = OK;
	for (u32 i = 0; i < w->count && !err; i++)
		err = enqueue_one(w, array_ptr(w->word, i));
	while (!err && !any_woken(w))
		err = task_park(limit.mode, limit.deadline_ns);
	ssize_r woken = dequeue_all(w);
	return woken >= 0 || !err ? woken : (ssize_r)err;
}
