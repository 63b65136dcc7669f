// SPDX-License-Identifier: MPL-2.0
#include <services/net/socket/socket_message.h>

static exclusive_access void socket_control_release(struct socket_control *c)
{
	for (u32 n = 0; n < c->file_count; n++) {
		if (c->files->slot[n])
			file_put(take(c->files->slot[n]));
	}
	control_files_free(take(c->files));
	if (c->pid)
		pid_put(take(c->pid));
	if (c->account)
		user_account_put(take(c->account));
}
DEFINE_OBJECT(socket_control, socket_control_release)

struct socket_control *socket_control_create(void)
{
	return socket_control_alloc();
}

err_t socket_control_reserve(struct socket_control *c, u32 count)
{
	if (count > CONTROL_FILES_MAX || c->files)
		return -EINVAL;
	c->files = control_files_alloc(count);
	if (!c->files)
		return -ENOMEM;
	c->file_count = count;
	return OK;
}

struct file *socket_control_file(struct socket_control *c, u32 n)
{
	return file_get(c->files->slot[n]);
}

bool socket_control_add(struct socket_control *c, u32 level, u32 type, bytes_t data)
{
	const usize length = bytes_len(data), padded = (length + 3) & ~3ul;

	if (padded + SOCKET_CONTROL_HEADER > SOCKET_CONTROL_EXTRA_MAX - c->extra_length)
		return false;
	span_t to = span_slice(array_span(c->extra), c->extra_length, padded + SOCKET_CONTROL_HEADER);
	span_put_u32le(to, 0, level);
	span_put_u32le(to, 4, type);
	span_put_u32le(to, 8, (u32)length);
	span_copy(span_from(to, SOCKET_CONTROL_HEADER), data);
	c->extra_length += (u32)span_len(to);
	return true;
}
