// SPDX-License-Identifier: MPL-2.0
// System V message queues. source: msgget(2), msgop(2), msgctl(2)
#pragma once
#include <core/buf.h>
#include <services/ipc/ipc_table.h>

#define MESSAGE_NO_WAIT 04000u
#define MESSAGE_NO_ERROR 010000u	// receive: what does not fit is cut off
#define MESSAGE_EXCEPT 020000u		// receive: any type but this
#define MESSAGE_COPY 040000u		// receive: the message at place `type`, which stays

struct message_queue;
DECLARE_OBJECT(message_queue)
struct message {
	struct object object;
	struct list_link link;		// the queue's lock
	s64 type;			// immutable
	struct buf *text;		// owned, or NULL: empty; immutable
};
DECLARE_OBJECT(message)
bytes_t message_text(const struct message *m borrowed);

err_t message_queue_open(struct ipc_tables *t, s32 key, u32 flags, s32 *id borrowed);
struct message_queue *message_queue_find(struct ipc_tables *t, s32 number, enum ipc_name name) owned;
struct ipc_object *message_queue_base(struct message_queue *q);	// borrowed
// Wakes all who wait with -EIDRM.
void message_queue_remove(struct ipc_tables *t, struct message_queue *q);
// -EINVAL (type, length), -EACCES, -EAGAIN, -EIDRM, -ERESTARTNOHAND, -ENOMEM. => may sleep
err_t message_queue_send(struct ipc_tables *t, struct message_queue *q, s64 type, struct buf *text consumes, u32 flags);
// A message of at most `room` bytes, unless MESSAGE_NO_ERROR: a reference. -E2BIG, -ENOMSG, -EACCES, -EIDRM,
// -ERESTARTNOHAND. => may sleep
err_t message_queue_receive(struct ipc_tables *t, struct message_queue *q, usize room, s64 type, u32 flags,
	struct message **out borrowed);
// Bytes that the queue takes. -EPERM above the namespace's limit without CAP_SYS_RESOURCE.
err_t message_queue_set_room(struct ipc_tables *t, struct message_queue *q, u64 bytes);
struct message_queue_status {
	u64 send_time_s, receive_time_s, bytes, count, room;
	u32 sender_pid, receiver_pid;	// in the caller's pid namespace
};
struct message_queue_status message_queue_status(struct message_queue *q);
