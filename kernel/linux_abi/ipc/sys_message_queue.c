// SPDX-License-Identifier: MPL-2.0
// source: msgget(2), msgop(2), msgctl(2); layouts of asm-generic/msgbuf.h and linux/msg.h
#include <generated/syscall_prototypes.h>
#include <linux_abi/ipc/ipc_perm.h>
#include <services/ipc/message/message_queue.h>
#include <services/process/thread.h>

enum {
	MSG_STAT = 11,
	MSG_INFO = 12,
	MSG_STAT_ANY = 13
};
struct msqid_ds {
	struct ipc_perm perm;
	u64 stime, rtime, ctime, cbytes, qnum, qbytes;
	u32 lspid, lrpid;
	u64 unused[2];
};
struct msginfo {
	s32 msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	u16 msgseg, pad;
};
#define TYPE_SIZE 8u	// a message in user memory: its type, then the text
#define SEGMENT_SIZE 16
#define SEGMENTS 0xffffu

s64 sys_msgget(s32 key, s32 msgflg)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();
	s32 id = 0;
	err_t e = t ? message_queue_open(t, key, (u32)msgflg, &id) : -ENOMEM;

	return e ? (s64)e : (s64)id;
}

s64 sys_msgsnd(s32 msqid, user_addr_t msgp, u64 msgsz, s32 msgflg)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();
	u64 type = 0;

	if (!t)
		return -ENOMEM;
	err_t e = user_read_u64(msgp, &type);

	if (e)
		return e;
	if (msqid < 0 || msgsz > ipc_setting(t, IPC_MSGMAX) || (s64)type < 1)
		return -EINVAL;
	struct buf *text buf_auto = msgsz ? buf_alloc(msgsz) : NULL;

	if (msgsz && !text)
		return -ENOMEM;
	e = text ? user_copy_in(buf_span(text), user_offset(msgp, TYPE_SIZE)) : OK;
	if (e)
		return e;
	struct message_queue *q object_auto(message_queue) = message_queue_find(t, msqid, IPC_BY_ID);

	return q ? message_queue_send(t, q, (s64)type, take(text), (u32)msgflg) : -EINVAL;
}

s64 sys_msgrcv(s32 msqid, user_addr_t msgp, u64 msgsz, s64 msgtyp, s32 msgflg)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();
	struct message *m object_auto(message) = NULL;
	const u32 flags = (u32)msgflg;

	if (!t)
		return -ENOMEM;
	if (msqid < 0 || (s64)msgsz < 0)
		return -EINVAL;
	if ((flags & MESSAGE_COPY) && ((flags & MESSAGE_EXCEPT) || !(flags & MESSAGE_NO_WAIT)))
		return -EINVAL;
	struct message_queue *q object_auto(message_queue) = message_queue_find(t, msqid, IPC_BY_ID);

	if (!q)
		return -EINVAL;
	err_t e = message_queue_receive(t, q, msgsz, msgtyp, flags, &m);

	if (e)
		return e;
	const bytes_t text = bytes_first(message_text(m), min(bytes_len(message_text(m)), (usize)msgsz));

	e = user_write_u64(msgp, (u64)m->type);
	if (!e)
		e = user_copy_out(user_offset(msgp, TYPE_SIZE), text);
	return e ? (s64)e : (s64)bytes_len(text);
}

// --- msgctl -----------------------------------------------------------------------------------------

static s64 info_show(struct ipc_tables *t, s32 cmd, user_addr_t to)
{
	struct ipc_table *table = array_ptr(t->table, IPC_MESSAGES);
	const u64 queues = ipc_setting(t, IPC_MSGMNI), room = ipc_setting(t, IPC_MSGMNB);
	struct msginfo out = { .msgmax = (s32)ipc_setting(t, IPC_MSGMAX), .msgmnb = (s32)room, .msgmni = (s32)queues,
		.msgssz = SEGMENT_SIZE, .msgseg = (u16)SEGMENTS };

	if (cmd == MSG_INFO) {
		out.msgpool = (s32)ipc_table_count(table);
		out.msgmap = (s32)min(atomic_u64_load(&t->messages), (u64)S32_MAX);
		out.msgtql = (s32)min(atomic_u64_load(&t->message_bytes), (u64)S32_MAX);
	} else {
		out.msgpool = IPC_MSGMNI_DEFAULT * (IPC_MSGMNB_DEFAULT / 1024);
		out.msgmap = IPC_MSGMNB_DEFAULT;
		out.msgtql = IPC_MSGMNB_DEFAULT;
	}
	err_t e = user_copy_out_object(to, &out);

	return e ? (s64)e : (s64)ipc_table_last(table);
}

static s64 queue_show(struct message_queue *q, s32 cmd, user_addr_t to)
{
	struct ipc_object *o = message_queue_base(q);
	const struct message_queue_status s = message_queue_status(q);
	struct msqid_ds out = { .stime = s.send_time_s, .rtime = s.receive_time_s,
		.ctime = ipc_owner_of(o).change_time_s, .cbytes = s.bytes, .qnum = s.count, .qbytes = s.room,
		.lspid = s.sender_pid, .lrpid = s.receiver_pid };
	err_t e = ipc_perm_show(o, cmd == MSG_STAT_ANY ? 0 : 0444, &out.perm);

	if (!e)
		e = user_copy_out_object(to, &out);
	return ipc_shown(o, cmd, e);
}

static s64 queue_set(struct ipc_tables *t, struct message_queue *q, user_addr_t from)
{
	struct msqid_ds in;
	err_t e = user_copy_in_object(&in, from);

	if (!e)
		e = ipc_may_change(message_queue_base(q), thread_cred());
	if (!e)
		e = message_queue_set_room(t, q, in.qbytes);
	return e ? e : ipc_perm_set(message_queue_base(q), &in.perm);
}

static s64 queue_remove(struct ipc_tables *t, struct message_queue *q)
{
	err_t e = ipc_may_change(message_queue_base(q), thread_cred());

	if (!e)
		message_queue_remove(t, q);
	return e;
}

s64 sys_msgctl(s32 msqid, s32 cmd, user_addr_t buf)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();

	if (!t)
		return -ENOMEM;
	if (msqid < 0 || cmd < 0)
		return -EINVAL;
	if (cmd == IPC_INFO || cmd == MSG_INFO)
		return info_show(t, cmd, buf);
	struct message_queue *q object_auto(message_queue) =
		message_queue_find(t, msqid, cmd == MSG_STAT || cmd == MSG_STAT_ANY ? IPC_BY_SLOT : IPC_BY_ID);

	if (!q)
		return -EINVAL;
	switch (cmd) {
	case IPC_RMID:
		return queue_remove(t, q);
	case IPC_SET:
		return queue_set(t, q, buf);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return queue_show(q, cmd, buf);
	default:
		return -EINVAL;
	}
}
