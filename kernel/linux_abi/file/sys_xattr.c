// SPDX-License-Identifier: MPL-2.0
// Extended attributes. source: setxattr(2), getxattr(2), listxattr(2), removexattr(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/vfs/attributes.h>

// An attribute's name on the stack of its call.
struct stack_only name_argument {
	usize length;
	u8 text[XATTR_NAME_MAX + 1];
};
#define name_text(n) bytes_first(array_bytes((n)->text), (n)->length)

static err_t name_read(struct name_argument *n borrowed, user_addr_t from)
{
	const ssize_r length = user_copy_string(array_span(n->text), from);
	if (length == 0 || length == -ENAMETOOLONG)
		return -ERANGE;
	if (length < 0)
		return (err_t)length;
	n->length = (usize)length;
	return OK;
}

// What to act on: a name, or a descriptor, whose place is then borrowed.
enum target_kind { TARGET_FOLLOW, TARGET_LINK, TARGET_DESCRIPTOR };

static err_t target_find(enum target_kind kind, user_addr_t pathname, s32 fd, struct path *out borrowed)
{
	if (kind != TARGET_DESCRIPTOR)
		return place_lookup(AT_CURRENT_FOLDER, pathname, kind == TARGET_FOLLOW ? LOOKUP_FOLLOW : 0, out);
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)fd);
	if (!f || (f->mode & FILE_MODE_PATH))
		return -EBADF;
	struct path copy = path_copy(&f->path);
	out->mount = take(copy.mount);
	out->dentry = take(copy.dentry);
	return OK;
}

static s64 set(enum target_kind kind, user_addr_t pathname, s32 fd, user_addr_t name, user_addr_t value, u64 size,
	s32 flags)
{
	struct name_argument n = {};
	struct path p path_auto = path_none();
	if (flags & ~3)
		return -EINVAL;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	err_t e = name_read(&n, name);
	struct buf *data buf_auto = buf_alloc(max(size, 1ul));
	if (!data)
		return -ENOMEM;
	if (!e)
		e = user_copy_in(span_first(buf_span(data), size), value);
	if (!e)
		e = target_find(kind, pathname, fd, &p);
	return e ? e : xattr_set(&p, name_text(&n), bytes_first(buf_bytes(data), size), (u32)flags, thread_cred());
}

static s64 get(enum target_kind kind, user_addr_t pathname, s32 fd, user_addr_t name, user_addr_t value, u64 size)
{
	struct name_argument n = {};
	struct path p path_auto = path_none();
	const usize room = min(size, (u64)XATTR_SIZE_MAX);
	struct buf *data buf_auto = buf_alloc(max(room, 1ul));
	if (!data)
		return -ENOMEM;
	err_t e = name_read(&n, name);
	if (!e)
		e = target_find(kind, pathname, fd, &p);
	if (e)
		return e;
	const ssize_r length = xattr_get(&p, name_text(&n), span_first(buf_span(data), room), thread_cred());
	if (length <= 0 || room == 0)
		return length;
	e = user_copy_out(value, bytes_first(buf_bytes(data), (usize)length));
	return e ? (s64)e : (s64)length;
}

static s64 list(enum target_kind kind, user_addr_t pathname, s32 fd, user_addr_t to, u64 size)
{
	struct path p path_auto = path_none();
	const usize room = min(size, (u64)XATTR_LIST_MAX);
	struct buf *data buf_auto = buf_alloc(max(room, 1ul));
	if (!data)
		return -ENOMEM;
	err_t e = target_find(kind, pathname, fd, &p);
	if (e)
		return e;
	const ssize_r length = xattr_list(&p, span_first(buf_span(data), room), thread_cred());
	if (length <= 0 || room == 0)
		return length;
	e = user_copy_out(to, bytes_first(buf_bytes(data), (usize)length));
	return e ? (s64)e : (s64)length;
}

static s64 remove_one(enum target_kind kind, user_addr_t pathname, s32 fd, user_addr_t name)
{
	struct name_argument n = {};
	struct path p path_auto = path_none();
	err_t e = name_read(&n, name);
	if (!e)
		e = target_find(kind, pathname, fd, &p);
	return e ? e : xattr_remove(&p, name_text(&n), thread_cred());
}

s64 sys_setxattr(user_addr_t pathname, user_addr_t name, user_addr_t value, u64 size, s32 flags)
{
	return set(TARGET_FOLLOW, pathname, 0, name, value, size, flags);
}

s64 sys_lsetxattr(user_addr_t pathname, user_addr_t name, user_addr_t value, u64 size, s32 flags)
{
	return set(TARGET_LINK, pathname, 0, name, value, size, flags);
}

s64 sys_fsetxattr(s32 fd, user_addr_t name, user_addr_t value, u64 size, s32 flags)
{
	return set(TARGET_DESCRIPTOR, user_addr(0), fd, name, value, size, flags);
}

s64 sys_getxattr(user_addr_t pathname, user_addr_t name, user_addr_t value, u64 size)
{
	return get(TARGET_FOLLOW, pathname, 0, name, value, size);
}

s64 sys_lgetxattr(user_addr_t pathname, user_addr_t name, user_addr_t value, u64 size)
{
	return get(TARGET_LINK, pathname, 0, name, value, size);
}

s64 sys_fgetxattr(s32 fd, user_addr_t name, user_addr_t value, u64 size)
{
	return get(TARGET_DESCRIPTOR, user_addr(0), fd, name, value, size);
}

s64 sys_listxattr(user_addr_t pathname, user_addr_t to, u64 size)
{
	return list(TARGET_FOLLOW, pathname, 0, to, size);
}

s64 sys_llistxattr(user_addr_t pathname, user_addr_t to, u64 size)
{
	return list(TARGET_LINK, pathname, 0, to, size);
}

s64 sys_flistxattr(s32 fd, user_addr_t to, u64 size)
{
	return list(TARGET_DESCRIPTOR, user_addr(0), fd, to, size);
}

s64 sys_removexattr(user_addr_t pathname, user_addr_t name)
{
	return remove_one(TARGET_FOLLOW, pathname, 0, name);
}

s64 sys_lremovexattr(user_addr_t pathname, user_addr_t name)
{
	return remove_one(TARGET_LINK, pathname, 0, name);
}

s64 sys_fremovexattr(s32 fd, user_addr_t name)
{
	return remove_one(TARGET_DESCRIPTOR, user_addr(0), fd, name);
}
