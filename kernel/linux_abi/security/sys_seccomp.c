// SPDX-License-Identifier: MPL-2.0
// source: seccomp(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/security/seccomp/seccomp.h>

enum { SET_MODE_STRICT, SET_MODE_FILTER, GET_ACTION_AVAIL, GET_NOTIF_SIZES };
struct program_layout {
	u16 count, pad[3];
	u64 instructions;
};
struct sizes_layout {
	u16 notification, response, call;
};


static s64 add_filter(bytes_t program, u32 flags)
{
	struct file *listener object_auto(file) = NULL;
	u32 unsynced = 0;
	s64 fd = 0;

	// A number first: what has been restricted cannot be taken back.
	if (flags & SECCOMP_NEW_LISTENER) {
		fd = file_table_reserve(thread_files(), 0, process_rlimit(process_current(), RLIMIT_NOFILE),
					OPEN_CLOSE_ON_EXEC);
		if (fd < 0)
			return fd;
	}
	const err_t e = seccomp_add_filter(program, flags, &unsynced, &listener);
	if (!(flags & SECCOMP_NEW_LISTENER))
		return e ? e : (s64)unsynced;
	if (e || !listener) {
		file_table_cancel(thread_files(), (u32)fd);
		return e ? e : (s64)unsynced;
	}
	file_table_install(thread_files(), (u32)fd, take(listener));
	return fd;
}

static s64 set_filter(u32 flags, user_addr_t args)
{
	struct program_layout layout;
	err_t e = seccomp_check_flags(flags);

	if (!e)
		e = user_copy_in_object(&layout, args);
	if (e)
		return e;
	if (!layout.count || layout.count > SECCOMP_INSTRUCTIONS_MAX)
		return -EINVAL;
	e = seccomp_may_restrict();
	if (e)
		return e;
	struct buf *program buf_auto = buf_alloc((usize)layout.count * SECCOMP_INSTRUCTION_SIZE);
	if (!program)
		return -ENOMEM;
	e = user_copy_in(buf_span(program), user_addr(layout.instructions));
	return e ? e : add_filter(buf_bytes(program), flags);
}

static s64 action_available(user_addr_t args)
{
	u32 action = 0;
	const err_t e = user_read_u32(args, &action);

	if (e)
		return e;
	return seccomp_action_is_known(action) ? 0 : -EOPNOTSUPP;
}

s64 sys_seccomp(u32 operation, u32 flags, user_addr_t args)
{
	const struct sizes_layout sizes = { .notification = 80, .response = 24, .call = 64 };

	switch (operation) {
	case SET_MODE_STRICT:
		return flags || !user_is_null(args) ? -EINVAL : seccomp_set_strict();
	case SET_MODE_FILTER:
		return set_filter(flags, args);
	case GET_ACTION_AVAIL:
		return flags ? -EINVAL : action_available(args);
	case GET_NOTIF_SIZES:
		return flags ? -EINVAL : user_copy_out_object(args, &sizes);
	default:
		return -EINVAL;
	}
}
