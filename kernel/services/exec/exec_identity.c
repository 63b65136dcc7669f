// SPDX-License-Identifier: MPL-2.0
// Who the new program runs as: set-id bits and file capabilities. source: execve(2), capabilities(7)
#include <services/cred/user_namespace.h>
#include <services/exec/exec_internal.h>
#include <services/process/trace.h>
#include <services/vfs/attributes.h>
#include <services/vfs/idmap.h>
#include <services/vfs/mount.h>

#define FLAG_EFFECTIVE 1u

static void read_set_ids(const struct file *f, const struct cred *c borrowed, struct exec_identity *out borrowed)
{
	struct inode *const i = f->inode;
	u32 mode, uid, gid;
	{
		spin_guard(&i->lock);
		mode = i->mode;
		uid = idmap_uid_seen(i, f->path.mount->idmap);
		gid = idmap_gid_seen(i, f->path.mount->idmap);
	}
	// Ids without a number in the caller's namespace are nobody's there.
	if (uid == ID_INVALID || gid == ID_INVALID || user_namespace_uid_out(c->user_ns, uid) == ID_INVALID ||
		user_namespace_gid_out(c->user_ns, gid) == ID_INVALID)
		return;
	if (mode & S_ISUID)
		out->set_uid = uid;
	if ((mode & S_ISGID) && (mode & 010))
		out->set_gid = gid;
}

static void read_capabilities(struct inode *i, const struct cred *c borrowed, struct exec_identity *out borrowed)
{
	u8 raw[CAPABILITY_LENGTH_3];
	usize length = 0;
	u32 root = 0;
	if (xattr_capability_read(i, array_span(raw), &length, &root) || !xattr_capability_counts(root, c->user_ns))
		return;
	bytes_t at = array_bytes(raw);
	u32 magic = bytes_get_u32le(at, 0);
	out->has_file_capabilities = 1;
	out->file_effective = magic & FLAG_EFFECTIVE;
	out->file_permitted = ((u64)bytes_get_u32le(at, 12) << 32 | bytes_get_u32le(at, 4)) & CAPABILITY_ALL;
	out->file_inheritable = ((u64)bytes_get_u32le(at, 16) << 32 | bytes_get_u32le(at, 8)) & CAPABILITY_ALL;
}

err_t exec_identity_make(struct exec_plan *plan, struct file *f)
{
	struct cred *old = thread_cred();
	struct exec_identity identity = { .set_uid = ID_INVALID, .set_gid = ID_INVALID };
	// A file system that belongs to a namespace beside or below ours grants nothing.
	bool is_trusted = !mount_has(f->path.mount, MOUNT_NO_SUID) && !thread_has_no_new_privileges(thread_current()) &&
			  user_namespace_is_ancestor(f->inode->superblock->user_ns, old->user_ns);
	if (is_trusted) {
		read_set_ids(f, old, &identity);
		read_capabilities(f->inode, old, &identity);
	}
	plan->cred = cred_copy(old);
	if (!plan->cred)
		return -ENOMEM;
	cred_drop_thread_keyring(plan->cred);
	cred_drop_process_keyring(plan->cred);
	err_t err = cred_exec(plan->cred, old, &identity);
	plan->is_secure = identity.is_secure;
	return err;
}

void exec_identity_settle(struct exec_plan *plan)
{
	struct cred *old = thread_cred();
	if (!trace_exec_may_gain(plan->cred->user_ns))
		cred_exec_restrain(plan->cred, old, CRED_TRACED);
	if (thread_has_no_new_privileges(thread_current()))
		cred_exec_restrain(plan->cred, old, CRED_NO_NEW_PRIVILEGES);
	const struct cred *c = plan->cred;
	plan->gains = plan->is_secure && (c->euid != c->uid || c->egid != c->gid || c->permitted & ~old->permitted);
}
