// SPDX-License-Identifier: MPL-2.0
// A mounted instance of a file system, and the registry of file system types.
#pragma once
#include <core/text.h>
#include <services/vfs/inode.h>

struct block_device;
struct fs_context;
struct file_handle;
struct superblock;
struct file_system_statistics {
	u64 magic, block_size, blocks, blocks_free, blocks_available, files, files_free, name_max, flags;
	u32 id[2];
};
struct superblock_ops {
	err_t (*statistics)(struct superblock *sb, struct file_system_statistics *out borrowed);
	// Write everything of this file system's own (metadata); file pages were written before. May be NULL.
	err_t (*sync)(struct superblock *sb);
	// Read-only <-> read-write and new options. NULL: accepts only the ro change.
	err_t (*remount)(struct superblock *sb, u32 flags, bytes_t options);
	// Last mount is gone: all dentries and unused inodes have been dropped. May be NULL.
	void (*unmount)(struct superblock *sb);
	// File handles: the inode of this number and generation, for as long as it has a name; -ESTALE. NULL: no
	// handles.
	err_t (*find_inode)(struct superblock *sb, u64 number, u32 generation, struct inode **out borrowed);
	// The folder that a folder stands in; -ESTALE. NULL: folders are not found by handle.
	err_t (*find_parent)(struct inode *dir, struct inode **out borrowed);
	// Handles of a form of its own, instead of the two above (file_handle.h): the handle of a file,
	err_t (*make_handle)(struct inode *i, struct file_handle *out borrowed);
	// and its name (one without a folder, for files that are none). -ESTALE
	err_t (*find_handle)(struct superblock *sb, const struct file_handle *h borrowed,
		struct dentry **out borrowed);
	// The number of the mount namespace that this file stands for (nsfs); 0: of none. NULL: no file does.
	u64 (*mount_namespace_number)(struct inode *i);
	// Options as shown in /proc/mounts after "rw", each with a leading comma. May be NULL.
	void (*show_options)(struct superblock *sb, struct text *out borrowed);
};
struct notify_watch;
DEFINE_LIST(inode_list, inode, sb_link)
DECLARE_LIST(notify_superblock_list, notify_watch)
// Base type; file systems derive.
struct superblock {
	struct object object;
	const struct file_system_type *type;	// immutable
	const struct superblock_ops *ops;	// immutable
	struct inode *root;			// reference; set once at mount
	struct dentry *root_dentry;		// reference; from superblock_activate() to the last deactivate
	u32 mounts;				// of it; the list of superblocks' lock
	struct atomic_u32 has_ended;		// the last mount is gone: it is not mounted any more
	struct atomic_u32 writers;		// files open for writing: no remount read-only
	u64 device;				// st_dev; block device's or anonymous; immutable
	struct block_device *block_device;	// reference or NULL; immutable
	struct user_namespace *user_ns;		// reference; who owns it; immutable
	struct atomic_u32 flags;		// enum superblock_flag
	struct mutex rename_lock;		// renames across folders
	struct mutex sync_lock;
	struct spinlock inodes_lock;
	struct inode_list inodes GUARDED_BY(inodes_lock);	// all in memory; no reference
	struct notify_superblock_list watches GUARDED_BY(inodes_lock);	// of its inodes; no reference
	struct atomic_u32 watch_count;
	struct list_link link;			// list of all superblocks
	struct atomic_u32 flush_error;		// positive errno of write-back that nobody was told of yet
	struct atomic_u64 changed_since_ns;	// first change of a record that is not written; 0: none
	u32 name_max;				// immutable
	u8 uuid[16];				// of what is on the disk, zero: none; immutable
	u32 stack_depth;			// 0: on no other file system; immutable
};
enum superblock_flag { SUPERBLOCK_READ_ONLY = 1, SUPERBLOCK_NO_USER_MOUNT = 2, SUPERBLOCK_KEEP = 4,
	SUPERBLOCK_NO_DCACHE = 8 /* names may vanish by themselves: procfs */,
	SUPERBLOCK_VFS_DOTS = 16 /* "." and ".." come from the VFS; read_directory starts at position 2 */,
	SUPERBLOCK_ACL = 32 /* has access control lists: acl.h */ };
DECLARE_OBJECT(superblock)
void superblock_init(struct superblock *sb borrowed, const struct file_system_type *type,
	const struct superblock_ops *ops, struct user_namespace *ns);
void superblock_fini(struct superblock *sb borrowed);
u64 superblock_anonymous_device(void);
// Told of each file system whose last mount goes, before its inodes are written out. Registered once.
void superblock_set_end_hook(void (*ends)(struct superblock *sb));
// The mounted superblock of a device, or NULL.
struct superblock *superblock_find_device(const struct file_system_type *type, struct block_device *device) owned;
// One more mount: the root dentry is there afterwards. -ENOMEM; -EBUSY: it is being shut down. The type's mount() calls
// nothing of this.
err_t superblock_activate(struct superblock *sb);
// The root's name while it is mounted, else NULL.
struct dentry *superblock_root(struct superblock *sb) owned;
// One mount less; the last one drops all names, writes all out and calls ops->unmount. => may sleep
void superblock_deactivate(struct superblock *sb);
// Writes out files, inodes and metadata; the first error. => may sleep
err_t superblock_sync(struct superblock *sb);
// The same without the content of files: names, records and metadata, what a file that is synced is found by.
err_t superblock_sync_records(struct superblock *sb);
void superblock_sync_all(void);

// --- superblock_flush.c: records are written when they have been dirty for long enough ---------------------
void superblock_flush_init(void);
// A record of it has become dirty.
void superblock_note_change(struct superblock *sb);
// The thread does not use it (any more), which is listed no longer. => may sleep
void superblock_flush_wait(const struct superblock *sb borrowed);
// The device number of the one whose records the thread writes; 0: of none. Set under the lock of the list.
extern struct atomic_u64 superblock_flushed_device;
// One with changes since `then_ns` or before, which are noted no longer: a reference or NULL. Its device is the flushed
// one then.
struct superblock *superblock_take_changed(u64 then_ns) owned;
bool superblock_is_any_changed(void);
// The mounted superblock of a device number: a reference or NULL (ustat, quotactl).
struct superblock *superblock_find(u64 device) owned;

// The `index`th mounted superblock of a type: a reference or NULL.
struct superblock *superblock_of_type_at(const struct file_system_type *type, u32 index) owned;

struct stack_only mount_request {
	bytes_t source;		// device path or any text
	bytes_t options;	// data string
	u32 flags;		// SUPERBLOCK_*
	u32 pad;
	const struct cred *cred;
	struct block_device *device;	// resolved for FILE_SYSTEM_NEEDS_DEVICE
	struct fs_context *fs;	// of the mounter: where names in options begin; NULL for the kernel's own
	struct namespace_set *namespaces; // of the mounter (procfs, sysfs, mqueue, cgroup2)
};
struct file_system_type {
	u8 name[16];
	u32 flags;		// enum file_system_flag
	u32 magic;
	// The superblock, new or shared, with a reference, its root set. `request` is borrowed.
	err_t (*mount)(const struct file_system_type *type, const struct mount_request *request borrowed,
		struct superblock **out borrowed);
	// Is that one option (`value` empty: a word alone) known and good? -ENOENT: unknown, -EINVAL: a bad value.
	// NULL:
	// only mount() and remount() can tell.
	err_t (*check_option)(bytes_t key, bytes_t value, const struct cred *cred borrowed);
};
enum file_system_flag { FILE_SYSTEM_NEEDS_DEVICE = 1, FILE_SYSTEM_USER_MOUNT = 2 /* mountable in a user namespace */,
	// of the kernel's own: a less privileged namespace gets a new one only where one is seen whole
	FILE_SYSTEM_REVEALING = 8 /* mount_namespaces(7) */,
	FILE_SYSTEM_ID_MAP = 4 /* owners are ids of the inode alone: see idmap.h */ };
void file_system_register(const struct file_system_type *type);
const struct file_system_type *file_system_find(bytes_t name);
// For /proc/filesystems; NULL at the end.
const struct file_system_type *file_system_at(u32 index);

// Words of a list with commas. The next that is not empty from *at on, which goes behind it; empty: there is none.
bytes_t mount_option_next(bytes_t list, usize *at borrowed);
// Of a word "key=value"; the value is empty without '='.
bytes_t mount_option_key(bytes_t word);
bytes_t mount_option_value(bytes_t word);
