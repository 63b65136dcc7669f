// SPDX-License-Identifier: MPL-2.0
// /proc/pressure: the machine's pressure, and triggers on it.
#include <services/cred/cred.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/poll/poll.h>
#include <services/sched/group.h>

static enum pressure_resource resource_of(const struct pseudo_inode *n)
{
	return (enum pressure_resource)n->value[0];
}

static err_t pressure_file_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	pressure_show(sched_group_root(), resource_of(n), out);
	return OK;
}

static bytes_t without_newline(bytes_t text)
{
	return bytes_first(text, min(bytes_find(text, '\n'), bytes_len(text)));
}

static ssize_r pressure_file_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	struct object *t object_ref_auto = NULL;

	if (pseudo_attached(f))
		return (ssize_r)-EBUSY;
	err_t e = pressure_trigger_create(sched_group_root(), NULL, resource_of(n), without_newline(data),
		cred_capable(f->cred, CAP_SYS_RESOURCE) ? 0 : PRESSURE_TRIGGER_UNPRIVILEGED, &t);

	if (!e)
		e = pseudo_attach(f, take(t));
	return e ? (ssize_r)e : (ssize_r)bytes_len(data);
}

static u32 pressure_file_poll(struct pseudo_inode *n, struct file *f, struct poll_request *r)
{
	struct object *o = pseudo_attached(f);
	struct pressure_trigger *t = o ? pressure_trigger_of(o) : NULL;
	u32 ready = POLL_IN | POLL_OUT | POLL_READ_NORMAL | POLL_WRITE_NORMAL;

	if (!t)
		return ready | POLL_ERROR | POLL_PRIORITY;
	poll_add(r, pressure_trigger_event(t));
	return pressure_trigger_take(t) ? ready | POLL_PRIORITY : ready;
}

static const struct pseudo_kind pressure_kind = {
	.show = pressure_file_show,
	.store = pressure_file_store,
	.poll = pressure_file_poll,
};
static const struct pseudo_entry entries[] = {
	{ .name = "io", .mode = S_IFREG | 0666, .kind = &pressure_kind, .value = PRESSURE_IO },
	{ .name = "memory", .mode = S_IFREG | 0666, .kind = &pressure_kind, .value = PRESSURE_MEMORY },
	{ .name = "cpu", .mode = S_IFREG | 0666, .kind = &pressure_kind, .value = PRESSURE_CPU },
};

static const struct pseudo_entry *pressure_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
const struct pseudo_kind proc_pressure_kind = { .entry_at = pressure_entry };
