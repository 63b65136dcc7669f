// SPDX-License-Identifier: MPL-2.0
// The mount calls by descriptor. source: fsopen(2), fsconfig(2), fsmount(2), fspick(2), open_tree(2), move_mount(2),
// mount_setattr(2) and linux/mount.h
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <linux_abi/file/mount_arguments.h>
#include <services/fs/nsfs/nsfs.h>
#include <services/vfs/mount_setup.h>

enum { MOUNT_ATTR_RDONLY = 1, MOUNT_ATTR_NOSUID = 2, MOUNT_ATTR_NODEV = 4, MOUNT_ATTR_NOEXEC = 8,
	MOUNT_ATTR_ATIME = 0x70, MOUNT_ATTR_RELATIME = 0, MOUNT_ATTR_NOATIME = 0x10, MOUNT_ATTR_STRICTATIME = 0x20,
	MOUNT_ATTR_NODIRATIME = 0x80, MOUNT_ATTR_IDMAP = 0x100000,
	MOUNT_ATTR_NOSYMFOLLOW = 0x200000 };
#define MOUNT_ATTR_ALL (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | \
	MOUNT_ATTR_ATIME | MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW)
#define AT_RECURSIVE 0x8000u

static s64 descriptor_add(struct file *f consumes, u32 flags)
{
	return file_table_add(thread_files(), f, process_rlimit(process_current(), RLIMIT_NOFILE),
		flags & OPEN_CLOSE_ON_EXEC);
}

// All but the policy of access times.
static u32 plain_flags(u64 attributes)
{
	return (attributes & MOUNT_ATTR_RDONLY ? (u32)MOUNT_READ_ONLY : 0) |
		(attributes & MOUNT_ATTR_NOSUID ? (u32)MOUNT_NO_SUID : 0) |
		(attributes & MOUNT_ATTR_NODEV ? (u32)MOUNT_NO_DEVICES : 0) |
		(attributes & MOUNT_ATTR_NOEXEC ? (u32)MOUNT_NO_EXEC : 0) |
		(attributes & MOUNT_ATTR_NODIRATIME ? (u32)MOUNT_NO_DIRATIME : 0) |
		(attributes & MOUNT_ATTR_NOSYMFOLLOW ? (u32)MOUNT_NO_SYMLINK_FOLLOW : 0);
}

static err_t time_flags(u64 attributes, u32 *flags borrowed)
{
	switch (attributes & MOUNT_ATTR_ATIME) {
	case MOUNT_ATTR_RELATIME:
		*flags |= MOUNT_RELATIME;
		return OK;
	case MOUNT_ATTR_NOATIME:
		*flags |= MOUNT_NO_ATIME;
		return OK;
	default:
		return (attributes & MOUNT_ATTR_ATIME) == MOUNT_ATTR_STRICTATIME ? OK : -EINVAL;
	}
}

// --- fsopen, fsconfig, fsmount, fspick --------------------------------------------------------------

// A string of at most MOUNT_OPTION_MAX bytes with its end.
static err_t option_read(user_addr_t from, struct buf **out borrowed, usize *length borrowed)
{
	struct buf *b buf_auto = buf_alloc(MOUNT_OPTION_MAX);
	if (!b)
		return -ENOMEM;
	const ssize_r n = user_copy_string(buf_span(b), from);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : (err_t)n;
	*length = (usize)n;
	*out = take(b);
	return OK;
}

s64 sys_fsopen(user_addr_t fsname, u32 flags)
{
	struct mounter who = {};
	struct buf *name buf_auto = NULL;
	struct file *f object_auto(file) = NULL;
	usize length = 0;
	mounter_set(&who);
	err_t e = mounter_check(&who);
	if (e)
		return e;
	if (flags & ~1u)
		return -EINVAL;
	e = option_read(fsname, &name, &length);
	if (!e)
		e = mount_setup_create(&who, bytes_first(buf_bytes(name), length), &f);
	return e ? (s64)e : descriptor_add(take(f), flags & 1 ? OPEN_CLOSE_ON_EXEC : 0);
}

s64 sys_fspick(s32 dirfd, user_addr_t pathname, u32 flags)
{
	enum { FSPICK_CLOEXEC = 1, FSPICK_SYMLINK_NOFOLLOW = 2, FSPICK_NO_AUTOMOUNT = 4, FSPICK_EMPTY_PATH = 8 };
	struct mounter who = {};
	struct path at path_auto = path_none();
	struct file *f object_auto(file) = NULL;
	mounter_set(&who);
	err_t e = mounter_check(&who);
	if (e)
		return e;
	if (flags & ~15u)
		return -EINVAL;
	const u32 lookup = (flags & FSPICK_SYMLINK_NOFOLLOW ? 0 : (u32)LOOKUP_FOLLOW) |
		(flags & FSPICK_EMPTY_PATH ? (u32)LOOKUP_EMPTY : 0);
	e = place_lookup(dirfd, pathname, lookup, &at);
	if (!e)
		e = mount_setup_pick(&who, &at, &f);
	return e ? (s64)e : descriptor_add(take(f), flags & FSPICK_CLOEXEC ? OPEN_CLOSE_ON_EXEC : 0);
}

enum { FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_SET_BINARY, FSCONFIG_SET_PATH, FSCONFIG_SET_PATH_EMPTY,
	FSCONFIG_SET_FD, FSCONFIG_CMD_CREATE, FSCONFIG_CMD_RECONFIGURE };

static err_t config_check(u32 cmd, user_addr_t key, user_addr_t value, s32 aux)
{
	const bool has_key = !user_is_null(key), has_value = !user_is_null(value);
	bool good;
	switch (cmd) {
	case FSCONFIG_SET_FLAG:
		good = has_key && !has_value && !aux;
		break;
	case FSCONFIG_SET_STRING:
		good = has_key && has_value && !aux;
		break;
	case FSCONFIG_SET_BINARY:
		good = has_key && has_value && aux > 0 && aux <= 1 << 20;
		break;
	case FSCONFIG_SET_PATH:
	case FSCONFIG_SET_PATH_EMPTY:
		good = has_key && has_value && (aux >= 0 || aux == AT_CURRENT_FOLDER);
		break;
	case FSCONFIG_SET_FD:
		good = has_key && !has_value && aux >= 0;
		break;
	case FSCONFIG_CMD_CREATE:
	case FSCONFIG_CMD_RECONFIGURE:
		good = !has_key && !has_value && !aux;
		break;
	default:
		return -EOPNOTSUPP;
	}
	return good ? OK : -EINVAL;
}

static err_t config_option(struct file *f, u32 cmd, user_addr_t key, user_addr_t value)
{
	struct buf *key_text buf_auto = NULL;
	struct buf *value_text buf_auto = NULL;
	usize key_length = 0, value_length = 0;
	err_t e = option_read(key, &key_text, &key_length);
	if (!e && cmd == FSCONFIG_SET_STRING)
		e = option_read(value, &value_text, &value_length);
	if (e)
		return e;
	const enum mount_option_kind kind = cmd == FSCONFIG_SET_FLAG ? MOUNT_OPTION_FLAG
		: cmd == FSCONFIG_SET_STRING ? MOUNT_OPTION_STRING : MOUNT_OPTION_OTHER;
	return mount_setup_option(f, kind, bytes_first(buf_bytes(key_text), key_length),
		value_text ? bytes_first(buf_bytes(value_text), value_length) : bytes_empty());
}

s64 sys_fsconfig(s32 fd, u32 cmd, user_addr_t key, user_addr_t value, s32 aux)
{
	struct mounter who = {};
	if (fd < 0)
		return -EINVAL;
	const err_t e = config_check(cmd, key, value, aux);
	if (e)
		return e;
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file)
		return -EBADF;
	if (!file_is_setup(b.file))
		return -EINVAL;
	mounter_set(&who);
	switch (cmd) {
	case FSCONFIG_CMD_CREATE:
		return mount_setup_make(b.file, &who);
	case FSCONFIG_CMD_RECONFIGURE:
		return mount_setup_reconfigure(b.file, &who);
	default:
		return config_option(b.file, cmd, key, value);
	}
}

s64 sys_fsmount(s32 fd, u32 flags, u32 attr_flags)
{
	struct mounter who = {};
	struct file *f object_auto(file) = NULL;
	u32 mount_flags = plain_flags(attr_flags);
	mounter_set(&who);
	err_t e = mounter_check(&who);
	if (e)
		return e;
	if ((flags & ~1u) || (attr_flags & ~(u32)MOUNT_ATTR_ALL) || time_flags(attr_flags, &mount_flags) != OK)
		return -EINVAL;
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file)
		return -EBADF;
	if (!file_is_setup(b.file))
		return -EINVAL;
	e = mount_setup_mount(b.file, &who, mount_flags, &f);
	return e ? (s64)e : descriptor_add(take(f), flags & 1 ? OPEN_CLOSE_ON_EXEC : 0);
}

// --- open_tree, move_mount --------------------------------------------------------------------------

s64 sys_open_tree(s32 dirfd, user_addr_t pathname, u32 flags)
{
	enum { OPEN_TREE_CLONE = 1 };
	struct mounter who = {};
	struct path at path_auto = path_none();
	struct file *f object_auto(file) = NULL;
	const bool is_copy = flags & OPEN_TREE_CLONE;
	if (flags & ~(OPEN_TREE_CLONE | OPEN_CLOSE_ON_EXEC | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE |
		AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if ((flags & AT_RECURSIVE) && !is_copy)
		return -EINVAL;
	mounter_set(&who);
	err_t e = is_copy ? mounter_check(&who) : OK;
	if (!e)
		e = place_lookup(dirfd, pathname, lookup_flags_of_at(flags), &at);
	if (e)
		return e;
	if (is_copy)
		e = mount_open_copy(&who, &at, flags & AT_RECURSIVE ? MOUNT_RECURSIVE : MOUNT_ONE, &f);
	else
		e = file_open_path(&at, OPEN_PATH, who.cred, &f);
	return e ? (s64)e : descriptor_add(take(f), flags);
}

s64 sys_move_mount(s32 from_dirfd, user_addr_t from_pathname, s32 to_dirfd, user_addr_t to_pathname, u32 flags)
{
	enum { F_SYMLINKS = 1, F_AUTOMOUNTS = 2, F_EMPTY_PATH = 4, T_SYMLINKS = 0x10, T_AUTOMOUNTS = 0x20,
		T_EMPTY_PATH = 0x40, SET_GROUP = 0x100 };
	struct mounter who = {};
	struct path from path_auto = path_none();
	struct path to path_auto = path_none();
	mounter_set(&who);
	err_t e = mounter_check(&who);
	if (e)
		return e;
	if (flags & ~(0x77u | SET_GROUP))
		return -EINVAL;
	e = place_lookup(from_dirfd, from_pathname, (flags & F_SYMLINKS ? (u32)LOOKUP_FOLLOW : 0) |
		(flags & F_EMPTY_PATH ? (u32)LOOKUP_EMPTY : 0), &from);
	if (!e)
		e = place_lookup(to_dirfd, to_pathname, (flags & T_SYMLINKS ? (u32)LOOKUP_FOLLOW : 0) |
			(flags & T_EMPTY_PATH ? (u32)LOOKUP_EMPTY : 0), &to);
	if (e)
		return e;
	return flags & SET_GROUP ? mount_set_group(&who, &from, &to) : mount_move(&who, &from, &to);
}

// --- mount_setattr ----------------------------------------------------------------------------------

struct linux_mount_attr {
	u64 set, clear, propagation, user_namespace;
};
_Static_assert(sizeof(struct linux_mount_attr) == 32, "struct mount_attr");

// The struct may be longer than the one known here if the rest is zero.
static err_t attributes_read(user_addr_t from, u64 size, struct linux_mount_attr *out borrowed)
{
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < sizeof(*out))
		return -EINVAL;
	struct buf *raw buf_auto = buf_alloc(size);
	if (!raw)
		return -ENOMEM;
	const err_t e = user_copy_in(buf_span(raw), from);
	if (e)
		return e;
	for (usize n = sizeof(*out); n < size; n++) {
		if (byte_at(buf_bytes(raw), n))
			return -E2BIG;
	}
	span_copy(object_span(out), bytes_first(buf_bytes(raw), sizeof(*out)));
	return OK;
}

static err_t attributes_decode_time(const struct linux_mount_attr *in borrowed, struct mount_attributes *a borrowed)
{
	if (!(in->clear & MOUNT_ATTR_ATIME))
		return in->set & MOUNT_ATTR_ATIME ? -EINVAL : OK;
	if ((in->clear & MOUNT_ATTR_ATIME) != MOUNT_ATTR_ATIME)
		return -EINVAL;
	a->clear |= MOUNT_NO_ATIME | MOUNT_RELATIME;
	return time_flags(in->set, &a->set);
}

static err_t attributes_decode(const struct linux_mount_attr *in borrowed, struct mount_attributes *a borrowed)
{
	if ((in->set & ~(u64)(MOUNT_ATTR_ALL | MOUNT_ATTR_IDMAP)) || (in->clear & ~(u64)MOUNT_ATTR_ALL))
		return -EINVAL;
	a->set = plain_flags(in->set);
	a->clear = plain_flags(in->clear);
	a->has_propagation = in->propagation != 0;
	if (in->propagation && (in->propagation > U32_MAX || !propagation_of((u32)in->propagation, &a->propagation)))
		return -EINVAL;
	return attributes_decode_time(in, a);
}

// The user namespace that the descriptor shows: any but the initial one, by somebody who is privileged in it.
static err_t idmap_find(u64 fd, struct namespace **out borrowed)
{
	if (fd > S32_MAX)
		return -EINVAL;
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)fd);
	if (!f || (f->mode & FILE_MODE_PATH))
		return -EBADF;
	struct namespace *n object_auto(namespace) = nsfs_namespace(f);
	if (!n || n->kind != NAMESPACE_USER)
		return -EINVAL;
	struct user_namespace *ns = user_namespace_from(n);
	if (ns == user_namespace_initial() || !cred_has_capability(thread_cred(), ns, CAP_SYS_ADMIN))
		return -EPERM;
	*out = take(n);
	return OK;
}

s64 sys_mount_setattr(s32 dirfd, user_addr_t pathname, u32 flags, user_addr_t attr, u64 size)
{
	struct mounter who = {};
	struct path at path_auto = path_none();
	struct linux_mount_attr raw = {};
	struct mount_attributes a = { .depth = flags & AT_RECURSIVE ? MOUNT_RECURSIVE : MOUNT_ONE };
	if (flags & ~(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
		return -EINVAL;
	mounter_set(&who);
	err_t e = mounter_check(&who);
	if (e)
		return e;
	e = attributes_read(attr, size, &raw);
	if (e)
		return e;
	if (!raw.set && !raw.clear && !raw.propagation)
		return OK;
	struct namespace *owners object_auto(namespace) = NULL;
	e = attributes_decode(&raw, &a);
	if (!e && (raw.set & MOUNT_ATTR_IDMAP))
		e = idmap_find(raw.user_namespace, &owners);
	if (owners)
		a.idmap = user_namespace_from(owners);
	if (!e)
		e = place_lookup(dirfd, pathname, lookup_flags_of_at(flags), &at);
	return e ? e : mount_set_attributes(&who, &at, &a);
}
