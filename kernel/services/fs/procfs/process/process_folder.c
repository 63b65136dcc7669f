// SPDX-License-Identifier: MPL-2.0
// /proc/PID and /proc/PID/task/TID as folders.
#include <core/text.h>
#include <services/fs/procfs/process/process_folder.h>

// Entries that both have: the tables one after another.
static const struct pseudo_entry *shared_entry(u32 index)
{
	const struct pseudo_entry *e = NULL;
	u32 base = 0;

	while (proc_status_entry(base))
		base++;
	if (index < base)
		return proc_status_entry(index);
	index -= base;
	for (base = 0; proc_memory_entry(base); base++)
		;
	if (index < base)
		return proc_memory_entry(index);
	index -= base;
	for (base = 0; proc_call_entry(base); base++)
		;
	if (index < base)
		return proc_call_entry(index);
	e = proc_world_entry(index - base);
	return e;
}

static const struct pseudo_entry task_entry = PROC_FOLDER("task", 0555, proc_task_kind);

static const struct pseudo_entry *thread_entry(u32 index)
{
	return index == 0 ? proc_children_entry() : shared_entry(index - 1);
}

static const struct pseudo_entry *process_entry(u32 index)
{
	return index == 0 ? &task_entry : shared_entry(index - 1);
}

// --- hidepid= ---
static err_t process_permission(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed)
{
	struct proc_instance *i = proc_instance_of(n);

	if (atomic_u32_load_relaxed(&i->hide) != PROC_HIDE_OFF) {
		struct thread *t object_auto(thread) = proc_thread(n);
		if (!proc_is_shown(i, t, PROC_HIDE_CONTENT))
			return atomic_u32_load(&i->hide) == PROC_HIDE_FOLDERS ? -ENOENT : -EPERM;
	}
	return inode_permission_generic(&n->base, mask, cred);
}

static err_t process_get_attributes(struct pseudo_inode *n, struct file_stat *out borrowed)
{
	struct proc_instance *i = proc_instance_of(n);

	if (atomic_u32_load_relaxed(&i->hide) == PROC_HIDE_OFF)
		return OK;
	struct thread *t object_auto(thread) = proc_thread(n);
	return proc_is_shown(i, t, PROC_HIDE_FOLDERS) ? OK : (err_t)-ENOENT;
}

// What is in the folder belongs to whom the folder belongs to now.
static bool entry_revalidate(struct pseudo_inode *dir, bytes_t name, struct inode *child)
{
	if (child)
		pseudo_set_owner(child, dir->base.uid, dir->base.gid);
	return true;
}

const struct pseudo_kind proc_process_kind = {
	.revalidate = entry_revalidate,
	.entry_at = process_entry,
	.permission = process_permission,
	.get_attributes = process_get_attributes,
};
const struct pseudo_kind proc_thread_kind = { .entry_at = thread_entry, .revalidate = entry_revalidate };

// --- task/ ----------------------------------------------------------------------------------------------
static err_t task_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	struct process *p object_auto(process) = proc_process(dir);
	u64 number = 0;

	if (!p || !bytes_parse_u64(name, 10, &number) || number == 0 || number >= PID_MAX || byte_at(name, 0) == '0')
		return -ENOENT;
	struct pid *pid object_auto(pid) = pid_find(proc_pids(dir), (u32)number);
	struct thread *t object_auto(thread) = pid ? pid_thread(pid) : NULL;
	if (!t || t->process != p)
		return -ENOENT;
	return proc_directory_create(dir, name, pid, 1, out);
}

static err_t task_read_directory(struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	struct process *p object_auto(process) = proc_process(dir);
	struct thread *t object_auto(thread) = NULL;
	u64 index = 0;

	if (!p)
		return -ENOENT;
	for (t = process_next_thread(p, NULL); t; index++) {
		u8 name[12] = { };
		struct text text = text_to(array_span(name));
		struct thread *next object_auto(thread) = NULL;

		text_printf(&text, "%u", pid_number_in(t->pid, proc_pids(dir)));
		if (index >= *position) {
			if (!sink->add(sink, text_bytes(&text), pseudo_number(dir, text_bytes(&text)), S_IFDIR >> 12,
				    index + 1))
				return OK;
			*position = index + 1;
		}
		next = process_next_thread(p, t);
		thread_put(take(t));
		t = take(next);
	}
	return OK;
}

const struct pseudo_kind proc_task_kind = {
	.lookup = task_lookup, .read_directory = task_read_directory, .revalidate = proc_directory_revalidate,
};
