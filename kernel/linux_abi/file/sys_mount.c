// SPDX-License-Identifier: MPL-2.0
// mount(2), umount2(2), pivot_root(2).
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <linux_abi/file/mount_arguments.h>
#include <services/vfs/mount.h>
#include <services/vfs/mount_namespace.h>

enum {
	MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_SYNCHRONOUS = 16, MS_REMOUNT = 32, MS_MANDLOCK =
		64,
	MS_DIRSYNC = 128, MS_NOSYMFOLLOW = 256, MS_NOATIME = 1024, MS_NODIRATIME = 2048, MS_BIND = 4096, MS_MOVE = 8192,
	MS_REC = 16384, MS_SILENT = 32768, MS_UNBINDABLE = 1 << 17, MS_PRIVATE = 1 << 18, MS_SLAVE = 1 << 19,
	MS_SHARED = 1 << 20, MS_RELATIME = 1 << 21, MS_STRICTATIME = 1 << 24
};
#define MS_PROPAGATION (MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED)
#define MS_MAGIC 0xc0ed0000ul
#define MS_MAGIC_MASK 0xffff0000ul

static u32 mount_flags_of(u32 flags)
{
	u32 out = (flags & MS_RDONLY ? (u32)MOUNT_READ_ONLY : 0) | (flags & MS_NOSUID ? (u32)MOUNT_NO_SUID : 0) |
		  (flags & MS_NODEV ? (u32)MOUNT_NO_DEVICES : 0) | (flags & MS_NOEXEC ? (u32)MOUNT_NO_EXEC : 0) |
		  (flags & MS_NOSYMFOLLOW ? (u32)MOUNT_NO_SYMLINK_FOLLOW : 0) | (flags & MS_NODIRATIME ?
			(u32)MOUNT_NO_DIRATIME : 0);
	if (flags & MS_NOATIME)
		return out | MOUNT_NO_ATIME;
	return flags & MS_STRICTATIME ? out : out | (u32)MOUNT_RELATIME;
}

// A remount that names no access time policy keeps the present one.
static u32 remount_flags_of(u32 flags, const struct mount *m)
{
	const u32 policy = MOUNT_NO_ATIME | MOUNT_RELATIME | MOUNT_NO_DIRATIME;
	const u32 out = mount_flags_of(flags);
	if (flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME))
		return out;
	return (out & ~policy) | (atomic_u32_load(&m->flags) & policy);
}

void mounter_set(struct mounter *who borrowed)
{
	who->cred = thread_cred();
	who->namespaces = thread_namespaces();
	who->namespace = mount_namespace_from(thread_namespace(NAMESPACE_MOUNT));
	who->fs = thread_fs();
}

err_t mounter_check(const struct mounter *who borrowed)
{
	if (who->cred->domain)
		return -EPERM;
	return cred_has_capability(who->cred, who->namespace->base.owner, CAP_SYS_ADMIN) ? OK : -EPERM;
}

bool propagation_of(u32 flag, enum mount_propagation *out borrowed)
{
	switch (flag) {
	case MS_SHARED:
		*out = MOUNT_SHARED;
		return true;
	case MS_PRIVATE:
		*out = MOUNT_PRIVATE;
		return true;
	case MS_SLAVE:
		*out = MOUNT_SLAVE;
		return true;
	case MS_UNBINDABLE:
		*out = MOUNT_UNBINDABLE;
		return true;
	default:
		return false;
	}
}

static err_t change_propagation(const struct mounter *who borrowed, const struct path *at borrowed, u32 flags)
{
	enum mount_propagation kind = MOUNT_PRIVATE;
	if ((flags & ~(u32)(MS_PROPAGATION | MS_REC | MS_SILENT)) || !propagation_of(flags & MS_PROPAGATION, &kind))
		return -EINVAL;
	return mount_set_propagation(who, at, kind, flags & MS_REC ? MOUNT_RECURSIVE : MOUNT_ONE);
}

static err_t bind_or_move(const struct mounter *who borrowed, const struct path *at borrowed, user_addr_t source,
	u32 flags)
{
	struct path from path_auto = path_none();
	if (user_is_null(source))
		return -EINVAL;
	const err_t e = place_lookup(AT_CURRENT_FOLDER, source, LOOKUP_FOLLOW, &from);
	if (e)
		return e;
	if (flags & MS_MOVE)
		return mount_move(who, &from, at);
	return mount_bind(who, &from, at, flags & MS_REC ? MOUNT_RECURSIVE : MOUNT_ONE);
}

// Strings of mount(2): a page at most; absent ones are empty.
static err_t string_read(user_addr_t from, struct buf **out borrowed, usize *length borrowed)
{
	struct buf *b buf_auto = buf_alloc(PATH_MAX);
	if (!b)
		return -ENOMEM;
	if (!user_is_null(from)) {
		const ssize_r n = user_copy_string(buf_span(b), from);
		if (n < 0)
			return n == -ENAMETOOLONG ? -EINVAL : (err_t)n;
		*length = (usize)n;
	}
	*out = take(b);
	return OK;
}

struct stack_only mount_strings {
	struct buf *source, *type, *options;
	usize source_length, type_length, options_length;
};
static void strings_end(struct mount_strings *s borrowed)
{
	buf_free(take(s->source));
	buf_free(take(s->type));
	buf_free(take(s->options));
}

static err_t new_or_remount(const struct mounter *who borrowed, const struct path *at borrowed,
	const struct mount_strings *s borrowed, u32 flags)
{
	const bytes_t options = bytes_first(buf_bytes(s->options), s->options_length);
	const u32 sb_flags = flags & MS_RDONLY ? SUPERBLOCK_READ_ONLY : 0;
	if ((flags & (MS_REMOUNT | MS_BIND)) == (MS_REMOUNT | MS_BIND))
		return mount_change_flags(who, at, remount_flags_of(flags, at->mount));
	if (flags & MS_REMOUNT)
		return mount_remount(who, at, remount_flags_of(flags, at->mount), sb_flags, options);
	if (s->type_length == 0)
		return -EINVAL;
	return mount_new(who, at, bytes_first(buf_bytes(s->type), s->type_length), bytes_first(buf_bytes(s->source),
		s->source_length),
			 mount_flags_of(flags), sb_flags, options);
}

s64 sys_mount(user_addr_t source, user_addr_t target, user_addr_t fstype, u64 wide_flags, user_addr_t data)
{
	struct mount_strings s auto_release(strings_end) = {};
	struct path at path_auto = path_none();
	struct mounter who = {};
	u32 flags = (u32)wide_flags;
	if ((wide_flags & MS_MAGIC_MASK) == MS_MAGIC)
		flags &= ~(u32)MS_MAGIC_MASK;
	mounter_set(&who);
	err_t e = string_read(fstype, &s.type, &s.type_length);
	if (!e)
		e = string_read(data, &s.options, &s.options_length);
	if (!e)
		e = place_lookup(AT_CURRENT_FOLDER, target, LOOKUP_FOLLOW, &at);
	if (e)
		return e;
	if (!(flags & MS_REMOUNT)) {
		if ((flags & MS_BIND) || ((flags & MS_MOVE) && !(flags & MS_PROPAGATION)))
			return bind_or_move(&who, &at, source, flags);
		if (flags & MS_PROPAGATION)
			return change_propagation(&who, &at, flags);
	}
	e = string_read(source, &s.source, &s.source_length);
	return e ? e : new_or_remount(&who, &at, &s, flags);
}

s64 sys_umount2(user_addr_t target, s32 flags)
{
	enum { MNT_FORCE = 1, MNT_DETACH = 2, MNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };
	struct path at path_auto = path_none();
	struct mounter who = {};
	if ((flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW)) || ((flags & MNT_EXPIRE) &&
		(flags & (MNT_FORCE | MNT_DETACH))))
		return -EINVAL;
	mounter_set(&who);
	const err_t e = place_lookup(AT_CURRENT_FOLDER, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &at);
	if (e)
		return e;
	mount_cross_down(&at);
	return mount_unmount(&who, &at, (u32)(flags & (MNT_FORCE | MNT_DETACH | MNT_EXPIRE)));
}

s64 sys_pivot_root(user_addr_t new_root, user_addr_t put_old)
{
	struct path fresh path_auto = path_none();
	struct path old path_auto = path_none();
	struct mounter who = {};
	mounter_set(&who);
	err_t e = place_lookup(AT_CURRENT_FOLDER, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &fresh);
	if (!e)
		e = place_lookup(AT_CURRENT_FOLDER, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	return e ? e : mount_pivot_root(&who, &fresh, &old);
}
