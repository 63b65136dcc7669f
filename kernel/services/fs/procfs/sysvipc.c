// SPDX-License-Identifier: MPL-2.0
// /proc/sysvipc: a line for each object of the reader's IPC namespace. source: proc(5), sysvipc(7)
#include <services/fs/procfs/procfs_internal.h>
#include <services/ipc/message/message_queue.h>
#include <services/ipc/semaphore/semaphore.h>
#include <services/ipc/shared_memory/shared_memory.h>

static void put_ids(struct ipc_object *o, const struct ipc_owner *owner borrowed, struct text *out borrowed)
{
	struct user_namespace *ns = proc_user_namespace();

	text_printf(out, " %5u %5u %5u %5u", user_namespace_uid_show(ns, owner->uid),
		user_namespace_gid_show(ns, owner->gid), user_namespace_uid_show(ns, o->creator_uid),
		user_namespace_gid_show(ns, o->creator_gid));
}

static void put_head(struct ipc_object *o, const struct ipc_owner *owner borrowed, struct text *out borrowed)
{
	text_printf(out, "%10d %10d  %4o", owner->key, o->id, owner->mode);
}

static void put_segment(struct ipc_tables *t, u32 slot, struct text *out borrowed)
{
	struct shared_memory *s object_auto(shared_memory) = shared_memory_find(t, (s32)slot, IPC_BY_SLOT);

	if (!s)
		return;
	struct ipc_object *o = shared_memory_base(s);
	const struct ipc_owner owner = ipc_owner_of(o);
	const struct shared_memory_status state = shared_memory_status(s);

	put_head(o, &owner, out);
	text_printf(out, " %21lu %5u %5u  %5lu", state.size, state.creator_pid, state.last_pid, state.attached);
	put_ids(o, &owner, out);
	text_printf(out, " %10lu %10lu %10lu %21lu %21lu\n", state.attach_time_s, state.detach_time_s,
		owner.change_time_s, state.resident_pages * PAGE_SIZE, 0ul);
}

static void put_set(struct ipc_tables *t, u32 slot, struct text *out borrowed)
{
	struct semaphore_set *s object_auto(semaphore_set) = semaphore_find(t, (s32)slot, IPC_BY_SLOT);

	if (!s)
		return;
	struct ipc_object *o = semaphore_base(s);
	const struct ipc_owner owner = ipc_owner_of(o);

	put_head(o, &owner, out);
	text_printf(out, " %10u", semaphore_count(s));
	put_ids(o, &owner, out);
	text_printf(out, " %10lu %10lu\n", semaphore_operation_time_s(s), owner.change_time_s);
}

static void put_queue(struct ipc_tables *t, u32 slot, struct text *out borrowed)
{
	struct message_queue *q object_auto(message_queue) = message_queue_find(t, (s32)slot, IPC_BY_SLOT);

	if (!q)
		return;
	struct ipc_object *o = message_queue_base(q);
	const struct ipc_owner owner = ipc_owner_of(o);
	const struct message_queue_status state = message_queue_status(q);

	put_head(o, &owner, out);
	text_printf(out, "  %10lu %10lu %5u %5u", state.bytes, state.count, state.sender_pid, state.receiver_pid);
	put_ids(o, &owner, out);
	text_printf(out, " %10lu %10lu %10lu\n", state.send_time_s, state.receive_time_s, owner.change_time_s);
}

static err_t show_all(enum ipc_kind kind, void (*put)(struct ipc_tables *t, u32 slot, struct text *out borrowed),
	struct text *out borrowed)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();

	if (!t)
		return -ENOMEM;
	const u32 last = ipc_table_last(array_ptr(t->table, kind));

	for (u32 slot = 0; slot <= last; slot++)
		put(t, slot, out);
	return OK;
}

static err_t shm_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR("       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
		"      atime      dtime      ctime                   rss                  swap\n"));
	return show_all(IPC_SHARED_MEMORY, put_segment, out);
}

static err_t sem_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"));
	return show_all(IPC_SEMAPHORES, put_set, out);
}

static err_t msg_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR("       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
		"      stime      rtime      ctime\n"));
	return show_all(IPC_MESSAGES, put_queue, out);
}

PROC_TEXT(shm, shm_show);
PROC_TEXT(sem, sem_show);
PROC_TEXT(msg, msg_show);
static const struct pseudo_entry entries[] = {
	PROC_FILE("msg", 0444, msg_kind), PROC_FILE("sem", 0444, sem_kind), PROC_FILE("shm", 0444, shm_kind),
};

static const struct pseudo_entry *sysvipc_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
const struct pseudo_kind proc_sysvipc_kind = { .entry_at = sysvipc_entry };
