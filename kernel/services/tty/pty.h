// SPDX-License-Identifier: MPL-2.0
// Pseudo-terminals: a tty whose device is another open file, the master. What the master writes is typed
// input; what programs print on the slave is read from the master (source: pty(7), ioctl_tty(2)).
// An owner (a devpts instance) numbers them and is told when the master closes.
#pragma once
#include <services/tty/tty.h>

struct pty_owner;
struct pty_owner_ops {
	// The master was closed: the number is free again. May sleep.
	void (*closed)(struct pty_owner *o, u32 number);
};
// Base type of who numbers ptys.
struct pty_owner {
	struct object object;
	const struct pty_owner_ops *ops;	// immutable
};
DECLARE_OBJECT(pty_owner)
#define PTY_RING 8192u
struct pty {
	struct tty base;
	struct pty_owner *owner;	// reference; immutable
	u32 number;			// immutable
	u32 uid, gid;			// kernel ids of who opened the master: the node's owner; immutable
	struct spinlock ring_lock;
	struct buf *ring GUARDED_BY(ring_lock);	// PTY_RING bytes: output of the slave
	u32 head GUARDED_BY(ring_lock);
	u32 tail GUARDED_BY(ring_lock);
	u32 is_locked GUARDED_BY(ring_lock);	// until TIOCSPTLCK 0 (unlockpt)
	u32 was_opened GUARDED_BY(ring_lock);	// the slave, at least once
	u32 slave_is_open GUARDED_BY(ring_lock);
	u32 master_is_closed GUARDED_BY(ring_lock);
	u32 is_packet GUARDED_BY(ring_lock);	// TIOCPKT: reads begin with a byte that tells what follows
	u32 packet_events GUARDED_BY(ring_lock);	// TTY_EVENT_* not yet read
	struct wait_queue master_read_event, master_write_event;
};
// Makes `f`, being opened, the master of a new pty.
err_t pty_open_master(struct pty_owner *owner, u32 number, struct file *f);
bool pty_is_master(const struct file *f);
struct pty *pty_of_master(struct file *f);	// borrowed from the open master
// The slave's node is being opened as f. -EIO while locked or after the master has closed.
err_t pty_open_slave(struct pty *p, struct file *f);
struct pty *pty_of_object(struct object *o);	// borrowed
struct object *pty_object(struct pty *p);	// borrowed: for a node's subject
