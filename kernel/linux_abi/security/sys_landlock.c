// SPDX-License-Identifier: MPL-2.0
// source: landlock(7), landlock_create_ruleset(2), landlock_add_rule(2), landlock_restrict_self(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/security/landlock/landlock.h>

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1, RULESET_SIZE = 8, PATH_BENEATH_SIZE = 12 };

// Bytes beyond the attribute that this kernel knows must be zero.
static err_t check_rest(user_addr_t attr, u64 size)
{
	u8 rest[64];
	for (u64 at = RULESET_SIZE; at < size;) {
		const usize part = (usize)min(size - at, (u64)sizeof(rest));
		const span_t here = span_first(array_span(rest), part);
		const err_t e = user_copy_in(here, user_offset(attr, at));
		if (e)
			return e;
		for (usize n = 0; n < part; n++) {
			if (byte_at(bytes_of(here), n))
				return -E2BIG;
		}
		at += part;
	}
	return OK;
}

s64 sys_landlock_create_ruleset(user_addr_t attr, u64 size, u32 flags)
{
	u64 handled = 0;
	struct file *made object_auto(file) = NULL;
	if (flags == CREATE_RULESET_VERSION && user_is_null(attr) && !size)
		return LANDLOCK_VERSION;
	if (flags)
		return -EINVAL;
	if (size < RULESET_SIZE)
		return user_is_null(attr) ? -EFAULT : -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err_t e = check_rest(attr, size);
	if (!e)
		e = user_read_u64(attr, &handled);
	if (e)
		return e;
	if (handled > U32_MAX)
		return -EINVAL;
	e = landlock_ruleset_create((u32)handled, thread_cred(), &made);
	return e ? e : file_table_add(thread_files(), take(made),
		process_rlimit(process_current(), RLIMIT_NOFILE), OPEN_CLOSE_ON_EXEC);
}

s64 sys_landlock_add_rule(s32 ruleset_fd, s32 rule_type, user_addr_t rule_attr, u32 flags)
{
	u8 raw[PATH_BENEATH_SIZE];
	if (flags)
		return -EINVAL;
	struct file *ruleset object_auto(file) = file_table_find(thread_files(), (u32)ruleset_fd);
	if (!ruleset)
		return -EBADF;
	if (!landlock_is_ruleset(ruleset))
		return -EBADFD;
	if (rule_type != RULE_PATH_BENEATH)
		return -EINVAL;
	const err_t e = user_copy_in(array_span(raw), rule_attr);
	if (e)
		return e;
	const u64 rights = bytes_get_u64le(array_bytes(raw), 0);
	if (!rights)
		return -ENOMSG;
	if (rights > U32_MAX)
		return -EINVAL;
	struct file *place object_auto(file) =
		file_table_find(thread_files(), bytes_get_u32le(array_bytes(raw), 8));
	if (!place)
		return -EBADF;
	if (landlock_is_ruleset(place))
		return -EBADFD;
	return landlock_rule_add(ruleset, &place->path, (u32)rights);
}

s64 sys_landlock_restrict_self(s32 ruleset_fd, u32 flags)
{
	if (!thread_has_no_new_privileges(thread_current()) && !thread_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags)
		return -EINVAL;
	struct file *ruleset object_auto(file) = file_table_find(thread_files(), (u32)ruleset_fd);
	return ruleset ? landlock_restrict_self(ruleset) : (err_t)-EBADF;
}
