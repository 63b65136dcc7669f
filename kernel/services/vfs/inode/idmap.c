// SPDX-License-Identifier: MPL-2.0
#include <services/vfs/idmap.h>
#include <services/vfs/superblock.h>

// The number in the file system's own user namespace is the number inside the map's.
u32 idmap_uid_seen_of(const struct inode *i borrowed, struct user_namespace *idmap, u32 uid)
{
	if (!idmap)
		return uid;
	const u32 stored = user_namespace_uid_out(i->superblock->user_ns, uid);
	return stored == ID_INVALID ? ID_INVALID : user_namespace_uid_in(idmap, stored);
}

u32 idmap_uid_seen(const struct inode *i borrowed, struct user_namespace *idmap)
{
	return idmap_uid_seen_of(i, idmap, i->uid);
}

u32 idmap_gid_seen_of(const struct inode *i borrowed, struct user_namespace *idmap, u32 gid)
{
	if (!idmap)
		return gid;
	const u32 stored = user_namespace_gid_out(i->superblock->user_ns, gid);
	return stored == ID_INVALID ? ID_INVALID : user_namespace_gid_in(idmap, stored);
}

u32 idmap_gid_seen(const struct inode *i borrowed, struct user_namespace *idmap)
{
	return idmap_gid_seen_of(i, idmap, i->gid);
}

u32 idmap_uid_stored(const struct inode *i borrowed, struct user_namespace *idmap, u32 uid)
{
	if (!idmap)
		return uid;
	const u32 inside = user_namespace_uid_out(idmap, uid);
	return inside == ID_INVALID ? ID_INVALID : user_namespace_uid_in(i->superblock->user_ns, inside);
}

u32 idmap_gid_stored(const struct inode *i borrowed, struct user_namespace *idmap, u32 gid)
{
	if (!idmap)
		return gid;
	const u32 inside = user_namespace_gid_out(idmap, gid);
	return inside == ID_INVALID ? ID_INVALID : user_namespace_gid_in(i->superblock->user_ns, inside);
}

err_t idmap_creator(struct inode *dir, struct user_namespace *idmap, struct cred *cred, struct cred **out borrowed)
{
	if (!idmap) {
		*out = cred_get(cred);
		return OK;
	}
	const u32 uid = idmap_uid_stored(dir, idmap, cred->fsuid), gid = idmap_gid_stored(dir, idmap, cred->fsgid);
	if (uid == ID_INVALID || gid == ID_INVALID)
		return -EOVERFLOW;
	struct cred *mapped object_auto(cred) = cred_copy(cred);
	if (!mapped)
		return -ENOMEM;
	mapped->fsuid = uid;
	mapped->fsgid = gid;
	*out = take(mapped);
	return OK;
}
