// SPDX-License-Identifier: MPL-2.0
// Sleepers wait in hashed buckets. A sleeper is queued under its bucket's lock after the user's word was
// read there, so a waker that changes the word first and then looks into the bucket cannot miss it. The word is
// read with a spinlock held: where its page is not there the lock is dropped, the page brought in, and all
// begins again. A sleeper is unparked under the lock, which it takes once more before it goes: nobody
// touches a sleeper that has left.
#include <core/list.h>
#include <core/wait.h>
#include <services/futex/futex.h>
#include <services/pagecache/page_mapping.h>

struct futex_sleeper {
	struct object object;
	struct list_link link;		// guarded by its bucket
	// What it waits for; changed by requeue under both buckets' locks.
	struct vm_space *space;		// private: compared only, the sleeper runs in it
	struct page_mapping *mapping;	// shared: reference
	struct page_mapping *first_mapping;	// reference: where it was before it was moved
	u64 address;			// in the space, or offset in the mapping
	u32 bits;			// immutable
	u32 is_woken;			// guarded by its bucket
	struct task *task;		// borrowed: the sleeper's own, see above
	struct atomic_u32 bucket;	// index
};
static void futex_sleeper_release(struct futex_sleeper *s) exclusive_access
{
	if (s->mapping)
		page_mapping_put(take(s->mapping));
	if (s->first_mapping)
		page_mapping_put(take(s->first_mapping));
}
DECLARE_OBJECT(futex_sleeper)
DEFINE_OBJECT(futex_sleeper, futex_sleeper_release)
DEFINE_LIST(futex_sleeper_list, futex_sleeper, link)

#define BUCKETS 256u
struct synchronised futex_bucket {
	struct spinlock lock;
	struct futex_sleeper_list sleepers GUARDED_BY(lock);	// the sleeper's own reference keeps it
};
static struct futex_bucket buckets[BUCKETS] = { [0 ... BUCKETS - 1] = { .lock = SPINLOCK_INIT(RANK_FUTEX) } };

// --- keys ---------------------------------------------------------------------------------------

struct futex_key {
	struct vm_space *space;
	struct page_mapping *mapping;	// reference or NULL
	u64 address;
	u32 bucket;
	u32 pad;
};

static void key_drop(struct futex_key *k borrowed)
{
	if (k->mapping)
		page_mapping_put(take(k->mapping));
}
#define key_auto auto_release(key_drop)

static u32 bucket_of(u64 address)
{
	u64 word = address >> 2;
	return (u32)((word ^ word >> 10 ^ word >> 22) * 0x9e3779b1u >> 8) % BUCKETS;
}

static err_t key_make(user_addr_t at, enum futex_scope scope, struct futex_key *k borrowed)
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

static bool key_matches(const struct futex_key *k borrowed, const struct futex_sleeper *s borrowed)
{
	return s->address == k->address && s->space == k->space && s->mapping == k->mapping;
}

// --- waiting ------------------------------------------------------------------------------------

// Queues s if the word still has the expected value. -EAGAIN, or -EFAULT when its page is not there.
static err_t enqueue(struct futex_sleeper *s, user_addr_t at, u32 expected)
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

static err_t enqueue_with_page(struct futex_sleeper *s, user_addr_t at, u32 expected)
{
	for (;;) {
		u32 value = 0;
		err_t err = enqueue(s, at, expected);
		if (err != (err_t)-EFAULT)
			return err;
		err = user_read_u32(at, &value);
		if (err)
			return err;
	}
}

static bool is_woken(struct futex_bucket *b, struct futex_sleeper *s)
{
	spin_guard(&b->lock);
	return s->is_woken;
}

// Takes s out if it is still queued; true when somebody had woken it.
static bool dequeue(struct futex_sleeper *s)
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

static err_t sleep(struct futex_sleeper *s, u64 deadline_ns)
{
	for (;;) {
		if (is_woken(array_ptr(buckets, atomic_u32_load(&s->bucket)), s))
			return OK;
		err_t err = task_park(WAIT_INTERRUPTIBLE, deadline_ns);
		if (err)
			return err;
	}
}

err_t futex_wait(user_addr_t at, enum futex_scope scope, u32 expected, u32 bits, u64 deadline_ns)
{
	if (!bits)
		return -EINVAL;
	struct futex_key key key_auto = { 0 };
	err_t err = key_make(at, scope, &key);
	if (err)
		return err;
	struct futex_sleeper *s object_auto(futex_sleeper) = futex_sleeper_alloc();
	if (!s)
		return -ENOMEM;
	s->space = key.space;
	s->mapping = take(key.mapping);
	s->address = key.address;
	s->bits = bits;
	s->task = task_current();
	atomic_u32_store(&s->bucket, key.bucket);
	err = enqueue_with_page(s, at, expected);
	if (err)
		return err;
	err = sleep(s, deadline_ns);
	return dequeue(s) ? OK : err;
}

// --- waking -------------------------------------------------------------------------------------

static u32 wake_locked(struct futex_bucket *b, const struct futex_key *k borrowed, u32 count, u32 bits)
	REQUIRES(b->lock)
{
	u32 woken = 0;
	list_for_each_safe(futex_sleeper_list, s, &b->sleepers) {
		if (woken >= count)
			break;
		if (!key_matches(k, s) || !(s->bits & bits))
			continue;
		futex_sleeper_list_remove(&b->sleepers, s);
		s->is_woken = 1;
		task_unpark(s->task);
		woken++;
	}
	return woken;
}

ssize_r futex_wake(user_addr_t at, enum futex_scope scope, u32 count, u32 bits)
{
	if (!bits)
		return (ssize_r)-EINVAL;
	struct futex_key key key_auto = { 0 };
	err_t err = key_make(at, scope, &key);
	if (err)
		return (ssize_r)err;
	struct futex_bucket *b = array_ptr(buckets, key.bucket);
	spin_guard(&b->lock);
	return (ssize_r)wake_locked(b, &key, count, bits);
}

// --- two words ------------------------------------------------------------------------------------

// The old mapping's reference cannot be put here, under a spinlock: it goes with the sleeper.
static void futex_sleeper_rekey(struct futex_sleeper *s, const struct futex_key *to borrowed)
{
	s->space = to->space;
	s->address = to->address;
	if (s->mapping != to->mapping && !s->first_mapping)
		s->first_mapping = take(s->mapping);
	if (s->mapping != to->mapping)
		s->mapping = to->mapping ? page_mapping_get(to->mapping) : NULL;
}

static u32 move_one_bucket(struct futex_bucket *b, const struct futex_key *from borrowed,
	const struct futex_key *to borrowed, u32 count) REQUIRES(b->lock)
{
	u32 moved = 0;
	list_for_each(futex_sleeper_list, s, &b->sleepers) {
		if (moved >= count)
			break;
		if (!key_matches(from, s))
			continue;
		futex_sleeper_rekey(s, to);
		moved++;
	}
	return moved;
}

static u32 move_between(struct futex_bucket *a, struct futex_bucket *b, const struct futex_key *from borrowed,
	const struct futex_key *to borrowed, u32 count) REQUIRES(a->lock) REQUIRES(b->lock)
{
	u32 moved = 0;
	list_for_each_safe(futex_sleeper_list, s, &a->sleepers) {
		if (moved >= count)
			break;
		if (!key_matches(from, s))
			continue;
		futex_sleeper_list_remove(&a->sleepers, s);
		futex_sleeper_rekey(s, to);
		atomic_u32_store(&s->bucket, to->bucket);
		futex_sleeper_list_append(&b->sleepers, s);
		moved++;
	}
	return moved;
}

static ssize_r requeue_locked(const struct futex_move *m borrowed, struct futex_bucket *a, struct futex_bucket *b,
	const struct futex_key *from borrowed, const struct futex_key *to borrowed) REQUIRES(a->lock) REQUIRES(b->lock)
{
	u32 woken = wake_locked(a, from, m->wake, FUTEX_ANY_BITS);
	return (ssize_r)(woken + move_between(a, b, from, to, m->move));
}

static err_t check_word(const struct futex_move *m borrowed)
{
	u32 value = 0;
	if (!m->compare)
		return OK;
	err_t err = user_read_u32(m->from, &value);
	if (err)
		return err;
	return value == m->expected ? OK : -EAGAIN;
}

static ssize_r requeue_same(
	const struct futex_move *m borrowed, const struct futex_key *from borrowed, const struct futex_key *to borrowed)
{
	struct futex_bucket *b = array_ptr(buckets, from->bucket);
	spin_guard(&b->lock);
	err_t err = check_word(m);
	if (err)
		return (ssize_r)err;
	u32 woken = wake_locked(b, from, m->wake, FUTEX_ANY_BITS);
	return (ssize_r)(woken + move_one_bucket(b, from, to, m->move));
}

// Always the bucket with the lower index first.
static ssize_r requeue_up(
	const struct futex_move *m borrowed, const struct futex_key *from borrowed, const struct futex_key *to borrowed)
{
	struct futex_bucket *a = array_ptr(buckets, from->bucket), *b = array_ptr(buckets, to->bucket);
	spin_guard(&a->lock);
	spin_guard_nested(&b->lock, 1);
	err_t err = check_word(m);
	return err ? (ssize_r)err : requeue_locked(m, a, b, from, to);
}

static ssize_r requeue_down(
	const struct futex_move *m borrowed, const struct futex_key *from borrowed, const struct futex_key *to borrowed)
{
	struct futex_bucket *a = array_ptr(buckets, from->bucket), *b = array_ptr(buckets, to->bucket);
	spin_guard(&b->lock);
	spin_guard_nested(&a->lock, 1);
	err_t err = check_word(m);
	return err ? (ssize_r)err : requeue_locked(m, a, b, from, to);
}

static ssize_r requeue_once(
	const struct futex_move *m borrowed, const struct futex_key *from borrowed, const struct futex_key *to borrowed)
{
	if (from->bucket == to->bucket)
		return requeue_same(m, from, to);
	return from->bucket < to->bucket ? requeue_up(m, from, to) : requeue_down(m, from, to);
}

ssize_r futex_requeue(const struct futex_move *m borrowed, enum futex_scope scope)
{
	struct futex_key from key_auto = { 0 }, to key_auto = { 0 };
	err_t err = key_make(m->from, scope, &from);
	if (!err)
		err = key_make(m->to, scope, &to);
	if (err)
		return (ssize_r)err;
	for (;;) {
		u32 value = 0;
		ssize_r result = requeue_once(m, &from, &to);
		if (result != (ssize_r)-EFAULT)
			return result;
		err = user_read_u32(m->from, &value);
		if (err)
			return (ssize_r)err;
	}
}

// --- FUTEX_WAKE_OP (source: futex(2)) ---------------------------------------------------------------

#define OP_SHIFT_ARGUMENT 8u

static err_t apply(user_addr_t at, u32 operation, u32 *old borrowed)
{
	static const enum user_atomic_op ops[] = { USER_ATOMIC_SET, USER_ATOMIC_ADD, USER_ATOMIC_OR, USER_ATOMIC_ANDN,
		USER_ATOMIC_XOR };
	u32 kind = operation >> 28 & 7, argument = operation >> 12 & 0xfff;
	bool shift = operation >> 28 & OP_SHIFT_ARGUMENT;
	if (kind >= array_len(ops))
		return -ENOSYS;
	u32 value = shift ? 1u << (argument & 31) : (argument ^ 0x800u) - 0x800u;	// twelve bits, signed
	return user_atomic_u32(at, ops[kind], value, old);
}

static bool compares(u32 operation, u32 old)
{
	s32 left = (s32)old, right = (s32)((operation & 0xfff) ^ 0x800u) - 0x800;
	switch (operation >> 24 & 15) {
	case 0:
		return left == right;
	case 1:
		return left != right;
	case 2:
		return left < right;
	case 3:
		return left <= right;
	case 4:
		return left > right;
	case 5:
		return left >= right;
	default:
		return false;
	}
}

ssize_r futex_wake_op(
	user_addr_t first, user_addr_t second, enum futex_scope scope, u32 count, u32 second_count, u32 operation)
{
	u32 old = 0;
	if ((operation >> 24 & 15) > 5)
		return (ssize_r)-ENOSYS;
	// A sleeper that sees the new value does not sleep, and one that was queued before is found below: the
	// change need not be made under the buckets' locks.
	err_t err = apply(second, operation, &old);
	if (err)
		return (ssize_r)err;
	ssize_r woken = futex_wake(first, scope, count, FUTEX_ANY_BITS);
	if (woken < 0 || !compares(operation, old))
		return woken;
	ssize_r more = futex_wake(second, scope, second_count, FUTEX_ANY_BITS);
	return more < 0 ? more : (ssize_r)(woken + more);
}
