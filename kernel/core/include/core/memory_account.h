// SPDX-License-Identifier: MPL-2.0
// Who pays for kernel memory. An account belongs to a group of tasks (services/cgroup) and is known by its number; 0 is
// nobody's. What a task with an account allocates (objects, tables, buffers, kernel stacks, page tables, pages asked for
// with PAGE_ALLOC_CHARGE) is charged to it and given back to the same account when it is freed, by whomever. Interrupts
// and kernel threads have no account.
//
// A refused charge is a failed allocation. The group is held, by a reference, as long as anything is charged to it.
#pragma once
#include <core/object.h>
#include <core/task.h>

enum memory_account_kind {
	MEMORY_ACCOUNT_SLAB,		// objects, tables, buffers
	MEMORY_ACCOUNT_STACK,
	MEMORY_ACCOUNT_PAGE_TABLE,
	MEMORY_ACCOUNT_PAGES,		// whole pages of the kernel's own (pipes)
	MEMORY_ACCOUNT_SOCKET,
	MEMORY_ACCOUNT_KIND_COUNT
};

// What the owner of the groups does; registered once. All may be called with any lock held and interrupts off.
struct memory_account_ops {
	// Charges at least `need`, better `want` pages; returns how many, 0 when refused. May reclaim (without
	// waiting for locks) where the context allows.
	u64 (*charge)(struct object *group, u64 need, u64 want);
	void (*uncharge)(struct object *group, u64 pages);
	// Bytes in use by kind, as differences.
	void (*count)(struct object *group, enum memory_account_kind kind, s64 bytes);
};
void memory_account_register(const struct memory_account_ops *ops);

// An account for a group, whose address it keeps without a reference. 0: no memory, or there are too many.
u32 memory_account_open(struct object *group);
// No task uses it any more: what is charged so far is given back as soon as it is freed, page by page.
void memory_account_retire(u32 account);
// From the group's release.
void memory_account_close(u32 account);
// Tells the group of all bytes counted so far. The caller has a reference to the group.
void memory_account_flush(u32 account);

// A task allocates at the cost of `account` from now on.
void task_set_memory_account(struct task *t borrowed, u32 account);
// The current task allocates at nobody's cost until memory_account_resume(); nests.
void memory_account_suspend(void);
void memory_account_resume(void);
// The current task allocates at the cost of whoever pays for `like`, until memory_account_return(): what the kernel
// makes for somebody who is not running. Does not nest; the caller keeps `like` alive.
void memory_account_borrow(const struct object *like borrowed);
void memory_account_return(void);
bool memory_account_is_borrowed(void);
// The group that pays for o, borrowed as long as o lives; NULL: nobody.
struct object *memory_object_payer(const struct object *o borrowed);
