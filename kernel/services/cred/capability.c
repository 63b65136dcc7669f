// SPDX-License-Identifier: MPL-2.0
// Changes of capability sets: capset(2), the bounding set, securebits, a new user namespace, execve.
// source: capabilities(7)
#include <services/cred/cred.h>

err_t cred_set_capabilities(
	struct cred *c borrowed, const struct cred *old borrowed, const struct capability_sets *sets borrowed)
{
	// Without CAP_SETPCAP only what is permitted may become inheritable; with it what the bounding
	// set has, too.
	if (!cred_capable(old, CAP_SETPCAP) && (sets->inheritable & ~(old->inheritable | old->permitted)))
		return -EPERM;
	if (sets->inheritable & ~(old->inheritable | old->bounding))
		return -EPERM;
	if (sets->permitted & ~old->permitted)
		return -EPERM;
	if (sets->effective & ~sets->permitted)
		return -EPERM;
	c->permitted = sets->permitted;
	c->effective = sets->effective;
	c->inheritable = sets->inheritable & CAPABILITY_ALL;
	c->ambient &= c->permitted & c->inheritable;
	return OK;
}

err_t cred_drop_bounding(struct cred *c borrowed, u32 capability)
{
	if (!cred_capable(c, CAP_SETPCAP))
		return -EPERM;
	if (capability > CAPABILITY_LAST)
		return -EINVAL;
	c->bounding &= ~(1ul << capability);
	return OK;
}

#define SECUREBITS_ALL 0xffu
#define SECUREBITS_LOCKS 0xaau

err_t cred_set_securebits(struct cred *c borrowed, const struct cred *old borrowed, u32 bits)
{
	u32 locked = (old->securebits & SECUREBITS_LOCKS) >> 1;
	if (bits & ~SECUREBITS_ALL)
		return -EPERM;
	if ((old->securebits ^ bits) & locked)
		return -EPERM;		// a locked bit would change
	if (old->securebits & SECUREBITS_LOCKS & ~bits)
		return -EPERM;		// a lock would open
	if (!cred_capable(old, CAP_SETPCAP))
		return -EPERM;
	c->securebits = bits;
	return OK;
}

void cred_enter_user_namespace(struct cred *c borrowed, struct user_namespace *ns consumes)
{
	c->securebits = 0;
	c->inheritable = 0;
	c->ambient = 0;
	c->permitted = c->effective = c->bounding = CAPABILITY_ALL;
	user_namespace_put(take(c->user_ns));
	c->user_ns = ns;
}

// The file's part of the transition: what it adds to permitted and effective.
struct file_part {
	u64 permitted, inheritable;
	u32 is_effective;
};

static struct file_part file_part_of(const struct cred *c borrowed, const struct exec_identity *identity borrowed)
{
	struct file_part f = {
		.permitted = identity->has_file_capabilities ? identity->file_permitted : 0,
		.inheritable = identity->has_file_capabilities ? identity->file_inheritable : 0,
		.is_effective = identity->has_file_capabilities ? identity->file_effective : 0,
	};
	u32 root = user_namespace_uid_in(c->user_ns, 0);
	if (c->securebits & SECUREBIT_NOROOT || root == ID_INVALID)
		return f;
	// Root, real or effective, gets all of them, as if the file had them; but a set-user-id-root
	// program with capabilities of its own, run by somebody else, gets just those.
	if (identity->has_file_capabilities && c->uid != root && c->euid == root)
		return f;
	if (c->uid == root || c->euid == root)
		f.permitted = f.inheritable = CAPABILITY_ALL;
	if (c->euid == root)
		f.is_effective = 1;
	return f;
}

err_t cred_exec(struct cred *c borrowed, const struct cred *old borrowed, struct exec_identity *identity borrowed)
{
	if (identity->set_uid != ID_INVALID)
		c->euid = identity->set_uid;
	if (identity->set_gid != ID_INVALID)
		c->egid = identity->set_gid;
	bool is_set_id = c->euid != old->uid || c->egid != old->gid;
	struct file_part f = file_part_of(c, identity);
	bool gains_from_file = identity->has_file_capabilities && (f.permitted | f.inheritable);
	u64 ambient = is_set_id || gains_from_file ? 0 : old->ambient;
	u64 permitted = (old->inheritable & f.inheritable) | (f.permitted & old->bounding);
	if (identity->has_file_capabilities && identity->file_effective && (identity->file_permitted & ~permitted))
		return -EPERM;
	c->permitted = permitted | ambient;
	c->effective = f.is_effective ? c->permitted : ambient;
	c->ambient = ambient;
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	c->securebits &= ~SECUREBIT_KEEP_CAPS;
	u32 root = user_namespace_uid_in(c->user_ns, 0);
	identity->is_secure = is_set_id || (c->uid != root && (c->effective & ~ambient));
	return OK;
}

void cred_exec_restrain(struct cred *c borrowed, const struct cred *old borrowed, enum cred_restraint why)
{
	const bool is_set_id = c->euid != old->uid || c->egid != old->gid;
	if (!is_set_id && !(c->permitted & ~old->permitted))
		return;
	// Who could call setuid(2) anyway keeps the program's ids in front of a tracer.
	if (why == CRED_NO_NEW_PRIVILEGES || !cred_capable(old, CAP_SETUID)) {
		c->euid = c->suid = c->fsuid = c->uid;
		c->egid = c->sgid = c->fsgid = c->gid;
	}
	c->permitted &= old->permitted;
	c->effective &= c->permitted;
}
