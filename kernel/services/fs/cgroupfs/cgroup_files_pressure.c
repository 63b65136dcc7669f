// SPDX-License-Identifier: MPL-2.0
// cpu.pressure, memory.pressure, io.pressure: reading, triggers; cgroup.pressure.
#include <services/fs/cgroupfs/cgroup_files.h>
#include <services/poll/poll.h>
#include <services/sched/pressure.h>

void cgroup_pressure_show_cpu(struct cgroup *g, struct text *out borrowed)
{
	pressure_show(cgroup_sched_group(g), PRESSURE_CPU, out);
}

void cgroup_pressure_show_memory(struct cgroup *g, struct text *out borrowed)
{
	pressure_show(cgroup_sched_group(g), PRESSURE_MEMORY, out);
}

void cgroup_pressure_show_io(struct cgroup *g, struct text *out borrowed)
{
	pressure_show(cgroup_sched_group(g), PRESSURE_IO, out);
}

void cgroup_pressure_show_switch(struct cgroup *g, struct text *out borrowed)
{
	text_printf(out, "%u\n", !atomic_u32_load(&cgroup_sched_group(g)->pressure.is_off));
}

err_t cgroup_pressure_store_switch(struct cgroup *g, bytes_t text)
{
	u64 value = 0;

	if (!bytes_parse_u64(text, 0, &value))
		return -EINVAL;
	if (value > 1)
		return -ERANGE;
	pressure_switch(cgroup_sched_group(g), !value);
	return OK;
}

err_t cgroup_pressure_add_trigger(struct cgroup *g, struct file *f, bytes_t text, u32 resource)
{
	struct object *t object_ref_auto = NULL;

	if (pseudo_attached(f))
		return -EBUSY;
	err_t e = pressure_trigger_create(
		cgroup_sched_group(g), &g->object, (enum pressure_resource)resource, text,
		cred_capable(f->cred, CAP_SYS_RESOURCE) ? 0 : PRESSURE_TRIGGER_UNPRIVILEGED, &t);

	return e ? e : pseudo_attach(f, take(t));
}

static u32 cgroup_pressure_poll(struct pseudo_inode *n, struct file *f, struct poll_request *r)
{
	struct object *o = pseudo_attached(f);
	struct pressure_trigger *t = o ? pressure_trigger_of(o) : NULL;
	u32 ready = POLL_IN | POLL_OUT | POLL_READ_NORMAL | POLL_WRITE_NORMAL;

	if (!t)
		return ready | POLL_ERROR | POLL_PRIORITY;
	poll_add(r, pressure_trigger_event(t));
	return pressure_trigger_take(t) ? ready | POLL_PRIORITY : ready;
}

const struct pseudo_kind cgroupfs_pressure_kind = {
	.show = cgroup_file_show,
	.store = cgroup_file_store,
	.poll = cgroup_pressure_poll,
	.permission = cgroupfs_permission,
	.get_attributes = cgroupfs_get_attributes,
	.set_attributes = cgroupfs_set_attributes,
};
