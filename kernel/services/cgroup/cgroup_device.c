// SPDX-License-Identifier: MPL-2.0
#include <services/cgroup/cgroup_device.h>

DEFINE_ONCE(cgroup_device_cell, const struct cgroup_device_ops);
static struct cgroup_device_cell device_cell;
static struct atomic_u32 groups_with_rules;

void cgroup_set_device_ops(const struct cgroup_device_ops *ops)
{
	cgroup_device_cell_set(&device_cell, ops);
}

void cgroup_device_rules_came(void)
{
	atomic_u32_add(&groups_with_rules, 1);
}

void cgroup_device_rules_went(void)
{
	atomic_u32_sub(&groups_with_rules, 1);
}

err_t cgroup_check_device(enum cgroup_device_kind kind, u64 number, u32 access)
{
	if (!atomic_u32_load(&groups_with_rules))
		return OK;
	const struct cgroup_device_ops *ops = cgroup_device_cell_get(&device_cell);
	struct cgroup *g object_auto(cgroup) = cgroup_current();

	return !ops || ops->allows(g, kind, number, access) ? OK : -EPERM;
}
