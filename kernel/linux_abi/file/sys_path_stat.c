// SPDX-License-Identifier: MPL-2.0
// Asking about files. source: stat(2), statx(2), access(2), readlink(2), getcwd(2), statfs(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/vfs/attributes.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount.h>
#include <services/vfs/superblock.h>

// As user space has device numbers: 12 bits of major between the minor's low byte and the rest.
static u64 device_encode(u64 device)
{
	const u64 major = device_major(device), minor = device_minor(device);
	return (minor & 0xff) | (major << 8) | ((minor & ~0xfful) << 12);
}

struct linux_stat {
	u64 dev, ino, nlink;
	u32 mode, uid, gid, pad;
	u64 rdev;
	s64 size, blksize, blocks;
	s64 atime;
	u64 atime_ns;
	s64 mtime;
	u64 mtime_ns;
	s64 ctime;
	u64 ctime_ns;
	u64 unused[3];
};
_Static_assert(sizeof(struct linux_stat) == 144, "struct stat of x86-64");

static s64 stat_put(user_addr_t to, const struct file_stat *s borrowed)
{
	struct user_namespace *ns = thread_cred()->user_ns;
	const struct linux_stat out = {
		.dev = device_encode(s->superblock_device), .ino = s->number, .nlink = s->link_count, .mode = s->mode,
		.uid = user_namespace_uid_show(ns, s->uid), .gid = user_namespace_gid_show(ns, s->gid),
		.rdev = device_encode(s->device), .size = (s64)s->size, .blksize = s->block_size, .blocks =
			(s64)s->blocks,
		.atime = s->access_time.seconds, .atime_ns = s->access_time.nanoseconds,
		.mtime = s->modify_time.seconds, .mtime_ns = s->modify_time.nanoseconds,
		.ctime = s->change_time.seconds, .ctime_ns = s->change_time.nanoseconds,
	};
	return user_copy_out_object(to, &out);
}

static s64 stat_at(s32 dirfd, user_addr_t name, user_addr_t to, u32 lookup)
{
	struct file_stat s = {};
	{
		struct path p path_auto = path_none();
		err_t e = place_lookup(dirfd, name, lookup, &p);
		if (!e)
			e = attributes_stat(&p, &s);
		if (e)
			return e;
	}
	return stat_put(to, &s);
}

s64 sys_stat(user_addr_t pathname, user_addr_t statbuf)
{
	return stat_at(AT_CURRENT_FOLDER, pathname, statbuf, LOOKUP_FOLLOW);
}

s64 sys_lstat(user_addr_t pathname, user_addr_t statbuf)
{
	return stat_at(AT_CURRENT_FOLDER, pathname, statbuf, 0);
}

s64 sys_fstat(s32 fd, user_addr_t statbuf)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	struct file_stat s = {};
	if (!b.file)
		return -EBADF;
	const err_t e = attributes_stat(&b.file->path, &s);
	return e ? (s64)e : stat_put(statbuf, &s);
}

s64 sys_newfstatat(s32 dirfd, user_addr_t pathname, user_addr_t statbuf, s32 flags)
{
	if ((u32)flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	return stat_at(dirfd, pathname, statbuf, lookup_flags_of_at((u32)flags));
}

// --- statx ------------------------------------------------------------------------------------------

struct linux_statx_time {
	s64 seconds;
	u32 nanoseconds;
	s32 pad;
};
struct linux_statx {
	u32 mask, blksize;
	u64 attributes;
	u32 nlink, uid, gid;
	u16 mode, pad0;
	u64 ino, size, blocks, attributes_mask;
	struct linux_statx_time atime, btime, ctime, mtime;
	u32 rdev_major, rdev_minor, dev_major, dev_minor;
	u64 mount_id;
	u32 dio_mem_align, dio_offset_align;
	u64 spare[12];
};
_Static_assert(sizeof(struct linux_statx) == 256, "struct statx");

#define STATX_BASIC_STATS 0x7ffu
#define STATX_BTIME 0x800u
#define STATX_MNT_ID 0x1000u
#define STATX_RESERVED 0x80000000u
#define STATX_ATTR_MOUNT_ROOT 0x2000ul

static struct linux_statx_time statx_time(struct file_time t)
{
	return (struct linux_statx_time){ t.seconds, t.nanoseconds, 0 };
}

static s64 statx_put(user_addr_t to, const struct file_stat *s borrowed)
{
	struct user_namespace *ns = thread_cred()->user_ns;
	const struct linux_statx out = {
		.mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, .blksize = s->block_size, .attributes =
			s->attributes,
		.nlink = s->link_count, .uid = user_namespace_uid_show(ns, s->uid), .gid = user_namespace_gid_show(ns,
			s->gid),
		.mode = (u16)s->mode, .ino = s->number, .size = s->size, .blocks = s->blocks,
		.attributes_mask = s->attributes | STATX_ATTR_MOUNT_ROOT,
		.atime = statx_time(s->access_time), .btime = statx_time(s->birth_time),
		.ctime = statx_time(s->change_time), .mtime = statx_time(s->modify_time),
		.rdev_major = device_major(s->device), .rdev_minor = device_minor(s->device),
		.dev_major = device_major(s->superblock_device), .dev_minor = device_minor(s->superblock_device),
		.mount_id = s->mount_id,
	};
	return user_copy_out_object(to, &out);
}

s64 sys_statx(s32 dirfd, user_addr_t pathname, u32 flags, u32 mask, user_addr_t statxbuf)
{
	struct file_stat s = {};
	if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)) ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || (mask & STATX_RESERVED))
		return -EINVAL;
	{
		struct path p path_auto = path_none();
		err_t e = place_lookup(dirfd, pathname, lookup_flags_of_at(flags), &p);
		if (!e)
			e = attributes_stat(&p, &s);
		if (e)
			return e;
		if (p.dentry == p.mount->root)
			s.attributes |= STATX_ATTR_MOUNT_ROOT;
	}
	return statx_put(statxbuf, &s);
}

// --- access -----------------------------------------------------------------------------------------

// The real ids; capabilities as they would be for them (access(2)).
static struct cred *cred_with_real_ids(void) owned;
static struct cred *cred_with_real_ids(void)
{
	struct cred *now = thread_cred();
	struct cred *c object_auto(cred) = cred_copy(now);
	if (!c)
		return NULL;
	const u32 root = user_namespace_uid_in(now->user_ns, 0);
	c->fsuid = now->uid;
	c->fsgid = now->gid;
	c->effective = now->uid == root ? now->permitted : 0;
	return take(c);
}

static s64 access_find(struct place_argument *p borrowed, s32 mode)
{
	struct path found path_auto = path_none();
	const err_t e = path_lookup(&p->context, place_name(p), &found);
	if (e)
		return e;
	return attributes_access(&found, (u32)mode, p->context.cred);
}

static bool ids_are_real(const struct cred *now)
{
	return now->fsuid == now->uid && now->fsgid == now->gid && now->uid == user_namespace_uid_in(now->user_ns, 0);
}

static s64 access_at(s32 dirfd, user_addr_t name, s32 mode, u32 flags)
{
	if ((mode & ~7) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	struct place_argument p place_auto = {};
	const err_t e = place_read(&p, dirfd, name, lookup_flags_of_at(flags));
	if (e)
		return e;
	if ((flags & AT_EACCESS) || ids_are_real(thread_cred()))
		return access_find(&p, mode);
	struct cred *real object_auto(cred) = cred_with_real_ids();
	if (!real)
		return -ENOMEM;
	p.context.cred = take(real);
	const s64 result = access_find(&p, mode);
	cred_put(take(p.context.cred));
	return result;
}

s64 sys_access(user_addr_t pathname, s32 mode)
{
	return access_at(AT_CURRENT_FOLDER, pathname, mode, 0);
}

s64 sys_faccessat(s32 dirfd, user_addr_t pathname, s32 mode)
{
	return access_at(dirfd, pathname, mode, 0);
}

s64 sys_faccessat2(s32 dirfd, user_addr_t pathname, s32 mode, s32 flags)
{
	return access_at(dirfd, pathname, mode, (u32)flags);
}

// --- links and names --------------------------------------------------------------------------------

// A magic link's text is the name of where it leads.
static ssize_r link_name(struct inode *i, span_t out)
{
	if (i->ops->read_link)
		return i->ops->read_link(i, out);
	if (!i->ops->follow_link)
		return -EINVAL;
	struct path to path_auto = path_none();
	struct path root path_auto = path_none();
	const err_t e = i->ops->follow_link(i, &to);
	if (e)
		return (ssize_r)e;
	fs_context_root(thread_fs(), &root);
	return path_name(&to, &root, out, PATH_NAME_MARK_DELETED | PATH_NAME_MARK_UNREACHABLE);
}

s64 sys_readlinkat(s32 dirfd, user_addr_t pathname, user_addr_t buf, s32 bufsiz)
{
	if (bufsiz <= 0)
		return -EINVAL;
	struct path p path_auto = path_none();
	err_t e = place_lookup(dirfd, pathname, LOOKUP_EMPTY, &p);
	if (e)
		return e;
	struct inode *i = p.dentry->inode;
	if (i->type != S_IFLNK)
		return -EINVAL;
	struct buf *text buf_auto = buf_alloc(PATH_MAX);
	if (!text)
		return -ENOMEM;
	const ssize_r length = link_name(i, buf_span(text));
	if (length < 0)
		return length;
	const usize n = min((usize)length, (usize)bufsiz);
	e = user_copy_out(buf, bytes_first(buf_bytes(text), n));
	return e ? (s64)e : (s64)n;
}

s64 sys_readlink(user_addr_t pathname, user_addr_t buf, s32 bufsiz)
{
	return sys_readlinkat(AT_CURRENT_FOLDER, pathname, buf, bufsiz);
}

s64 sys_getcwd(user_addr_t buf, u64 size)
{
	struct path working path_auto = path_none();
	struct path root path_auto = path_none();
	struct buf *text buf_auto = buf_alloc(PATH_MAX);
	if (!text)
		return -ENOMEM;
	fs_context_working(thread_fs(), &working);
	fs_context_root(thread_fs(), &root);
	if (dentry_is_deleted(working.dentry))
		return -ENOENT;
	const ssize_r length = path_name(&working, &root, span_first(buf_span(text), PATH_MAX - 1),
		PATH_NAME_MARK_UNREACHABLE);
	if (length < 0)
		return length;
	if ((u64)length + 1 > size)
		return -ERANGE;
	const err_t e = user_copy_out(buf, bytes_first(buf_bytes(text), (usize)length + 1));
	return e ? (s64)e : (s64)length + 1;
}

// --- file systems -----------------------------------------------------------------------------------

struct linux_statfs {
	s64 type, bsize;
	u64 blocks, bfree, bavail, files, ffree;
	u32 fsid[2];
	s64 namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct linux_statfs) == 120, "struct statfs of x86-64");

static s64 statfs_flags(const struct mount *m)
{
	enum { VALID = 0x20, ST_RDONLY = 1, ST_NOSUID = 2, ST_NODEV = 4, ST_NOEXEC = 8, ST_NOATIME = 0x400,
		ST_NODIRATIME = 0x800, ST_RELATIME = 0x1000, ST_NOSYMFOLLOW = 0x2000 };
	s64 flags = VALID | (mount_check_writable(m) != OK ? ST_RDONLY : 0);
	flags |= (mount_has(m, MOUNT_NO_SUID) ? ST_NOSUID : 0) | (mount_has(m, MOUNT_NO_DEVICES) ? ST_NODEV : 0);
	flags |= (mount_has(m, MOUNT_NO_EXEC) ? ST_NOEXEC : 0) | (mount_has(m, MOUNT_NO_ATIME) ? ST_NOATIME : 0);
	flags |= (mount_has(m, MOUNT_NO_DIRATIME) ? ST_NODIRATIME : 0) | (mount_has(m, MOUNT_RELATIME) ?
		ST_RELATIME : 0);
	return flags | (mount_has(m, MOUNT_NO_SYMLINK_FOLLOW) ? ST_NOSYMFOLLOW : 0);
}

static s64 statfs_of(const struct path *p borrowed, user_addr_t to)
{
	struct superblock *sb = p->mount->superblock;
	struct file_system_statistics s = {};
	if (!sb->ops->statistics)
		return -ENOSYS;
	const err_t e = sb->ops->statistics(sb, &s);
	if (e)
		return e;
	const struct linux_statfs out = {
		.type = (s64)s.magic, .bsize = (s64)s.block_size, .blocks = s.blocks, .bfree = s.blocks_free,
			.bavail = s.blocks_available,
		.files = s.files, .ffree = s.files_free, .fsid = { s.id[0], s.id[1] }, .namelen = (s64)s.name_max,
		.frsize = (s64)s.block_size, .flags = statfs_flags(p->mount),
	};
	return user_copy_out_object(to, &out);
}

s64 sys_statfs(user_addr_t pathname, user_addr_t buf)
{
	struct path p path_auto = path_none();
	const err_t e = place_lookup(AT_CURRENT_FOLDER, pathname, LOOKUP_FOLLOW, &p);
	return e ? (s64)e : statfs_of(&p, buf);
}

s64 sys_fstatfs(s32 fd, user_addr_t buf)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	struct path p = path_none();
	const err_t e = descriptor_path(&b, &p);
	return e ? (s64)e : statfs_of(&p, buf);
}
