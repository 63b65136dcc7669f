// SPDX-License-Identifier: MPL-2.0
// User and group ids, supplementary groups. Numbers are the caller's; inside are kernel ids.
// source: credentials(7), setresuid(2), setgroups(2)
#include <generated/syscall_prototypes.h>
#include <services/process/thread.h>

#define UNCHANGED U32_MAX
#define GROUPS_MAX 65536

s64 sys_getuid(void)
{
	struct cred *c = thread_cred();
	return user_namespace_uid_show(c->user_ns, c->uid);
}
s64 sys_geteuid(void)
{
	struct cred *c = thread_cred();
	return user_namespace_uid_show(c->user_ns, c->euid);
}
s64 sys_getgid(void)
{
	struct cred *c = thread_cred();
	return user_namespace_gid_show(c->user_ns, c->gid);
}
s64 sys_getegid(void)
{
	struct cred *c = thread_cred();
	return user_namespace_gid_show(c->user_ns, c->egid);
}

static s64 write_three(user_addr_t a, user_addr_t b, user_addr_t c, u32 x, u32 y, u32 z)
{
	err_t err = user_write_u32(a, x);
	if (!err)
		err = user_write_u32(b, y);
	return err ? err : user_write_u32(c, z);
}

s64 sys_getresuid(user_addr_t ruid, user_addr_t euid, user_addr_t suid)
{
	struct cred *c = thread_cred();
	struct user_namespace *ns = c->user_ns;
	return write_three(ruid, euid, suid, user_namespace_uid_show(ns, c->uid), user_namespace_uid_show(ns, c->euid),
			   user_namespace_uid_show(ns, c->suid));
}

s64 sys_getresgid(user_addr_t rgid, user_addr_t egid, user_addr_t sgid)
{
	struct cred *c = thread_cred();
	struct user_namespace *ns = c->user_ns;
	return write_three(rgid, egid, sgid, user_namespace_gid_show(ns, c->gid), user_namespace_gid_show(ns, c->egid),
			   user_namespace_gid_show(ns, c->sgid));
}

// The kernel's number for the user's; "unchanged" stays so. False: not mapped (-EINVAL).
static bool uid_in(u32 id, u32 *out borrowed)
{
	*out = id == UNCHANGED ? ID_INVALID : user_namespace_uid_in(thread_cred()->user_ns, id);
	return id == UNCHANGED || *out != ID_INVALID;
}
static bool gid_in(u32 id, u32 *out borrowed)
{
	*out = id == UNCHANGED ? ID_INVALID : user_namespace_gid_in(thread_cred()->user_ns, id);
	return id == UNCHANGED || *out != ID_INVALID;
}

enum id_change { SET_UID, SET_REUID, SET_RESUID, SET_GID, SET_REGID, SET_RESGID };

static err_t change(enum id_change what, struct cred *c, u32 x, u32 y, u32 z)
{
	struct cred *old = thread_cred();
	switch (what) {
	case SET_UID:
		return cred_set_uid(c, old, x);
	case SET_REUID:
		return cred_set_reuid(c, old, x, y);
	case SET_RESUID:
		return cred_set_resuid(c, old, x, y, z);
	case SET_GID:
		return cred_set_gid(c, old, x);
	case SET_REGID:
		return cred_set_regid(c, old, x, y);
	case SET_RESGID:
		return cred_set_resgid(c, old, x, y, z);
	}
	return -EINVAL;
}

static s64 install(enum id_change what, u32 x, u32 y, u32 z)
{
	struct cred *c object_auto(cred) = cred_copy(thread_cred());
	if (!c)
		return -ENOMEM;
	err_t err = change(what, c, x, y, z);
	if (!err)
		thread_set_cred(take(c));
	return err;
}

s64 sys_setuid(u32 uid)
{
	u32 id = 0;
	if (uid == UNCHANGED || !uid_in(uid, &id))
		return -EINVAL;
	return install(SET_UID, id, 0, 0);
}
s64 sys_setgid(u32 gid)
{
	u32 id = 0;
	if (gid == UNCHANGED || !gid_in(gid, &id))
		return -EINVAL;
	return install(SET_GID, id, 0, 0);
}
s64 sys_setreuid(u32 ruid, u32 euid)
{
	u32 r = 0, e = 0;
	if (!uid_in(ruid, &r) || !uid_in(euid, &e))
		return -EINVAL;
	return install(SET_REUID, r, e, 0);
}
s64 sys_setregid(u32 rgid, u32 egid)
{
	u32 r = 0, e = 0;
	if (!gid_in(rgid, &r) || !gid_in(egid, &e))
		return -EINVAL;
	return install(SET_REGID, r, e, 0);
}
s64 sys_setresuid(u32 ruid, u32 euid, u32 suid)
{
	u32 r = 0, e = 0, s = 0;
	if (!uid_in(ruid, &r) || !uid_in(euid, &e) || !uid_in(suid, &s))
		return -EINVAL;
	return install(SET_RESUID, r, e, s);
}
s64 sys_setresgid(u32 rgid, u32 egid, u32 sgid)
{
	u32 r = 0, e = 0, s = 0;
	if (!gid_in(rgid, &r) || !gid_in(egid, &e) || !gid_in(sgid, &s))
		return -EINVAL;
	return install(SET_RESGID, r, e, s);
}

// These two have no error: they return the old id, whatever happens.
s64 sys_setfsuid(u32 fsuid)
{
	struct cred *old = thread_cred();
	u32 before = user_namespace_uid_show(old->user_ns, old->fsuid), id = user_namespace_uid_in(old->user_ns, fsuid);
	struct cred *c object_auto(cred) = cred_copy(old);
	if (c && id != ID_INVALID && cred_set_fsuid(c, old, id))
		thread_set_cred(take(c));
	return before;
}
s64 sys_setfsgid(u32 fsgid)
{
	struct cred *old = thread_cred();
	u32 before = user_namespace_gid_show(old->user_ns, old->fsgid), id = user_namespace_gid_in(old->user_ns, fsgid);
	struct cred *c object_auto(cred) = cred_copy(old);
	if (c && id != ID_INVALID && cred_set_fsgid(c, old, id))
		thread_set_cred(take(c));
	return before;
}

// --- supplementary groups -----------------------------------------------------------------------

s64 sys_getgroups(s32 size, user_addr_t list)
{
	struct cred *c = thread_cred();
	u32 count = group_list_count(c->groups);
	if (size < 0)
		return -EINVAL;
	if (!size)
		return count;
	if (count > (u32)size)
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		err_t err = user_write_u32(
			user_offset(list, i * 4ul), user_namespace_gid_show(c->user_ns, group_list_at(c->groups, i)));
		if (err)
			return err;
	}
	return count;
}

s64 sys_setgroups(s32 size, user_addr_t list)
{
	if (!cred_may_set_groups(thread_cred()))
		return -EPERM;
	if ((u32)size > GROUPS_MAX)
		return -EINVAL;
	struct group_list *groups object_auto(group_list) = group_list_create((u32)size);
	struct cred *c object_auto(cred) = cred_copy(thread_cred());
	if (!groups || !c)
		return -ENOMEM;
	for (u32 i = 0; i < (u32)size; i++) {
		u32 gid = 0;
		err_t err = user_read_u32(user_offset(list, i * 4ul), &gid);
		if (err)
			return err;
		u32 id = user_namespace_gid_in(c->user_ns, gid);
		if (id == ID_INVALID)
			return -EINVAL;
		group_list_set(groups, i, id);
	}
	group_list_sort(groups);
	cred_set_groups(c, take(groups));
	thread_set_cred(take(c));
	return 0;
}
