// SPDX-License-Identifier: MPL-2.0
// Operations on two words: sleepers move from one to the other; one word is changed, both are woken.
#include <services/futex/futex_internal.h>

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
		if (!futex_key_matches(from, s) || s->claim)
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
		if (!futex_key_matches(from, s) || s->claim)
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
	u32 woken = futex_wake_locked(a, from, m->wake, FUTEX_ANY_BITS);
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
	struct futex_bucket *b = futex_bucket_at(from->bucket);
	spin_guard(&b->lock);
	err_t err = check_word(m);
	if (err)
		return (ssize_r)err;
	u32 woken = futex_wake_locked(b, from, m->wake, FUTEX_ANY_BITS);
	return (ssize_r)(woken + move_one_bucket(b, from, to, m->move));
}

// Always the bucket with the lower index first.
static ssize_r requeue_up(
	const struct futex_move *m borrowed, const struct futex_key *from borrowed, const struct futex_key *to borrowed)
{
	struct futex_bucket *a = futex_bucket_at(from->bucket), *b = futex_bucket_at(to->bucket);
	spin_guard(&a->lock);
	spin_guard_nested(&b->lock, 1);
	err_t err = check_word(m);
	return err ? (ssize_r)err : requeue_locked(m, a, b, from, to);
}

static ssize_r requeue_down(
	const struct futex_move *m borrowed, const struct futex_key *from borrowed, const struct futex_key *to borrowed)
{
	struct futex_bucket *a = futex_bucket_at(from->bucket), *b = futex_bucket_at(to->bucket);
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
	struct futex_key from futex_key_auto = { 0 }, to futex_key_auto = { 0 };
	err_t err = futex_key_make(m->from, scope, &from);
	if (!err)
		err = futex_key_make(m->to, scope, &to);
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
