// SPDX-License-Identifier: MPL-2.0
#include <linux_abi/ipc/ipc_perm.h>
#include <services/process/thread.h>

err_t ipc_perm_show(struct ipc_object *o, u32 wanted, struct ipc_perm *out borrowed)
{
	struct user_namespace *ns = thread_cred()->user_ns;
	const struct ipc_owner owner = ipc_owner_of(o);
	err_t e = wanted ? ipc_permission(o, wanted, thread_cred()) : OK;

	if (e)
		return e;
	out->key = owner.key;
	out->uid = user_namespace_uid_show(ns, owner.uid);
	out->gid = user_namespace_gid_show(ns, owner.gid);
	out->cuid = user_namespace_uid_show(ns, o->creator_uid);
	out->cgid = user_namespace_gid_show(ns, o->creator_gid);
	out->mode = owner.mode;
	out->seq = (u16)((u32)o->id / IPC_SLOTS_MAX);
	return OK;
}

s64 ipc_shown(const struct ipc_object *o, s32 cmd, err_t e)
{
	return e ? (s64)e : cmd == IPC_STAT ? 0 : (s64)o->id;
}

err_t ipc_perm_set(struct ipc_object *o, const struct ipc_perm *in borrowed)
{
	struct user_namespace *ns = thread_cred()->user_ns;
	const u32 uid = user_namespace_uid_in(ns, in->uid), gid = user_namespace_gid_in(ns, in->gid);
	err_t e = ipc_may_change(o, thread_cred());

	if (e)
		return e;
	if (uid == ID_INVALID || gid == ID_INVALID)
		return -EINVAL;
	ipc_set_owner(o, uid, gid, in->mode);
	return OK;
}
