// SPDX-License-Identifier: MPL-2.0
// source: uname(2), sethostname(2), setdomainname(2), personality(2)
#include <generated/syscall_prototypes.h>
#include <services/namespace/uts.h>
#include <services/process/thread.h>

#define NAME_SIZE 65
struct utsname_layout {
	u8 system[NAME_SIZE], node[NAME_SIZE], release[NAME_SIZE], version[NAME_SIZE], machine[NAME_SIZE],
		domain[NAME_SIZE];
};
_Static_assert(sizeof(struct utsname_layout) == 390, "struct new_utsname");

static struct uts_namespace *current_uts(void)
{
	return uts_namespace_from(thread_namespace(NAMESPACE_UTS));
}

s64 sys_uname(user_addr_t buf)
{
	struct utsname_layout raw = {};
	struct uts_namespace *u = current_uts();

	span_copy(array_span(raw.system), STR(UTS_SYSTEM_NAME));
	span_copy(array_span(raw.release), STR(UTS_RELEASE));
	span_copy(array_span(raw.version), STR(UTS_VERSION));
	span_copy(array_span(raw.machine), STR(UTS_MACHINE));
	(void)uts_name_get(u, UTS_HOST_NAME, array_span(raw.node));
	(void)uts_name_get(u, UTS_DOMAIN_NAME, array_span(raw.domain));
	return user_copy_out_object(buf, &raw);
}

static s64 set_name(enum uts_name which, user_addr_t from, s32 length)
{
	u8 name[UTS_NAME_MAX];
	struct uts_namespace *u = current_uts();

	if (!cred_has_capability(thread_cred(), u->base.owner, CAP_SYS_ADMIN))
		return -EPERM;
	if (length < 0 || length > (s32)UTS_NAME_MAX)
		return -EINVAL;
	err_t e = user_copy_in(span_first(array_span(name), (usize)length), from);

	return e ? e : uts_name_set(u, which, bytes_first(array_bytes(name), (usize)length));
}

s64 sys_sethostname(user_addr_t name, s32 len)
{
	return set_name(UTS_HOST_NAME, name, len);
}

s64 sys_setdomainname(user_addr_t name, s32 len)
{
	return set_name(UTS_DOMAIN_NAME, name, len);
}
