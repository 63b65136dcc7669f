// SPDX-License-Identifier: MPL-2.0
// An inode: one file of one file system, whatever its names. Each file system derives its own type
// (struct ext2_inode { struct inode base; ... }) and provides operations.
// Locks: `directory_lock` of a folder serialises changes of its entries (rank INODE_DIRECTORY, parent
// before child); `data_lock` serialises writes and truncation of a file; `lock` guards the attributes.
// The VFS takes directory_lock and data_lock before it calls an operation, as stated there, and has
// checked permissions, read-only mounts, name lengths and existence; operations check only what the
// file system alone knows.
#pragma once
#include <core/iobuf.h>
#include <core/lock.h>
#include <core/object.h>
#include <services/cred/cred.h>
#include <services/pagecache/page_mapping.h>
#include <services/vfs/stat.h>

struct superblock;
struct dentry;
struct file;
struct inode;
struct path;
struct directory_sink;

struct inode_ops {
	// --- folders (directory_lock held for writing unless said) ---
	// The child's inode in *out (reference), -ENOENT. directory_lock held at least for reading.
	err_t (*lookup)(struct inode *dir, bytes_t name, struct inode **out borrowed);
	// Make a child: mode has the type (regular, fifo, socket, device); owner from cred by
	// inode_init_owner(). The new inode in *out.
	err_t (*create)(struct inode *dir, bytes_t name, u32 mode, u64 device, const struct cred *cred borrowed,
		struct inode **out borrowed);
	err_t (*make_directory)(struct inode *dir, bytes_t name, u32 mode, const struct cred *cred borrowed,
		struct inode **out borrowed);
	err_t (*symlink)(struct inode *dir, bytes_t name, bytes_t target, const struct cred *cred borrowed,
		struct inode **out borrowed);
	err_t (*link)(struct inode *dir, bytes_t name, struct inode *target);
	err_t (*unlink)(struct inode *dir, bytes_t name, struct inode *child);
	err_t (*remove_directory)(struct inode *dir, bytes_t name, struct inode *child);	// -ENOTEMPTY
	// `replaced` is the inode at the new name or NULL. flags: RENAME_EXCHANGE, RENAME_WHITEOUT.
	err_t (*rename)(struct inode *from_dir, bytes_t from_name, struct inode *child, struct inode *to_dir,
			bytes_t to_name, struct inode *replaced, u32 flags);
	// Reports entries from *position on until the sink is full. directory_lock held for reading.
	err_t (*read_directory)(struct inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed);
	// O_TMPFILE; NULL: -EOPNOTSUPP.
	err_t (*create_unnamed)(struct inode *dir, u32 mode, const struct cred *cred borrowed,
		struct inode **out borrowed);
	// --- symbolic links: the target into `out`; its length or error.
	ssize_r (*read_link)(struct inode *i, span_t out);
	// Magic links (/proc/PID/exe, fd/N, ns/X): the place itself instead of text. NULL: ordinary.
	err_t (*follow_link)(struct inode *i, struct path *out borrowed);
	// --- any ---
	// Attributes changed as in `change` (already checked); data_lock held when the size changes.
	err_t (*set_attributes)(struct inode *i, const struct attribute_change *change borrowed);
	// NULL: generic from the inode's fields.
	err_t (*get_attributes)(struct inode *i, struct file_stat *out borrowed);
	// NULL: generic by mode and owner. mask: PERMISSION_*.
	err_t (*permission)(struct inode *i, u32 mask, const struct cred *cred borrowed);
	// Prepares an open file beyond the generic part (private state, ops). May be NULL.
	err_t (*open)(struct inode *i, struct file *f);
	// Extended attributes; NULL: -EOPNOTSUPP. Sizes: length 0 asks for the size.
	ssize_r (*get_xattr)(struct inode *i, bytes_t name, span_t out);
	err_t (*set_xattr)(struct inode *i, bytes_t name, bytes_t value, u32 flags);
	ssize_r (*list_xattr)(struct inode *i, span_t out);
	err_t (*remove_xattr)(struct inode *i, bytes_t name);
	// Keeps flags (FILE_FLAG_*, attributes.h), which the VFS enforces. NULL: the file system has none.
	err_t (*set_flags)(struct inode *i, u32 flags);
	// The dcache may keep negative and positive entries only if this is NULL or returns true
	// (procfs: the process may be gone).
	bool (*revalidate)(struct inode *dir, bytes_t name, struct inode *child);
	// Link count reached zero and the last user is gone: free the blocks. NULL: nothing to do.
	void (*evict)(struct inode *i);
	// Where the byte at `offset` lies on the disk (0: nowhere, a hole) and for how many bytes from there on, at
	// least one block, that goes on. Offsets are multiples of the block. NULL: the file system does not tell.
	err_t (*find_extent)(struct inode *i, u64 offset, u64 *physical borrowed, u64 *length borrowed);
	// Writes the inode's own record (fsync, write-back). May be NULL.
	err_t (*write_inode)(struct inode *i);
};

struct inode {
	struct object object;
	struct superblock *superblock;		// borrowed: a superblock outlives its inodes; immutable
	const struct inode_ops *ops;		// immutable
	const struct file_ops *file_ops;	// immutable; of files opened on it
	u64 number;				// immutable
	u32 type;				// S_IFMT part of the mode; immutable
	u32 generation;
	struct rwlock directory_lock;
	struct rwlock data_lock;
	struct spinlock lock;
	// Written under `lock`; single words, which permission checks read without it.
	u32 mode;				// permission bits only (07777)
	u32 uid;				// kernel ids
	u32 gid;
	u32 link_count GUARDED_BY(lock);
	struct atomic_u64 size;			// changed under data_lock
	u32 write_opens GUARDED_BY(lock);	// files open for writing, and of those that deny it:
	u32 write_denials GUARDED_BY(lock);	// programs that run (ETXTBSY); one of the two is 0
	u64 block_count GUARDED_BY(lock);	// of 512 bytes
	struct file_time access_time GUARDED_BY(lock);
	struct file_time modify_time GUARDED_BY(lock);
	struct file_time change_time GUARDED_BY(lock);
	struct file_time birth_time;		// immutable
	u64 device;				// of a device node; immutable
	u32 block_size;				// st_blksize; immutable
	struct atomic_u32 state;		// enum inode_state
	struct atomic_u32 no_acl;		// a note (below): no access control list
	struct atomic_u32 no_privileges;	// a note: neither set-id bits nor file capabilities
	struct page_mapping *pages;		// regular files and block devices; owned, immutable
	struct atomic_u64 version;		// counts changes (overlayfs, caches)
	struct list_link sb_link;		// superblock's list
	struct list_link hash_link;
	struct list_link dirty_link;
	// Kept by the VFS for other rooms; each is set once under `lock` or NULL.
	struct file_lock_table *file_locks;	// owned
	struct notify_watch_set *watches;	// reference; read without the lock
	struct pipe *pipe GUARDED_BY(lock);	// reference: FIFO or pipe in use
	u32 pipe_ends GUARDED_BY(lock);		// open files of it
	struct unix_socket *socket;		// bound AF_UNIX address
};
enum inode_state { INODE_DIRTY = 1, INODE_NEW = 2, INODE_FREEING = 4, INODE_APPEND_ONLY = 8, INODE_IMMUTABLE = 16,
	INODE_CACHED = 32 /* in the table by number */, INODE_LINKABLE = 64 /* O_TMPFILE without O_EXCL */,
	INODE_NO_DUMP = 256 /* for backup programs */, INODE_NO_ATIME = 512,
	INODE_EMPTY_FOLDER = 1024 /* never has an entry: a place for mounts */,
	INODE_LAYER = 2048 /* the upper layer of an overlay */ };
DECLARE_OBJECT(inode)

// Notes of what most inodes lack, so that it is not looked for each time. Odd: known to lack it. Who may have given it
// to the inode says so afterwards; who found nothing says which note was there before the search, and it is taken
// only if nobody changed anything meanwhile.
static inline bool inode_note_says_absent(const struct atomic_u32 *note borrowed)
{
	return atomic_u32_load(note) & 1;
}
static inline void inode_note_absent(struct atomic_u32 *note borrowed, u32 before)
{
	if (!(before & 1))
		(void)atomic_u32_compare_exchange(note, before, before | 1);
}
static inline void inode_note_changed(struct atomic_u32 *note borrowed)
{
	u32 before = atomic_u32_load(note);

	while (!atomic_u32_compare_exchange(note, before, (before | 1) + 1))
		before = atomic_u32_load(note);
}

// Fills the base of a fresh derived inode.
void inode_init(struct inode *i, struct superblock *sb, u64 number, u32 mode_with_type,
		const struct inode_ops *ops, const struct file_ops *file_ops);
// Owner and times of a new child: fsuid, fsgid or the parent's group with set-group-id.
void inode_init_owner(struct inode *i borrowed, const struct inode *dir borrowed /* or NULL */,
	const struct cred *cred borrowed, u32 mode);
// To be called first by each derived release: frees (evict) or writes out what the file system keeps,
// and drops the pages. => may sleep
void inode_fini(struct inode *i);
void inode_mark_dirty(struct inode *i);
// Writes the record if it is dirty; inode_write_all() the dirty pages, too. -ENOMEM: what could not be written stays
// dirty; other errors are told once. => may sleep
err_t inode_write_record(struct inode *i);
err_t inode_write_all(struct inode *i);
void inode_touch(struct inode *i, u32 times);	// TOUCH_ACCESS | TOUCH_MODIFY | TOUCH_CHANGE: now
enum { TOUCH_ACCESS = 1, TOUCH_MODIFY = 2, TOUCH_CHANGE = 4 };
// -ETXTBSY while writing is denied, or while somebody writes.
err_t inode_open_for_writing(struct inode *i);
void inode_close_for_writing(struct inode *i);
err_t inode_deny_writing(struct inode *i);
void inode_allow_writing(struct inode *i);
void inode_add_links(struct inode *i, s32 delta);
enum permission_mask { PERMISSION_EXECUTE = 1, PERMISSION_WRITE = 2, PERMISSION_READ = 4 };
// The whole check: immutable, the file system's own `permission` or the generic one.
err_t inode_permission(struct inode *i, u32 mask, const struct cred *cred borrowed);
// Capability in the caller's user namespace, and the inode's owner is mapped there.
bool inode_capable(struct inode *i, const struct cred *cred borrowed, u32 capability);
err_t inode_permission_generic(struct inode *i, u32 mask, const struct cred *cred borrowed);
void inode_stat_generic(struct inode *i, struct file_stat *out borrowed);
// Owner or CAP_FOWNER.
bool inode_is_owner(struct inode *i, const struct cred *cred borrowed);

struct file_time file_time_now(void);
struct file_time file_time_of(u64 realtime_ns);
// Attributes by the file system or generic.
err_t inode_stat(struct inode *i, struct file_stat *out borrowed);
// set_attributes for file systems that keep all in memory: stores every valid field but the size.
void inode_set_attributes_generic(struct inode *i, const struct attribute_change *change borrowed);

// The inodes in memory by number, for file systems whose inodes live on a disk. find: a reference, or
// NULL; waits for one that is being written out. insert: -EEXIST when another was first. The inode
// leaves by itself at inode_fini(). => may sleep
struct inode *inode_cache_find(struct superblock *sb, u64 number) owned;
err_t inode_cache_insert(struct inode *i);
void inode_cache_init(void);

// Receives directory entries: returns false when full (the entry was not taken).
struct stack_only directory_sink {
	bool (*add)(struct directory_sink *s borrowed, bytes_t name, u64 number, u32 type, u64 next_position);
	span_t out;
	usize used;
	u64 count;
	u64 position_base;	// `add` puts it on top of next_position
	err_t error;
};
