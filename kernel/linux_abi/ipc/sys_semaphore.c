// SPDX-License-Identifier: MPL-2.0
// source: semget(2), semop(2), semctl(2); layouts of asm/sembuf.h and linux/sem.h
#include <generated/syscall_prototypes.h>
#include <linux_abi/ipc/ipc_perm.h>
#include <linux_abi/time/clocks.h>
#include <services/ipc/semaphore/semaphore.h>
#include <services/process/thread.h>

enum {
	GETPID = 11,
	GETVAL = 12,
	GETALL = 13,
	GETNCNT = 14,
	GETZCNT = 15,
	SETVAL = 16,
	SETALL = 17,
	SEM_STAT = 18,
	SEM_INFO = 19,
	SEM_STAT_ANY = 20
};
struct semid_ds {
	struct ipc_perm perm;
	u64 otime, unused1, ctime, unused2, nsems, unused3[2];
};
struct seminfo {
	s32 semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};

s64 sys_semget(s32 key, s32 nsems, s32 semflg)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();
	s32 id = 0;
	err_t e = t ? semaphore_open(t, key, nsems, (u32)semflg, &id) : -ENOMEM;

	return e ? (s64)e : (s64)id;
}

static s64 operate(s32 semid, user_addr_t sops, u32 nsops, u64 deadline_ns)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();

	if (!t)
		return -ENOMEM;
	if (!nsops || semid < 0)
		return -EINVAL;
	if (nsops > ipc_setting(t, IPC_SEMOPM))
		return -E2BIG;
	struct buf *ops buf_auto = buf_alloc(nsops * SEMAPHORE_OPERATION_SIZE);

	if (!ops)
		return -ENOMEM;
	err_t e = user_copy_in(buf_span(ops), sops);

	if (e)
		return e;
	struct semaphore_set *s object_auto(semaphore_set) = semaphore_find(t, semid, IPC_BY_ID);

	return s ? semaphore_operate(s, buf_bytes(ops), deadline_ns) : -EINVAL;
}

s64 sys_semop(s32 semid, user_addr_t sops, u32 nsops)
{
	return operate(semid, sops, nsops, DEADLINE_NEVER);
}

s64 sys_semtimedop(s32 semid, user_addr_t sops, u32 nsops, user_addr_t timeout)
{
	u64 ns = 0;

	if (user_is_null(timeout))
		return operate(semid, sops, nsops, DEADLINE_NEVER);
	err_t e = time_spec_read(timeout, &ns);

	return e ? (s64)e : operate(semid, sops, nsops, clock_deadline_after(ns));
}

// --- semctl ---------------------------------------------------------------------------------------

static s64 info_show(struct ipc_tables *t, s32 cmd, user_addr_t to)
{
	struct ipc_table *table = array_ptr(t->table, IPC_SEMAPHORES);
	const s32 all = (s32)ipc_setting(t, IPC_SEMMNS), operations = (s32)ipc_setting(t, IPC_SEMOPM);
	struct seminfo out = { .semmap = 1024000000,
		.semmni = (s32)ipc_setting(t, IPC_SEMMNI),
		.semmns = all,
		.semmnu = 1024000000,
		.semmsl = (s32)ipc_setting(t, IPC_SEMMSL),
		.semopm = operations,
		.semume = 500,
		.semusz = 20,
		.semvmx = SEMAPHORE_VALUE_MAX,
		.semaem = SEMAPHORE_VALUE_MAX };

	if (cmd == SEM_INFO) {
		out.semusz = (s32)ipc_table_count(table);
		out.semaem = (s32)atomic_u64_load(&t->semaphores);
	}
	err_t e = user_copy_out_object(to, &out);

	return e ? (s64)e : (s64)ipc_table_last(table);
}

static s64 set_show(struct semaphore_set *s, s32 cmd, user_addr_t to)
{
	struct ipc_object *o = semaphore_base(s);
	struct semid_ds out = { .otime = semaphore_operation_time_s(s), .ctime = ipc_owner_of(o).change_time_s,
		.nsems = semaphore_count(s) };
	err_t e = ipc_perm_show(o, cmd == SEM_STAT_ANY ? 0 : 0444, &out.perm);

	if (!e)
		e = user_copy_out_object(to, &out);
	return ipc_shown(o, cmd, e);
}

static s64 set_change(struct ipc_tables *t, struct semaphore_set *s, s32 cmd, user_addr_t from)
{
	struct ipc_object *o = semaphore_base(s);
	struct semid_ds in;

	if (cmd == IPC_SET) {
		err_t bad = user_copy_in_object(&in, from);

		return bad ? bad : ipc_perm_set(o, &in.perm);
	}
	err_t e = ipc_may_change(o, thread_cred());

	if (!e)
		semaphore_remove(t, s);
	return e;
}

static s64 one_show(struct semaphore_set *s, u32 number, s32 cmd)
{
	struct semaphore_state state;
	err_t e = semaphore_state(s, number, &state);

	if (e)
		return e;
	return cmd == GETVAL	 ? state.value
		: cmd == GETPID	 ? state.last_pid
		: cmd == GETNCNT ? state.waiting_more
				 : state.waiting_zero;
}

static s64 all_show(struct semaphore_set *s, user_addr_t to)
{
	struct buf *values buf_auto = buf_alloc(semaphore_count(s) * 2ul);

	if (!values)
		return -ENOMEM;
	for (u32 i = 0; i < semaphore_count(s); i++) {
		struct semaphore_state state;
		err_t e = semaphore_state(s, i, &state);

		if (e)
			return e;
		span_put_u16le(buf_span(values), i * 2ul, (u16)state.value);
	}
	return user_copy_out(to, buf_bytes(values));
}

static s64 all_set(struct semaphore_set *s, user_addr_t from)
{
	struct buf *values buf_auto = buf_alloc(semaphore_count(s) * 2ul);

	if (!values)
		return -ENOMEM;
	err_t e = user_copy_in(buf_span(values), from);

	return e ? e : semaphore_set_values(s, 0, buf_bytes(values));
}

static s64 value_set(struct semaphore_set *s, u32 number, s32 value)
{
	u8 raw[2];

	if (value < 0 || value > SEMAPHORE_VALUE_MAX)
		return -ERANGE;
	span_put_u16le(array_span(raw), 0, (u16)value);
	return semaphore_set_values(s, number, array_bytes(raw));
}

static s64 values_control(struct semaphore_set *s, s32 semnum, s32 cmd, u64 arg)
{
	err_t e = ipc_permission(semaphore_base(s), cmd == SETVAL || cmd == SETALL ? 0222 : 0444, thread_cred());

	if (e)
		return e;
	if (cmd == GETALL)
		return all_show(s, user_addr(arg));
	if (cmd == SETALL)
		return all_set(s, user_addr(arg));
	if (semnum < 0 || (u32)semnum >= semaphore_count(s))
		return -EINVAL;
	return cmd == SETVAL ? value_set(s, (u32)semnum, (s32)arg) : one_show(s, (u32)semnum, cmd);
}

s64 sys_semctl(s32 semid, s32 semnum, s32 cmd, u64 arg)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();

	if (!t)
		return -ENOMEM;
	if (semid < 0)
		return -EINVAL;
	if (cmd == IPC_INFO || cmd == SEM_INFO)
		return info_show(t, cmd, user_addr(arg));
	struct semaphore_set *s object_auto(semaphore_set) =
		semaphore_find(t, semid, cmd == SEM_STAT || cmd == SEM_STAT_ANY ? IPC_BY_SLOT : IPC_BY_ID);

	if (!s)
		return -EINVAL;
	switch (cmd) {
	case IPC_RMID:
	case IPC_SET:
		return set_change(t, s, cmd, user_addr(arg));
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return set_show(s, cmd, user_addr(arg));
	case GETVAL: case GETPID: case GETNCNT: case GETZCNT: case GETALL: case SETVAL: case SETALL:
		return values_control(s, semnum, cmd, arg);
	default:
		return -EINVAL;
	}
}
