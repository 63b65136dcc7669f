// SPDX-License-Identifier: MPL-2.0
// The set*id family: who may become whom, and what that does to capabilities.
// source: credentials(7), setresuid(2), capabilities(7) "Effect of user ID changes"
#include <services/cred/cred.h>

static bool uid_is_own(const struct cred *c borrowed, u32 uid)
{
	return uid == c->uid || uid == c->euid || uid == c->suid;
}

static bool gid_is_own(const struct cred *c borrowed, u32 gid)
{
	return gid == c->gid || gid == c->egid || gid == c->sgid;
}

// The root of c's user namespace, as a kernel id.
static u32 root_uid(const struct cred *c borrowed)
{
	return user_namespace_uid_in(c->user_ns, 0);
}

// Leaving or entering root changes the capability sets, unless securebits say otherwise.
static void fix_capabilities(struct cred *c borrowed, const struct cred *old borrowed)
{
	if (c->securebits & SECUREBIT_NO_SETUID_FIXUP)
		return;
	u32 root = root_uid(c);
	bool was_root = old->uid == root || old->euid == root || old->suid == root;
	bool is_root = c->uid == root || c->euid == root || c->suid == root;
	if (was_root && !is_root) {
		if (!(c->securebits & SECUREBIT_KEEP_CAPS)) {
			c->permitted = 0;
			c->effective = 0;
		}
		c->ambient = 0;
	}
	if (old->euid == root && c->euid != root)
		c->effective = 0;
	if (old->euid != root && c->euid == root)
		c->effective = c->permitted;
}

static err_t finish_uid(struct cred *c borrowed, const struct cred *old borrowed)
{
	c->fsuid = c->euid;
	fix_capabilities(c, old);
	return cred_update_account(c);
}

err_t cred_set_uid(struct cred *c borrowed, const struct cred *old borrowed, u32 uid)
{
	if (cred_capable(old, CAP_SETUID))
		c->uid = c->suid = uid;
	else if (uid != old->uid && uid != old->suid)
		return -EPERM;
	c->euid = uid;
	return finish_uid(c, old);
}

err_t cred_set_reuid(struct cred *c borrowed, const struct cred *old borrowed, u32 ruid, u32 euid)
{
	bool may = cred_capable(old, CAP_SETUID);
	if (ruid != ID_INVALID) {
		if (!may && ruid != old->uid && ruid != old->euid)
			return -EPERM;
		c->uid = ruid;
	}
	if (euid != ID_INVALID) {
		if (!may && !uid_is_own(old, euid))
			return -EPERM;
		c->euid = euid;
	}
	if (ruid != ID_INVALID || (euid != ID_INVALID && euid != old->uid))
		c->suid = c->euid;
	return finish_uid(c, old);
}

err_t cred_set_resuid(struct cred *c borrowed, const struct cred *old borrowed, u32 ruid, u32 euid, u32 suid)
{
	bool may = cred_capable(old, CAP_SETUID);
	if (!may && ((ruid != ID_INVALID && !uid_is_own(old, ruid)) || (euid != ID_INVALID && !uid_is_own(old, euid)) ||
		     (suid != ID_INVALID && !uid_is_own(old, suid))))
		return -EPERM;
	if (ruid != ID_INVALID)
		c->uid = ruid;
	if (euid != ID_INVALID)
		c->euid = euid;
	if (suid != ID_INVALID)
		c->suid = suid;
	return finish_uid(c, old);
}

err_t cred_set_gid(struct cred *c borrowed, const struct cred *old borrowed, u32 gid)
{
	if (cred_capable(old, CAP_SETGID))
		c->gid = c->sgid = gid;
	else if (gid != old->gid && gid != old->sgid)
		return -EPERM;
	c->egid = c->fsgid = gid;
	return OK;
}

err_t cred_set_regid(struct cred *c borrowed, const struct cred *old borrowed, u32 rgid, u32 egid)
{
	bool may = cred_capable(old, CAP_SETGID);
	if (rgid != ID_INVALID) {
		if (!may && rgid != old->gid && rgid != old->egid)
			return -EPERM;
		c->gid = rgid;
	}
	if (egid != ID_INVALID) {
		if (!may && !gid_is_own(old, egid))
			return -EPERM;
		c->egid = egid;
	}
	if (rgid != ID_INVALID || (egid != ID_INVALID && egid != old->gid))
		c->sgid = c->egid;
	c->fsgid = c->egid;
	return OK;
}

err_t cred_set_resgid(struct cred *c borrowed, const struct cred *old borrowed, u32 rgid, u32 egid, u32 sgid)
{
	bool may = cred_capable(old, CAP_SETGID);
	if (!may && ((rgid != ID_INVALID && !gid_is_own(old, rgid)) || (egid != ID_INVALID && !gid_is_own(old, egid)) ||
		     (sgid != ID_INVALID && !gid_is_own(old, sgid))))
		return -EPERM;
	if (rgid != ID_INVALID)
		c->gid = rgid;
	if (egid != ID_INVALID)
		c->egid = egid;
	if (sgid != ID_INVALID)
		c->sgid = sgid;
	c->fsgid = c->egid;
	return OK;
}

// Capabilities that concern files alone follow the file system uid.
#define FILE_CAPABILITIES                                                                          \
	(1ul << CAP_CHOWN | 1ul << CAP_MKNOD | 1ul << CAP_DAC_OVERRIDE | 1ul << CAP_DAC_READ_SEARCH | \
	 1ul << CAP_FOWNER | 1ul << CAP_FSETID | 1ul << CAP_LINUX_IMMUTABLE | 1ul << CAP_MAC_OVERRIDE)

bool cred_set_fsuid(struct cred *c borrowed, const struct cred *old borrowed, u32 uid)
{
	if (!uid_is_own(old, uid) && uid != old->fsuid && !cred_capable(old, CAP_SETUID))
		return false;
	c->fsuid = uid;
	if (!(c->securebits & SECUREBIT_NO_SETUID_FIXUP)) {
		u32 root = root_uid(c);
		if (old->fsuid == root && uid != root)
			c->effective &= ~FILE_CAPABILITIES;
		if (old->fsuid != root && uid == root)
			c->effective |= c->permitted & FILE_CAPABILITIES;
	}
	return true;
}

bool cred_set_fsgid(struct cred *c borrowed, const struct cred *old borrowed, u32 gid)
{
	if (!gid_is_own(old, gid) && gid != old->fsgid && !cred_capable(old, CAP_SETGID))
		return false;
	c->fsgid = gid;
	return true;
}

bool cred_may_set_groups(const struct cred *c borrowed)
{
	return cred_capable(c, CAP_SETGID) && user_namespace_may_set_groups(c->user_ns);
}
