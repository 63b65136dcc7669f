// SPDX-License-Identifier: MPL-2.0
// source: shmget(2), shmop(2), shmctl(2); layouts of asm-generic/shmbuf.h and ipcbuf.h
#include <generated/syscall_prototypes.h>
#include <linux_abi/ipc/ipc_perm.h>
#include <services/ipc/shared_memory/shared_memory.h>
#include <services/process/thread.h>
#include <services/vm/vm_space.h>

enum {
	SHM_LOCK = 11,
	SHM_UNLOCK = 12,
	SHM_STAT = 13,
	SHM_INFO = 14,
	SHM_STAT_ANY = 15,
	SHM_HUGETLB = 04000,
	SHM_RDONLY = 010000,
	SHM_RND = 020000,
	SHM_REMAP = 040000,
	SHM_EXEC = 0100000
};
struct shmid_ds {
	struct ipc_perm perm;
	u64 segsz, atime, dtime, ctime;
	u32 cpid, lpid;
	u64 nattch, unused[2];
};
struct shminfo {
	u64 shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};
struct shm_info {
	u32 used_ids, pad;
	u64 shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

s64 sys_shmget(s32 key, u64 size, s32 shmflg)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();
	s32 id = 0;

	if (!t)
		return -ENOMEM;
	// The pool of huge pages is empty.
	if (shmflg & SHM_HUGETLB)
		return -ENOMEM;
	err_t e = shared_memory_open(t, key, size, (u32)shmflg, &id);

	return e ? (s64)e : (s64)id;
}

s64 sys_shmat(s32 shmid, u64 shmaddr, s32 shmflg)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();
	u64 result = 0;
	const u32 access = (shmflg & SHM_RDONLY ? SHARED_MEMORY_READ_ONLY : 0u) |
		(shmflg & SHM_EXEC ? SHARED_MEMORY_EXECUTE : 0u) | (shmflg & SHM_REMAP ? SHARED_MEMORY_REMAP : 0u);

	if (!t)
		return -ENOMEM;
	if (shmflg & SHM_RND)
		shmaddr = page_round_down(shmaddr);
	if (page_offset(shmaddr) || (!shmaddr && shmflg & SHM_REMAP))
		return -EINVAL;
	err_t e = shared_memory_attach(t, shmid, shmaddr, access, &result);

	return e ? (s64)e : (s64)result;
}

s64 sys_shmdt(u64 shmaddr)
{
	return shared_memory_detach(shmaddr);
}

// --- shmctl ---------------------------------------------------------------------------------------

static s64 limits_show(struct ipc_tables *t, user_addr_t buf)
{
	const struct shminfo out = { .shmmax = ipc_setting(t, IPC_SHMMAX),
		.shmmin = 1,
		.shmmni = ipc_setting(t, IPC_SHMMNI),
		.shmseg = ipc_setting(t, IPC_SHMMNI),
		.shmall = ipc_setting(t, IPC_SHMALL) };
	err_t e = user_copy_out_object(buf, &out);

	return e ? (s64)e : (s64)ipc_table_last(array_ptr(t->table, IPC_SHARED_MEMORY));
}

static s64 use_show(struct ipc_tables *t, user_addr_t buf)
{
	const struct shm_info out = { .used_ids = ipc_table_count(array_ptr(t->table, IPC_SHARED_MEMORY)),
		.shm_tot = atomic_u64_load(&t->shared_pages), .shm_rss = shared_memory_resident(t) };
	err_t e = user_copy_out_object(buf, &out);

	return e ? (s64)e : (s64)ipc_table_last(array_ptr(t->table, IPC_SHARED_MEMORY));
}

static s64 segment_show(struct shared_memory *s, s32 cmd, user_addr_t buf)
{
	struct ipc_object *o = shared_memory_base(s);
	const struct shared_memory_status status = shared_memory_status(s);
	struct shmid_ds out = { .segsz = status.size,
		.atime = status.attach_time_s,
		.dtime = status.detach_time_s,
		.ctime = ipc_owner_of(o).change_time_s,
		.cpid = status.creator_pid,
		.lpid = status.last_pid,
		.nattch = status.attached };
	err_t e = ipc_perm_show(o, cmd == SHM_STAT_ANY ? 0 : 0444, &out.perm);

	if (!e)
		e = user_copy_out_object(buf, &out);
	return ipc_shown(o, cmd, e);
}

static s64 segment_set(struct shared_memory *s, user_addr_t buf)
{
	struct ipc_object *o = shared_memory_base(s);
	struct shmid_ds in;
	err_t e = user_copy_in_object(&in, buf);

	return e ? e : ipc_perm_set(o, &in.perm);
}

// Nothing is ever swapped out: the lock is a mark, given to those who may lock memory.
static s64 segment_lock(struct shared_memory *s, s32 cmd)
{
	if (!thread_capable_over_machine(CAP_IPC_LOCK)) {
		const u32 euid = thread_cred()->euid;
		struct ipc_object *o = shared_memory_base(s);

		if (euid != ipc_owner_of(o).uid && euid != o->creator_uid)
			return -EPERM;
		if (cmd == SHM_LOCK && !process_rlimit(process_current(), RLIMIT_MEMLOCK))
			return -EPERM;
	}
	shared_memory_set_locked(s, cmd == SHM_LOCK ? SHARED_MEMORY_LOCKED : 0);
	return 0;
}

static s64 segment_remove(struct ipc_tables *t, struct shared_memory *s)
{
	err_t e = ipc_may_change(shared_memory_base(s), thread_cred());

	if (!e)
		shared_memory_remove(t, s);
	return e;
}

s64 sys_shmctl(s32 shmid, s32 cmd, user_addr_t buf)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();

	if (!t)
		return -ENOMEM;
	if (cmd < 0 || shmid < 0)
		return -EINVAL;
	if (cmd == IPC_INFO)
		return limits_show(t, buf);
	if (cmd == SHM_INFO)
		return use_show(t, buf);
	struct shared_memory *s object_auto(shared_memory) =
		shared_memory_find(t, shmid, cmd == SHM_STAT || cmd == SHM_STAT_ANY ? IPC_BY_SLOT : IPC_BY_ID);

	if (!s)
		return -EINVAL;
	switch (cmd) {
	case IPC_RMID:
		return segment_remove(t, s);
	case IPC_SET:
		return segment_set(s, buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return segment_show(s, cmd, buf);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return segment_lock(s, cmd);
	default:
		return -EINVAL;
	}
}
