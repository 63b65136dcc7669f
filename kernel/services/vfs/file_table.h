// SPDX-License-Identifier: MPL-2.0
// The descriptor table: numbers -> open files, with the close-on-exec mark. Shared by CLONE_FILES.
// A descriptor is first reserved, then filled by install, so that open(2) cannot fail after its effects.
// The owner of an unshared table reads it without lock or count (file_borrow); nobody else changes it.
#pragma once
#include <core/buf.h>
#include <core/lock.h>
#include <services/vfs/file.h>

#define FILE_TABLE_MAX (1u << 20)	// sysctl fs.nr_open
enum descriptor_flag { DESCRIPTOR_USED = 1, DESCRIPTOR_CLOSE_ON_EXEC = 2 };
DEFINE_POINTER_TABLE(file_slots, file)
struct file_table {
	struct object object;
	struct spinlock lock;
	struct file_slots *slots;	// owned; changed under lock; see above for reading
	struct buf *marks GUARDED_BY(lock);	// a byte for each slot: enum descriptor_flag
	u32 first_free GUARDED_BY(lock);	// no free descriptor below
	u32 end GUARDED_BY(lock);		// no used descriptor at or above
};
DECLARE_OBJECT(file_table)
struct file_table *file_table_create(void) owned;
// fork, unshare(CLONE_FILES): the same files, own table. Descriptors from `limit` on are left out.
err_t file_table_copy(struct file_table *from, u32 limit, struct file_table **out borrowed);

// The lowest free number >= minimum and < nofile (RLIMIT_NOFILE): a descriptor or -EMFILE, -ENOMEM, -EINVAL.
// flags: OPEN_CLOSE_ON_EXEC or 0, here and below.
ssize_r file_table_reserve(struct file_table *t, u32 minimum, u64 nofile, u32 flags);
void file_table_install(struct file_table *t, u32 fd, struct file *f consumes);
void file_table_cancel(struct file_table *t, u32 fd);	// gives a reserved number back
// reserve + install. On error f is put.
ssize_r file_table_add(struct file_table *t, struct file *f consumes, u64 nofile, u32 flags);

// A reference, or NULL (-EBADF).
struct file *file_table_find(struct file_table *t, u32 fd) owned;
// The same for the length of one system call of the owner: no count when the table is not shared.
struct file_borrow {
	struct file *file;	// NULL: -EBADF
	u32 counted;
	u32 pad;
};
static inline struct file_borrow file_table_borrow(struct file_table *t, u32 fd)
{
	if (object_references(&t->object) == 1) {
		struct file_slots *slots = t->slots;
		return (struct file_borrow){ fd < file_slots_count(slots) ? slots->slot[fd] : NULL, 0, 0 };
	}
	return (struct file_borrow){ file_table_find(t, fd), 1, 0 };
}
static inline void file_borrow_end(struct file_borrow *b borrowed)
{
	if (b->counted && b->file)
		file_put(take(b->file));
}
#define file_borrow_auto auto_release(file_borrow_end)

// Ends one descriptor's use of f: flush, POSIX locks of the table, the reference.
err_t file_table_finish(struct file_table *t, struct file *f consumes);
// close(2): runs flush. -EBADF.
err_t file_table_close(struct file_table *t, u32 fd);
// dup2/dup3: newfd refers to f; what was there is closed. The new number or -EBADF, -EBUSY.
ssize_r file_table_replace(struct file_table *t, u32 fd, struct file *f consumes, u64 nofile, u32 flags);
// -EBADF, or the DESCRIPTOR_* flags.
ssize_r file_table_flags(struct file_table *t, u32 fd);
err_t file_table_set_flags(struct file_table *t, u32 fd, u32 flags);
// close_range(2): closes, or only marks close-on-exec.
enum file_table_range { FILE_TABLE_CLOSE, FILE_TABLE_MARK };
void file_table_close_range(struct file_table *t, u32 first, u32 last, enum file_table_range what);
// execve: closes what is marked. The table must not be shared.
void file_table_close_on_exec(struct file_table *t);
// The first used descriptor at or after *fd, for /proc/PID/fd: a reference, or NULL at the end.
struct file *file_table_next(struct file_table *t, u32 *fd borrowed) owned;
u32 file_table_end(struct file_table *t borrowed);
