// SPDX-License-Identifier: MPL-2.0
// What happens to files, told to those who watch them. The VFS announces; a watch (a derived type, such as inotify's)
// is attached to an inode and hears what its mask names, of the inode itself and, for a folder, of its entries.
// source: inotify(7), whose numbers the events have.
#pragma once
#include <services/vfs/file.h>

#define NOTIFY_ACCESS 0x1u
#define NOTIFY_MODIFY 0x2u
#define NOTIFY_ATTRIBUTES 0x4u
#define NOTIFY_CLOSE_WRITE 0x8u
#define NOTIFY_CLOSE_NO_WRITE 0x10u
#define NOTIFY_OPEN 0x20u
#define NOTIFY_MOVED_FROM 0x40u
#define NOTIFY_MOVED_TO 0x80u
#define NOTIFY_CREATE 0x100u
#define NOTIFY_DELETE 0x200u
#define NOTIFY_DELETE_SELF 0x400u
#define NOTIFY_MOVE_SELF 0x800u
#define NOTIFY_EVENTS 0xfffu		// all that a mask can name
#define NOTIFY_UNMOUNT 0x2000u		// told whatever the mask says
#define NOTIFY_IS_DIRECTORY 0x40000000u	// beside an event: it happened to a folder

struct file_system_type;
struct stack_only notify_event {
	u32 mask;		// one NOTIFY_ event, perhaps with NOTIFY_IS_DIRECTORY
	u32 cookie;		// joins the two halves of a rename; 0: none
	bytes_t name;		// of the entry; empty: it happened to the watched inode itself
	const struct dentry *entry;	// of the entry, where it may have lost its name; or NULL
};
struct notify_watch;
struct notify_watch_ops {
	// Under the locks of whoever does what is told: no sleeping lock is taken, no allocation waits for a watcher.
	void (*announce)(struct notify_watch *w, const struct notify_event *e borrowed);
	// The inode goes (removed, unmounted): the watch detaches itself, unless somebody else just has.
	void (*gone)(struct notify_watch *w);
};
// Base type. Attached, it holds its inode, and the inode's set holds it.
struct notify_watch {
	struct object object;
	const struct notify_watch_ops *ops;	// immutable
	struct object *owner;		// borrowed: only compared; immutable
	struct inode *inode;		// reference; set when attached, dropped by whoever detaches
	struct notify_watch_set *set;	// reference; likewise set, immutable then
	struct superblock *superblock;	// borrowed: it waits for its watches; immutable once attached
	struct atomic_u32 mask;		// NOTIFY_EVENTS, and bits of the derived type
	struct atomic_u32 is_attached;
	struct tree_link set_link;	// the set's lock
	struct list_link superblock_link;	// the superblock's inodes_lock
};
DECLARE_OBJECT(notify_watch)

// --- for those who watch ---------------------------------------------------------------------------
// The caller holds a place on the inode, so that its superblock stays. -ENOMEM
err_t notify_attach(struct notify_watch *w, struct inode *i);
// True for the one call that took it off. => may sleep
bool notify_detach(struct notify_watch *w);
void notify_set_mask(struct notify_watch *w, u32 mask);
// The owner's watch of an inode: a reference or NULL.
struct notify_watch *notify_find(struct inode *i, struct object *owner) owned;
// For the release of a derived type.
void notify_watch_fini(struct notify_watch *w);

// --- for those who do ------------------------------------------------------------------------------
extern struct atomic_u32 notify_watch_total;
// Is anybody watching anything?
static inline bool notify_is_active(void) { return atomic_u32_load_relaxed(&notify_watch_total) != 0; }
// Of an open file: told to its inode and to the folder it is in.
void notify_file_slow(struct file *f, u32 event);
static inline void notify_file(struct file *f, u32 event)
{
	if (notify_is_active())
		notify_file_slow(f, event);
}
// open(2) and execve(2) have opened it: now its end will be told too.
void notify_opened(struct file *f);
void notify_closed(struct file *f);
// Of a place: told to the inode and to its folder.
void notify_dentry(struct dentry *d, u32 event);
// Of an inode, by whatever name: told to it alone.
void notify_inode(struct inode *i, u32 event);
// An entry of a folder came (NOTIFY_CREATE) or went (NOTIFY_DELETE).
void notify_entry(struct inode *dir, bytes_t name, struct inode *child, u32 event);
// A rename has been done. `replaced`: what lost the new name, or NULL.
struct stack_only notify_rename {
	struct inode *from, *to;	// the folders
	struct inode *child, *replaced;
	bytes_t old_name, new_name;
};
void notify_renamed(const struct notify_rename *r borrowed);
// A removed name is forgotten by its last user: was it the inode's last?
void notify_name_gone(struct inode *i);
// The last mount of a superblock goes: all watches in it end. => may sleep
void notify_unmount(struct superblock *sb);
// Files that change without a write(2), as those of cgroupfs: NOTIFY_MODIFY to every watch in file systems of `type`
// for whose inode `match` gives an answer. => may sleep; no lock of the subject is held
enum notify_match { NOTIFY_NO_MATCH, NOTIFY_IS_FILE, NOTIFY_IS_FOLDER };
void notify_modified_by_kernel(const struct file_system_type *type, bytes_t name,
	enum notify_match (*match)(struct inode *i, const struct object *subject, u64 value),
	const struct object *subject, u64 value);
