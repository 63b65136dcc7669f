// SPDX-License-Identifier: MPL-2.0
// Control messages: open files and credentials beside the data. source: cmsg(3), unix(7)
// A header is u64 length (with itself), s32 level, s32 type; messages start at multiples of 8.
#include <core/time.h>
#include <linux_abi/socket/socket_arguments.h>

#define HEADER 16u
#define CONTROL_MAX 20480u		// net.core.optmem_max
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2, SCM_TIMESTAMP = 29, SCM_TIMESTAMP_NS = 35, SCM_TIMESTAMP_NEW = 63,
	SCM_TIMESTAMP_NS_NEW = 64 };
#define CREDENTIALS_SIZE 12u

static u64 aligned(u64 length)
{
	return (length + 7) & ~7ul;
}

static err_t read_files(struct socket_control *c, bytes_t data)
{
	const u32 count = (u32)(bytes_len(data) / 4);
	err_t err = socket_control_reserve(c, count);
	for (u32 n = 0; n < count && !err; n++) {
		struct file *f object_auto(file) = file_table_find(thread_files(), bytes_get_u32le(data, n * 4));
		if (!f)
			err = -EBADF;
		else
			c->files->slot[n] = take(f);
	}
	return err;
}

// What may be claimed: one's own ids, or any with privilege.
static err_t read_credentials(struct socket_control *c, bytes_t data)
{
	const struct cred *own = thread_cred();
	if (bytes_len(data) != CREDENTIALS_SIZE)
		return -EINVAL;
	const u32 number = bytes_get_u32le(data, 0);
	const u32 uid = user_namespace_uid_in(own->user_ns, bytes_get_u32le(data, 4));
	const u32 gid = user_namespace_gid_in(own->user_ns, bytes_get_u32le(data, 8));
	struct pid *pid object_auto(pid) = pid_find(thread_pid_namespace(), number);
	if (uid == ID_INVALID || gid == ID_INVALID)
		return -EINVAL;
	if (!pid)
		return -ESRCH;
	struct user_namespace *const owner = pid_namespace_base(thread_pid_namespace())->owner;
	const bool may_name_others =
		cred_has_capability(own, owner ? owner : user_namespace_initial(), CAP_SYS_ADMIN);
	if ((pid != process_current()->pid && !may_name_others) ||
	    (uid != own->uid && uid != own->euid && uid != own->suid && !thread_capable(CAP_SETUID)) ||
	    (gid != own->gid && gid != own->egid && gid != own->sgid && !thread_capable(CAP_SETGID)))
		return -EPERM;
	if (c->pid)
		pid_put(take(c->pid));
	c->pid = take(pid);
	c->uid = uid;
	c->gid = gid;
	c->has_credentials = 1;
	return OK;
}

static err_t read_one(struct socket_control *c, u32 level, u32 type, bytes_t data)
{
	if (level != SOCKET_LEVEL)	// of the family
		return socket_control_add(c, level, type, data) ? OK : -ENOBUFS;
	if (type == SCM_RIGHTS)
		return read_files(c, data);
	return type == SCM_CREDENTIALS ? read_credentials(c, data) : -EINVAL;
}

static err_t read_all(struct socket_control *c, bytes_t all)
{
	for (u64 at = 0; at + HEADER <= bytes_len(all);) {
		const u64 length = bytes_get_u64le(all, at);
		if (length < HEADER || length > bytes_len(all) - at)
			return -EINVAL;
		const err_t err = read_one(c, bytes_get_u32le(all, at + 8), bytes_get_u32le(all, at + 12),
			bytes_slice(all, at + HEADER, length - HEADER));
		if (err)
			return err;
		at += aligned(length);
	}
	return OK;
}

err_t control_read(user_addr_t from, u64 length, struct socket_control **out borrowed)
{
	if (user_is_null(from) || length < HEADER)
		return length && user_is_null(from) ? -EFAULT : OK;
	if (length > CONTROL_MAX)
		return -ENOBUFS;
	struct buf *copy buf_auto = buf_alloc(length);
	struct socket_control *c object_auto(socket_control) = socket_control_create();
	if (!copy || !c)
		return -ENOMEM;
	err_t err = user_copy_in(buf_span(copy), from);
	if (!err)
		err = read_all(c, buf_bytes(copy));
	if (err)
		return err;
	*out = take(c);
	return OK;
}

// --- to the receiver --------------------------------------------------------------------------------

static err_t put_header(user_addr_t at, u64 length, u32 level, u32 type)
{
	u8 raw[HEADER];
	span_put_u64le(array_span(raw), 0, length);
	span_put_u32le(array_span(raw), 8, level);
	span_put_u32le(array_span(raw), 12, type);
	return user_copy_out(at, array_bytes(raw));
}

static err_t write_credentials(struct control_room *r borrowed, const struct socket_control *c)
{
	u8 raw[CREDENTIALS_SIZE];
	struct user_namespace *ns = thread_cred()->user_ns;
	const u64 length = HEADER + CREDENTIALS_SIZE;
	if (r->room - r->used < length) {
		r->flags_out |= MESSAGE_CONTROL_TRUNCATED;
		return OK;
	}
	span_put_u32le(array_span(raw), 0, c->pid ? pid_number_in(c->pid, thread_pid_namespace()) : 0);
	span_put_u32le(array_span(raw), 4, c->has_credentials ? user_namespace_uid_show(ns, c->uid) : 65534);
	span_put_u32le(array_span(raw), 8, c->has_credentials ? user_namespace_gid_show(ns, c->gid) : 65534);
	const user_addr_t at = user_offset(r->at, r->used);
	err_t err = put_header(at, length, SOCKET_LEVEL, SCM_CREDENTIALS);
	if (!err)
		err = user_copy_out(user_offset(at, HEADER), array_bytes(raw));
	r->used = min(r->used + aligned(length), r->room);
	return err;
}

// One file becomes a descriptor, after its number has been written.
static err_t install(struct file *file consumes, user_addr_t at, u32 flags)
{
	struct file *f object_auto(file) = file;
	struct file_table *t = thread_files();
	const ssize_r fd = file_table_reserve(t, 0, process_rlimit(process_current(), RLIMIT_NOFILE),
					      flags & MESSAGE_CLOSE_ON_EXEC ? OPEN_CLOSE_ON_EXEC : 0);
	if (fd < 0)
		return (err_t)fd;
	const err_t err = user_write_u32(at, (u32)fd);
	if (err)
		file_table_cancel(t, (u32)fd);
	else
		file_table_install(t, (u32)fd, take(f));
	return err;
}

static err_t write_files(struct control_room *r borrowed, struct socket_control *c)
{
	const u64 left = r->room - r->used;
	const u32 fits = left > HEADER ? (u32)min((left - HEADER) / 4, (u64)c->file_count) : 0;
	const user_addr_t at = user_offset(r->at, r->used);
	u32 done = 0;
	while (done < fits && !install(socket_control_file(c, done), user_offset(at, HEADER + 4 * (u64)done), r->flags))
		done++;
	if (done < c->file_count)
		r->flags_out |= MESSAGE_CONTROL_TRUNCATED;
	if (!done)
		return OK;
	const u64 length = HEADER + 4 * (u64)done;
	r->used = min(r->used + aligned(length), r->room);
	return put_header(at, length, SOCKET_LEVEL, SCM_RIGHTS);
}

static err_t write_extra(struct control_room *r borrowed, u32 level, u32 type, bytes_t data)
{
	const u64 length = HEADER + bytes_len(data);
	const user_addr_t at = user_offset(r->at, r->used);

	if (r->room - r->used < length) {
		r->flags_out |= MESSAGE_CONTROL_TRUNCATED;
		return OK;
	}
	err_t err = put_header(at, length, level, type);
	if (!err)
		err = user_copy_out(user_offset(at, HEADER), data);
	r->used = min(r->used + aligned(length), r->room);
	return err;
}

static err_t write_extras(struct control_room *r borrowed, const struct socket_control *c)
{
	bytes_t all = bytes_first(array_bytes(c->extra), c->extra_length);
	err_t err = OK;

	for (usize at = 0; !err && at + SOCKET_CONTROL_HEADER <= bytes_len(all);) {
		const u32 length = bytes_get_u32le(all, at + 8);
		err = write_extra(r, bytes_get_u32le(all, at), bytes_get_u32le(all, at + 4),
			bytes_slice(all, at + SOCKET_CONTROL_HEADER, length));
		at += SOCKET_CONTROL_HEADER + ((length + 3) & ~3u);
	}
	return err;
}

static err_t write_time(struct control_room *r borrowed, const struct socket *s borrowed, u64 time_ns)
{
	u8 raw[16];
	const bool in_ns = socket_has(s, SOCKET_TIMESTAMP_NS), is_new = socket_has(s, SOCKET_TIMESTAMP_NEW);

	span_put_u64le(array_span(raw), 0, time_ns / NS_PER_SECOND);
	span_put_u64le(array_span(raw), 8, in_ns ? time_ns % NS_PER_SECOND : time_ns % NS_PER_SECOND / NS_PER_US);
	return write_extra(r, SOCKET_LEVEL, is_new ? (in_ns ? SCM_TIMESTAMP_NS_NEW : SCM_TIMESTAMP_NEW)
		: (in_ns ? SCM_TIMESTAMP_NS : SCM_TIMESTAMP), array_bytes(raw));
}

err_t control_write(struct control_room *r borrowed, struct socket *s, struct socket_message *m borrowed)
{
	struct socket_control *const c = m->control;
	err_t err = OK;
	if (m->timestamp_ns)
		err = write_time(r, s, m->timestamp_ns);
	if (err || !c)
		return err;
	if (socket_has(s, SOCKET_PASS_CRED))
		err = write_credentials(r, c);
	if (!err && c->file_count)
		err = write_files(r, c);
	if (!err && c->extra_length)
		err = write_extras(r, c);
	return err;
}
