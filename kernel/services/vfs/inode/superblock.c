// SPDX-License-Identifier: MPL-2.0
// Superblocks in use, and the registry of file system types.
#include <core/print.h>
#include <services/block/block_device.h>
#include <services/vfs/dentry.h>
#include <services/vfs/notify.h>
#include <services/vfs/superblock.h>

DEFINE_BASE(superblock)
DEFINE_LIST(superblock_list, superblock, link)

#define FILE_SYSTEM_TYPES_MAX 32u
#define INODES_AT_ONCE 256u
static struct spinlock registry_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct superblock_list active GUARDED_BY(registry_lock);
static const struct file_system_type *types[FILE_SYSTEM_TYPES_MAX] GUARDED_BY(registry_lock);
static u32 type_count GUARDED_BY(registry_lock);
static struct atomic_u32 anonymous_minors;
// Two that turn the list of superblocks at once would each see only a part of it.
static struct mutex sync_all_lock = MUTEX_INIT(RANK_VFS_WALK);

void file_system_register(const struct file_system_type *type)
{
	spin_guard(&registry_lock);
	if (type_count < FILE_SYSTEM_TYPES_MAX)
		types[type_count++] = type;
	else
		log_error("no room for a file system type\n");
}

const struct file_system_type *file_system_at(u32 index)
{
	spin_guard(&registry_lock);
	return index < type_count ? types[index] : NULL;
}

const struct file_system_type *file_system_find(bytes_t name)
{
	spin_guard(&registry_lock);
	for (u32 n = 0; n < type_count; n++) {
		const struct file_system_type *type = types[n];
		if (bytes_equal(bytes_first(array_bytes(type->name), bytes_string_len(array_bytes(type->name))), name))
			return type;
	}
	return NULL;
}

u64 superblock_anonymous_device(void)
{
	return device_number(0, atomic_u32_add(&anonymous_minors, 1) + 1);
}

void superblock_init(struct superblock *sb borrowed, const struct file_system_type *type,
	const struct superblock_ops *ops, struct user_namespace *ns)
{
	sb->type = type;
	sb->ops = ops;
	sb->user_ns = user_namespace_get(ns);
	sb->name_max = DENTRY_NAME_MAX;
	mutex_init(&sb->rename_lock, RANK_VFS_RENAME);
	mutex_init(&sb->sync_lock, RANK_SUPERBLOCK);
	spin_init(&sb->inodes_lock, RANK_INODE_HASH);
}

exclusive_access void superblock_fini(struct superblock *sb borrowed)
{
	if (sb->root)
		inode_put(take(sb->root));
	if (sb->user_ns)
		user_namespace_put(take(sb->user_ns));
}

struct superblock *superblock_find_device(const struct file_system_type *type, struct block_device *device)
{
	spin_guard(&registry_lock);
	list_for_each(superblock_list, sb, &active) {
		if (sb->type == type && sb->block_device == device)
			return superblock_try_get(sb);
	}
	return NULL;
}

static err_t registry_join(struct superblock *sb)
{
	spin_guard(&registry_lock);
	if (atomic_u32_load(&sb->has_ended))
		return -EBUSY;
	if (sb->mounts == 0 && !superblock_list_has(&active, sb)) {
		superblock_list_append(&active, sb);
		if (sb->block_device)
			block_device_move_claim(sb->block_device, BLOCK_CLAIM_MOUNTED);
	}
	sb->mounts++;
	return OK;
}

// True: that was the last mount. Whoever has found it on the list a moment before cannot mount it any more.
static bool registry_leave(struct superblock *sb)
{
	spin_guard(&registry_lock);
	sb->mounts--;
	if (sb->mounts || (atomic_u32_load(&sb->flags) & SUPERBLOCK_KEEP))
		return false;
	atomic_u32_store(&sb->has_ended, 1);
	superblock_list_remove(&active, sb);
	if (sb->block_device)
		block_device_move_claim(sb->block_device, BLOCK_CLAIM_ENDS);
	return true;
}

err_t superblock_activate(struct superblock *sb)
{
	if (!sb->root_dentry && !atomic_u32_load(&sb->has_ended)) {
		struct dentry *d object_auto(dentry) = dentry_create_anonymous(sb, sb->root, bytes_empty());
		if (!d)
			return -ENOMEM;
		sb->root_dentry = take(d);
	}
	return registry_join(sb);
}

struct dentry *superblock_root(struct superblock *sb)
{
	spin_guard(&registry_lock);
	return sb->root_dentry ? dentry_get(sb->root_dentry) : NULL;
}

static struct dentry *superblock_take_root(struct superblock *sb) owned;
static struct dentry *superblock_take_root(struct superblock *sb)
{
	spin_guard(&registry_lock);
	return take(sb->root_dentry);
}

static struct spinlock hook_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static void (*end_hook)(struct superblock *sb) GUARDED_BY(hook_lock);

void superblock_set_end_hook(void (*ends)(struct superblock *sb))
{
	spin_guard(&hook_lock);
	end_hook = ends;
}

static void tell_of_end(struct superblock *sb)
{
	void (*ends)(struct superblock *sb);
	{
		spin_guard(&hook_lock);
		ends = end_hook;
	}
	if (ends)
		ends(sb);
}

void superblock_deactivate(struct superblock *sb)
{
	if (!registry_leave(sb))
		return;
	superblock_flush_wait(sb);
	if (atomic_u32_load(&sb->watch_count))
		notify_unmount(sb);
	tell_of_end(sb);
	dentry_drop_below(sb->root_dentry);
	if (superblock_sync(sb) != OK)
		log_error("unmount: not everything could be written\n");
	struct dentry *root object_auto(dentry) = superblock_take_root(sb);
	if (sb->ops->unmount)
		sb->ops->unmount(sb);
}

// The next inode in turn, moved to the end of the list so that `count` calls see each once.
static struct inode *superblock_next_inode(struct superblock *sb) owned;
static struct inode *superblock_next_inode(struct superblock *sb)
{
	spin_guard(&sb->inodes_lock);
	struct inode *i = inode_list_pop(&sb->inodes);
	if (!i)
		return NULL;
	inode_list_append(&sb->inodes, i);
	return inode_try_get(i);
}

// The next one whose record or names may have to be written, of at most *left; NULL also after some that need not be,
// so that the list is not locked for long.
static struct inode *superblock_next_record(struct superblock *sb, usize *left borrowed) owned;
static struct inode *superblock_next_record(struct superblock *sb, usize *left borrowed)
{
	spin_guard(&sb->inodes_lock);
	for (u32 seen = 0; *left && seen < INODES_AT_ONCE; seen++) {
		struct inode *i = inode_list_pop(&sb->inodes);
		if (!i) {
			*left = 0;
			return NULL;
		}
		(*left)--;
		inode_list_append(&sb->inodes, i);
		if (i->type != S_IFDIR && !(atomic_u32_load_relaxed(&i->state) & INODE_DIRTY))
			continue;
		struct inode *got object_auto(inode) = inode_try_get(i);
		if (got)
			return take(got);
	}
	return NULL;
}

static usize superblock_inode_count(struct superblock *sb)
{
	spin_guard(&sb->inodes_lock);
	return inode_list_count(&sb->inodes);
}

static err_t superblock_sync_own(struct superblock *sb)
{
	return sb->ops->sync ? sb->ops->sync(sb) : OK;
}

err_t superblock_sync(struct superblock *sb)
{
	err_t result = OK;
	mutex_guard(&sb->sync_lock);
	for (usize left = superblock_inode_count(sb); left; left--) {
		struct inode *i object_auto(inode) = superblock_next_inode(sb);
		if (!i)
			continue;
		const err_t e = inode_write_all(i);
		if (result == OK)
			result = e;
	}
	const err_t e = superblock_sync_own(sb);
	const err_t kept = (err_t)-(s32)atomic_u32_exchange(&sb->flush_error, 0);
	return result ? result : e ? e : kept;
}

static err_t superblock_sync_record(struct inode *i)
{
	return i->type == S_IFDIR ? inode_write_all(i) : inode_write_record(i);
}

err_t superblock_sync_records(struct superblock *sb)
{
	err_t result = OK;
	mutex_guard(&sb->sync_lock);
	for (usize left = superblock_inode_count(sb); left;) {
		struct inode *i object_auto(inode) = superblock_next_record(sb, &left);
		const err_t e = i ? superblock_sync_record(i) : OK;
		if (result == OK)
			result = e;
	}
	const err_t e = superblock_sync_own(sb);
	const err_t kept = (err_t)-(s32)atomic_u32_exchange(&sb->flush_error, 0);
	return result ? result : e ? e : kept;
}

static struct superblock *superblock_next(void) owned;
static struct superblock *superblock_next(void)
{
	spin_guard(&registry_lock);
	struct superblock *sb = superblock_list_pop(&active);
	if (!sb)
		return NULL;
	superblock_list_append(&active, sb);
	return superblock_try_get(sb);
}

static usize superblock_count(void)
{
	spin_guard(&registry_lock);
	return superblock_list_count(&active);
}

void superblock_sync_all(void)
{
	mutex_guard(&sync_all_lock);
	for (usize left = superblock_count(); left; left--) {
		struct superblock *sb object_auto(superblock) = superblock_next();
		if (sb && superblock_sync(sb) != OK)
			log_error("sync: not everything could be written\n");
	}
}

struct superblock *superblock_take_changed(u64 then_ns)
{
	spin_guard(&registry_lock);
	list_for_each(superblock_list, sb, &active) {
		const u64 since_ns = atomic_u64_load(&sb->changed_since_ns);
		if (!since_ns || since_ns > then_ns)
			continue;
		struct superblock *got object_auto(superblock) = superblock_try_get(sb);
		if (!got)
			continue;
		atomic_u64_store(&sb->changed_since_ns, 0);
		atomic_u64_store(&superblock_flushed_device, sb->device);
		return take(got);
	}
	return NULL;
}

bool superblock_is_any_changed(void)
{
	spin_guard(&registry_lock);
	list_for_each(superblock_list, sb, &active) {
		if (atomic_u64_load(&sb->changed_since_ns))
			return true;
	}
	return false;
}

struct superblock *superblock_find(u64 device)
{
	spin_guard(&registry_lock);
	list_for_each(superblock_list, sb, &active) {
		if (sb->device == device)
			return superblock_try_get(sb);
	}
	return NULL;
}

struct superblock *superblock_of_type_at(const struct file_system_type *type, u32 index)
{
	spin_guard(&registry_lock);
	list_for_each(superblock_list, sb, &active) {
		if (sb->type == type && index-- == 0)
			return superblock_try_get(sb);
	}
	return NULL;
}

// --- words of options ---------------------------------------------------------------------------------

bytes_t mount_option_next(bytes_t list, usize *at borrowed)
{
	while (*at < bytes_len(list)) {
		const bytes_t rest = bytes_from(list, *at);
		const bytes_t word = bytes_first(rest, bytes_find(rest, ','));

		*at += bytes_len(word) + 1;
		if (bytes_len(word))
			return word;
	}
	return bytes_empty();
}

bytes_t mount_option_key(bytes_t word)
{
	return bytes_first(word, bytes_find(word, '='));
}

bytes_t mount_option_value(bytes_t word)
{
	const usize equals = bytes_find(word, '=');

	return equals < bytes_len(word) ? bytes_from(word, equals + 1) : bytes_empty();
}
