// SPDX-License-Identifier: MPL-2.0
// Where a thread is in the tree of files: root, working folder, umask. Shared by CLONE_FS.
#pragma once
#include <core/lock.h>
#include <services/vfs/path.h>

struct fs_context {
	struct object object;
	struct spinlock lock;
	struct path root GUARDED_BY(lock);	// references
	struct path working GUARDED_BY(lock);
	struct atomic_u32 mask;			// umask, 0777
	struct list_link root_link, working_link;	// those on the same mount; the table's lock
};
DECLARE_OBJECT(fs_context)
void fs_context_table_init(void);
// root and working folder at the same place. NULL without memory.
struct fs_context *fs_context_create(const struct path *place borrowed) owned;
// fork without CLONE_FS, unshare(CLONE_FS).
struct fs_context *fs_context_copy(struct fs_context *from) owned;
static inline bool fs_context_is_shared(const struct fs_context *f borrowed) {
	return object_references(&f->object) > 1; }
// References in *out.
void fs_context_root(struct fs_context *f, struct path *out borrowed);
void fs_context_working(struct fs_context *f, struct path *out borrowed);
void fs_context_set_root(struct fs_context *f, const struct path *p borrowed);
void fs_context_set_working(struct fs_context *f, const struct path *p borrowed);
static inline u32 fs_context_mask(const struct fs_context *f borrowed) { return atomic_u32_load_relaxed(&f->mask); }
static inline u32 fs_context_set_mask(struct fs_context *f borrowed, u32 mask) { return atomic_u32_exchange(&f->mask,
	mask & 0777); }
// pivot_root: everybody at `from` goes to `to`.
void fs_context_replace_all(const struct path *from borrowed, const struct path *to borrowed);
