// SPDX-License-Identifier: MPL-2.0
// File handles. source: name_to_handle_at(2). struct file_handle: bytes 4, type 4, then the handle.
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/vfs/file_handle.h>
#include <services/vfs/mount.h>

#define HANDLE_HEADER 8u

s64 sys_name_to_handle_at(s32 dirfd, user_addr_t pathname, user_addr_t handle, user_addr_t mount_id, s32 flags)
{
	u8 header[HANDLE_HEADER] = {};
	struct path p path_auto = path_none();
	struct file_handle h = {};
	u32 room = 0;
	if ((u32)flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	const u32 lookup = ((u32)flags & AT_SYMLINK_FOLLOW ? (u32)LOOKUP_FOLLOW : 0) |
			   ((u32)flags & AT_EMPTY_PATH ? (u32)LOOKUP_EMPTY : 0);
	err_t e = place_lookup(dirfd, pathname, lookup, &p);
	if (!e)
		e = file_handle_of(&p, &h);
	if (!e)
		e = user_read_u32(handle, &room);
	if (e)
		return e;
	if (room > FILE_HANDLE_MAX)
		return -EINVAL;
	span_put_u32le(array_span(header), 0, h.length);
	span_put_u32le(array_span(header), 4, h.type);
	e = user_write_u32(mount_id, (u32)p.mount->id);
	if (e)
		return e;
	if (room < h.length) {
		e = user_write_u32(handle, h.length);
		return e ? e : -EOVERFLOW;
	}
	e = user_copy_out(user_offset(handle, HANDLE_HEADER), bytes_first(array_bytes(h.bytes), h.length));
	return e ? e : user_copy_out(handle, array_bytes(header));
}

static err_t handle_read(user_addr_t at, struct file_handle *h borrowed)
{
	u8 header[HANDLE_HEADER];
	const err_t e = user_copy_in(array_span(header), at);
	if (e)
		return e;
	h->length = bytes_get_u32le(array_bytes(header), 0);
	h->type = bytes_get_u32le(array_bytes(header), 4);
	if (h->length == 0 || h->length > FILE_HANDLE_MAX)
		return -EINVAL;
	return user_copy_in(span_first(array_span(h->bytes), h->length), user_offset(at, HANDLE_HEADER));
}

// Any place of the mount, by a descriptor or the working folder.
static err_t mount_of(s32 fd, struct path *out borrowed)
{
	if (fd == AT_CURRENT_FOLDER) {
		fs_context_working(thread_fs(), out);
		return OK;
	}
	struct file_borrow b file_borrow_auto = file_of(fd);
	struct path p = path_none();
	const err_t e = descriptor_path(&b, &p);
	if (e)
		return e;
	struct path copy = path_copy(&p);
	out->mount = take(copy.mount);
	out->dentry = take(copy.dentry);
	return OK;
}

s64 sys_open_by_handle_at(s32 mount_fd, user_addr_t handle, s32 flags)
{
	struct path at path_auto = path_none(), place path_auto = path_none();
	struct file *f object_auto(file) = NULL;
	struct file_handle h = {};
	if (!cred_has_capability(thread_cred(), user_namespace_initial(), CAP_DAC_READ_SEARCH))
		return -EPERM;
	err_t e = handle_read(handle, &h);
	if (!e)
		e = mount_of(mount_fd, &at);
	if (!e)
		e = file_handle_find(&at, &h, &place);
	if (e)
		return e;
	const u32 open_flags = (u32)flags | OPEN_LARGEFILE;
	e = open_flags & OPEN_PATH ? file_open_path(&place, open_flags, thread_cred(), &f)
				   : file_open_place(&place, open_flags, thread_cred(), &f);
	if (e)
		return e;
	return file_table_add(thread_files(), take(f), process_rlimit(process_current(), RLIMIT_NOFILE),
		(u32)flags & OPEN_CLOSE_ON_EXEC ? OPEN_CLOSE_ON_EXEC : 0);
}
