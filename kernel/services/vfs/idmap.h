// SPDX-License-Identifier: MPL-2.0
// Id-mapped mounts (mount_setattr(2), MOUNT_ATTR_IDMAP): through such a mount the owners of files look as the ids of a
// user namespace say: what the file system stores is the number inside, what the caller meets is the kernel id that it
// stands for. `idmap` is that namespace (struct mount), NULL: ids are as they are stored. None of this sleeps unless
// said.
#pragma once
#include <services/cred/cred.h>
#include <services/vfs/inode.h>

// Owner and group as seen; ID_INVALID: not mapped.
u32 idmap_uid_seen(const struct inode *i borrowed, struct user_namespace *idmap);
u32 idmap_gid_seen(const struct inode *i borrowed, struct user_namespace *idmap);
// The same of an id that is stored elsewhere than as the owner (access control lists).
u32 idmap_uid_seen_of(const struct inode *i borrowed, struct user_namespace *idmap, u32 uid);
u32 idmap_gid_seen_of(const struct inode *i borrowed, struct user_namespace *idmap, u32 gid);
// What is stored for a kernel id; ID_INVALID: nothing can be (-EOVERFLOW).
u32 idmap_uid_stored(const struct inode *i borrowed, struct user_namespace *idmap, u32 uid);
u32 idmap_gid_stored(const struct inode *i borrowed, struct user_namespace *idmap, u32 gid);
// Credentials whose fsuid and fsgid are what is stored in dir's file system, to make a file with: a reference to `cred`
// itself without a map. -EOVERFLOW, -ENOMEM. => may sleep
err_t idmap_creator(struct inode *dir, struct user_namespace *idmap, struct cred *cred, struct cred **out borrowed);
// As the functions of inode.h without a map.
err_t inode_permission_mapped(struct inode *i, struct user_namespace *idmap, u32 mask,
	const struct cred *cred borrowed);
bool inode_capable_mapped(struct inode *i, struct user_namespace *idmap, const struct cred *cred borrowed,
	u32 capability);
bool inode_is_owner_mapped(struct inode *i, struct user_namespace *idmap, const struct cred *cred borrowed);
