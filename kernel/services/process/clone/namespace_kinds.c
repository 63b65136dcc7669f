// SPDX-License-Identifier: MPL-2.0
// How mount and cgroup namespaces are copied and entered: they need to know the process.
#include <services/cgroup/cgroup_namespace.h>
#include <services/namespace/namespace_kinds.h>
#include <services/process/members.h>
#include <services/process/thread.h>
#include <services/vfs/mount_namespace.h>

static err_t mount_copy(
	struct namespace *from, struct user_namespace *owner, struct fs_context *fs, struct namespace **out borrowed)
{
	struct mount_namespace *made object_auto(mount_namespace) = NULL;
	err_t err = mount_namespace_copy(mount_namespace_from(from), owner, fs, &made);
	if (!err)
		*out = namespace_get(&made->base);
	return err;
}

static err_t mount_enter(struct namespace *n, struct fs_context *fs)
{
	return mount_namespace_enter(mount_namespace_from(n), fs);
}

// The new namespace's root is the group that the process is in.
static err_t cgroup_copy(
	struct namespace *from, struct user_namespace *owner, struct fs_context *fs, struct namespace **out borrowed)
{
	struct cgroup *root object_auto(cgroup) = thread_cgroup(thread_current());
	struct cgroup_namespace *made object_auto(cgroup_namespace) = cgroup_namespace_create(root, owner);
	if (!made)
		return -ENOMEM;
	*out = namespace_get(&made->base);
	return OK;
}

static const struct namespace_kind_ops mount_ops = { .copy = mount_copy, .enter = mount_enter };
static const struct namespace_kind_ops cgroup_ops = { .copy = cgroup_copy };

void process_namespace_kinds_init(void)
{
	namespace_kinds_init();
	namespace_kind_register(NAMESPACE_MOUNT, &mount_ops);
	namespace_kind_register(NAMESPACE_CGROUP, &cgroup_ops);
}
