// SPDX-License-Identifier: MPL-2.0
// source: set_robust_list(2), get_robust_list(2); set_tid_address(2)
#include <linux_abi/process/exit_work.h>
#include <services/futex/futex.h>

// --- robust futexes: words that the dead thread holds are marked and one waiter is woken ------------

#define ROBUST_LIMIT 2048u
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu
#define PRIORITY_INHERITANCE 1ul	// lowest bit of a list pointer

static void wake_one(user_addr_t at)
{
	ssize_r woken = futex_wake(at, FUTEX_SHARED, 1, FUTEX_ANY_BITS);
	(void)woken; // nobody may be there
}

// The word becomes "owner died" if it names t. *before: what it was; false: it does not, or is no memory.
static bool mark_word(struct thread *t, user_addr_t at, u32 *before borrowed)
{
	while ((*before & FUTEX_TID_MASK) == thread_number(t)) {
		u32 old = 0;
		if (user_compare_exchange_u32(at, *before, (*before & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &old))
			return false;
		if (old == *before)
			return true;
		*before = old;
	}
	return false;
}

enum robust_entry { ROBUST_HELD, ROBUST_PENDING };

// The word of one lock. Errors end nothing but this one: the memory is the program's.
static void release_word(struct thread *t, u64 entry, u64 offset, enum robust_entry kind)
{
	u32 value = 0;
	user_addr_t at = user_addr((entry & ~PRIORITY_INHERITANCE) + offset);
	// else the lock itself goes on to who waits (futex_release_owned)
	bool wakes = !(entry & PRIORITY_INHERITANCE);
	if (user_read_u32(at, &value))
		return;
	// It had given the lock back and died before it could wake anybody.
	if (kind == ROBUST_PENDING && !value && wakes)
		wake_one(at);
	else if (mark_word(t, at, &value) && wakes && (value & FUTEX_WAITERS))
		wake_one(at);
}

static void release_robust(struct thread *t)
{
	u64 head = t->robust_list.value, entry = 0, offset = 0, pending = 0;
	t->robust_list = user_addr(0);
	if (!head || user_read_u64(user_addr(head), &entry) || user_read_u64(user_addr(head + 8), &offset) ||
	    user_read_u64(user_addr(head + 16), &pending))
		return;
	for (u32 i = 0; i < ROBUST_LIMIT && (entry & ~PRIORITY_INHERITANCE) != head; i++) {
		u64 at = entry & ~PRIORITY_INHERITANCE, next = 0;
		// The next one is read first: the word's owner may free the lock as soon as it is released.
		bool readable = user_read_u64(user_addr(at), &next) == OK;
		if (at != (pending & ~PRIORITY_INHERITANCE))
			release_word(t, entry, offset, ROBUST_HELD);
		if (!readable)
			break;
		entry = next;
	}
	if (pending)
		release_word(t, pending, offset, ROBUST_PENDING);
}

static bool memory_is_shared(struct thread *t)
{
	return process_thread_count(t->process) > 1 || t->vfork;
}

void exit_work_thread_exits(struct thread *t)
{
	release_robust(t);
	if (user_is_null(t->clear_child_tid))
		return;
	user_addr_t at = t->clear_child_tid;
	t->clear_child_tid = user_addr(0);
	// Nobody is left to look at the word of a process's last thread.
	if (!memory_is_shared(t) || user_write_u32(at, 0))
		return;
	wake_one(at);
}
