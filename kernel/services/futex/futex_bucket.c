// SPDX-License-Identifier: MPL-2.0
// Sleepers wait in hashed buckets. A sleeper is queued under its bucket's lock after the user's word was
// read there, so a waker that changes the word first and then looks into the bucket cannot miss it. The word is
// read with a spinlock held: where its page is not there the lock is dropped, the page brought in, and all
// begins again. A sleeper is unparked under the lock, which it takes once more before it goes: nobody
// touches a sleeper that has left.
#include <services/futex/futex_internal.h>

static void futex_sleeper_release(struct futex_sleeper *s) exclusive_access
{
	if (s->mapping)
		page_mapping_put(take(s->mapping));
	if (s->first_mapping)
		page_mapping_put(take(s->first_mapping));
	if (s->owner)
		task_put(take(s->owner));
}
DEFINE_OBJECT(futex_sleeper, futex_sleeper_release)

static struct futex_bucket buckets[FUTEX_BUCKETS] = {
	[0 ... FUTEX_BUCKETS - 1] = { .lock = SPINLOCK_INIT(RANK_FUTEX) }
};

struct futex_bucket *futex_bucket_at(u32 index)
{
	return array_ptr(buckets, index);
}

// --- keys ---------------------------------------------------------------------------------------

void futex_key_drop(struct futex_key *k borrowed)
{
	if (k->mapping)
		page_mapping_put(take(k->mapping));
}

static u32 bucket_of(u64 address)
{
	u64 word = address >> 2;
	return (u32)((word ^ word >> 10 ^ word >> 22) * 0x9e3779b1u >> 8) % FUTEX_BUCKETS;
}

err_t futex_key_make(user_addr_t at, enum futex_scope scope, struct futex_key *k borrowed)
{
	if (at.value & 3)
		return -EINVAL;
	if (at.value >= USER_TOP)
		return -EFAULT;
	k->space = vm_space_current();
	k->address = at.value;
	if (scope == FUTEX_SHARED) {
		k->mapping = vm_space_shared_word(k->space, at.value, &k->address);
		if (k->mapping)
			k->space = NULL;
	}
	k->bucket = bucket_of(k->address);
	return OK;
}

bool futex_key_matches(const struct futex_key *k borrowed, const struct futex_sleeper *s borrowed)
{
	return s->address == k->address && s->space == k->space && s->mapping == k->mapping;
}

struct futex_sleeper *futex_sleeper_create(struct futex_key *k borrowed)
{
	struct futex_sleeper *s object_auto(futex_sleeper) = futex_sleeper_alloc();
	if (!s)
		return NULL;
	s->space = k->space;
	s->mapping = take(k->mapping);
	s->address = k->address;
	s->task = task_current();
	atomic_u32_store(&s->bucket, k->bucket);
	return take(s);
}

// --- queueing -----------------------------------------------------------------------------------

// -EAGAIN, or -EFAULT when the word's page is not there.
static err_t enqueue_now(struct futex_sleeper *s, user_addr_t at, u32 expected)
{
	struct futex_bucket *b = array_ptr(buckets, atomic_u32_load(&s->bucket));
	u32 value = 0;
	spin_guard(&b->lock);
	err_t err = user_read_u32(at, &value);
	if (err)
		return err;
	if (value != expected)
		return -EAGAIN;
	futex_sleeper_list_append(&b->sleepers, s);
	return OK;
}

err_t futex_enqueue(struct futex_sleeper *s, user_addr_t at, u32 expected)
{
	for (;;) {
		u32 value = 0;
		err_t err = enqueue_now(s, at, expected);
		if (err != (err_t)-EFAULT)
			return err;
		err = user_read_u32(at, &value);
		if (err)
			return err;
	}
}

bool futex_is_woken(struct futex_sleeper *s)
{
	struct futex_bucket *b = array_ptr(buckets, atomic_u32_load(&s->bucket));
	spin_guard(&b->lock);
	return s->is_woken;
}

bool futex_dequeue(struct futex_sleeper *s)
{
	for (;;) {
		u32 i = atomic_u32_load(&s->bucket);
		struct futex_bucket *b = array_ptr(buckets, i);
		spin_guard(&b->lock);
		if (atomic_u32_load(&s->bucket) != i)
			continue;	// moved in between
		if (s->is_woken)
			return true;
		futex_sleeper_list_remove(&b->sleepers, s);
		return false;
	}
}

u32 futex_wake_locked(struct futex_bucket *b, const struct futex_key *k borrowed, u32 count, u32 bits)
{
	u32 woken = 0;
	list_for_each_safe(futex_sleeper_list, s, &b->sleepers) {
		if (woken >= count)
			break;
		if (!futex_key_matches(k, s) || !(s->bits & bits))
			continue;
		futex_sleeper_list_remove(&b->sleepers, s);
		s->is_woken = 1;
		task_unpark(s->task);
		woken++;
	}
	return woken;
}
