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
