// SPDX-License-Identifier: MPL-2.0
// POSIX message queues: files of the file system "mqueue", of which each IPC namespace has one. source: mq_overview(7)
#pragma once
#include <services/net/netlink/netlink.h>
#include <services/vfs/file.h>

#define MQUEUE_PRIORITIES 32768u
#define MQUEUE_MESSAGES_HARD 65536u		// not even with privilege more
#define MQUEUE_MESSAGE_SIZE_HARD (16u << 20)

// Settings of an IPC namespace: /proc/sys/fs/mqueue.
enum mqueue_setting {
	MQUEUE_QUEUES_MAX, MQUEUE_MESSAGES_MAX, MQUEUE_MESSAGE_SIZE_MAX, MQUEUE_MESSAGES_DEFAULT,
	MQUEUE_MESSAGE_SIZE_DEFAULT, MQUEUE_SETTING_COUNT
};
u64 mqueue_setting_get(u32 which);	// of the caller's namespace; 0 without memory
err_t mqueue_setting_set(u32 which, u64 value);

struct mqueue_attributes {
	s64 messages, message_size;
};
// Registers the file system type.
void mqueue_init(void);
// mq_open(2). flags: OPEN_*; attributes of a new queue, or NULL: the namespace's defaults. -EINVAL, -ENOSPC, -EMFILE
// and the errors of open(2). => may sleep
err_t mqueue_open(bytes_t name, u32 flags, u32 mode, const struct mqueue_attributes *a borrowed,
	struct file **out borrowed);
err_t mqueue_unlink(bytes_t name);
bool file_is_mqueue(struct file *f);
// The deadline is by the real-time clock, or DEADLINE_NEVER. The right to write or read was checked.
// -EMSGSIZE, -EAGAIN, -ETIMEDOUT, -ERESTARTSYS, -ENOMEM. => may sleep
err_t mqueue_send(struct file *f, struct buf *text consumes, usize length, u32 priority, u64 deadline_ns);
struct mqueue_message;
DECLARE_OBJECT(mqueue_message)
bytes_t mqueue_message_text(const struct mqueue_message *m borrowed);
u32 mqueue_message_priority(const struct mqueue_message *m borrowed);
err_t mqueue_receive(struct file *f, usize room, u64 deadline_ns, struct mqueue_message **out borrowed);
struct mqueue_state {
	u64 messages, message_size, count;
};
struct mqueue_state mqueue_state(struct file *f);
// mq_notify(2): what happens, once, when a message comes to the empty queue.
enum mqueue_notice_kind { MQUEUE_NOTICE_SIGNAL, MQUEUE_NOTICE_NONE, MQUEUE_NOTICE_THREAD };	// SIGEV_*
#define MQUEUE_COOKIE_BYTES 32u
struct mqueue_notice {
	enum mqueue_notice_kind kind;
	u32 signal;		// 0: none
	u64 value;
	// Of MQUEUE_NOTICE_THREAD, a reference: it is sent the cookie, whose last byte says why.
	struct netlink_socket *socket;
	u8 cookie[MQUEUE_COOKIE_BYTES];
};
void mqueue_notice_end(struct mqueue_notice *n borrowed);
#define mqueue_notice_auto auto_release(mqueue_notice_end)
// Takes the socket's reference out of `n` when it succeeds. -EBUSY
err_t mqueue_notify(struct file *f, struct mqueue_notice *n borrowed);
void mqueue_notify_end(struct file *f);	// if the current process asked for it
