// SPDX-License-Identifier: MPL-2.0
// Futexes: threads that sleep on the value of a user word. A private futex is named by address space and
// address, a shared one by what is mapped there. source: futex(2), futex(7)
#pragma once
#include <core/user.h>
#include <core/wait.h>
#include <services/vm/vm_space.h>

enum futex_scope { FUTEX_PRIVATE, FUTEX_SHARED };
#define FUTEX_ANY_BITS U32_MAX
// Until when one sleeps; WAIT_INTERRUPTIBLE or WAIT_INTERRUPTIBLE_REALTIME: by which clock.
struct futex_limit {
	u64 deadline_ns;
	enum wait_mode mode;
};
// Sleeps while the word is `expected`. -EAGAIN when it is not, -ETIMEDOUT, -ERESTARTSYS. => may sleep
err_t futex_wait(user_addr_t at, enum futex_scope scope, u32 expected, u32 bits, struct futex_limit limit);
// Wakes at most `count` sleepers whose bits meet `bits`: how many.
ssize_r futex_wake(user_addr_t at, enum futex_scope scope, u32 count, u32 bits);
// Wakes up to `wake`, moves up to `move` others to `to`. With `compare`: -EAGAIN unless the word at `from` is
// `expected`. The number woken and moved.
struct futex_move {
	user_addr_t from, to;
	u32 wake, move, expected, compare;
};
ssize_r futex_requeue(const struct futex_move *m borrowed, enum futex_scope scope);
// FUTEX_WAKE_OP: changes the second word, wakes on the first, and on the second if its old value fits.
ssize_r futex_wake_op(
	user_addr_t first, user_addr_t second, enum futex_scope scope, u32 count, u32 second_count, u32 operation);

// Several words at once (futex_waitv): fill `word` and `count` of a fresh set and wait once. The index of a word that
// was
// woken, or as futex_wait.
#define FUTEX_WAIT_WORDS_MAX 128u
struct futex_sleeper;
struct futex_wait_word {
	user_addr_t at;
	enum futex_scope scope;
	u32 expected;
};
struct futex_wait_set {
	struct object object;
	u32 count, queued;
	struct futex_wait_word word[FUTEX_WAIT_WORDS_MAX];
	struct futex_sleeper *sleeper[FUTEX_WAIT_WORDS_MAX];	// references of the first `queued`
};
DECLARE_OBJECT(futex_wait_set)
struct futex_wait_set *futex_wait_set_create(void) owned;
ssize_r futex_wait_multiple(struct futex_wait_set *w, struct futex_limit limit);

// Locks that name their owner in the word (FUTEX_LOCK_PI and its relatives; futex_pi.c). `number`: the caller's thread
// number, as it stands in the word. -EDEADLK: it is the owner; -ESRCH: the owner does not exist; -EAGAIN: taken
// (FUTEX_LOCK_TRY); -EINVAL: others sleep on the word in the ordinary way; -ETIMEDOUT, -ERESTARTNOINTR. => may sleep
enum futex_lock_mode { FUTEX_LOCK_WAIT, FUTEX_LOCK_TRY };
err_t futex_lock(user_addr_t at, enum futex_scope scope, u32 number, enum futex_lock_mode mode,
	struct futex_limit limit);
// -EPERM: the caller is not the owner.
err_t futex_unlock(user_addr_t at, enum futex_scope scope, u32 number);
// Registered once by services/process: the thread with a number, as the current one sees it (NULL: none); somebody is
// about to wait for it: it will call futex_release_owned(), or false because it may have done so. begin_owning is
// called with a bucket's lock.
struct futex_owner_ops {
	struct task *(*find)(u32 number) owned;
	bool (*begin_owning)(struct task *t);
};
void futex_set_owner_ops(const struct futex_owner_ops *ops);
// t, which begin_owning() refuses from now on, owns nothing any more: each lock goes to who waits for it.
void futex_release_owned(struct task *t);
