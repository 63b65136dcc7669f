// SPDX-License-Identifier: MPL-2.0
// Futexes: threads that sleep on the value of a user word. A private futex is named by address space and
// address, a shared one by what is mapped there. source: futex(2), futex(7)
#pragma once
#include <core/user.h>
#include <services/vm/vm_space.h>

enum futex_scope { FUTEX_PRIVATE, FUTEX_SHARED };
#define FUTEX_ANY_BITS U32_MAX
// Sleeps while the word is `expected`. -EAGAIN when it is not, -ETIMEDOUT, -ERESTARTSYS. => may sleep
err_t futex_wait(user_addr_t at, enum futex_scope scope, u32 expected, u32 bits, u64 deadline_ns);
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
