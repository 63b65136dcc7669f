// SPDX-License-Identifier: MPL-2.0
// source: capget(2)
#include <generated/syscall_prototypes.h>
#include <services/process/thread.h>

#define VERSION_1 0x19980330u
#define VERSION_2 0x20071026u
#define VERSION_3 0x20080522u

struct header_layout {
	u32 version;
	s32 pid;
};
struct data_layout {
	u32 effective, permitted, inheritable;
};

// Words of 32 bits of the version asked for; an unknown one is answered with the preferred one.
static err_t read_header(user_addr_t hdrp, struct header_layout *h borrowed, u32 *words borrowed)
{
	err_t err = user_copy_in_object(h, hdrp);
	if (err)
		return err;
	*words = h->version == VERSION_1 ? 1 : 2;
	if (h->version == VERSION_1 || h->version == VERSION_2 || h->version == VERSION_3)
		return h->pid < 0 ? -EINVAL : OK;
	err = user_write_u32(hdrp, VERSION_3);
	return err ? err : -EINVAL;
}

static struct cred *cred_by_number(s32 number) owned;
static struct cred *cred_by_number(s32 number)
{
	if (!number)
		return cred_get(thread_cred());
	struct pid *pid object_auto(pid) = pid_find(thread_pid_namespace(), (u32)number);
	if (!pid)
		return NULL;
	struct thread *t object_auto(thread) = pid_thread(pid);
	return t ? thread_cred_of(t) : NULL;
}

s64 sys_capget(user_addr_t hdrp, user_addr_t datap)
{
	struct header_layout h;
	struct data_layout raw[2];
	u32 words = 0;
	err_t err = read_header(hdrp, &h, &words);
	if (err)
		return err == (err_t)-EINVAL && user_is_null(datap) ? 0 : err;
	if (user_is_null(datap))
		return 0;
	struct cred *c object_auto(cred) = cred_by_number(h.pid);
	if (!c)
		return -ESRCH;
	raw[0] = (struct data_layout){ (u32)c->effective, (u32)c->permitted, (u32)c->inheritable };
	raw[1] = (struct data_layout){ (u32)(c->effective >> 32), (u32)(c->permitted >> 32),
		(u32)(c->inheritable >> 32) };
	return user_copy_out(datap, bytes_first(object_bytes(&raw), words * sizeof(struct data_layout)));
}

s64 sys_capset(user_addr_t hdrp, user_addr_t datap)
{
	struct header_layout h;
	struct data_layout raw[2] = { 0 };
	u32 words = 0;
	err_t err = read_header(hdrp, &h, &words);
	if (err)
		return err;
	if (h.pid && (u32)h.pid != thread_number(thread_current()))
		return -EPERM;
	err = user_copy_in(span_first(object_span(&raw), words * sizeof(struct data_layout)), datap);
	if (err)
		return err;
	struct capability_sets sets = {
		.effective = ((u64)raw[1].effective << 32 | raw[0].effective) & CAPABILITY_ALL,
		.permitted = ((u64)raw[1].permitted << 32 | raw[0].permitted) & CAPABILITY_ALL,
		.inheritable = ((u64)raw[1].inheritable << 32 | raw[0].inheritable) & CAPABILITY_ALL,
	};
	struct cred *old = thread_cred();
	struct cred *c object_auto(cred) = cred_copy(old);
	if (!c)
		return -ENOMEM;
	err = cred_set_capabilities(c, old, &sets);
	if (!err)
		thread_set_cred(take(c));
	return err;
}
