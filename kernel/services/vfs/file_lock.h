// SPDX-License-Identifier: MPL-2.0
// Locks of files: flock(2), POSIX record locks, OFD record locks (fcntl_locking(2)).
// Owners: POSIX locks belong to a descriptor table (as Linux has it), flock and OFD locks to an open file.
#pragma once
#include <services/vfs/file.h>

struct file_table;
enum file_lock_kind { FILE_LOCK_FLOCK, FILE_LOCK_POSIX, FILE_LOCK_OFD };
enum file_lock_type { FILE_LOCK_READ, FILE_LOCK_WRITE, FILE_LOCK_NONE /* unlock */ };
struct file_lock_range {
	enum file_lock_kind kind;
	enum file_lock_type type;
	u64 start, end;		// bytes, end included; U64_MAX: to infinity
	u32 pid;		// of the asker, for F_GETLK; global number
	u32 pad;
};
enum file_lock_wait { FILE_LOCK_TRY, FILE_LOCK_WAIT };
// Sets or clears. -EAGAIN (try), -EDEADLK, -ERESTARTSYS, -ENOMEM. `table` is the owner of POSIX locks. => may sleep
err_t file_lock_set(struct file *f, struct file_table *table, const struct file_lock_range *range borrowed,
	enum file_lock_wait wait);
// The first lock that would stand in the way, in *range; type NONE when there is none.
void file_lock_test(struct file *f, struct file_table *table, struct file_lock_range *range borrowed);
// close(2) of a descriptor: the table's POSIX locks on that file go.
void file_lock_close(struct file *f, struct file_table *table);
// For /proc/locks: calls `put` for each lock of the file. Kept small: the count only.
u32 file_lock_count(struct inode *i);
struct file_lock_table;
DECLARE_OBJECT(file_lock_table)
