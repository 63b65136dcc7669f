// SPDX-License-Identifier: MPL-2.0
// An open file (open file description). Descriptors refer to it (file_table.h). Base type: pipes,
// sockets, epoll, ... derive from it; files of file systems mostly use it as it is.
#pragma once
#include <core/text.h>
#include <services/poll/poll.h>
#include <services/vfs/path.h>

#define OPEN_ACCESS_MASK 3u		// O_RDONLY 0, O_WRONLY 1, O_RDWR 2
#define OPEN_CREATE 0100u
#define OPEN_EXCLUSIVE 0200u
#define OPEN_NO_CTTY 0400u
#define OPEN_TRUNCATE 01000u
#define OPEN_APPEND 02000u
#define OPEN_NONBLOCK 04000u
#define OPEN_DSYNC 010000u
#define OPEN_ASYNC 020000u
#define OPEN_DIRECT 040000u
#define OPEN_LARGEFILE 0100000u
#define OPEN_DIRECTORY 0200000u
#define OPEN_NO_FOLLOW 0400000u
#define OPEN_NO_ATIME 01000000u
#define OPEN_CLOSE_ON_EXEC 02000000u
#define OPEN_SYNC 04010000u
#define OPEN_PATH 010000000u
#define OPEN_TMPFILE 020200000u

struct file;
struct file_async;	// services/process
struct vm_map_request;	// services/vm
// An ioctl(2) in kernel values. `value`: the argument itself, or the integer that it points to; `data`: the struct of
// fixed size that it points to. What the operation leaves in one of them goes back to the caller if `command` says so.
#define FILE_CONTROL_BYTES 80u
struct file_control {
	u32 command;
	u32 size;	// of the struct; 0: none
	u64 value;
	u8 data[FILE_CONTROL_BYTES];
};
struct file_ops {
	// *position is the file's own (locked by the caller) or pread's. Count or error. => may sleep
	ssize_r (*read)(struct file *f, struct iobuf *to borrowed, u64 *position borrowed);
	ssize_r (*write)(struct file *f, struct iobuf *from borrowed, u64 *position borrowed);
	// Absolute position or error. NULL: -ESPIPE.
	ssize_r (*seek)(struct file *f, s64 offset, u32 whence);
	u32 (*poll)(struct file *f, struct poll_request *r);	// NULL: always readable and writable
	// An ioctl whose argument linux_abi has decoded. -ENOTTY for what it does not know. NULL: see ioctl.
	ssize_r (*control)(struct file *f, struct file_control *c borrowed);
	// Those that decode themselves (sockets): number, argument. -ENOTTY for what it does not know. NULL: -ENOTTY.
	ssize_r (*ioctl)(struct file *f, u32 command, u64 argument);
	// Which pages back a mapping; NULL: -ENODEV. `*out` borrowed from the file.
	err_t (*map)(struct file *f, u32 protection, struct page_mapping **out borrowed);
	// An area of an address space that maps the file came (mmap, fork, split) or went (munmap, exit, join).
	// `came` must
	// not sleep. Each may be NULL.
	void (*area_came)(struct file *f);
	void (*area_gone)(struct file *f);
	// Each close(2) of a descriptor (locks, FIN). May be NULL.
	err_t (*flush)(struct file *f);
	err_t (*sync)(struct file *f, u64 start, u64 end, u32 data_only);	// NULL: -EINVAL
	err_t (*allocate)(struct file *f, u32 mode, u64 offset, u64 length);	// fallocate; NULL: -EOPNOTSUPP
	// Last reference: undo what open did. f->private_* are still there. May be NULL.
	void (*release)(struct file *f);
	err_t (*read_directory)(struct file *f, struct directory_sink *sink borrowed);	// NULL: the inode's
	// Text of /proc/PID/fdinfo/N after the common lines. May be NULL.
	void (*show_info)(struct file *f, struct text *out borrowed);
	u32 async_events;	// FILE_ASYNC_*: which changes SIGIO tells (O_ASYNC); 0: it is not for such files
};
// Wake-ups of the file's queues (the readers' first) that are told; those marked POLL_QUIET never are.
enum file_async_event {
	FILE_ASYNC_IN = 1,
	FILE_ASYNC_OUT = 2,	// each time that there is more room
	FILE_ASYNC_ROOM = 4,	// only after somebody has found none; the writers' queue is the second
	FILE_ASYNC_END = 8,	// hang-ups and errors by names of their own; else they count as the above
	FILE_ASYNC_URGENT = 16	// POLL_PRIORITY: SIGURG, O_ASYNC or not
};
struct file {
	struct object object;
	const struct file_ops *ops;	// set before it is shared
	struct path path;		// references; empty only while being made; immutable
	struct inode *inode;		// reference; immutable
	struct cred *cred;		// of the opener; reference; immutable
	u32 mode;			// FILE_MODE_*; immutable
	struct atomic_u32 flags;	// OPEN_* status flags
	struct mutex position_lock;	// held around what uses the position, unless the caller has the only reference
	u64 position;			// see position_lock
	struct spinlock lock;
	struct file_async *async GUARDED_BY(lock);	// reference, set once; see file_set_async_hook
	struct atomic_u32 wants_room;	// OPEN_ASYNC: who wrote or asked has found no room (FILE_ASYNC_ROOM)
	struct object *private_object;	// for the ops; a reference, dropped after release(); set in open
	u64 private_value;		// for the ops
	struct atomic_u32 readahead;
	struct list_link epoll_link;	// reserved for epoll
	struct epoll_watch_set *epoll_watches GUARDED_BY(lock);	// reference, set once; see file_set_watch_hook
};
enum file_mode { FILE_MODE_READ = 1, FILE_MODE_WRITE = 2, FILE_MODE_PATH = 4, FILE_MODE_SEEK = 8, FILE_MODE_EXEC = 16,
	FILE_MODE_WRITER = 32 /* counted with its mount and superblock */,
	FILE_MODE_DENIES_WRITING = 128 /* a program: see inode_deny_writing */,
	FILE_MODE_COUNTED = 256 /* towards file_limit */,
	FILE_MODE_ANNOUNCED = 64 /* its opening was told to those who watch: see notify.h */ };
DECLARE_OBJECT(file)
DEFINE_LIST(file_list, file, epoll_link)

// A file on a place. Permissions were checked. -ENXIO, -ENOMEM ... => may sleep
err_t file_open_path(const struct path *p borrowed, u32 flags, struct cred *cred, struct file **out borrowed);
// As long as this file is open nobody may open its inode for writing. -ETXTBSY. The file is not shared yet.
err_t file_deny_writing(struct file *f);
// open(2) as a whole: lookup, create, truncate, permission, O_TMPFILE.
err_t file_open(const struct lookup_context *c borrowed, bytes_t name, u32 flags, u32 mode, struct file **out borrowed);
// What open does after the name was found: permissions, mount flags, then file_open_path and O_TRUNC.
err_t file_open_place(const struct path *p borrowed, u32 flags, struct cred *cred, struct file **out borrowed);
// Fills the base of a derived file that has an anonymous inode ("anon_inode:[eventfd]", "pipe:[N]",
// "socket:[N]"): label names it in /proc/PID/fd; a label that ends with ':' gets "[N]" appended.
err_t file_init_anonymous(struct file *f, const struct file_ops *ops, bytes_t label, u32 flags, struct cred *cred,
	u32 inode_type);
// First in the release of a derived file: it ends the watches on queues that the rest of the file keeps.
void file_fini(struct file *f);
// Who ends the watches of a file whose last reference is gone (epoll). Registered once.
void file_set_watch_hook(void (*drop)(struct epoll_watch_set *watches consumes));
// Likewise those of signal-driven I/O (services/process).
void file_set_async_hook(void (*drop)(struct file_async *a consumes));
// Checks the mode and calls the operation. position NULL: the file's own.
ssize_r file_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed);
ssize_r file_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed);
// Somebody wanted to write more than there was room for. True: that is noted now, and who found none is to look again,
// because room that came in between was told to nobody.
static inline bool file_note_no_room(struct file *f)
{
	if (!(atomic_u32_load_relaxed(&f->flags) & OPEN_ASYNC))
		return false;
	atomic_u32_store(&f->wants_room, 1);
	return true;
}
// It has looked again and had its way.
static inline void file_note_room(struct file *f)
{
	atomic_u32_store(&f->wants_room, 0);
}
static inline u32 file_poll(struct file *f, struct poll_request *r)
{
	if (!f->ops->poll)
		return POLL_IN | POLL_OUT | POLL_READ_NORMAL | POLL_WRITE_NORMAL;
	const u32 events = f->ops->poll(f, r);
	return !(events & POLL_OUT) && file_note_no_room(f) ? f->ops->poll(f, NULL) : events;
}
static inline bool file_is_nonblocking(const struct file *f borrowed) {
	return atomic_u32_load_relaxed(&f->flags) & OPEN_NONBLOCK; }
// Exact content reading for execve and the kernel: all of [position, +length) or -ENOEXEC/-EIO.
err_t file_read_exact(struct file *f, u64 position, span_t out);
// Generic operations for files of file systems with a page cache.
extern const struct file_ops file_ops_page_cache;
extern const struct file_ops file_ops_directory;
extern const struct file_ops file_ops_none;	// of O_PATH files: nothing can be done
// SEEK_SET, CUR, END, DATA and HOLE for a file without holes, of `size` bytes.
ssize_r file_seek_generic(struct file *f, s64 offset, u32 whence, u64 size);
// lseek(2), with the position lock.
ssize_r file_seek(struct file *f, s64 offset, u32 whence);
// getdents: entries from the file's position on. -ENOTDIR, -ENOENT (removed folder).
err_t file_read_directory(struct file *f, struct directory_sink *sink borrowed);
// fsync(2) of a byte range.
err_t file_sync(struct file *f, u64 start, u64 end, u32 data_only);
// relatime and its relatives: marks the file as read.
void file_note_access(struct file *f);
// Content changes by someone without CAP_FSETID: set-user-id and set-group-id go.
void file_drop_privileges(struct file *f);
// FILE_MODE_* for the access bits of flags.
u32 file_mode_of_flags(u32 flags);
err_t file_system_init_anonymous(void);
// Open files of the machine, and how many there may be (fs.file-max): -ENFILE beyond, but for its administrator.
#define FILE_LIMIT_LEAST 8192u
extern struct atomic_u32 file_limit;
u64 file_count(void);
void file_system_init_limit(void);
