// SPDX-License-Identifier: MPL-2.0
#include <linux_abi/socket/socket_arguments.h>

err_t socket_of(s32 fd, struct file_borrow *b borrowed, struct socket **out borrowed)
{
	*b = file_of(fd);
	if (!b->file || (b->file->mode & FILE_MODE_PATH))
		return -EBADF;
	*out = socket_of_file(b->file);
	return *out ? OK : -ENOTSOCK;
}

err_t address_read(span_t room, user_addr_t from, s64 length)
{
	if (length < 0 || (usize)length > span_len(room))
		return -EINVAL;
	return length ? user_copy_in(span_first(room, (usize)length), from) : OK;
}

err_t address_write(user_addr_t to, user_addr_t length_at, bytes_t address)
{
	u32 room = 0;
	if (user_is_null(to))
		return OK;
	err_t err = user_read_u32(length_at, &room);
	if (err)
		return err;
	if (room > (u32)S32_MAX)
		return -EINVAL;
	err = user_copy_out(to, bytes_first(address, min((usize)room, bytes_len(address))));
	return err ? err : user_write_u32(length_at, (u32)bytes_len(address));
}

s64 descriptor_add(struct file *f consumes, u32 flags)
{
	return file_table_add(thread_files(), take(f), process_rlimit(process_current(), RLIMIT_NOFILE),
			      flags & OPEN_CLOSE_ON_EXEC ? OPEN_CLOSE_ON_EXEC : 0);
}
