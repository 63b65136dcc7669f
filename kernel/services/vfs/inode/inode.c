// SPDX-License-Identifier: MPL-2.0
// Inodes: what all file systems share. The table by number is in inode_cache.c.
#include <core/memory_account.h>
#include <core/print.h>
#include <core/task.h>
#include <core/time.h>
#include <services/cgroup/cgroup_device.h>
#include <services/vfs/acl.h>
#include <services/vfs/dentry.h>
#include <services/vfs/idmap.h>
#include <services/vfs/inode.h>
#include <services/vfs/inode/inode_internal.h>
#include <services/vfs/mount.h>
#include <services/vfs/superblock.h>

DEFINE_BASE(inode)

#define INODE_BLOCK_SIZE 4096u
#define SETTLE_MAX_NS (2 * NS_PER_SECOND)
#define SETTLE_RETRY_NS (10 * NS_PER_MS)

void inode_init(struct inode *i, struct superblock *sb, u64 number, u32 mode_with_type,
		const struct inode_ops *ops, const struct file_ops *file_ops)
{
	i->superblock = sb;
	i->ops = ops;
	i->file_ops = file_ops;
	i->number = number;
	i->type = mode_with_type & S_IFMT;
	i->mode = mode_with_type & 07777;
	i->block_size = INODE_BLOCK_SIZE;
	rwlock_init(&i->directory_lock, RANK_INODE_DIRECTORY);
	rwlock_init(&i->data_lock, RANK_INODE_DATA);
	spin_init(&i->lock, RANK_INODE);
	const struct file_time now = file_time_now();
	i->birth_time = now;
	if (ops->write_inode) {
		spin_guard(&sb->inodes_lock);
		inode_list_append(&sb->inodes, i);
	}
	spin_guard(&i->lock);
	i->link_count = 1;
	i->access_time = now;
	i->modify_time = now;
	i->change_time = now;
}

// A folder with set-group-id hands its group on, and to folders the bit too (inode(7)).
void inode_init_owner(struct inode *i borrowed, const struct inode *dir borrowed, const struct cred *cred borrowed,
	u32 mode)
{
	u32 gid = cred->fsgid;
	u32 bits = mode & 07777;
	if (dir && (dir->mode & S_ISGID)) {
		gid = dir->gid;
		if (i->type == S_IFDIR)
			bits |= S_ISGID;
	}
	spin_guard(&i->lock);
	i->uid = cred->fsuid;
	i->gid = gid;
	i->mode = bits;
}

err_t inode_write_record(struct inode *i)
{
	if (!i->ops->write_inode || !(atomic_u32_and(&i->state, ~(u32)INODE_DIRTY) & INODE_DIRTY))
		return OK;
	memory_account_suspend();
	const err_t e = i->ops->write_inode(i);
	memory_account_resume();
	if (e == -ENOMEM)
		inode_mark_dirty(i);
	return e;
}

err_t inode_write_all(struct inode *i)
{
	// The pages first: writing them may give them blocks, which the record names. They can be dirty
	// although the record is not.
	const err_t e = i->pages && page_mapping_is_dirty(i->pages) ? page_mapping_sync(i->pages, 0, U64_MAX) : OK;
	const err_t record = inode_write_record(i);
	return record == -ENOMEM || !e ? record : e;
}

static exclusive_access void inode_settle(struct inode *i)
{
	if (i->link_count == 0) {
		if (i->ops->evict)
			i->ops->evict(i);
		return;
	}
	if (!i->ops->write_inode)
		return;
	const u64 until_ns = clock_monotonic_ns() + SETTLE_MAX_NS;
	err_t e = inode_write_all(i);
	// Nobody is left to try again: memory is waited for here.
	while (e == -ENOMEM && clock_monotonic_ns() < until_ns) {
		if (task_sleep_until(clock_monotonic_ns() + SETTLE_RETRY_NS, WAIT_UNINTERRUPTIBLE) != OK)
			break;
		e = inode_write_all(i);
	}
	if (e)
		log_error("inode %lu: its last changes could not be written (%d)\n", i->number, -e);
}

// Whoever walks the list takes each off and puts it back: only under the lock is it sure where this one is. What is
// never on it may outlive its superblock.
static void inode_unlist(struct inode *i)
{
	if (!i->ops->write_inode)
		return;
	spin_guard(&i->superblock->inodes_lock);
	if (inode_list_is_linked(i))
		inode_list_remove(&i->superblock->inodes, i);
}

exclusive_access void inode_fini(struct inode *i)
{
	atomic_u32_or(&i->state, INODE_FREEING);
	inode_settle(i);
	if (i->pages) {
		page_mapping_truncate(i->pages, 0); // nobody asks the inode about its pages after this
		page_mapping_put(take(i->pages));
	}
	inode_cache_remove(i);
	inode_unlist(i);
	inode_drop_attachments(i);
}

struct file_time file_time_of(u64 realtime_ns)
{
	return (struct file_time){ (s64)(realtime_ns / NS_PER_SECOND), (u32)(realtime_ns % NS_PER_SECOND), 0 };
}

struct file_time file_time_now(void)
{
	return file_time_of(clock_realtime_ns());
}

void inode_mark_dirty(struct inode *i)
{
	if (!(atomic_u32_load_relaxed(&i->state) & INODE_DIRTY)) {
		atomic_u32_or(&i->state, INODE_DIRTY);
		superblock_note_change(i->superblock);
	}
}

void inode_touch(struct inode *i, u32 times)
{
	const struct file_time now = file_time_now();
	{
		spin_guard(&i->lock);
		if (times & TOUCH_ACCESS)
			i->access_time = now;
		if (times & TOUCH_MODIFY)
			i->modify_time = now;
		if (times & TOUCH_CHANGE)
			i->change_time = now;
	}
	if (times & (TOUCH_MODIFY | TOUCH_CHANGE))
		atomic_u64_add(&i->version, 1);
	inode_mark_dirty(i);
}

void inode_add_links(struct inode *i, s32 delta)
{
	{
		spin_guard(&i->lock);
		i->link_count += (u32)delta;
	}
	inode_touch(i, TOUCH_CHANGE);
}

err_t inode_open_for_writing(struct inode *i)
{
	spin_guard(&i->lock);
	if (i->write_denials)
		return -ETXTBSY;
	i->write_opens++;
	return OK;
}

void inode_close_for_writing(struct inode *i)
{
	spin_guard(&i->lock);
	i->write_opens--;
}

err_t inode_deny_writing(struct inode *i)
{
	spin_guard(&i->lock);
	if (i->write_opens)
		return -ETXTBSY;
	i->write_denials++;
	return OK;
}

void inode_allow_writing(struct inode *i)
{
	spin_guard(&i->lock);
	i->write_denials--;
}

bool inode_capable_mapped(struct inode *i, struct user_namespace *idmap, const struct cred *cred borrowed,
	u32 capability)
{
	const u32 uid = idmap_uid_seen(i, idmap), gid = idmap_gid_seen(i, idmap);
	return cred_capable(cred, capability) && uid != ID_INVALID && gid != ID_INVALID &&
		user_namespace_uid_out(cred->user_ns, uid) != ID_INVALID &&
		user_namespace_gid_out(cred->user_ns, gid) != ID_INVALID;
}

bool inode_capable(struct inode *i, const struct cred *cred borrowed, u32 capability)
{
	return inode_capable_mapped(i, NULL, cred, capability);
}

bool inode_is_owner_mapped(struct inode *i, struct user_namespace *idmap, const struct cred *cred borrowed)
{
	return cred->fsuid == idmap_uid_seen(i, idmap) || inode_capable_mapped(i, idmap, cred, CAP_FOWNER);
}

bool inode_is_owner(struct inode *i, const struct cred *cred borrowed)
{
	return inode_is_owner_mapped(i, NULL, cred);
}

static bool may_have_list(const struct inode *i borrowed)
{
	return (atomic_u32_load_relaxed(&i->superblock->flags) & SUPERBLOCK_ACL) &&
		!inode_note_says_absent(&i->no_acl);
}

// The order of path_resolution(7): one class of bits decides, then capabilities.
static err_t permission_by_mode(struct inode *i, struct user_namespace *idmap, u32 mask,
	const struct cred *cred borrowed)
{
	const u32 mode = i->mode;
	u32 bits = mode;
	err_t by_list = -EAGAIN;
	if (cred->fsuid == idmap_uid_seen(i, idmap))
		bits = mode >> 6;
	else if (may_have_list(i) && (by_list = acl_permission(i, idmap, mask, cred)) != -EAGAIN)
		bits = by_list ? 0 : 7;
	else if ((((mode >> 3) ^ mode) & 7) && cred_in_group(cred, idmap_gid_seen(i, idmap)))
		bits = mode >> 3;
	if (!(mask & 7 & ~bits))
		return OK;
	if (by_list && by_list != -EAGAIN && by_list != -EACCES)
		return by_list;
	if (i->type == S_IFDIR) {
		if (!(mask & PERMISSION_WRITE) && inode_capable_mapped(i, idmap, cred, CAP_DAC_READ_SEARCH))
			return OK;
		return inode_capable_mapped(i, idmap, cred, CAP_DAC_OVERRIDE) ? OK : -EACCES;
	}
	if ((mask & 7) == PERMISSION_READ && inode_capable_mapped(i, idmap, cred, CAP_DAC_READ_SEARCH))
		return OK;
	if (!(mask & PERMISSION_EXECUTE) || (mode & 0111))
		return inode_capable_mapped(i, idmap, cred, CAP_DAC_OVERRIDE) ? OK : -EACCES;
	return -EACCES;
}

err_t inode_permission_generic(struct inode *i, u32 mask, const struct cred *cred borrowed)
{
	return permission_by_mode(i, NULL, mask, cred);
}

// The current task's cgroup has the last word about devices.
static err_t device_permission(const struct inode *i, u32 mask)
{
	const u32 access = (mask & PERMISSION_READ ? (u32)CGROUP_DEVICE_READ : 0u) |
		(mask & PERMISSION_WRITE ? (u32)CGROUP_DEVICE_WRITE : 0u);
	if (!i->device)
		return OK;
	return cgroup_check_device(i->type == S_IFCHR ? CGROUP_DEVICE_CHAR : CGROUP_DEVICE_BLOCK, i->device, access);
}

err_t inode_permission(struct inode *i, u32 mask, const struct cred *cred borrowed)
{
	return inode_permission_mapped(i, NULL, mask, cred);
}

err_t path_permission(const struct path *p borrowed, u32 mask, const struct cred *cred borrowed)
{
	return inode_permission_mapped(p->dentry->inode, p->mount->idmap, mask, cred);
}

err_t inode_permission_mapped(struct inode *i, struct user_namespace *idmap, u32 mask, const struct cred *cred borrowed)
{
	if (mask & PERMISSION_WRITE) {
		const bool has_content = i->type == S_IFREG || i->type == S_IFDIR || i->type == S_IFLNK;
		if (has_content && (atomic_u32_load_relaxed(&i->superblock->flags) & SUPERBLOCK_READ_ONLY))
			return -EROFS;
		if (atomic_u32_load_relaxed(&i->state) & INODE_IMMUTABLE)
			return -EPERM;
		// Writing would have to store times or an owner for ids that the file system cannot name.
		if (idmap && (idmap_uid_seen(i, idmap) == ID_INVALID || idmap_gid_seen(i, idmap) == ID_INVALID))
			return -EACCES;
	}
	const err_t e = i->ops->permission ? i->ops->permission(i, mask, cred)
					   : permission_by_mode(i, idmap, mask, cred);
	return !e && (i->type == S_IFCHR || i->type == S_IFBLK) ? device_permission(i, mask) : e;
}

void inode_stat_generic(struct inode *i, struct file_stat *out borrowed)
{
	out->superblock_device = i->superblock->device;
	out->number = i->number;
	out->size = atomic_u64_load(&i->size);
	out->device = i->device;
	out->block_size = i->block_size;
	out->birth_time = i->birth_time;
	spin_guard(&i->lock);
	out->mode = i->type | i->mode;
	out->uid = i->uid;
	out->gid = i->gid;
	out->link_count = i->link_count;
	out->blocks = i->block_count;
	out->access_time = i->access_time;
	out->modify_time = i->modify_time;
	out->change_time = i->change_time;
}

err_t inode_stat(struct inode *i, struct file_stat *out borrowed)
{
	if (i->ops->get_attributes)
		return i->ops->get_attributes(i, out);
	inode_stat_generic(i, out);
	return OK;
}

void inode_set_attributes_generic(struct inode *i, const struct attribute_change *change borrowed)
{
	{
		spin_guard(&i->lock);
		if (change->valid & ATTRIBUTE_MODE)
			i->mode = change->mode & 07777;
		if (change->valid & ATTRIBUTE_UID)
			i->uid = change->uid;
		if (change->valid & ATTRIBUTE_GID)
			i->gid = change->gid;
		if (change->valid & ATTRIBUTE_ACCESS_TIME)
			i->access_time = change->access_time;
		if (change->valid & ATTRIBUTE_MODIFY_TIME)
			i->modify_time = change->modify_time;
		if (change->valid & ATTRIBUTE_CHANGE_TIME)
			i->change_time = change->change_time;
	}
	inode_mark_dirty(i);
}
